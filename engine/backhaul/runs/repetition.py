"""Trying a step that holds other steps again: what failed in it is tried again, what is done stays done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from backhaul.json_values import Json
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.journal import Journal
from backhaul.runs.reopening import tried_again
from backhaul.store.records import AttemptRecord, StepRecord, StepStatus
from backhaul.workflows.definition import RetryPolicy

__all__ = ["repeat"]


async def repeat(
    key: str, policy: RetryPolicy, journal: Journal, control: Control, attempt: Callable[[], Awaitable[Json]]
) -> Json:
    """Return the output of a step, trying it as often as its policy allows. The next attempt's time is on disk.

    Raises:
        StepFailed: the last attempt failed, or the policy does not name its error.
    """
    prior = journal.recorded(key)
    waiting = prior if prior is not None and prior.status is StepStatus.RETRYING else None
    goes_on = prior is not None and prior.status in {StepStatus.RETRYING, StepStatus.RUNNING}
    failed_attempts = (prior.progress or {}).get("failed_attempts", 0) if prior is not None and goes_on else 0
    while True:
        if waiting is not None:
            await _reopen(waiting, journal, control)
        try:
            return await attempt()
        except StepFailed as failed:
            failed_attempts += 1
            if failed_attempts >= policy.attempts or (policy.on and failed.error_type not in policy.on):
                raise
            waiting = await _wait_for_next(key, policy, journal, failed, failed_attempts)


async def _wait_for_next(
    key: str, policy: RetryPolicy, journal: Journal, failed: StepFailed, failed_attempts: int
) -> StepRecord:
    """Write that the step will be tried again, when, and which steps in it have failed."""
    now = journal.clock.now()
    delay_s = policy.delay_before(failed_attempts + 1)
    next_at = now + timedelta(seconds=delay_s)
    record = journal.recorded(key) or journal.begin(key, "do")
    journal.write_attempt(
        AttemptRecord(
            run_id=record.run_id,
            key=key,
            number=failed_attempts,
            status=StepStatus.FAILED,
            error=failed.to_json(),
            started_at=record.started_at,
            finished_at=now,
            next_attempt_at=next_at,
        )
    )
    waiting = replace(
        record,
        status=StepStatus.RETRYING,
        attempt=failed_attempts + 1,
        error=failed.to_json(),
        next_attempt_at=next_at,
        progress={
            **(record.progress or {}),
            "failed_attempts": failed_attempts,
            "failed_steps": [failed.step, *failed.siblings],
        },
    )
    journal.write(waiting)
    journal.keep(waiting)
    await journal.barrier()
    journal.observer.step_retrying(key, failed_attempts + 1, delay_s, failed.message)
    return waiting


async def _reopen(waiting: StepRecord, journal: Journal, control: Control) -> None:
    """Wait until the next attempt may begin, and let what failed in the step be tried again."""
    if waiting.next_attempt_at is not None:
        with control.interruptible():
            await journal.clock.sleep_until(waiting.next_attempt_at)
    journal.resumed = True  # from here on what this process has written itself is read back, too
    failed_steps = set((waiting.progress or {}).get("failed_steps", ())) - {waiting.key}
    # What an `each` holds is loaded by itself, item by item; of the others there is little.
    await journal.load(prefix=f"{waiting.key}/", outside_each="[" not in waiting.key)
    await journal.load(keys=failed_steps)
    for key in failed_steps:
        record = journal.recorded(key)
        if record is not None and record.status is StepStatus.FAILED:
            again = tried_again(record, journal.clock.now())
            journal.write(again)
            journal.keep(again)
    await journal.barrier()  # what is loaded again while the step is tried again has to be this
