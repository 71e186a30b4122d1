"""The budget of a connection: who may send the next request, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from backhaul.clock import Clock
from backhaul.errors import RetryableError
from backhaul.plugins.day_quota import DayQuota, MemoryUsage, UsageStore
from backhaul.plugins.limits import BULK, Limits, MinuteWindow
from backhaul.plugins.turns import Request, Turns

__all__ = ["Budget", "MemoryUsage", "UsageStore"]

LONGEST_WAIT_S = 30.0
"""A longer pause is not waited for in memory: the run puts its next attempt on disk."""


class Budget:
    """Hands out the right to send one request; one object per connection, shared by all runs.

    Who waits starts in the order of `Turns`. Bulk work leaves a share of the minute's and of the day's requests to
    urgent runs (`Limits.reserve`); it may use the minute's when urgent requests would make it starve.
    Cancellation at any moment leaves no slot taken.

    Attributes:
        requests: number of rights handed out since the start.
        answers: how many of these brought an answer, whatever it said.
        refusals: how many were answered with 429.
    """

    def __init__(self, connection: str, limits: Limits, *, clock: Clock, usage: UsageStore | None = None) -> None:
        self._connection = connection
        self._limits = limits
        self._clock = clock
        self._free = limits.concurrency
        self._window = MinuteWindow(limits.per_minute, limits.reserve)
        self._paused_until = float("-inf")
        self._turns = Turns()
        self.requests: int = 0
        self.answers: int = 0
        self.refusals: int = 0
        self._usage = usage or MemoryUsage()
        self._day = self._day_quota()

    def restate(self, limits: Limits) -> None:
        """Go by other limits from now on, for those too who wait already; what was done counts on."""
        if limits == self._limits:
            return
        self._free += limits.concurrency - self._limits.concurrency
        self._window.restate(limits.per_minute, limits.reserve)
        self._limits = limits
        self._day = self._day_quota()
        self._call_first()

    @asynccontextmanager
    async def slot(self, priority: int = BULK, run: str | None = None) -> AsyncIterator[None]:
        """Hold the right to one request inside the block.

        Waits for a free slot and for the minute's limit: the more urgent first, and among equals the runs in turns.

        Args:
            priority: of the run, 0 for bulk work.
            run: the run for which it is; None outside of runs.

        Raises:
            RetryableError: the connection is paused for long, or the day's requests are used up; `retry_after_s`
                says for how long.
        """
        await self._take(priority, run)
        try:
            if self._day is not None:
                await self._day.take(is_bulk=priority <= BULK)
            self.requests += 1
            yield
            self.answers += 1
        finally:
            self._free += 1
            self._window.end(self._clock.monotonic())
            self._call_first()

    def pause(self, seconds: float) -> None:
        """Start no request for `seconds`, as the other system asked (``Retry-After``)."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def refused(self) -> None:
        """Note a 429: the limits in force at the other system are lower than what was done."""
        self.refusals += 1
        self._window.refused(self._clock.monotonic())

    @property
    def pause_left_s(self) -> float:
        """Seconds until the pause ends, 0 when there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a slot."""
        return len(self._turns)

    @property
    def under_way(self) -> int:
        """Number of requests that hold a slot."""
        return self._limits.concurrency - self._free

    def _day_quota(self) -> DayQuota | None:
        return DayQuota(self._connection, self._limits, self._clock, self._usage) if self._limits.per_day else None

    async def _take(self, priority: int, run: str | None) -> None:
        if not self._turns and self._wait_s(priority) == 0.0:
            self._start()
            return
        self._refuse_long_pause()
        request = self._join(priority, run)
        try:
            await self._wait_turn(request)
            self._turns.start(request)
            self._start()
        finally:
            self._turns.leave(request)
            self._call_first()

    def _join(self, priority: int, run: str | None) -> Request:
        before = self._turns.first()
        request = self._turns.join(priority, run)
        first = self._turns.first()
        if first is not None and first is not before and first is not request:
            first.call()
        return request

    async def _wait_turn(self, request: Request) -> None:
        while True:
            wait_s = self._wait_s(request.priority) if self._turns.first() is request else None
            if wait_s == 0.0:
                return
            if wait_s is None:
                request.called = anyio.Event()
                await request.called.wait()
            else:
                self._refuse_long_pause()
                # It may be called while it sleeps: its turn may come before the minute has room for bulk work.
                with anyio.CancelScope() as request.sleep:
                    await self._clock.sleep(wait_s)
                request.sleep = None

    def _wait_s(self, priority: int) -> float | None:
        """Return the seconds until the first in the queue may start, or None until a request under way ends."""
        if pause := self.pause_left_s:
            return pause
        if self._free <= 0:
            return None
        leaves_reserve = priority <= BULK and not self._turns.is_out_of_order
        return self._window.wait_s(self._clock.monotonic(), leaves_reserve=leaves_reserve)

    def _start(self) -> None:
        self._free -= 1
        self._window.start()

    def _call_first(self) -> None:
        first = self._turns.first()
        if first is not None:
            first.call()

    def _refuse_long_pause(self) -> None:
        left = self.pause_left_s
        if left > LONGEST_WAIT_S:
            raise RetryableError(
                f"connection {self._connection}: the other system asked to wait; {left:.0f} seconds are left",
                retry_after_s=left,
            )
