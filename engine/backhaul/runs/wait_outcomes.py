"""What a wait comes to: the outcome that is stored, and what it means for the step."""

from __future__ import annotations

from datetime import datetime

from backhaul.clock import utc_text
from backhaul.json_values import Json
from backhaul.runs.control import StepFailed
from backhaul.store.records import EventRecord
from backhaul.store.service_records import WaitKind, WaitRecord
from backhaul.workflows.moments import parse_moment

__all__ = [
    "ABANDONED",
    "CANCEL_PREFIX",
    "approval_outcome",
    "due_outcome",
    "event_outcome",
    "is_abandoned",
    "is_cancelling",
    "is_cut_short",
    "result_of",
    "root_of",
]

ABANDONED: Json = {"abandoned": True}
"""Outcome of a wait that nobody waits for any more: its run has ended, or a step beside it has failed."""

CANCEL_PREFIX = "$cancel_on/"
"""How the keys of waits begin that belong to no step: an event ends the whole run."""


def due_outcome(wait: WaitRecord) -> Json:
    """Return the outcome of a wait whose `wake_at` has come."""
    until = _details(wait).get("until")
    if until is None or wait.wake_at is None or parse_moment(until) > wait.wake_at:
        return {"cut_short": None if wait.wake_at is None else utc_text(wait.wake_at)}
    return {"until" if wait.kind is WaitKind.TIME else "timeout": until}


def event_outcome(event: EventRecord) -> Json:
    """Return the outcome of a wait for an event that has come."""
    return {"event": event.to_json()}


def approval_outcome(*, approved: bool, by: str, at: datetime, note: str, data: Json) -> Json:
    """Return the outcome of a person's decision."""
    return {"approved": approved, "by": by, "at": utc_text(at), "note": note, "data": data}


def result_of(key: str, wait: WaitRecord) -> Json:
    """Return the output of step `key` whose wait has ended.

    Raises:
        StepFailed: a person said no (``RejectedError``), or nobody said anything in time (``TimeoutError``).
    """
    outcome: Json = wait.outcome
    match wait.kind:
        case WaitKind.TIME:
            return {"until": outcome["until"]}
        case WaitKind.EVENT:
            return outcome.get("event")
        case WaitKind.APPROVAL if "timeout" in outcome:
            raise StepFailed(key, "TimeoutError", f"nobody had approved it by {outcome['timeout']}")
        case WaitKind.APPROVAL if not outcome["approved"]:
            note = f": {outcome['note']}" if outcome["note"] else ""
            rejected = StepFailed(key, "RejectedError", f"rejected by {outcome['by']}{note}")
            rejected.said = outcome
            raise rejected
    return outcome


def is_abandoned(wait: WaitRecord) -> bool:
    """Return whether nobody waits for it any more."""
    return bool(wait.outcome == ABANDONED)


def is_cancelling(wait: WaitRecord) -> bool:
    """Return whether what ends it cancels the run, instead of letting a step go on."""
    return wait.key.startswith(CANCEL_PREFIX)


def is_cut_short(wait: WaitRecord) -> bool:
    """Return whether it ended because the time of the run or of a step around it was over."""
    return wait.outcome is not None and "cut_short" in wait.outcome


def root_of(wait: WaitRecord) -> str:
    """Return the run that is carried out when the wait has ended: the topmost one whose step the wait's run is."""
    above = _details(wait).get("above")
    return str(above[-1]) if above else wait.run_id


def _details(wait: WaitRecord) -> dict[str, Json]:
    return wait.details or {}
