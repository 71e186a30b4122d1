"""The world's time: the real clock, shiftable by the control interface, replaceable by tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["WorldClock"]


class WorldClock:
    """Tells the time in the two forms that the vendors use.

    Args:
        source: seconds since the epoch; the real clock by default.
        zone: IANA zone of the ERP's server.
    """

    def __init__(self, *, source: Callable[[], float] = time.time, zone: str = "America/Sao_Paulo") -> None:
        self._source = source
        self._shift_s = 0.0
        self.zone = ZoneInfo(zone)
        self._cached_second = -1
        self._cached_text = ""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._source() + self._shift_s

    def advance(self, seconds: float) -> None:
        """Move the world's time forward (or back, if negative)."""
        self._shift_s += seconds

    def reset(self, zone: str) -> None:
        """Return to the source's time, in the given zone."""
        self._shift_s = 0.0
        self.set_zone(zone)

    def set_zone(self, zone: str) -> None:
        """Change the zone of the ERP's server; an unknown name raises ``ZoneInfoNotFoundError``."""
        self.zone = ZoneInfo(zone)
        self._cached_second = -1

    def local(self, at: float) -> str:
        """Return ``yyyy-mm-dd HH:MM:SS`` in the ERP's zone, without offset, as the ERP writes it."""
        return datetime.fromtimestamp(int(at), self.zone).replace(tzinfo=None).isoformat(sep=" ")

    def local_now(self) -> str:
        """Return ``local(now())``; the same text object for all calls of one second, to save memory."""
        second = int(self.now())
        if second != self._cached_second:
            self._cached_second, self._cached_text = second, self.local(second)
        return self._cached_text

    @staticmethod
    def iso(at: float) -> str:
        """Return ISO 8601 in UTC with milliseconds, as the ACS writes it."""
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
