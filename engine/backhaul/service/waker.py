"""Ends waits: when their time has come, and when an event comes that they are for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
import structlog

from backhaul.clock import set_at_latest
from backhaul.errors import StoreError
from backhaul.json_values import Json
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.wait_matching import WaitMatcher
from backhaul.runs.wait_outcomes import due_outcome, event_outcome, root_of
from backhaul.store.records import EventRecord
from backhaul.store.service_records import WaitRecord

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store

__all__ = ["Waker"]

_log = structlog.get_logger(__name__)

_BATCH = 500
_AT_ONCE = 100
"""Conditions between two moments at which other tasks go on."""
_LOOK_S = 1.0
_OVERLAP = timedelta(seconds=20)
"""How much later than it came in an event that another process takes may be seen here."""


class Waker:
    """Ends waits in the store, and then says which runs have been queued.

    Several may work on one store at the same time: the store takes the first outcome of a wait.

    Args:
        store: the history.
        clock: source of time.
        board: where this process holds waits in memory (`Executor.waits`); it tells of new waits from now on.
        notice: called with the topmost run of each wait that has ended: it may be queued now.
    """

    def __init__(self, store: Store, clock: Clock, board: WaitBoard, notice: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._board = board
        self._notice = notice
        self._matcher = WaitMatcher(store)
        self._types: set[str] = set()
        self._offered: deque[EventRecord] = deque()
        self._seen: dict[str, datetime] = {}
        self._looked_at: datetime | None = None
        self._change = anyio.Event()
        board.on_wait = self._expect

    async def run(self) -> None:
        """End waits until it is cancelled."""
        while True:
            self._change = anyio.Event()
            pause_s = _LOOK_S
            try:
                pause_s = await self.look()
            except StoreError as error:
                _log.error("waits cannot be looked after; trying again", error=str(error))
            await set_at_latest(self._change, partial(self._clock.sleep, pause_s))

    async def look(self) -> float:
        """End every wait that can be ended now, and return in how many seconds to look again.

        Raises:
            StoreError: the store cannot be read or written; nothing is lost.
        """
        while self._offered:
            await self.offer(self._offered[0])
            self._offered.popleft()
        await self._look_for_events()
        await self._settle_due()  # last: an event that came in time counts, also when nobody looked until now
        following = await self._store.next_wake()
        if following is None:
            return _LOOK_S
        return min(max((following - self._clock.now()) / timedelta(seconds=1), 0.0), _LOOK_S)

    def take(self, event: EventRecord) -> None:
        """Take note of an event that is durable; `run` offers it to the waits at once."""
        if event.type in self._types:
            self._offered.append(event)
            self._change.set()

    async def offer(self, event: EventRecord, *, is_new: bool = True) -> int:
        """End the waits that a durable event is for, and return their number.

        Args:
            event: the event.
            is_new: it came in just now, whatever its times say: the clock may have been set back. Otherwise it is only
                for the waits of runs that had begun before it came in.

        Raises:
            StoreError: the store cannot be read or written; `look` finds the event again.
        """
        after = ("", "")
        ended = 0
        while True:
            waits = await self._store.waits_for_event(event.type, after=after, limit=_BATCH)
            fitting = []
            for number, wait in enumerate(waits, start=1):
                if await self._matcher.fits(wait, event, is_new=is_new):
                    fitting.append((wait, event_outcome(event)))
                if number % _AT_ONCE == 0:
                    await anyio.lowlevel.checkpoint()
            ended += await self._settle(fitting)
            if len(waits) < _BATCH:
                self._seen[event.event_id] = self._clock.now()
                return ended
            after = (waits[-1].run_id, waits[-1].key)

    async def _settle_due(self) -> None:
        while due := await self._store.due_waits(self._clock.now(), limit=_BATCH):
            await self._settle([(wait, due_outcome(wait)) for wait in due])

    async def _settle(self, ended: list[tuple[WaitRecord, Json]]) -> int:
        """Write outcomes; where another one was first, nothing happens."""
        now = self._clock.now()
        tickets = []
        for wait, outcome in ended:
            above = (wait.details or {}).get("above", ())
            tickets.append((wait, self._store.settle_wait(wait.run_id, wait.key, outcome, now, above=above)))
        count = 0
        for wait, ticket in tickets:
            await ticket.wait()
            if ticket.value:
                count += 1
                self._board.wake(wait.run_id, wait.key)
                self._notice(root_of(wait))
        return count

    async def _look_for_events(self) -> None:
        """Find events that other processes have stored, or that were stored just before this one ended."""
        self._types = await self._store.waited_types()
        if not self._types:
            self._looked_at = None
            self._seen.clear()
            return
        now = self._clock.now()
        oldest = await self._store.oldest_wait_for_event() if self._looked_at is None else self._looked_at
        since = (oldest or now) - _OVERLAP
        for event_type in sorted(self._types):
            await self._look_for_type(event_type, since)
        self._looked_at = now
        self._seen = {event_id: seen for event_id, seen in self._seen.items() if seen > now - 3 * _OVERLAP}

    async def _look_for_type(self, event_type: str, since: datetime) -> None:
        after: tuple[datetime, str] | None = None
        while found := await self._store.events_of_type(event_type, since, after=after, limit=_BATCH):
            for event in found:
                if event.event_id not in self._seen:
                    await self.offer(event, is_new=False)
            if len(found) < _BATCH:
                return
            after = (found[-1].received_at, found[-1].event_id)

    def _expect(self, wait: WaitRecord) -> None:
        """Hear of a wait that has begun in this process."""
        if wait.event_type is not None:
            self._types.add(wait.event_type)
        self._change.set()
