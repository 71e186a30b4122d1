"""Steps of runs as JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.json_values import Json
from backhaul.store.records import AttemptRecord, RunRecord, StepRecord, StepStatus
from backhaul.views.drift import drift_shown, has_drift
from backhaul.views.moments import iso
from backhaul.views.recordsets import step_of

if TYPE_CHECKING:
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["AttemptView", "StepPage", "StepView", "step_page", "step_view", "steps_shown"]

_MOST = 1_000


class AttemptView(TypedDict):
    """One try of one step."""

    number: int
    status: str
    error: dict[str, Json] | None
    started_at: str | None
    finished_at: str | None
    next_attempt_at: str | None


class StepView(TypedDict):
    """One step; `attempts` is empty where they were not asked for."""

    key: str
    verb: str
    action: str | None
    effect: str | None
    status: str
    attempt: int
    handled: bool
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    next_attempt_at: str | None
    params: Json
    output: Json
    error: dict[str, Json] | None
    attempts: list[AttemptView]


class StepPage(StepView):
    """Everything about one step, with the first records of its dataset."""

    run_id: str
    records: list[Json]


def step_view(step: StepRecord, attempts: list[AttemptRecord] | None, screen: Screen) -> StepView:
    """Return the JSON form of a step."""
    took = None if step.finished_at is None else (step.finished_at - step.started_at) / timedelta(seconds=1)
    return {
        "key": step.key,
        "verb": step.verb,
        "action": step.action,
        "effect": step.effect,
        "status": step.status.value,
        "attempt": step.attempt,
        "handled": step.handled,
        "started_at": iso(step.started_at),
        "finished_at": iso(step.finished_at),
        "duration_s": took,
        "next_attempt_at": iso(step.next_attempt_at),
        "params": screen.params(step),
        "output": drift_shown(step, screen) if has_drift(step) else screen.output(step),
        "error": screen.error(step.error),
        "attempts": [_attempt(attempt, screen) for attempt in attempts or ()],
    }


async def step_page(store: Store, run: RunRecord, key: str, screen: Screen, *, items: int) -> StepPage:
    """Return everything about one step, with some records of its dataset.

    Raises:
        UnknownNameError: the run has no such step.
    """
    step = await step_of(store, run, key, screen)
    attempts = await store.attempts(run.run_id, key)
    records = screen.records(step, await _records(store, run.run_id, key, items))
    return {**step_view(step, attempts, screen), "run_id": run.run_id, "records": records}


async def steps_shown(store: Store, run: RunRecord) -> list[StepRecord]:
    """Return the steps of a run without those of the items of an ``each``, and what failed or is unknown of those."""
    found = {step.key: step for step in await store.steps(run.run_id, outside_each=True)}
    unknown = await store.steps(run.run_id, statuses={StepStatus.UNKNOWN}, limit=_MOST)
    found.update({step.key: step for step in unknown})
    error = run.error or {}
    keys = [key for key in (error.get("step"), *error.get("also", ())) if key and key not in found]
    found.update({step.key: step for step in await store.steps(run.run_id, keys=keys)})
    return sorted(found.values(), key=lambda step: (step.seq, step.key))


async def _records(store: Store, run_id: str, key: str, most: int) -> list[Json]:
    records: list[Json] = []
    async for part in store.pages(run_id, key):
        records += part.items
        if len(records) >= most:
            break
    return records[:most]


def _attempt(attempt: AttemptRecord, screen: Screen) -> AttemptView:
    return {
        "number": attempt.number,
        "status": attempt.status.value,
        "error": screen.error(attempt.error),
        "started_at": iso(attempt.started_at),
        "finished_at": iso(attempt.finished_at),
        "next_attempt_at": iso(attempt.next_attempt_at),
    }
