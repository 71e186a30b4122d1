"""Takes events in: stores each with everything that follows from it, once, and wakes whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.errors import UnknownNameError
from backhaul.ids import new_id
from backhaul.json_values import Json, digest
from backhaul.plugins.events import Event
from backhaul.service.event_triggers import EventTriggers
from backhaul.store.records import EventRecord, RunRecord, RunStatus
from backhaul.store.service_records import Acceptance, DecisionRecord, Verdict

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket

__all__ = ["RUN_EVENTS", "Intake", "Taken"]

RUN_EVENTS = {
    RunStatus.SUCCEEDED: ("backhaul.run.finished", "backhaul.run.succeeded"),
    RunStatus.FAILED: ("backhaul.run.finished", "backhaul.run.failed"),
    RunStatus.CANCELLED: ("backhaul.run.finished", "backhaul.run.cancelled"),
    RunStatus.NEEDS_ATTENTION: ("backhaul.run.needs_attention",),
    RunStatus.WAITING: ("backhaul.run.waiting",),
}
"""Types of the events that tell how a run stands. They are stored only while a workflow has a trigger for them."""

_LONGEST_TEXT = 500

NO_TRIGGER = "-"
"""Trigger id under which a repeated delivery is recorded: it reaches no trigger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one event that came in.

    Attributes:
        event_id: the event; for a repeated delivery the one that had come before.
        run_ids: the runs that it started.
    """

    event_id: str
    is_new: bool
    run_ids: tuple[str, ...] = ()


class Intake:
    """Stores events with their decisions and runs, in one transaction each.

    Args:
        store: where they go.
        clock: source of time.
        node: the node that shall carry out what they start.
        triggers: gives the present event triggers.
    """

    def __init__(self, store: Store, clock: Clock, *, node: str, triggers: Callable[[], EventTriggers]) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._triggers = triggers
        self.on_run: Callable[[RunRecord], None] = _ignore
        """Called with each run that has been queued."""
        self.on_event: Callable[[EventRecord], None] = _ignore
        """Called with each new event once it is durable."""

    async def take(self, connection: str, events: Sequence[Event], *, received_at: datetime) -> list[Taken]:
        """Store the events of a connection. They are durable when this returns.

        Raises:
            StoreError: they could not be stored, and shall be sent again.
        """
        records = [self.record(connection, event, received_at) for event in events]
        return await self._take_all(records)

    async def take_record(self, event: EventRecord) -> Taken:
        """Store one event. It is durable when this returns.

        Raises:
            StoreError: it could not be stored, and shall be sent again.
        """
        return (await self._take_all([event]))[0]

    async def take_poll_page(
        self, connection: str, poll: str, cursor: str | None, events: Sequence[Event], received_at: datetime
    ) -> None:
        """Store the events of one look at a connection together with the place where the next look begins.

        Raises:
            StoreError: nothing of it was stored; the look is repeated.
        """
        found = [self._decide(self.record(connection, event, received_at)) for event in events]
        ticket = self._store.put_poll_page(connection, poll, cursor, received_at, found)
        self.told(found, ticket)
        await ticket.wait()

    async def replay(self, event_id: str) -> Taken:
        """Put a stored event to the present triggers once more, as if it had just come in.

        Raises:
            UnknownNameError: there is no such event.
        """
        event = await self._store.event(event_id)
        if event is None:
            raise UnknownNameError("event", event_id)
        occurrence = f"{event_id}~{new_id()}"
        acceptance = self._triggers().decide(event, self._clock.now(), occurrence=occurrence)
        started = {one.run.run_id: one for one in acceptance.runs}
        run_ids = []
        for decision in acceptance.decisions:
            replayed = replace(decision, reason=f"replayed: {decision.reason}")
            run = started.get(decision.run_id or "")
            await self._store.put_decision(replayed, run).wait()
            if run is not None:
                run_ids.append(run.run.run_id)
                self.on_run(run.run)
        return Taken(event_id=event_id, is_new=True, run_ids=tuple(run_ids))

    def emit(self, event: EventRecord, run: RunRecord) -> Ticket:
        """Write an event that a step of `run` emits, with everything that follows from it, unless it is not new."""
        acceptance = self._decide(event, depth=run.depth)
        ticket = self._store.accept(acceptance)
        self.told([acceptance], ticket)
        return ticket

    def ended(self, run: RunRecord) -> Sequence[Acceptance]:
        """Return the events that tell how a run stands, for those types that a workflow has a trigger for."""
        if run.parent_run_id is not None:
            return ()
        triggers = self._triggers()
        types = [name for name in RUN_EVENTS.get(run.status, ()) if triggers.knows(name)]
        return [self._decide(self._end_of(run, name), depth=run.depth, by_workflow=run.workflow) for name in types]

    def told(self, told: Sequence[Acceptance], ticket: Ticket) -> None:
        """Follow up the events that are new once the ticket of the write that holds them is done."""
        if not told:
            return

        def follow_up(done: Ticket) -> None:
            if done.error is None:
                news = done.value if isinstance(done.value, tuple) else (done.value,)
                for acceptance, is_new in zip(told, news, strict=True):
                    if is_new:
                        self._follow_up(acceptance)

        ticket.on_done(follow_up)

    def record(self, connection: str, event: Event, received_at: datetime) -> EventRecord:
        """Return the record of a connection's event."""
        return EventRecord(
            event_id=new_id(),
            type=f"{connection}.{event.type}",
            source=connection,
            subject=_storable(event.subject) or None,
            data=event.data,
            time=event.time,
            received_at=received_at,
            dedupe_key=None if event.key is None else _storable(event.key),
        )

    async def _take_all(self, records: Sequence[EventRecord]) -> list[Taken]:
        found = [self._decide(record) for record in records]
        tickets = [self._store.accept(acceptance) for acceptance in found]
        for acceptance, ticket in zip(found, tickets, strict=True):
            # Not below: whoever waits there may be gone before the events are durable.
            self.told([acceptance], ticket)
        taken = []
        for acceptance, ticket in zip(found, tickets, strict=True):
            await ticket.wait()
            if ticket.value:
                run_ids = tuple(one.run.run_id for one in acceptance.runs)
                taken.append(Taken(event_id=acceptance.event.event_id, is_new=True, run_ids=run_ids))
            else:
                taken.append(await self._repeated(acceptance.event))
        return taken

    def _decide(self, event: EventRecord, *, depth: int = 0, by_workflow: str | None = None) -> Acceptance:
        return self._triggers().decide(event, self._clock.now(), depth=depth, by_workflow=by_workflow)

    def _follow_up(self, acceptance: Acceptance) -> None:
        for started in acceptance.runs:
            self.on_run(started.run)
        self.on_event(acceptance.event)

    async def _repeated(self, event: EventRecord) -> Taken:
        """Record a repeated delivery, and return the event that had come before."""
        first = None
        if event.dedupe_key is not None:
            first = await self._store.event_by_dedupe_key(event.source, event.dedupe_key)
        first_id = first.event_id if first is not None else event.event_id
        decision = DecisionRecord(
            trigger_id=NO_TRIGGER,
            occurrence=new_id(),
            verdict=Verdict.DUPLICATE,
            reason=f"delivered again: event {first_id} came before with the same key",
            details={"source": event.source, "key": event.dedupe_key},
            event_id=first_id,
            decided_at=self._clock.now(),
            node=self._node,
        )
        await self._store.put_decision(decision).wait()
        return Taken(event_id=first_id, is_new=False)

    def _end_of(self, run: RunRecord, event_type: str) -> EventRecord:
        now = self._clock.now()
        data: dict[str, Json] = {
            "run_id": run.run_id,
            "workflow": run.workflow,
            "status": run.status.value,
            "cause": run.cause,
            "error": run.error,
        }
        if run.started_at is not None:
            data["duration_s"] = round((now - run.started_at) / timedelta(seconds=1), 3)
        return EventRecord(
            event_id=new_id(),
            type=event_type,
            source=f"run/{run.run_id}",
            subject=run.workflow,
            data=data,
            time=now,
            received_at=now,
            dedupe_key=f"{event_type}/{run.status.value}/{now.isoformat()}",
            run_id=run.run_id,
        )


def _storable(text: str) -> str:
    """Return a text that every database takes, in an index too: what is sent by strangers must not get stuck."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if len(text) > _LONGEST_TEXT:
        text = f"{text[: _LONGEST_TEXT - 33]}~{digest(text, length=32)}"
    return text


def _ignore(_: object) -> None:
    pass
