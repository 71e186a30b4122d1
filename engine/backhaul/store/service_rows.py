"""Turns the service's records into the values of a row and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from backhaul.store.columns import to_microseconds
from backhaul.store.rows import optional_json, optional_time
from backhaul.store.service_records import (
    DecisionRecord,
    QueuedRun,
    Role,
    ScheduleRecord,
    TokenRecord,
    Verdict,
    WaitKind,
    WaitRecord,
)

__all__ = [
    "decision_record",
    "decision_values",
    "queued_run",
    "schedule_record",
    "schedule_values",
    "token_record",
    "token_values",
    "wait_record",
    "wait_values",
]


def decision_values(record: DecisionRecord) -> tuple[Any, ...]:
    """Return a decision's values in the order of the table's columns."""
    return (
        record.trigger_id,
        record.occurrence,
        record.workflow,
        record.verdict.value,
        record.reason,
        optional_json(record.details),
        record.run_id,
        record.event_id,
        optional_time(record.due_at),
        to_microseconds(record.decided_at),
        record.node,
    )


def schedule_values(record: ScheduleRecord) -> tuple[Any, ...]:
    """Return a schedule's values in the order of the table's columns."""
    return (
        record.trigger_id,
        record.definition,
        to_microseconds(record.decided_until),
        record.paused,
        record.note,
        optional_time(record.paused_at),
    )


def wait_values(record: WaitRecord) -> tuple[Any, ...]:
    """Return a wait's values in the order of the table's columns."""
    return (
        record.run_id,
        record.key,
        record.kind.value,
        record.event_type,
        optional_time(record.wake_at),
        optional_json(record.details),
        optional_json(record.outcome),
        to_microseconds(record.created_at),
        optional_time(record.settled_at),
    )


def token_values(record: TokenRecord) -> tuple[Any, ...]:
    """Return a token's values in the order of the table's columns."""
    return (
        record.token_id,
        record.name,
        record.role.value,
        record.hash,
        to_microseconds(record.created_at),
        optional_time(record.expires_at),
        optional_time(record.last_used_at),
        optional_time(record.revoked_at),
    )


def decision_record(row: Row[Any]) -> DecisionRecord:
    """Return the decision of a whole row of its table."""
    values = row._asdict()
    values["verdict"] = Verdict(values["verdict"])
    return DecisionRecord(**values)


def schedule_record(row: Row[Any]) -> ScheduleRecord:
    """Return the schedule of a whole row of its table."""
    return ScheduleRecord(**row._asdict())


def wait_record(row: Row[Any]) -> WaitRecord:
    """Return the wait of a whole row of its table."""
    values = row._asdict()
    values["kind"] = WaitKind(values["kind"])
    return WaitRecord(**values)


def token_record(row: Row[Any]) -> TokenRecord:
    """Return the token of a whole row of its table."""
    values = row._asdict()
    values["role"] = Role(values["role"])
    return TokenRecord(**values)


def queued_run(row: Row[Any]) -> QueuedRun:
    """Return the run of a row with just the columns that `QueuedRun` has."""
    return QueuedRun(**row._asdict())
