"""Counts of calls per calendar minute and per day, as an API client's two limits see them."""

from __future__ import annotations

import math

__all__ = ["CallCounter"]

_MINUTE_S = 60
_DAY_S = 86_400


class CallCounter:
    """Counts the calls of one API client. Windows are calendar minutes and UTC days (assumed)."""

    def __init__(self) -> None:
        self._minute = self._day = -1
        self.in_minute = 0
        self.in_day = 0

    def count(self, now: float, per_minute: int | None, per_day: int | None) -> int | None:
        """Count one call; return None if it is allowed, else the seconds until the exceeded window ends.

        A refused call is not counted.
        """
        minute, day = int(now // _MINUTE_S), int(now // _DAY_S)
        if minute != self._minute:
            self._minute, self.in_minute = minute, 0
        if day != self._day:
            self._day, self.in_day = day, 0
        if per_day is not None and self.in_day >= per_day:
            return math.ceil((day + 1) * _DAY_S - now)
        if per_minute is not None and self.in_minute >= per_minute:
            return math.ceil((minute + 1) * _MINUTE_S - now)
        self.in_minute += 1
        self.in_day += 1
        return None
