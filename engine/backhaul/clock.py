"""Time as a dependency: everything that reads the time or waits takes a `Clock`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import anyio

__all__ = ["Clock", "SystemClock", "set_at_latest", "utc_text"]


class Clock(Protocol):
    """Source of time for the engine. Tests inject their own (`backhaul.testing.FakeClock`)."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when they are zero or negative."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now()` has reached `moment` (aware)."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once when they are zero or negative."""
        if seconds > 0:
            await anyio.sleep(seconds)

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now()` has reached `moment`, in slices, so that a set clock is noticed."""
        while (left := (moment - self.now()) / timedelta(seconds=1)) > 0:  # noqa: ASYNC110 (nothing tells that it was set)
            await anyio.sleep(min(left, 30.0))


async def set_at_latest(event: anyio.Event, sleep: Callable[[], Awaitable[None]]) -> None:
    """Return when an event is set; when `sleep` returns before, it is set then."""

    async def slept() -> None:
        await sleep()
        event.set()

    async with anyio.create_task_group() as group:
        group.start_soon(slept)
        await event.wait()
        group.cancel_scope.cancel()


def utc_text(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 text in UTC: ``2026-03-01T06:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
