"""Reads a plan out of the history: the effects that a planned run, and the runs that are its steps, have listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from backhaul.json_values import Json, dump
from backhaul.store.records import StepRecord, StepStatus
from backhaul.workflows.unknown import marked

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["changed_by", "effect_view", "every_step", "in_words", "planned_steps"]

_AT_ONCE = 1_000
_LONGEST = 60


async def every_step(store: Store, run_id: str, prefix: str = "") -> AsyncIterator[tuple[str, StepRecord]]:
    """Yield the steps of a planned run, each with its name in the plan, in the order in which they were met.

    The steps of a run that is itself a step come where that one stands: ``sub > add``.
    """
    seq = 0
    while found := await store.steps(run_id, after_seq=seq, limit=_AT_ONCE):
        for record in found:
            if record.verb == "run" and isinstance(record.params, dict) and "run_id" in record.params:
                async for one in every_step(store, record.params["run_id"], f"{prefix}{record.key} > "):
                    yield one
            else:
                yield prefix + record.key, record
        seq = found[-1].seq


async def planned_steps(store: Store, run_id: str) -> AsyncIterator[tuple[str, StepRecord]]:
    """Yield what a plan lists, as `every_step` does."""
    async for name, record in every_step(store, run_id):
        if record.status is StepStatus.PLANNED:
            yield name, record


async def changed_by(store: Store, run_id: str) -> set[str] | None:
    """Return the connections that a planned run would change; None when it would do nothing at all."""
    changed: set[str] = set()
    anything = False
    async for _, record in planned_steps(store, run_id):
        anything = True
        if record.verb == "call" and record.action:
            changed.add(record.action.partition(".")[0])
        changed.update((record.progress or {}).get("changed", ()))
    return changed if anything else None


def in_words(action: str, params: Json) -> str:
    """Return an effect in words, for connectors that say nothing of it: ``provider.add_device serial=SN1``."""
    given = params if isinstance(params, dict) else {}
    parts = [f"{name}={_short(value)}" for name, value in given.items() if value is not None]
    return " ".join([action, *parts])


def _short(value: Json) -> str:
    if marked(value) is not None:
        return "(known after apply)"
    text = value if isinstance(value, str) else dump(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def effect_view(name: str, record: StepRecord) -> Json:
    """Return an effect as plan files hold it, or None when the step is listed for another reason."""
    notes = record.progress or {}
    if "undetermined" in notes or record.action is None or record.effect is None:
        return None
    view: dict[str, Json] = {
        "step": name,
        "action": record.action,
        "effect": record.effect,
        "params": record.params,
        "describe": notes.get("describe") or in_words(record.action, record.params),
    }
    view.update({key: notes[key] for key in ("before", "after", "note", "only_if") if notes.get(key) is not None})
    return view
