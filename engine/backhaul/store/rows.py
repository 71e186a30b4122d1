"""Turns records into the values of a row and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from backhaul.json_values import Json, dump
from backhaul.store.columns import to_microseconds
from backhaul.store.records import (
    AttemptRecord,
    EventRecord,
    PageRecord,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
    WorkflowVersionRecord,
)

__all__ = [
    "attempt_record",
    "attempt_values",
    "event_record",
    "event_values",
    "optional_json",
    "optional_time",
    "page_record",
    "page_values",
    "run_record",
    "run_values",
    "step_record",
    "step_values",
    "workflow_version_record",
    "workflow_version_values",
]

# Plain texts: drivers look at the exact type of a value, and psycopg would write an enum's name.
_STEP_STATUS = {status: status.value for status in StepStatus}
_RUN_STATUS = {status: status.value for status in RunStatus}


def optional_json(value: Json) -> str | None:
    """Return a JSON value as it lies in the database."""
    return None if value is None else dump(value)


def optional_time(moment: datetime | None) -> int | None:
    """Return an aware time as it lies in the database."""
    return None if moment is None else to_microseconds(moment)


def run_values(record: RunRecord) -> tuple[Any, ...]:
    """Return a run's values in the order of the table's columns."""
    return (
        record.run_id,
        record.workflow,
        record.digest,
        _RUN_STATUS[record.status],
        record.cause,
        optional_json(record.inputs),
        optional_json(record.event),
        optional_json(record.output),
        optional_json(record.error),
        record.parent_run_id,
        record.parent_step,
        record.forked_from,
        record.priority,
        record.node,
        to_microseconds(record.created_at),
        optional_time(record.started_at),
        optional_time(record.finished_at),
        record.cancel_requested,
        optional_json(record.step_counts),
        record.trigger_id,
        record.event_id,
        optional_json(record.slots),
        record.depth,
        optional_json(record.mode),
    )


def step_values(record: StepRecord) -> tuple[Any, ...]:
    """Return a step's values in the order of the table's columns. The journal's hottest function."""
    params, output, error, progress = record.params, record.output, record.error, record.progress
    next_attempt_at, finished_at = record.next_attempt_at, record.finished_at
    return (
        record.run_id,
        record.key,
        record.seq,
        record.verb,
        record.action,
        record.effect,
        _STEP_STATUS[record.status],
        record.attempt,
        record.handled,
        None if params is None else dump(params),
        None if output is None else dump(output),
        None if error is None else dump(error),
        None if progress is None else dump(progress),
        None if next_attempt_at is None else to_microseconds(next_attempt_at),
        to_microseconds(record.started_at),
        None if finished_at is None else to_microseconds(finished_at),
    )


def attempt_values(record: AttemptRecord) -> tuple[Any, ...]:
    """Return an attempt's values in the order of the table's columns."""
    return (
        record.run_id,
        record.key,
        record.number,
        _STEP_STATUS[record.status],
        optional_json(record.error),
        to_microseconds(record.started_at),
        optional_time(record.finished_at),
        optional_time(record.next_attempt_at),
    )


def page_values(record: PageRecord) -> tuple[Any, ...]:
    """Return a page's values in the order of the table's columns."""
    return (
        record.run_id,
        record.key,
        record.number,
        record.first_index,
        record.count,
        dump(record.items),
        record.next,
    )


def workflow_version_values(record: WorkflowVersionRecord) -> tuple[Any, ...]:
    """Return a workflow version's values in the order of the table's columns."""
    return (record.digest, record.name, record.kind, record.path, record.source, to_microseconds(record.created_at))


def event_values(record: EventRecord) -> tuple[Any, ...]:
    """Return an event's values in the order of the table's columns."""
    return (
        record.event_id,
        record.type,
        record.source,
        record.subject,
        optional_json(record.data),
        to_microseconds(record.time),
        record.dedupe_key,
        record.run_id,
        record.step_key,
        to_microseconds(record.received_at),
    )


def run_record(row: Row[Any]) -> RunRecord:
    """Return the run of a whole row of its table."""
    values = row._asdict()
    values["status"] = RunStatus(values["status"])
    values["depth"] = values["depth"] or 0
    return RunRecord(**values)


def step_record(row: Row[Any]) -> StepRecord:
    """Return the step of a whole row of its table."""
    values = row._asdict()
    values["status"] = StepStatus(values["status"])
    return StepRecord(**values)


def attempt_record(row: Row[Any]) -> AttemptRecord:
    """Return the attempt of a whole row of its table."""
    values = row._asdict()
    values["status"] = StepStatus(values["status"])
    return AttemptRecord(**values)


def page_record(row: Row[Any]) -> PageRecord:
    """Return the page of a whole row of its table."""
    return PageRecord(**row._asdict())


def workflow_version_record(row: Row[Any]) -> WorkflowVersionRecord:
    """Return the workflow version of a whole row of its table."""
    return WorkflowVersionRecord(**row._asdict())


def event_record(row: Row[Any]) -> EventRecord:
    """Return the event of a whole row of its table."""
    values = row._asdict()
    values["received_at"] = values["received_at"] or values["time"]
    return EventRecord(**values)
