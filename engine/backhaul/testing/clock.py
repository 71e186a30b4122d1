"""A clock that tests move by hand."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta

import anyio
from anyio.lowlevel import checkpoint

__all__ = ["FakeClock"]

_TURNS = 20


class FakeClock:
    """A `Clock` whose time moves only by `advance`, or, with `auto`, by sleeping.

    Example::

        clock = FakeClock()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sync_every_hour, clock)
            await clock.advance(3600)      # the sleepers whose time has come have run

    Args:
        start: the first `now`, aware; 2026-01-01T00:00:00Z when not given.
        auto: sleeping does not wait, but moves the time forward by itself. It suits tests of one task in sequence,
            such as retries; several tasks that sleep at the same time would each move the time.
    """

    def __init__(self, start: datetime | None = None, *, auto: bool = False) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        if self._now.tzinfo is None:
            raise ValueError("the start of a FakeClock must be aware")
        self._now = self._now.astimezone(UTC)
        self._monotonic = 0.0
        self._auto = auto
        self._count = 0
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self.slept_s: float = 0.0
        """Sum of all sleeps that were asked for."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """Number of tasks that sleep."""
        return len(self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return when the time has been moved by `seconds`; at once when they are zero or negative."""
        if seconds <= 0:
            await checkpoint()
            return
        self.slept_s += seconds
        if self._auto:
            self._move_to(self._monotonic + seconds)
            await checkpoint()
            return
        self._count += 1
        entry = (self._monotonic + seconds, self._count, anyio.Event())
        heapq.heappush(self._sleepers, entry)
        try:
            await entry[2].wait()
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)
                heapq.heapify(self._sleepers)

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now()` has reached `moment` (aware)."""
        await self.sleep((moment - self._now) / timedelta(seconds=1))

    async def advance(self, seconds: float) -> None:
        """Move the time forward, waking the sleepers in the order of their times.

        Each runs until it waits again before the next is woken, and sleeps that begin meanwhile count too.
        """
        await self.settle()
        end = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, event = heapq.heappop(self._sleepers)
            self._move_to(due)
            event.set()
            await self.settle()
        self._move_to(end)
        await self.settle()

    def set_time(self, moment: datetime) -> None:
        """Set the wall clock to `moment` (aware), also backwards, as a person or NTP does; nobody is woken."""
        self._now = moment.astimezone(UTC)

    async def settle(self) -> None:
        """Let the other tasks run until they wait for something (a bounded number of turns)."""
        for _ in range(_TURNS):
            await checkpoint()

    def _move_to(self, monotonic: float) -> None:
        self._now += timedelta(seconds=max(0.0, monotonic - self._monotonic))
        self._monotonic = max(self._monotonic, monotonic)
