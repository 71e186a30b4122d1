"""What ends the runs of a workflow before their time: events that make them pointless."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backhaul.errors import InputError
from backhaul.triggers.event import type_fault
from backhaul.workflows.expressions import Expression, compile_expression

__all__ = ["CANCEL_NAMES", "CancelRule", "cancel_on"]

CANCEL_NAMES = frozenset({"event", "trigger", "inputs"})
"""Names that the condition of a rule knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRule:
    """A run is cancelled by the first event of a type, from the run's making on, for which `where` is true.

    Attributes:
        where: sees that event as ``event``, the one that started the run as ``trigger`` (null when none did) and
            ``inputs``; None is true for every event of the type.
    """

    type: str
    where: Expression | None = None


def cancel_on(type: str, *, where: str | None = None) -> CancelRule:  # noqa: A002  # the event's word
    """Return a rule by which an event cancels the runs of a workflow.

    Args:
        type: the event's type, such as ``phone.call_end``.
        where: condition, with or without ``${{ }}``: ``event.data.call_id == trigger.data.call_id``. ``event`` is the
            event that comes, ``trigger`` the one that started the run.

    Raises:
        InputError: the type cannot be one, or the condition reads what it does not know.
        ExpressionError: the condition cannot be compiled.
    """
    if fault := type_fault(type):
        raise InputError("cancel_on", [fault])
    if where is None:
        return CancelRule(type=type)
    bare = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", where, re.DOTALL)
    expression = compile_expression((bare.group(1) if bare else where).strip())
    unknown = sorted({str(path[0]) for path in expression.references} - CANCEL_NAMES)
    if unknown:
        known = ", ".join(sorted(CANCEL_NAMES))
        raise InputError("cancel_on", [f"where reads {', '.join(unknown)}, and it knows {known}"])
    return CancelRule(type=type, where=expression)
