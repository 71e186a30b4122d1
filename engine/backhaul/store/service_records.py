"""What the store takes and gives of the service: decisions, schedules, waits, tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backhaul.json_values import Json
from backhaul.store.records import EventRecord, RunRecord, WorkflowVersionRecord

__all__ = [
    "Acceptance",
    "DecisionRecord",
    "QueuedRun",
    "Role",
    "ScheduleRecord",
    "StartedRun",
    "TokenRecord",
    "Verdict",
    "WaitKind",
    "WaitRecord",
]


class Verdict(StrEnum):
    """What became of one tick or event at one trigger."""

    STARTED = "started"
    FILTERED = "filtered"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """Why a tick or an event started a run, or did not. Key: `trigger_id` and `occurrence`; the first one stays.

    Attributes:
        trigger_id: ``nightly-sync/cron/1``, ``link-device/event/2``; ``api`` for a start with an idempotency key,
            ``-`` for a repeated delivery, which reaches no trigger.
        occurrence: the tick's moment in ISO 8601, the event's id, or the idempotency key.
        workflow: the trigger's workflow.
        reason: in words for a person: the clause that filtered, the policy that skipped.
        details: values behind the reason, such as what the clause saw.
        run_id: the run that was started, or the run because of which none was.
        event_id: the event; for a duplicate the one that had come before.
        due_at: for ticks: the moment at which it was due.
    """

    trigger_id: str
    occurrence: str
    workflow: str | None = None
    verdict: Verdict
    reason: str = ""
    details: Json | None = None
    run_id: str | None = None
    event_id: str | None = None
    due_at: datetime | None = None
    decided_at: datetime
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """A run that a decision starts, with the definition that it uses."""

    run: RunRecord
    version: WorkflowVersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """An event with everything that was decided about it; stored together or, when the event is not new, not at all.

    Attributes:
        runs: by the decision's `run_id`; only decisions whose verdict is `STARTED` have one here.
    """

    event: EventRecord
    decisions: tuple[DecisionRecord, ...] = ()
    runs: tuple[StartedRun, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRun:
    """As much of an unfinished run as the dispatcher needs."""

    run_id: str
    workflow: str
    status: str
    priority: int
    slots: Json | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """How far a cron trigger has been decided. Key: `trigger_id`.

    Attributes:
        definition: the cron fields and the zone; a trigger whose definition differs begins anew.
        decided_until: every tick up to and including this moment has been decided.
        paused: it fires no more until somebody resumes it; `note` says why.
    """

    trigger_id: str
    definition: str
    decided_until: datetime
    paused: bool = False
    note: str | None = None
    paused_at: datetime | None = None


class WaitKind(StrEnum):
    """What a step can wait for."""

    TIME = "time"
    EVENT = "event"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRecord:
    """What a step of a run waits for. Key: `run_id` and `key`; the first one stays, so that a deadline is kept.

    Attributes:
        event_type: for events: their type.
        wake_at: when a wait for a time ends, and when the others give up; None is never.
        details: for events the condition and the values that it needs; for approvals ``to``, ``message``, ``schema``.
        outcome: what ended the wait; None while it goes on. Written once.
    """

    run_id: str
    key: str
    kind: WaitKind
    event_type: str | None = None
    wake_at: datetime | None = None
    details: Json | None = None
    outcome: Json | None = None
    created_at: datetime
    settled_at: datetime | None = None


class Role(StrEnum):
    """What the holder of a token may do: look; also start and steer runs; also change tokens and settings."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token of the HTTP API. Key: `token_id`; the token itself is not stored.

    Attributes:
        hash: SHA-256 of the token, hex.
    """

    token_id: str
    name: str
    role: Role
    hash: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
