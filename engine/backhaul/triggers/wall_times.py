"""Wall-clock times that the five fields of a cron expression match, without any time zone."""

from __future__ import annotations

import calendar
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

__all__ = ["LAST", "DayRule", "WallTimes"]

LAST = -1  # in place of the number of a weekday within its month: the last one
_MINUTE = timedelta(minutes=1)
_CALENDAR_CYCLE = range(2000, 2400)  # the Gregorian calendar repeats itself, weekdays included


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRule:
    """Which days match.

    Attributes:
        months: 1 to 12.
        days: of the month, 1 to 31.
        last_day: the last day of a month matches as if it were in `days`.
        weekdays: pairs of a weekday (0 is Sunday) and which one of its month: 1 to 5, `LAST`, or 0 for every one.
        both: a day has to match `days` and `weekdays`; otherwise one of them is enough.
    """

    months: frozenset[int]
    days: frozenset[int]
    last_day: bool
    weekdays: frozenset[tuple[int, int]]
    both: bool

    def ever_matches(self) -> bool:
        """Return whether there is such a day in the calendar at all."""
        return any(days_in(self, year, month) for year in _CALENDAR_CYCLE for month in sorted(self.months))

    def matches(self, day: int, weekday: int, days_in_month: int) -> bool:
        """Return whether a day of a matching month matches; `weekday` 0 is Sunday."""
        in_days = day in self.days or (self.last_day and day == days_in_month)
        if in_days != self.both:
            return in_days  # the weekday cannot change it
        in_last_week = day + 7 > days_in_month
        which = (0, (day + 6) // 7, LAST) if in_last_week else (0, (day + 6) // 7)
        return any((weekday, number) in self.weekdays for number in which)


@lru_cache(maxsize=8192)
def days_in(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """Return the matching days of a month, ascending."""
    if month not in rule.months:
        return ()
    monday_based, length = calendar.monthrange(year, month)
    return tuple(day for day in range(1, length + 1) if rule.matches(day, (monday_based + day) % 7, length))


@dataclass(frozen=True, slots=True, kw_only=True)
class WallTimes:
    """All wall-clock times that match: naive, on whole minutes.

    Ranges are half open, as ``range`` is: `start` belongs to them, `end` does not.

    Attributes:
        minutes: of the day, 0 to 1439, ascending, at least one.
        day_rule: on which days.
    """

    minutes: tuple[int, ...]
    day_rule: DayRule

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the times from `start` until before `end`, ascending."""
        for midnight in self._midnights(start, end):
            for index in range(*self._matching(midnight, start, end)):
                yield midnight + timedelta(minutes=self.minutes[index])

    def first(self, start: datetime, end: datetime) -> datetime | None:
        """Return the earliest time from `start` until before `end`."""
        return next(self.between(start, end), None)

    def last(self, start: datetime, end: datetime) -> datetime | None:
        """Return the latest time from `start` until before `end`."""
        for midnight in self._midnights(start, end, backwards=True):
            low, high = self._matching(midnight, start, end)
            if low < high:
                return midnight + timedelta(minutes=self.minutes[high - 1])
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """Return how many times there are from `start` until before `end`."""
        ranges = (self._matching(midnight, start, end) for midnight in self._midnights(start, end))
        return sum(high - low for low, high in ranges if low < high)

    def _matching(self, midnight: datetime, start: datetime, end: datetime) -> tuple[int, int]:
        """Return which of `minutes` are in the range on the day of `midnight`, as two indices."""
        low = bisect_left(self.minutes, (start - midnight) / _MINUTE) if start > midnight else 0
        return low, bisect_left(self.minutes, (end - midnight) / _MINUTE)

    def _midnights(self, start: datetime, end: datetime, *, backwards: bool = False) -> Iterator[datetime]:
        """Yield the starts of the matching days that `start` to `end` touches."""
        order = -1 if backwards else 1
        first_day, last_day = (start.year, start.month, start.day), (end.year, end.month, end.day)
        for index in range(start.year * 12 + start.month - 1, end.year * 12 + end.month)[::order]:
            year, month = divmod(index, 12)
            for day in days_in(self.day_rule, year, month + 1)[::order]:
                if first_day <= (year, month + 1, day) <= last_day:
                    yield datetime(year, month + 1, day)
