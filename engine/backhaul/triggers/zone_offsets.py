"""Stretches of time in which the offset of a time zone to UTC stays the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

__all__ = ["Stretch", "stretch_at"]

_SECOND = timedelta(seconds=1)
# Two changes of one zone are at least 6.9 days apart in all of the IANA time zone database since 1900.
_PROBE_EVERY = timedelta(days=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time with one offset to UTC.

    Where no change is near, it starts or ends at the turn of a year, and `before` or `after` equals `offset`.

    Attributes:
        start: aware UTC; the first moment with `offset`.
        end: aware UTC; the first moment after it.
        before: offset to UTC just before `start`.
        offset: what to add to UTC for the wall-clock time of the zone.
        after: offset to UTC at `end`.
        wall_start: wall-clock time at `start`, naive.
        wall_end: wall-clock time that `end` would have without the change, naive.
    """

    start: datetime
    end: datetime
    before: timedelta
    offset: timedelta
    after: timedelta
    wall_start: datetime
    wall_end: datetime

    def wall(self, moment: datetime) -> datetime:
        """Return the wall-clock time, naive, of a moment (UTC) of this stretch."""
        return moment.replace(tzinfo=None) + self.offset

    def moment(self, wall: datetime) -> datetime:
        """Return the moment (aware UTC) of a naive wall-clock time of this stretch."""
        return (wall - self.offset).replace(tzinfo=UTC)


def stretch_at(zone: str, moment: datetime) -> Stretch:
    """Return the stretch that a moment (aware UTC, in the years 3 to 9996) belongs to."""
    year = moment.year
    changes = (*_changes(zone, year - 1), *_changes(zone, year), *_changes(zone, year + 1))
    index = bisect_right(changes, moment)
    start = changes[index - 1] if index else datetime(year - 1, 1, 1, tzinfo=UTC)
    end = changes[index] if index < len(changes) else datetime(year + 2, 1, 1, tzinfo=UTC)
    return _stretch(zone, start, end)


@lru_cache(maxsize=8192)
def _stretch(zone: str, start: datetime, end: datetime) -> Stretch:
    before, offset, after = (_offset(ZoneInfo(zone), moment) for moment in (start - _SECOND, start, end))
    return Stretch(
        start=start,
        end=end,
        before=before,
        offset=offset,
        after=after,
        wall_start=start.replace(tzinfo=None) + offset,
        wall_end=end.replace(tzinfo=None) + offset,
    )


@lru_cache(maxsize=8192)
def _changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Return the moments (UTC, ascending) of a year from which on another offset holds."""
    info = ZoneInfo(zone)
    return tuple(
        _change(info, low, high) for low, high in pairwise(_probes(year)) if _offset(info, low) != _offset(info, high)
    )


def _probes(year: int) -> Iterator[datetime]:
    moment, end = datetime(year, 1, 1, tzinfo=UTC) - _SECOND, datetime(year + 1, 1, 1, tzinfo=UTC) - _SECOND
    while moment < end:
        yield moment
        moment += _PROBE_EVERY
    yield end


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the first second after `low`, until `high`, that has the offset of `high`."""
    offset = _offset(zone, high)
    while high - low > _SECOND:
        middle = (low + (high - low) // 2).replace(microsecond=0)
        if _offset(zone, middle) == offset:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
