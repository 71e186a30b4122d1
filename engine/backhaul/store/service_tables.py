"""The tables of the service: what it decided, what it waits for, who may use it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field

from backhaul.store.columns import JsonText, OrderedText, UtcMicroseconds
from backhaul.store.table_base import Row

__all__ = ["OPEN"]

OPEN = text("outcome IS NULL")


class DecisionRow(Row, table=True):
    """What a trigger did about one tick or event (`DecisionRecord`)."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index(None, "decided_at", "trigger_id", "occurrence"),
        Index(None, "trigger_id", "decided_at", "occurrence"),
        Index(
            None,
            "event_id",
            sqlite_where=text("event_id IS NOT NULL"),
            postgresql_where=text("event_id IS NOT NULL"),
        ),
        Index(None, "run_id", sqlite_where=text("run_id IS NOT NULL"), postgresql_where=text("run_id IS NOT NULL")),
    )

    trigger_id: str = Field(primary_key=True, sa_type=OrderedText)
    occurrence: str = Field(primary_key=True, sa_type=OrderedText)
    workflow: str | None = Field(default=None, sa_type=Text)
    verdict: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    details: Any = Field(default=None, sa_type=JsonText, nullable=True)
    run_id: str | None = Field(default=None, sa_type=Text)
    event_id: str | None = Field(default=None, sa_type=Text)
    due_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    decided_at: datetime = Field(sa_type=UtcMicroseconds)
    node: str = Field(sa_type=Text)


class ScheduleRow(Row, table=True):
    """How far a cron trigger has been decided (`ScheduleRecord`)."""

    __tablename__ = "schedules"

    trigger_id: str = Field(primary_key=True, sa_type=OrderedText)
    definition: str = Field(sa_type=Text)
    decided_until: datetime = Field(sa_type=UtcMicroseconds)
    paused: bool
    note: str | None = Field(default=None, sa_type=Text)
    paused_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class WaitRow(Row, table=True):
    """What a step of a run waits for (`WaitRecord`)."""

    __tablename__ = "waits"
    __table_args__ = (
        Index("ix_waits_open_wake_at", "wake_at", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_waits_open_event_type", "event_type", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_waits_open_kind", "kind", "created_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    run_id: str = Field(primary_key=True, sa_type=OrderedText)
    key: str = Field(primary_key=True, sa_type=OrderedText)
    kind: str = Field(sa_type=Text)
    event_type: str | None = Field(default=None, sa_type=Text)
    wake_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    details: Any = Field(default=None, sa_type=JsonText, nullable=True)
    outcome: Any = Field(default=None, sa_type=JsonText, nullable=True)
    created_at: datetime = Field(sa_type=UtcMicroseconds)
    settled_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class TokenRow(Row, table=True):
    """Who may use the HTTP API (`TokenRecord`)."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("hash"),)

    token_id: str = Field(primary_key=True, sa_type=OrderedText)
    name: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UtcMicroseconds)
    expires_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcMicroseconds)


class PollRow(Row, table=True):
    """Where a source of events that is polled goes on."""

    __tablename__ = "polls"

    connection: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    cursor: str | None = Field(default=None, sa_type=Text)
    polled_at: datetime = Field(sa_type=UtcMicroseconds)
