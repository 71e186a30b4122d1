"""Cron on wall-clock time in a time zone: which moments it means, across changes of the clock.

An expression is a *fixed time* when its minute and hour are numbers, lists and ranges: it means that time of the day,
once. With a ``*`` or a step (``/``) in the minute or the hour it is an *interval*: it means all real minutes whose
wall-clock time matches. This is the line that Vixie cron draws, with steps of ranges put where they belong.

=====================  ===========================================  ==============================================
wall-clock time        fixed time                                   interval
=====================  ===========================================  ==============================================
does not exist (gap)   the first valid moment after the gap;        nothing
                       several of one gap are one tick
occurs twice           the first time                               both times
=====================  ===========================================  ==============================================

Source: crontab(5) of Vixie cron and cron(8) of Debian, "daylight saving time and other time changes".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from backhaul.triggers.wall_times import WallTimes
from backhaul.triggers.zone_offsets import Stretch, stretch_at

__all__ = ["FIRST_YEAR", "LAST_YEAR", "Firing", "Timeline"]

FIRST_YEAR, LAST_YEAR = 1900, 9900  # nothing fires before or after
_MOMENT = timedelta(microseconds=1)
_DAY, _NOTHING = timedelta(days=1), timedelta()
_WIDEST = timedelta(days=2)  # no clock has ever been set by more


class Firing(NamedTuple):
    """A moment at which an expression fires.

    Attributes:
        at: aware UTC.
        wall: the wall-clock time that is meant, naive; of several in a gap the first.
        note: what a change of the clock does here, or an empty text.
    """

    at: datetime
    wall: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All moments at which an expression fires in a time zone.

    Attributes:
        times: wall-clock times that match the expression.
        fixed: it is a fixed time, not an interval.
        zone: IANA name.
    """

    times: WallTimes
    fixed: bool
    zone: str

    def after(self, moment: datetime) -> Iterator[Firing]:
        """Yield what fires strictly after a moment (aware UTC), ascending."""
        moment += _MOMENT
        while moment.year <= LAST_YEAR:
            stretch = stretch_at(self.zone, moment)
            yield from self._within(stretch, moment)
            moment = stretch.end

    def latest(self, moment: datetime) -> Firing | None:
        """Return the last that fires until a moment (aware UTC), the moment included; None before `FIRST_YEAR`."""
        while moment.year >= FIRST_YEAR:
            stretch = stretch_at(self.zone, moment)
            wall = self.times.last(self._low(stretch), stretch.wall(moment) + _MOMENT)
            if wall:
                return Firing(stretch.moment(wall), wall, self._note(stretch, wall))
            made_up = self._made_up(stretch)
            if made_up:
                return made_up
            moment = stretch.start - _MOMENT
        return None

    def count(self, after: datetime, until: datetime) -> int:
        """Return how often it fires after `after` and until `until`, `until` included, without walking through all."""
        total, moment = 0, after + _MOMENT
        while moment <= until:
            stretch = stretch_at(self.zone, moment)
            low = max(self._low(stretch), stretch.wall(moment))
            total += self.times.count(low, min(stretch.wall_end, stretch.wall(until) + _MOMENT))
            total += moment == stretch.start and self._made_up(stretch) is not None
            moment = stretch.end
        return total

    def _within(self, stretch: Stretch, moment: datetime) -> Iterator[Firing]:
        """Yield what fires in a stretch from a moment of it on, that moment included."""
        made_up = self._made_up(stretch)
        if made_up and moment == stretch.start:
            yield made_up
        for wall in self.times.between(max(self._low(stretch), stretch.wall(moment)), stretch.wall_end):
            yield Firing(stretch.moment(wall), wall, self._note(stretch, wall))

    def _low(self, stretch: Stretch) -> datetime:
        """Return the wall-clock time from which on times of a stretch fire by themselves."""
        if not self.fixed:
            return stretch.wall_start
        if self._made_up(stretch):
            return stretch.wall_start + _MOMENT  # its own first minute and those made up for are one
        return stretch.wall_start + max(stretch.before - stretch.offset, _NOTHING)

    def _made_up(self, stretch: Stretch) -> Firing | None:
        """Return the one tick, at the start of a stretch, for the fixed times that the gap before it skipped."""
        if not self.fixed or stretch.before >= stretch.offset:
            return None
        first = self.times.first(*_gap(stretch))
        if first is None:
            return None
        there = f"{stretch.wall_start:%H:%M}"
        if stretch.wall_start.date() != first.date():
            there += f" on {stretch.wall_start:%Y-%m-%d}"
        return Firing(stretch.start, first, f"{self._missing(stretch)}: fires at {there}")

    def _note(self, stretch: Stretch, wall: datetime) -> str:
        """Return what a change of the clock does to a time of a stretch."""
        if stretch.wall_start + _WIDEST <= wall < stretch.wall_end - _WIDEST:
            return ""
        back_later, back_before = stretch.offset - stretch.after, stretch.before - stretch.offset
        first_pass = back_later > _NOTHING and wall >= stretch.wall_end - back_later
        second_pass = back_before > _NOTHING and wall < stretch.wall_start + back_before
        if first_pass or second_pass:
            twice = f"{wall:%H:%M} occurs twice on {wall:%Y-%m-%d}"
            which = "fires the" if self.fixed else "this is the"
            return f"{twice}: {which} {'second' if second_pass else 'first'} time"
        forward = back_before < _NOTHING and wall < stretch.wall_start + _DAY
        if forward and not self.fixed and self.times.first(stretch.wall_start, wall) is None:
            missing = self._missing(stretch)
            return missing and f"{missing}: left out"
        return ""

    def _missing(self, stretch: Stretch) -> str:
        """Return which matching times the gap before a stretch skips, or an empty text."""
        gap = _gap(stretch)
        first, last = self.times.first(*gap), self.times.last(*gap)
        if first is None or last is None:
            return ""
        if first == last:
            return f"{first:%H:%M} does not exist on {first:%Y-%m-%d}"
        until = f"{last:%H:%M}" if last.date() == first.date() else f"{last:%H:%M} on {last:%Y-%m-%d}"
        return f"{first:%H:%M} to {until} do not exist on {first:%Y-%m-%d}"


def _gap(stretch: Stretch) -> tuple[datetime, datetime]:
    """Return the wall-clock times, from and before, that the change at the start of a stretch skips."""
    return stretch.wall_start + (stretch.before - stretch.offset), stretch.wall_start
