"""The requests that a connection may send in one day, counted across restarts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import anyio

from backhaul.clock import Clock
from backhaul.errors import RetryableError
from backhaul.plugins.limits import Limits

__all__ = ["DayQuota", "MemoryUsage", "UsageStore"]


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


class DayQuota:
    """Counts a day's requests in small reserved blocks, so that not each request is written to the store.

    What a crash leaves of a block is lost, never used twice. Blocks double, so that a short-lived process (one
    ``backhaul call``) does not reserve much more than it uses.
    """

    def __init__(self, connection: str, limits: Limits, clock: Clock, usage: UsageStore) -> None:
        self._connection = connection
        self._per_day = limits.per_day or 0
        self._for_bulk = limits.for_bulk(self._per_day)
        self._zone = ZoneInfo(limits.day_zone)
        self._clock = clock
        self._usage = usage
        self._lock = anyio.Lock()
        self._largest_block = max(1, min(100, self._per_day // 100))
        self._block = 1
        self._day: date | None = None
        self._reserved_to = 0
        self._left = 0
        self._ends = clock.now()

    async def take(self, *, is_bulk: bool) -> None:
        """Count one request of today.

        Raises:
            RetryableError: the day's requests are used up, or those of them that bulk work may use.
        """
        most = self._for_bulk if is_bulk else self._per_day
        if self._may_take(most) and self._clock.now() < self._ends:
            self._left -= 1
            return
        async with self._lock:
            today = self._today()
            if not self._left:
                await self._reserve(today, most)
            if not self._may_take(most):
                raise self._used_up(today, most)
            self._left -= 1

    def _may_take(self, most: int) -> bool:
        """Return whether there is a request left in the block, and it is one of the day's first `most`."""
        return self._left > 0 and self._reserved_to - self._left < most

    def _today(self) -> date:
        now = self._clock.now()
        if now < self._ends and self._day is not None:
            return self._day
        today = now.astimezone(self._zone).date()
        # Midnight as the zone's clocks show it: a day may have 23 or 25 hours.
        self._ends = datetime.combine(today + timedelta(days=1), time(), self._zone)
        self._day, self._left = today, 0
        return today

    async def _reserve(self, today: date, most: int) -> None:
        """Reserve another block, if there is one that bulk work, when it asks, may begin."""
        if most < self._per_day and await self._usage.usage(self._connection, today) >= most:
            return
        block = self._block
        total = await self._usage.reserve_usage(self._connection, today, block)
        granted = min(block, self._per_day - (total - block))
        if granted > 0:
            self._block = min(self._largest_block, block * 2)
            self._reserved_to, self._left = total - block + granted, granted

    def _used_up(self, today: date, most: int) -> RetryableError:
        left = (self._ends - self._clock.now()).total_seconds()
        hours, minutes = divmod(int(left) // 60, 60)
        what = f"the {self._per_day} requests of {today} are used up (limits.per_day)"
        if most < self._per_day:
            what = (
                f"of the {self._per_day} requests of {today} (limits.per_day), the {most} that bulk work may use are "
                "used up (limits.reserve keeps the others for urgent runs)"
            )
        return RetryableError(
            f"connection {self._connection}: {what}; "
            f"the next day begins at {self._ends.isoformat(timespec='minutes')}, in {hours} h {minutes} min",
            retry_after_s=max(left, 1.0),
        )
