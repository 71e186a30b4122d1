"""Writes and reads runs, events and the workflow versions that runs used."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, Table, bindparam, literal, select, tuple_

from backhaul.errors import InputError, UnknownNameError
from backhaul.store.cursors import cursor_of, read_cursor
from backhaul.store.database import Queries
from backhaul.store.key_ranges import end_of_prefix
from backhaul.store.records import EventRecord, RunRecord, RunStatus, WorkflowVersionRecord
from backhaul.store.rows import (
    event_record,
    event_values,
    run_record,
    run_values,
    workflow_version_record,
    workflow_version_values,
)
from backhaul.store.tables import EVENTS, RUNS, WORKFLOW_VERSIONS
from backhaul.store.tickets import Ticket

__all__ = ["RunQueries"]

_SHOWN = 5
# Asked for again and again: to put such a query together takes longer than to answer it.
_RUN = select(RUNS).where(RUNS.c.run_id == bindparam("wanted"))
_CANCEL_REQUESTED = select(RUNS.c.cancel_requested).where(RUNS.c.run_id == bindparam("wanted"))


class RunQueries(Queries):
    """Runs, events, workflow versions."""

    def put_run(self, record: RunRecord) -> Ticket:
        """Write a run. An existing one is replaced but for `cancel_requested`, which only `request_cancel` sets."""
        return self._append((self._statements.put_run, run_values(record)))

    def request_cancel(self, run_id: str) -> Ticket:
        """Note that a run should stop. The ticket's value is 1, or 0 when there is no such run."""
        return self._append((self._statements.request_cancel, (run_id,)))

    def put_workflow_version(self, record: WorkflowVersionRecord) -> Ticket:
        """Write a workflow version unless its digest is there already."""
        return self._append((self._statements.put_workflow_version, workflow_version_values(record)))

    def put_event(self, record: EventRecord) -> Ticket:
        """Write an event unless its id, or its source and dedupe key, is there already.

        The ticket's value is 1 when the event is new and 0 when it is not.
        """
        return self._append((self._statements.put_event, event_values(record)))

    async def run(self, run_id: str) -> RunRecord | None:
        """Return a run, or None."""
        row = await self._look_up(lambda db: db.execute(_RUN, {"wanted": run_id}).first())
        return None if row is None else run_record(row)

    async def find_run(self, prefix: str) -> RunRecord:
        """Return the one run whose id begins with `prefix`; a whole id always names its own run.

        Raises:
            UnknownNameError: there is no such run.
            InputError: several runs begin so.
        """
        query = select(RUNS).where(RUNS.c.run_id >= prefix).order_by(RUNS.c.run_id).limit(_SHOWN)
        if (end := end_of_prefix(prefix)) is not None:
            query = query.where(RUNS.c.run_id < end)
        rows = await self._read(lambda db: db.execute(query).all())
        if not rows or not prefix:
            raise UnknownNameError("run", prefix)
        if len(rows) > 1 and rows[0].run_id != prefix:
            some = ", ".join(row.run_id for row in rows)
            raise InputError(f"run {prefix!r}", [f"several runs begin so ({some}): give more of the id"])
        return run_record(rows[0])

    async def runs(
        self,
        *,
        workflow: str | None = None,
        status: RunStatus | Collection[RunStatus] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[RunRecord], str | None]:
        """Return runs, newest first, and the cursor of the next page (None after the last).

        Raises:
            InputError: the cursor is not one that this method gave.
        """
        query = _newest_first(RUNS, "created_at", "run_id", limit, cursor)
        if workflow is not None:
            query = query.where(RUNS.c.workflow == workflow)
        if isinstance(status, RunStatus):
            query = query.where(RUNS.c.status == status.value)
        elif status is not None:
            query = query.where(RUNS.c.status.in_([one.value for one in status]))
        records = [run_record(row) for row in await self._read(lambda db: db.execute(query).all())]
        if len(records) <= limit:
            return records, None
        last = records[limit - 1]
        return records[:limit], cursor_of(last.created_at, last.run_id)

    async def children(self, run_id: str) -> list[RunRecord]:
        """Return the runs that a run's steps started, oldest first."""
        query = select(RUNS).where(RUNS.c.parent_run_id == run_id).order_by(RUNS.c.created_at, RUNS.c.run_id)
        return [run_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def cancel_requested(self, run_id: str) -> bool:
        """Return whether somebody asked a run to stop."""
        return bool(await self._look_up(lambda db: db.execute(_CANCEL_REQUESTED, {"wanted": run_id}).scalar()))

    async def workflow_version(self, digest: str) -> WorkflowVersionRecord | None:
        """Return a workflow version, or None."""
        query = select(WORKFLOW_VERSIONS).where(WORKFLOW_VERSIONS.c.digest == digest)
        row = await self._look_up(lambda db: db.execute(query).first())
        return None if row is None else workflow_version_record(row)

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event, or None."""
        row = await self._read(lambda db: db.execute(select(EVENTS).where(EVENTS.c.event_id == event_id)).first())
        return None if row is None else event_record(row)

    async def event_by_dedupe_key(self, source: str, dedupe_key: str) -> EventRecord | None:
        """Return the event that came first from `source` with this dedupe key, or None."""
        query = select(EVENTS).where(EVENTS.c.source == source, EVENTS.c.dedupe_key == dedupe_key)
        row = await self._look_up(lambda db: db.execute(query).first())
        return None if row is None else event_record(row)

    async def events(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the attribute's name in CloudEvents
        source: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[EventRecord], str | None]:
        """Return events, newest first, and the cursor of the next page (None after the last).

        Raises:
            InputError: the cursor is not one that this method gave.
        """
        query = _newest_first(EVENTS, "time", "event_id", limit, cursor)
        if type is not None:
            query = query.where(EVENTS.c.type == type)
        if source is not None:
            query = query.where(EVENTS.c.source == source)
        records = [event_record(row) for row in await self._read(lambda db: db.execute(query).all())]
        if len(records) <= limit:
            return records, None
        last = records[limit - 1]
        return records[:limit], cursor_of(last.time, last.event_id)

    async def received_events(
        self, source: str, *, since: datetime, types: Collection[str] = (), limit: int
    ) -> list[EventRecord]:
        """Return the events of a source that came in at or after `since`, oldest first, of some types or of all."""
        query = (
            select(EVENTS)
            .where(EVENTS.c.source == source, EVENTS.c.received_at >= since)
            .order_by(EVENTS.c.received_at, EVENTS.c.event_id)
            .limit(limit)
        )
        if types:
            query = query.where(EVENTS.c.type.in_(types))
        return [event_record(row) for row in await self._read(lambda db: db.execute(query).all())]


def _newest_first(table: Table, time: str, key: str, limit: int, cursor: str | None) -> Select[tuple[object, ...]]:
    """Return the query of one row more than a page, so that the caller sees whether there is another page."""
    query = select(table).order_by(table.c[time].desc(), table.c[key].desc()).limit(limit + 1)
    if cursor is None:
        return query
    moment, last_key = read_cursor(cursor, 2)
    after = tuple_(literal(moment, table.c[time].type), literal(last_key, table.c[key].type))
    return query.where(tuple_(table.c[time], table.c[key]) < after)
