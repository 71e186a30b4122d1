"""Whether what a plan was based on still holds: the plan beside one that was made just now."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.runs.datasets import ScratchIndex
from backhaul.runs.planning.approved import ApprovedPlan, effects_in
from backhaul.runs.planning.effects import effect_view, planned_steps

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["MOST_SHOWN", "compare", "in_words"]

MOST_SHOWN = 1_000
"""Differences that are kept, of each kind together."""
_SAID = {
    "added": ("has come", "have come"),
    "gone": ("is gone", "are gone"),
    "changed": ("has changed", "have changed"),
}


async def compare(store: Store, run_id: str, check_run_id: str) -> tuple[Counter[str], list[Json]]:
    """Compare the plan of a run with one that was made just now.

    Returns:
        The number of effects that were ``added``, ``gone`` or ``changed``, and the first of them one by one: ``kind``,
        ``step``, ``action``, ``planned`` and ``now`` (null for what there is not).
    """
    counts: Counter[str] = Counter()
    items: list[Json] = []
    async for kind, planned, now in _differences(store, run_id, check_run_id):
        counts[kind] += 1
        if len(items) < MOST_SHOWN:
            either = now or planned
            items.append(
                {
                    "kind": kind,
                    "step": either["step"],
                    "action": either["action"],
                    "planned": _told(planned),
                    "now": _told(now),
                }
            )
    return counts, items


def in_words(counts: Counter[str]) -> str:
    """Return what has changed since the plan: ``1 effect has changed, 2 effects are gone``."""
    parts = ", ".join(
        f"{counts[kind]:,} {f'effect {one}' if counts[kind] == 1 else f'effects {several}'}"
        for kind, (one, several) in _SAID.items()
        if counts[kind]
    )
    return f"the plan does not hold any more, and nothing was done: since it was made {parts}. Make a new plan"


async def _differences(store: Store, run_id: str, check_run_id: str) -> AsyncIterator[tuple[str, Json, Json]]:
    plan = await ApprovedPlan.load(store, run_id)
    seen = ScratchIndex()
    async for name, record in planned_steps(store, check_run_id):
        now = effect_view(name, record)
        if now is None:
            continue
        seen.add_new(name)
        planned = plan.find(name)
        if planned is None:
            yield "added", None, now
        elif _is_other(planned, now):
            yield "changed", planned, now
    async for page in effects_in(store, run_id):
        for planned in page:
            if seen.get(planned["step"]) is None:
                yield "gone", planned, None


def _is_other(planned: Json, now: Json) -> bool:
    """Return whether two effects of the same step differ; not every one is described."""
    if any(planned.get(name) != now.get(name) for name in ("action", "params", "only_if")):
        return True
    return any(name in planned and name in now and planned[name] != now[name] for name in ("before", "after"))


def _told(effect: Json) -> Json:
    names = ("params", "before", "after", "only_if")
    return None if effect is None else {name: effect[name] for name in names if name in effect}
