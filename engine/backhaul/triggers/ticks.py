"""Ticks of a cron trigger: the moments at which it starts runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from backhaul.triggers.cron import CronTrigger, is_fixed, wall_times
from backhaul.triggers.timeline import FIRST_YEAR, LAST_YEAR, Firing, Timeline

__all__ = ["Tick", "count_ticks", "latest_tick", "next_tick", "ticks", "ticks_between"]

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A moment at which a trigger starts a run.

    Attributes:
        at: the scheduled moment, aware UTC. It identifies the tick within its trigger, and rises from tick to tick.
        due: when the run is to start: `at` plus the jitter, before `at` of the next tick; aware UTC.
        wall: the wall-clock time that is meant, naive, in the trigger's zone. It is not that of `at` where the clock
            skips it.
        note: what a change of the clock does to this tick, for people; mostly empty.
    """

    at: datetime
    due: datetime
    wall: datetime
    note: str = ""


def ticks(trigger: CronTrigger, after: datetime, *, seed: str = "") -> Iterator[Tick]:
    """Yield the ticks strictly after a moment, ascending, until the trigger's end.

    Args:
        trigger: which ticks; its `start` belongs to them, its `end` does not.
        after: aware.
        seed: text that tells the trigger from others, so that they get different jitter. The jitter of a tick follows
            from it and from `at` alone, and is the same in every process.
    """
    begin = _utc(after)
    if trigger.start:
        begin = max(begin, _utc(trigger.start) - _MOMENT)
    end = _utc(trigger.end) if trigger.end else None
    for firing in _timeline(trigger).after(begin):
        if end and firing.at >= end:
            return
        yield _tick(trigger, firing, seed)


def next_tick(trigger: CronTrigger, after: datetime, *, seed: str = "") -> Tick | None:
    """Return the first tick strictly after a moment (aware); None when the trigger has ended by then."""
    return next(ticks(trigger, after, seed=seed), None)


def ticks_between(trigger: CronTrigger, after: datetime, until: datetime, *, seed: str = "") -> Iterator[Tick]:
    """Yield the ticks after `after` and until `until`, `until` included, ascending. Both are aware."""
    for tick in ticks(trigger, after, seed=seed):
        if tick.at > until:
            return
        yield tick


def latest_tick(trigger: CronTrigger, not_after: datetime, *, after: datetime, seed: str = "") -> Tick | None:
    """Return the last tick until `not_after`, `not_after` included, if it is after `after`. Both are aware.

    It looks back from `not_after`: what lies between the two does not matter for its time.
    """
    begin, end = _bounds(trigger, after, not_after)
    if end <= begin:
        return None
    firing = _timeline(trigger).latest(end)
    return _tick(trigger, firing, seed) if firing and firing.at > begin else None


def count_ticks(trigger: CronTrigger, after: datetime, until: datetime) -> int:
    """Return how many ticks `ticks_between` yields, without making them: ten years take milliseconds."""
    return _timeline(trigger).count(*_bounds(trigger, after, until))


def _bounds(trigger: CronTrigger, after: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Return both moments, moved into the trigger's `start` and `end`; the first excluded, the second included."""
    begin, end = _utc(after), _utc(until)
    if trigger.start:
        begin = max(begin, _utc(trigger.start) - _MOMENT)
    if trigger.end:
        end = min(end, _utc(trigger.end) - _MOMENT)
    return begin, end


def _timeline(trigger: CronTrigger) -> Timeline:
    return _timeline_of(trigger.fields, trigger.timezone)


@lru_cache(maxsize=4096)
def _timeline_of(fields: str, zone: str) -> Timeline:
    return Timeline(times=wall_times(fields), fixed=is_fixed(fields), zone=zone)


def _tick(trigger: CronTrigger, firing: Firing, seed: str) -> Tick:
    due = firing.at + _jitter(trigger, firing.at, seed) if trigger.jitter_s else firing.at
    return Tick(at=firing.at, due=due, wall=firing.wall, note=firing.note)


def _jitter(trigger: CronTrigger, at: datetime, seed: str) -> timedelta:
    """Return how much later than `at` the tick is due: less than the jitter or the time to the next tick."""
    following = next(_timeline(trigger).after(at), None)
    room_s = min(trigger.jitter_s, (following.at - at).total_seconds()) if following else trigger.jitter_s
    digest = hashlib.blake2b(f"{seed}\n{at.isoformat()}".encode(), digest_size=8).digest()
    return timedelta(microseconds=int(room_s * 1_000_000) * int.from_bytes(digest) >> 64)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} is a wall-clock time; ticks are asked for by aware times")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:  # "from ever" and "for ever": at the calendar's ends no zone is left
        return datetime(FIRST_YEAR if moment.year < FIRST_YEAR else LAST_YEAR + 1, 1, 1, tzinfo=UTC)
    return moment.astimezone(UTC)
