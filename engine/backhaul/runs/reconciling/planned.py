"""What a plan knows of the output of a reconcile: what depends on how the changes go, or on a person, it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.workflows.unknown import Unknown

if TYPE_CHECKING:
    from backhaul.workflows.reconcile import Reconcile

__all__ = ["planned_output", "seen_in_plan"]

_CHANGES = ("created", "updated", "deleted")


def planned_output(output: Json, verb: Reconcile, unknown: Unknown) -> Json:
    """Return the output of a reconcile in a plan, with `unknown` for the counts that are known after apply.

    A plan is of the run in which every effect succeeds. But keys may fail and the step go on (``on_item_error``), a
    record may be another one when it is looked at again before its delete (``recheck``), and a person may say no.
    """
    names: set[str] = set()
    if verb.on_item_error == "continue" and any(output[name] for name in _CHANGES):
        names |= {name for name in _CHANGES if output[name]} | {"failed"}
    if verb.guard.recheck is not None and output["deleted"]:
        names |= {"deleted", "changed"}
    guard: Json = output["guard"]
    if guard["tripped"]:
        guard = {**guard, "by": unknown, "note": unknown, "held_because": unknown}
        if output["complete"]:  # else the answer changes nothing
            guard["approved"] = unknown
            names |= {"deleted", "held"}
    return {**output, "guard": guard, **dict.fromkeys(names, unknown)}


def seen_in_plan(output: Json, unknown: Unknown) -> Json:
    """Return what the steps after it see of such an output: where counts are not known, records and reasons are not."""
    if not any(isinstance(value, Unknown) for value in output.values()):
        return output
    explained = {**output["explained"], "reasons": unknown, "problems": unknown}
    return {**output, "explained": explained, "items": unknown}
