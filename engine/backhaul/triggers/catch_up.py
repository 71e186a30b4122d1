"""Which ticks of a cron trigger start runs now, and which ones are skipped because they come too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, TypeAlias, assert_never

from backhaul.triggers.cron import CatchUp, CronTrigger
from backhaul.triggers.ticks import Tick, count_ticks, latest_tick, next_tick, ticks_between

__all__ = ["GRACE_S", "STARTS_AT_ONCE", "CatchUpDecision", "SkippedBy", "SkippedTicks", "decide_due", "skipped_ticks"]

GRACE_S = 60.0
"""A tick that is decided within so many seconds after it was due is on time, and starts whatever `catch_up` says."""

STARTS_AT_ONCE = 1000
"""A decision starts at most so many ticks; what is left of a longer backlog is decided at once afterwards."""

SkippedBy: TypeAlias = Literal["catch_up: none", "catch_up: latest", "max_lateness", "paused"]
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedTicks:
    """A row of ticks, without one left out between them, that start nothing.

    Attributes:
        first: `at` of the first tick, aware UTC.
        last: `at` of the last tick; the same as `first` when it is one.
        count: how many, at least 1.
        by: the policy that skips them.
    """

    first: datetime
    last: datetime
    count: int
    by: SkippedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpDecision:
    """What becomes of the ticks of a trigger at a moment.

    Attributes:
        start: ticks that start a run now, ascending, at most `STARTS_AT_ONCE`; all after those skipped.
        skipped: ticks that will never start one, ascending, at most one row for each policy.
        decided_until: all ticks until this moment, included, are decided: the next decision's `last`. It never goes
            back.
        wake_at: when to decide again, aware UTC; a moment that has come when ticks were left over; None when the
            trigger will not fire any more.
    """

    start: tuple[Tick, ...]
    skipped: tuple[SkippedTicks, ...]
    decided_until: datetime
    wake_at: datetime | None


def decide_due(trigger: CronTrigger, *, last: datetime | None, now: datetime, seed: str = "") -> CatchUpDecision:
    """Decide on all ticks after `last` that are due.

    A tick that was due more than `GRACE_S` ago is late. Late ticks start nothing by ``catch_up: none``; the latest one
    of them does by ``latest``, unless a tick is on time, which makes up for it; all do by ``all``. Those that were due
    more than `CronTrigger.max_lateness_s` ago never do.

    A clock that went back starts nothing twice, for only ticks after `last` count; one that went forward leaves a
    backlog as a stopped service does.

    Args:
        trigger: whose ticks.
        last: `decided_until` of the decision before, aware. None for a trigger that is new: it fires after `now`.
        now: aware.
        seed: as for `backhaul.triggers.ticks.ticks`; always the same for the trigger.
    """
    if last is None:
        last = now
    upcoming = next_tick(trigger, last, seed=seed)
    if upcoming is None or upcoming.due > now:
        return CatchUpDecision(start=(), skipped=(), decided_until=last, wake_at=upcoming.due if upcoming else None)

    newest = _due_by(trigger, last, now, seed)
    late = _due_by(trigger, last, now - timedelta(seconds=GRACE_S) - _MOMENT, seed)
    too_late = _too_late(trigger, last, now, seed)
    skipped_until = _skipped_until(trigger.catch_up, too_late, late, newest)
    rows = (
        skipped_ticks(trigger, last, too_late, "max_lateness"),
        skipped_ticks(
            trigger, too_late, skipped_until, "catch_up: none" if trigger.catch_up == "none" else "catch_up: latest"
        ),
    )
    start = tuple(islice(ticks_between(trigger, skipped_until, newest, seed=seed), STARTS_AT_ONCE))
    decided_until = start[-1].at if start else newest
    following = next_tick(trigger, decided_until, seed=seed)
    return CatchUpDecision(
        start=start,
        skipped=tuple(row for row in rows if row),
        decided_until=decided_until,
        wake_at=following.due if following else None,
    )


def skipped_ticks(trigger: CronTrigger, after: datetime, until: datetime, by: SkippedBy) -> SkippedTicks | None:
    """Return the ticks after `after` and until `until` (included) as one row; None when there is none."""
    first, last = next_tick(trigger, after), latest_tick(trigger, until, after=after)
    if first is None or last is None:
        return None
    return SkippedTicks(first=first.at, last=last.at, count=count_ticks(trigger, after, until), by=by)


def _due_by(trigger: CronTrigger, after: datetime, moment: datetime, seed: str) -> datetime:
    """Return `at` of the last tick after `after` that was due by a moment, or `after`."""
    tick = latest_tick(trigger, moment, after=after, seed=seed)
    if tick and tick.due > moment:  # only the last one can be: it is due before the next one
        tick = latest_tick(trigger, tick.at - _MOMENT, after=after, seed=seed)
    return tick.at if tick else after


def _too_late(trigger: CronTrigger, last: datetime, now: datetime, seed: str) -> datetime:
    """Return `at` of the last tick that `max_lateness_s` rules out, or `last`."""
    lateness_s = max(GRACE_S, trigger.max_lateness_s or 0.0)
    if trigger.max_lateness_s is None or lateness_s >= (now - last).total_seconds():
        return last
    return _due_by(trigger, last, now - timedelta(seconds=lateness_s) - _MOMENT, seed)


def _skipped_until(catch_up: CatchUp, too_late: datetime, late: datetime, newest: datetime) -> datetime:
    """Return `at` of the last tick that is skipped; each argument is that of the last tick of its kind."""
    match catch_up:
        case "none":
            return late
        case "latest":
            return late if newest > late else max(too_late, late - _MOMENT)
        case "all":
            return too_late
        case _:
            assert_never(catch_up)
