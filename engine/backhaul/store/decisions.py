"""Writes and reads events with what was decided about them, and the decisions about ticks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import literal, select, tuple_

from backhaul.store.columns import to_microseconds
from backhaul.store.cursors import cursor_of, read_cursor
from backhaul.store.database import Queries
from backhaul.store.records import RunRecord
from backhaul.store.rows import event_values, run_values, workflow_version_values
from backhaul.store.service_records import Acceptance, DecisionRecord, StartedRun, Verdict
from backhaul.store.service_rows import decision_record, decision_values
from backhaul.store.statements import Write
from backhaul.store.tables import DECISIONS, POLLS
from backhaul.store.tickets import Ticket

__all__ = ["DecisionQueries"]


class DecisionQueries(Queries):
    """Events with their decisions, ticks, cursors of polls."""

    def accept(self, acceptance: Acceptance) -> Ticket:
        """Write an event, what was decided about it and the runs that it starts, together, unless it is not new.

        An event is not new when its id, or its source and dedupe key, is there already. The ticket's value is 1 when it
        is new, and 0 when nothing was written.
        """
        return self._append(*self._acceptance(acceptance))

    def put_poll_page(
        self, connection: str, name: str, cursor: str | None, polled_at: datetime, found: Sequence[Acceptance]
    ) -> Ticket:
        """Write the events of one look at a source that is polled, and where the next look begins, together.

        Returns:
            A ticket whose value says of each event whether it is new, as that of `accept`: None without events, the
            number for a single one, a tuple for more.
        """
        writes = [write for acceptance in found for write in self._acceptance(acceptance)]
        place = (connection, name, cursor, to_microseconds(polled_at))
        return self._append(*writes, (self._statements.put_poll, place))

    def put_run_end(
        self, run: RunRecord, told: Sequence[Acceptance], *, waits: Collection[tuple[str, str]] = ()
    ) -> Ticket:
        """Write how a run stands together with the events that tell of it.

        Args:
            run: as it stands.
            told: the events.
            waits: of a run that begins to wait: the run and key of every wait that it waits for. When one of them
                has ended already, the run is queued instead, so that it never waits for what has come.

        Returns:
            A ticket whose value says of each event whether it is new, as that of `put_poll_page`.
        """
        statements = self._statements
        writes: list[Write] = [(statements.touch_wait, wait) for wait in waits]
        writes.append((statements.put_run, run_values(run)))
        writes += [write for acceptance in told for write in self._acceptance(acceptance)]
        writes += [(statements.wake_run_if_settled, (run.run_id, *wait)) for wait in waits]
        return self._append(*writes)

    def put_decision(
        self, record: DecisionRecord, started: StartedRun | None = None, *, decided_until: datetime | None = None
    ) -> Ticket:
        """Write a decision, and its run, unless there is one about this occurrence already.

        Args:
            started: the run, whose id the record names.
            decided_until: for ticks: how far the schedule has been decided with it.

        Returns:
            A ticket whose value is 1 when the decision is new; otherwise nothing but `decided_until` was written, and
            the value is 0.
        """
        statements = self._statements
        writes: list[Write] = [(statements.put_decision, decision_values(record))]
        if started is not None:
            writes += self._started(record, started)
        if decided_until is not None:
            until = to_microseconds(decided_until)
            writes.append((statements.decide_until, (until, record.trigger_id, until)))
        return self._append(*writes)

    async def decision(self, trigger_id: str, occurrence: str) -> DecisionRecord | None:
        """Return what was decided about one occurrence, or None."""
        query = select(DECISIONS).where(DECISIONS.c.trigger_id == trigger_id, DECISIONS.c.occurrence == occurrence)
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else decision_record(row)

    async def decisions(
        self,
        *,
        trigger_id: str | None = None,
        workflow: str | None = None,
        event_id: str | None = None,
        run_id: str | None = None,
        verdict: Verdict | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[DecisionRecord], str | None]:
        """Return decisions, newest first, and the cursor of the next page (None after the last).

        Args:
            trigger_id: of this trigger; the other conditions narrow in the same way.

        Raises:
            InputError: the cursor is not one that this method gave.
        """
        query = select(DECISIONS).order_by(
            DECISIONS.c.decided_at.desc(), DECISIONS.c.trigger_id.desc(), DECISIONS.c.occurrence.desc()
        )
        for column, wanted in (("trigger_id", trigger_id), ("workflow", workflow), ("event_id", event_id)):
            if wanted is not None:
                query = query.where(DECISIONS.c[column] == wanted)
        if run_id is not None:
            query = query.where(DECISIONS.c.run_id == run_id)
        if verdict is not None:
            query = query.where(DECISIONS.c.verdict == verdict.value)
        if cursor is not None:
            moment, trigger, occurrence = read_cursor(cursor, 3)
            columns = (DECISIONS.c.decided_at, DECISIONS.c.trigger_id, DECISIONS.c.occurrence)
            after = [
                literal(one, column.type) for one, column in zip((moment, trigger, occurrence), columns, strict=True)
            ]
            query = query.where(tuple_(*columns) < tuple_(*after))
        query = query.limit(limit + 1)
        records = [decision_record(row) for row in await self._read(lambda db: db.execute(query).all())]
        if len(records) <= limit:
            return records, None
        last = records[limit - 1]
        return records[:limit], cursor_of(last.decided_at, last.trigger_id, last.occurrence)

    async def poll_cursor(self, connection: str, name: str) -> tuple[str | None, datetime | None]:
        """Return where a source that is polled goes on, and when it was last asked; None and None at the first time."""
        query = select(POLLS.c.cursor, POLLS.c.polled_at).where(POLLS.c.connection == connection, POLLS.c.name == name)
        row = await self._read(lambda db: db.execute(query).first())
        return (None, None) if row is None else (row.cursor, row.polled_at)

    def _acceptance(self, acceptance: Acceptance) -> list[Write]:
        statements, event = self._statements, acceptance.event
        runs = {one.run.run_id: one for one in acceptance.runs}
        writes: list[Write] = [(statements.put_event, event_values(event))]
        this_one = (event.event_id, to_microseconds(event.received_at))
        for decision in acceptance.decisions:
            writes.append((statements.put_decision_on_event, (*decision_values(decision), *this_one)))
            started = runs.get(decision.run_id or "")
            if started is not None:
                writes += self._started(decision, started)
        return writes

    def _started(self, decision: DecisionRecord, started: StartedRun) -> list[Write]:
        statements, run = self._statements, started.run
        names = (decision.trigger_id, decision.occurrence, run.run_id)
        return [
            (statements.put_workflow_version, workflow_version_values(started.version)),
            (statements.put_decided_run, (*run_values(run), *names)),
        ]
