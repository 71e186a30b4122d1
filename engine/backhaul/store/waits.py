"""Writes and reads what steps of runs wait for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, func, select, tuple_

from backhaul.json_values import Json, dump
from backhaul.store.columns import to_microseconds
from backhaul.store.database import Queries
from backhaul.store.records import EventRecord
from backhaul.store.rows import event_record
from backhaul.store.service_records import WaitKind, WaitRecord
from backhaul.store.service_rows import wait_record, wait_values
from backhaul.store.tables import EVENTS, OPEN, WAITS
from backhaul.store.tickets import Ticket

__all__ = ["WaitQueries"]

_AT_ONCE = 50
"""A first page of so many events is read without a thread: whoever asks for it is about to begin."""
# Asked for at every beginning of a run: to put such a query together takes longer than to answer it.
_WAIT = select(WAITS).where(WAITS.c.run_id == bindparam("run"), WAITS.c.key == bindparam("step"))
_PLACE = (EVENTS.c.received_at, EVENTS.c.event_id)
_OF_TYPE = (
    select(EVENTS)
    .where(EVENTS.c.type == bindparam("wanted"), EVENTS.c.received_at >= bindparam("since"))
    .order_by(*_PLACE)
    .limit(bindparam("most"))
)
_OF_TYPE_BEHIND = _OF_TYPE.where(
    tuple_(*_PLACE) > tuple_(bindparam("time", type_=_PLACE[0].type), bindparam("id", type_=_PLACE[1].type))
)


class WaitQueries(Queries):
    """Waits of runs."""

    def put_wait(self, record: WaitRecord) -> Ticket:
        """Write a wait; an existing one of the same step stays as it is, with its deadline."""
        return self._append((self._statements.put_wait, wait_values(record)))

    def settle_wait(self, run_id: str, key: str, outcome: Json, at: datetime, *, above: Collection[str] = ()) -> Ticket:
        """End an open wait, and queue its run again when that is waiting.

        Args:
            outcome: what ended it; not None.
            above: the runs whose step its run is, which are queued again in the same way.

        Returns:
            A ticket whose value is 1, or 0 when the wait had ended already (or does not exist).
        """
        statements = self._statements
        return self._append(
            (statements.settle_wait, (dump(outcome), to_microseconds(at), run_id, key)),
            *((statements.wake_run, (one,)) for one in (run_id, *above)),
        )

    def wake_run(self, run_id: str) -> Ticket:
        """Queue a run again if it is waiting."""
        return self._append((self._statements.wake_run, (run_id,)))

    async def wait(self, run_id: str, key: str) -> WaitRecord | None:
        """Return the wait of a step, or None."""
        row = await self._look_up(lambda db: db.execute(_WAIT, {"run": run_id, "step": key}).first())
        return None if row is None else wait_record(row)

    async def waits(
        self, *, run_id: str | None = None, kind: WaitKind | None = None, open_only: bool = True, limit: int = 1000
    ) -> list[WaitRecord]:
        """Return waits, oldest first."""
        query = select(WAITS).order_by(WAITS.c.created_at, WAITS.c.run_id, WAITS.c.key).limit(limit)
        if run_id is not None:
            query = query.where(WAITS.c.run_id == run_id)
        if kind is not None:
            query = query.where(WAITS.c.kind == kind.value)
        if open_only:
            query = query.where(OPEN)
        return [wait_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def waits_for_event(
        self, event_type: str, *, after: tuple[str, str] = ("", ""), limit: int = 500
    ) -> list[WaitRecord]:
        """Return open waits for events of a type, ordered by run and key, those behind the key `after` only."""
        query = select(WAITS).where(OPEN, WAITS.c.event_type == event_type)
        behind = (WAITS.c.run_id > after[0]) | ((WAITS.c.run_id == after[0]) & (WAITS.c.key > after[1]))
        query = query.where(behind).order_by(WAITS.c.run_id, WAITS.c.key).limit(limit)
        return [wait_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def waited_types(self) -> set[str]:
        """Return the types of events for which something waits."""
        query = select(WAITS.c.event_type).where(OPEN, WAITS.c.event_type.is_not(None)).distinct()
        return set(await self._read(lambda db: db.execute(query).scalars().all()))

    async def due_waits(self, now: datetime, *, limit: int = 500) -> list[WaitRecord]:
        """Return open waits whose time has come, the longest due first."""
        query = select(WAITS).where(OPEN, WAITS.c.wake_at <= now).order_by(WAITS.c.wake_at).limit(limit)
        return [wait_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def next_wake(self) -> datetime | None:
        """Return the moment at which the next open wait is due, or None."""
        query = select(func.min(WAITS.c.wake_at)).where(OPEN, WAITS.c.wake_at.is_not(None))
        return await self._read(lambda db: db.execute(query).scalar())

    async def events_of_type(
        self, event_type: str, since: datetime, *, after: tuple[datetime, str] | None = None, limit: int = 200
    ) -> list[EventRecord]:
        """Return events of a type that came in at or after `since`, oldest first.

        Args:
            after: `received_at` and id of the event behind which to go on.
        """
        query, values = _OF_TYPE, {"wanted": event_type, "since": since, "most": limit}
        if after is not None:
            query, values = _OF_TYPE_BEHIND, {**values, "time": after[0], "id": after[1]}
        read = self._look_up if after is None and limit <= _AT_ONCE else self._read
        return [event_record(row) for row in await read(lambda db: db.execute(query, values).all())]

    async def oldest_wait_for_event(self) -> datetime | None:
        """Return when the oldest open wait for an event began, or None."""
        query = select(func.min(WAITS.c.created_at)).where(OPEN, WAITS.c.kind == WaitKind.EVENT.value)
        return await self._read(lambda db: db.execute(query).scalar())
