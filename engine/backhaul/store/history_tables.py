"""The tables of history: runs, what they did, and the events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from backhaul.store.columns import JsonText, OrderedText, UtcMicroseconds
from backhaul.store.table_base import Row

__all__ = ["GOING", "OUTSIDE_EACH"]

# Not a LIKE: databases use a partial index only for conditions that they can compare with the index's own.
OUTSIDE_EACH = text("length(replace(key, '[', '')) = length(key)")
GOING = text("status IN ('queued', 'running', 'waiting')")


class RunRow(Row, table=True):
    """A run (`RunRecord`)."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "created_at", "run_id"),
        Index(None, "workflow", "created_at", "run_id"),
        Index(None, "status", "created_at", "run_id"),
        Index(
            None,
            "parent_run_id",
            sqlite_where=text("parent_run_id IS NOT NULL"),
            postgresql_where=text("parent_run_id IS NOT NULL"),
        ),
        # Whether a run was forked is asked before it is pruned.
        Index(
            None,
            "forked_from",
            sqlite_where=text("forked_from IS NOT NULL"),
            postgresql_where=text("forked_from IS NOT NULL"),
        ),
        # Whether a run of a trigger is still going is asked at every tick.
        Index("ix_runs_going", "trigger_id", sqlite_where=GOING, postgresql_where=GOING),
        Index("ix_runs_node_status", "node", "status", sqlite_where=GOING, postgresql_where=GOING),
    )

    run_id: str = Field(primary_key=True, sa_type=OrderedText)
    workflow: str = Field(sa_type=Text)
    digest: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)
    inputs: Any = Field(default=None, sa_type=JsonText, nullable=True)
    event: Any = Field(default=None, sa_type=JsonText, nullable=True)
    output: Any = Field(default=None, sa_type=JsonText, nullable=True)
    error: Any = Field(default=None, sa_type=JsonText, nullable=True)
    parent_run_id: str | None = Field(default=None, sa_type=Text)
    parent_step: str | None = Field(default=None, sa_type=Text)
    forked_from: str | None = Field(default=None, sa_type=Text)
    priority: int
    node: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcMicroseconds)
    started_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    finished_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    cancel_requested: bool
    step_counts: Any = Field(default=None, sa_type=JsonText, nullable=True)
    trigger_id: str | None = Field(default=None, sa_type=Text)
    event_id: str | None = Field(default=None, sa_type=Text)
    slots: Any = Field(default=None, sa_type=JsonText, nullable=True)
    depth: int | None = Field(default=None)
    mode: Any = Field(default=None, sa_type=JsonText, nullable=True)


class PrunedRunRow(Row, table=True):
    """A run that is being removed: its row in `runs` is gone already, others may still be there."""

    __tablename__ = "pruned_runs"

    run_id: str = Field(primary_key=True, sa_type=OrderedText)


class StepRow(Row, table=True):
    """A step (`StepRecord`)."""

    __tablename__ = "steps"
    __table_args__ = (
        Index(None, "run_id", "seq"),
        # A run over a million items has a handful of steps outside of them: the journal and the pages read just those.
        Index("ix_steps_outside_each", "run_id", "seq", sqlite_where=OUTSIDE_EACH, postgresql_where=OUTSIDE_EACH),
    )

    run_id: str = Field(primary_key=True, sa_type=OrderedText)
    key: str = Field(primary_key=True, sa_type=OrderedText)
    seq: int = Field(sa_type=BigInteger)
    verb: str = Field(sa_type=Text)
    action: str | None = Field(default=None, sa_type=Text)
    effect: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    attempt: int
    handled: bool
    params: Any = Field(default=None, sa_type=JsonText, nullable=True)
    output: Any = Field(default=None, sa_type=JsonText, nullable=True)
    error: Any = Field(default=None, sa_type=JsonText, nullable=True)
    progress: Any = Field(default=None, sa_type=JsonText, nullable=True)
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    started_at: datetime = Field(sa_type=UtcMicroseconds)
    finished_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class AttemptRow(Row, table=True):
    """An attempt (`AttemptRecord`)."""

    __tablename__ = "attempts"

    run_id: str = Field(primary_key=True, sa_type=OrderedText)
    key: str = Field(primary_key=True, sa_type=OrderedText)
    number: int = Field(primary_key=True)
    status: str = Field(sa_type=Text)
    error: Any = Field(default=None, sa_type=JsonText, nullable=True)
    started_at: datetime = Field(sa_type=UtcMicroseconds)
    finished_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class PageRow(Row, table=True):
    """A page of a dataset (`PageRecord`)."""

    __tablename__ = "pages"

    run_id: str = Field(primary_key=True, sa_type=OrderedText)
    key: str = Field(primary_key=True, sa_type=OrderedText)
    number: int = Field(primary_key=True)
    first_index: int = Field(sa_type=BigInteger)
    count: int
    items: Any = Field(sa_type=JsonText, nullable=False)
    next: str | None = Field(default=None, sa_type=Text)


class WorkflowVersionRow(Row, table=True):
    """A version of a workflow (`WorkflowVersionRecord`)."""

    __tablename__ = "workflow_versions"

    digest: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcMicroseconds)


class EventRow(Row, table=True):
    """An event (`EventRecord`). `received_at` is null only before the migration that added it has filled it."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("source", "dedupe_key"),
        Index(None, "time", "event_id"),
        Index(None, "type", "time", "event_id"),
        Index(None, "type", "received_at", "event_id"),
        Index(None, "source", "received_at", "event_id"),
    )

    event_id: str = Field(primary_key=True, sa_type=OrderedText)
    type: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    data: Any = Field(default=None, sa_type=JsonText, nullable=True)
    time: datetime = Field(sa_type=UtcMicroseconds)
    dedupe_key: str | None = Field(default=None, sa_type=Text)
    run_id: str | None = Field(default=None, sa_type=Text)
    step_key: str | None = Field(default=None, sa_type=Text)
    received_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class UsageRow(Row, table=True):
    """How many calls a connection made on one day."""

    __tablename__ = "usage"

    connection: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
