"""What the store takes and gives: frozen records, without any of the database's own types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backhaul.clock import utc_text
from backhaul.json_values import Json

__all__ = [
    "AttemptRecord",
    "EventRecord",
    "PageRecord",
    "RunRecord",
    "RunStatus",
    "StepRecord",
    "StepStatus",
    "TableStats",
    "WorkflowVersionRecord",
]


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"


class StepStatus(StrEnum):
    """Where a step, or one attempt of it, stands.

    `PLANNED` steps are those of a plan that were not carried out: there is nothing left to do for them in their run.
    """

    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One execution of one workflow version. Key: `run_id`.

    Attributes:
        cause: what started it, in words for a person (``manual``, ``cron 0 3 * * *``).
        parent_run_id: the run whose step `parent_step` started this one.
        forked_from: the run whose history this one began with.
        priority: higher goes first.
        node: the process that executes or last executed it.
        cancel_requested: set by `Store.request_cancel` only; `Store.put_run` keeps what an existing row says.
        step_counts: number of steps by status, written when the run ends.
        trigger_id: the trigger that started it, None for a person or a step.
        event_id: the event that started it.
        slots: limits that it counts against while it is queued, running or waiting: ``[[key, limit], ...]``.
        depth: how many runs stand before it in a chain of runs that events started.
        mode: None when it is simply carried out; else how, as `backhaul.runs.planning.modes` says.
    """

    run_id: str
    workflow: str
    digest: str
    status: RunStatus
    cause: str
    inputs: Json
    event: Json | None = None
    output: Json | None = None
    error: Json | None = None
    parent_run_id: str | None = None
    parent_step: str | None = None
    forked_from: str | None = None
    priority: int = 0
    node: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested: bool = False
    step_counts: Json | None = None
    trigger_id: str | None = None
    event_id: str | None = None
    slots: Json | None = None
    depth: int = 0
    mode: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step of one run, as it stands now. Key: `run_id` and `key`.

    Attributes:
        key: the step's path, such as ``sync/create[SN001]``.
        seq: order in which the steps of the run began; positive, not necessarily without gaps.
        attempt: the attempt that is under way or was the last, from 1.
        handled: a failure that the step's ``on_error`` took care of.
        progress: what a long step wants to remember, such as a cursor.
    """

    run_id: str
    key: str
    seq: int
    verb: str
    action: str | None = None
    effect: str | None = None
    status: StepStatus
    attempt: int = 1
    handled: bool = False
    params: Json | None = None
    output: Json | None = None
    error: Json | None = None
    progress: Json | None = None
    next_attempt_at: datetime | None = None
    started_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try of one step. Key: `run_id`, `key` and `number` (from 1)."""

    run_id: str
    key: str
    number: int
    status: StepStatus
    error: Json | None = None
    started_at: datetime
    finished_at: datetime | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRecord:
    """One page of a dataset. Key: `run_id`, `key` of the step and `number` (from 0).

    Attributes:
        first_index: position in the whole dataset of the page's first item, from 0.
        count: number of items.
        next: the cursor of the page after this one, or None after the last.
    """

    run_id: str
    key: str
    number: int
    first_index: int
    count: int
    items: list[Json]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowVersionRecord:
    """The text of a workflow that a run used. Key: `digest`."""

    digest: str
    name: str
    kind: str
    path: str
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An immutable fact received or emitted. Key: `event_id`; `source` and `dedupe_key` together are unique.

    Attributes:
        time: when it happened, as its source says.
        received_at: when it came in here.
        dedupe_key: what makes two deliveries the same event; None when nothing does.
        run_id: the run that emitted it, with `step_key`.
    """

    event_id: str
    type: str
    source: str
    subject: str | None = None
    data: Json | None = None
    time: datetime
    received_at: datetime
    dedupe_key: str | None = None
    run_id: str | None = None
    step_key: str | None = None

    def to_json(self) -> Json:
        """Return the event as workflows see it, times in ISO 8601."""
        return {
            "id": self.event_id,
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "time": utc_text(self.time),
            "received_at": utc_text(self.received_at),
            "data": self.data,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStats:
    """Size of one table. `bytes` counts its indexes; None where the database cannot tell."""

    table: str
    rows: int
    bytes: int | None
