"""The budget of a connection: who may send the next request, and when."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import anyio

from backhaul.clock import Clock
from backhaul.errors import RetryableError
from backhaul.plugins.limits import Limits, MinuteWindow

__all__ = ["Budget", "MemoryUsage", "UsageStore"]

LONGEST_WAIT_S = 30.0
"""A longer pause is not waited for in memory: the run puts its next attempt on disk."""


class UsageStore(Protocol):
    """Where the count of a connection's requests of one day survives a restart."""

    async def reserve_usage(self, connection: str, day: date, count: int) -> int:
        """Add `count` to the day's use in one atomic step and return the new total.

        Args:
            connection: name of the connection.
            day: the date in the connection's `day_zone`.
            count: requests to add, at least 1.
        """
        ...

    async def usage(self, connection: str, day: date) -> int:
        """Return the day's use, 0 when nothing was reserved."""
        ...


class MemoryUsage:
    """A `UsageStore` that forgets with the process: for tests, and for projects without a store."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, date], int] = {}

    async def reserve_usage(self, connection: str, day: date, count: int) -> int:
        """Add `count` to the day's use and return the new total."""
        total = self._used.get((connection, day), 0) + count
        self._used[connection, day] = total
        return total

    async def usage(self, connection: str, day: date) -> int:
        """Return the day's use."""
        return self._used.get((connection, day), 0)


class _Waiter:
    """One request in the queue. The order: larger priority first, then the earlier one."""

    __slots__ = ("called", "gone", "order")

    def __init__(self, priority: int, number: int) -> None:
        self.order = (-priority, number)
        self.called: anyio.Event | None = None
        self.gone = False

    def __lt__(self, other: _Waiter) -> bool:
        return self.order < other.order


class Budget:
    """Hands out the right to send one request; one object per connection, shared by all runs.

    Cancellation at any moment leaves no slot taken.
    """

    def __init__(self, connection: str, limits: Limits, *, clock: Clock, usage: UsageStore | None = None) -> None:
        self._connection = connection
        self._limits = limits
        self._clock = clock
        self._free = limits.concurrency
        self._window = MinuteWindow(limits.per_minute)
        self._paused_until = float("-inf")
        self._queue: list[_Waiter] = []
        self._count = 0
        self._day = _DayQuota(connection, limits, clock, usage or MemoryUsage()) if limits.per_day else None

    @asynccontextmanager
    async def slot(self, priority: int = 0) -> AsyncIterator[None]:
        """Hold the right to one request inside the block.

        Waits for a free slot and for the minute's limit, the more urgent first.

        Raises:
            RetryableError: the connection is paused for long, or the day's requests are used up; `retry_after_s`
                says for how long.
        """
        await self._take(priority)
        try:
            if self._day is not None:
                await self._day.take()
            yield
        finally:
            self._free += 1
            self._window.end(self._clock.monotonic())
            self._call_first()

    def pause(self, seconds: float) -> None:
        """Start no request for `seconds`, as the other system asked (``Retry-After``)."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def refused(self) -> None:
        """Note a 429: the limits in force at the other system are lower than what was done."""
        self._window.refused(self._clock.monotonic())

    @property
    def pause_left_s(self) -> float:
        """Seconds until the pause ends, 0 when there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a slot."""
        return sum(not waiter.gone for waiter in self._queue)

    @property
    def under_way(self) -> int:
        """Number of requests that hold a slot."""
        return self._limits.concurrency - self._free

    async def _take(self, priority: int) -> None:
        if self._first() is None and self._wait_s() == 0.0:
            self._start()
            return
        self._refuse_long_pause()
        self._count += 1
        waiter = _Waiter(priority, self._count)
        heapq.heappush(self._queue, waiter)
        try:
            await self._wait_turn(waiter)
            self._start()
        finally:
            waiter.gone = True
            self._call_first()

    async def _wait_turn(self, waiter: _Waiter) -> None:
        while True:
            wait_s = self._wait_s() if self._first() is waiter else None
            if wait_s == 0.0:
                return
            if wait_s is None:
                waiter.called = anyio.Event()
                await waiter.called.wait()
            else:
                self._refuse_long_pause()
                await self._clock.sleep(wait_s)

    def _wait_s(self) -> float | None:
        """Return the seconds until the first in the queue may start, or None until a request under way ends."""
        if pause := self.pause_left_s:
            return pause
        return self._window.wait_s(self._clock.monotonic()) if self._free > 0 else None

    def _start(self) -> None:
        self._free -= 1
        self._window.start()

    def _first(self) -> _Waiter | None:
        while self._queue and self._queue[0].gone:
            heapq.heappop(self._queue)
        return self._queue[0] if self._queue else None

    def _call_first(self) -> None:
        first = self._first()
        if first is not None and first.called is not None:
            first.called.set()

    def _refuse_long_pause(self) -> None:
        left = self.pause_left_s
        if left > LONGEST_WAIT_S:
            raise RetryableError(
                f"connection {self._connection}: the other system asked to wait; {left:.0f} seconds are left",
                retry_after_s=left,
            )


class _DayQuota:
    """Counts a day's requests in small reserved blocks, so that not each request is written to the store.

    What a crash leaves of a block is lost, never used twice. Blocks double, so that a short-lived process (one
    ``backhaul call``) does not reserve much more than it uses.
    """

    def __init__(self, connection: str, limits: Limits, clock: Clock, usage: UsageStore) -> None:
        self._connection = connection
        self._per_day = limits.per_day or 0
        self._zone = ZoneInfo(limits.day_zone)
        self._clock = clock
        self._usage = usage
        self._lock = anyio.Lock()
        self._largest_block = max(1, min(100, self._per_day // 100))
        self._block = 1
        self._day: date | None = None
        self._left = 0
        self._ends = clock.now()

    async def take(self) -> None:
        """Count one request of today.

        Raises:
            RetryableError: the day's requests are used up.
        """
        if self._left and self._clock.now() < self._ends:
            self._left -= 1
            return
        async with self._lock:
            today = self._today()
            if not self._left:
                self._left = await self._reserve(today)
            self._left -= 1

    def _today(self) -> date:
        now = self._clock.now()
        if now < self._ends and self._day is not None:
            return self._day
        today = now.astimezone(self._zone).date()
        # Midnight as the zone's clocks show it: a day may have 23 or 25 hours.
        self._ends = datetime.combine(today + timedelta(days=1), time(), self._zone)
        self._day, self._left = today, 0
        return today

    async def _reserve(self, today: date) -> int:
        block = self._block
        total = await self._usage.reserve_usage(self._connection, today, block)
        granted = min(block, self._per_day - (total - block))
        if granted <= 0:
            raise self._used_up(today)
        self._block = min(self._largest_block, block * 2)
        return granted

    def _used_up(self, today: date) -> RetryableError:
        left = (self._ends - self._clock.now()).total_seconds()
        hours, minutes = divmod(int(left) // 60, 60)
        return RetryableError(
            f"connection {self._connection}: the {self._per_day} requests of {today} are used up (limits.per_day); "
            f"the next day begins at {self._ends.isoformat(timespec='minutes')}, in {hours} h {minutes} min",
            retry_after_s=max(left, 1.0),
        )
