"""Letting what has failed be tried again: a step, and a run from the steps that made it fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store

__all__ = ["reopened", "tried_again"]


def tried_again(step: StepRecord, now: datetime) -> StepRecord:
    """Return the record of a failed step that may be tried again, with all its attempts and all its time."""
    progress = {**(step.progress or {}), "failed_attempts": 0}
    return replace(
        step, status=StepStatus.RETRYING, started_at=now, next_attempt_at=None, finished_at=None, progress=progress
    )


async def reopened(run: RunRecord, store: Store, clock: Clock, *, node: str | None = None) -> RunRecord:
    """Make a run ready to be carried out again, a failed one from its failed steps.

    Its node becomes `node` unless that is None. A run that one of these steps has started is reopened when the step
    comes to it.
    """
    if run.status is RunStatus.FAILED:
        error = run.error or {}
        keys = [key for key in (error.get("step"), *error.get("also", ())) if key]
        for step in await store.steps(run.run_id, keys=keys):
            if step.status is StepStatus.FAILED:
                await store.put_step(tried_again(step, clock.now())).wait()
    run = replace(run, status=RunStatus.QUEUED, finished_at=None, node=node or run.node)
    await store.put_run(run).wait()
    return run
