"""Where a call stands between two attempts, told from its step in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backhaul.json_values import JsonObject
from backhaul.plugins.action import AttemptInfo, Effect
from backhaul.store.records import StepRecord, StepStatus

__all__ = ["Attempts", "attempt_of", "attempts_after"]


@dataclass(slots=True)
class Attempts:
    """The attempt that is next, how many failed before it, and when it may begin.

    Attributes:
        params: with what it is made; None: with what the step now asks for.
    """

    number: int = 1
    failed: int = 0
    not_before: datetime | None = None
    params: JsonObject | None = None


def attempts_after(prior: StepRecord, effect: Effect) -> Attempts:
    """Return how a call goes on whose step is in the journal, and has not ended.

    What may have had its effect is repeated with the very parameters that were written before.
    """
    ended = prior.attempt if prior.status is StepStatus.RETRYING else prior.attempt - 1
    failed = (prior.progress or {}).get("failed_attempts", ended)
    return Attempts(prior.attempt + 1, failed, prior.next_attempt_at, None if effect is Effect.READ else prior.params)


def attempt_of(record: StepRecord) -> AttemptInfo:
    """Return the attempt that a step last made."""
    text = (record.progress or {}).get("attempt_started_at")
    started_at = datetime.fromisoformat(text) if text else record.started_at
    return AttemptInfo(started_at=started_at, number=record.attempt)
