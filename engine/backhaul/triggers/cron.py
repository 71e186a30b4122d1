"""Cron triggers: their attributes, and what their five fields mean."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from croniter import CroniterError, croniter

from backhaul.errors import InputError
from backhaul.triggers.wall_times import LAST, DayRule, WallTimes

__all__ = [
    "CATCH_UP",
    "OVERLAP",
    "CatchUp",
    "CronFault",
    "CronTrigger",
    "Overlap",
    "expression_fault",
    "is_fixed",
    "wall_times",
    "zone_fault",
]

CatchUp: TypeAlias = Literal["none", "latest", "all"]
Overlap: TypeAlias = Literal["skip", "queue", "parallel", "cancel_running"]
CATCH_UP: tuple[str, ...] = get_args(CatchUp)
OVERLAP: tuple[str, ...] = get_args(Overlap)

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST_STEPS = {"minute": 59, "hour": 23, "day of the month": 31, "month": 12, "day of the week": 7}
_FIELDS = tuple(_LONGEST_STEPS)
_FIELD = re.compile(r"[0-9A-Za-z*,/#-]+", re.ASCII)
# Names of months and days, and L for the last day. croniter also knows H and R, which differ from host to host.
_WORDS = re.compile(r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat|l", re.IGNORECASE)
_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_Values: TypeAlias = frozenset[int | str]
_Nth: TypeAlias = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CronFault:
    """What is wrong with a part of a cron trigger."""

    reason: str
    suggestion: str = ""

    def __str__(self) -> str:
        return self.reason + (f" (did you mean {self.suggestion!r}?)" if self.suggestion else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """A trigger that starts runs at times of the clock.

    Attributes:
        expression: five fields, or a name such as ``@daily``, on wall-clock time of `timezone`.
        timezone: IANA name.
        catch_up: which ticks are made up for after a time without a running service.
        max_lateness_s: seconds after which a tick is not made up for any more; None is no limit.
        overlap: what a tick does while a run of the trigger is still going.
        jitter_s: each tick is moved to later by up to so many seconds, the same for the same tick.
        start: first moment at which it fires, aware, or None.
        end: moment from which on it does not fire any more, aware, or None.

    Raises:
        InputError: an attribute is wrong; all reasons in one error.
    """

    expression: str
    timezone: str = "UTC"
    catch_up: CatchUp = "latest"
    max_lateness_s: float | None = None
    overlap: Overlap = "skip"
    jitter_s: float = 0.0
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        reasons = list(self._reasons())
        if reasons:
            raise InputError(f"cron trigger {self.expression!r}", reasons)

    @property
    def fields(self) -> str:
        """The five fields, also of a name such as ``@daily``."""
        return ALIASES.get(self.expression.strip().lower(), " ".join(self.expression.split()))

    def _reasons(self) -> Iterator[str]:
        for fault in (expression_fault(self.expression), zone_fault(self.timezone)):
            if fault:
                yield str(fault)
        if self.catch_up not in CATCH_UP:
            yield f"catch_up is one of {', '.join(CATCH_UP)}, not {self.catch_up!r}"
        if self.overlap not in OVERLAP:
            yield f"overlap is one of {', '.join(OVERLAP)}, not {self.overlap!r}"
        if self.max_lateness_s is not None and self.max_lateness_s < 0:
            yield "max_lateness_s is negative"
        if self.jitter_s < 0:
            yield "jitter_s is negative"
        if any(moment is not None and moment.tzinfo is None for moment in (self.start, self.end)):
            yield "start and end are aware times"
        elif self.start and self.end and self.end <= self.start:
            yield "end is not after start"


@lru_cache(maxsize=1024)
def expression_fault(expression: str) -> CronFault | None:
    """Return what is wrong with a cron expression, or None."""
    text = expression.strip()
    if text.startswith("@"):
        if text.lower() in ALIASES:
            return None
        near = get_close_matches(text.lower(), ALIASES, n=1)
        return CronFault(reason=f"{text!r} is no schedule", suggestion=near[0] if near else "")
    fields = text.split()
    if len(fields) != len(_FIELDS):
        wanted = ", ".join(_FIELDS)
        return CronFault(reason=f"{text!r} has {len(fields)} fields; cron has five: {wanted}")
    for name, field in zip(_FIELDS, fields, strict=True):
        if fault := _field_fault(name, field):
            return fault
    try:
        day_rule = wall_times(" ".join(fields)).day_rule
    except CroniterError:
        return CronFault(reason=f"{text!r} is no cron expression{_where_at_fault(fields)}")
    if not day_rule.ever_matches():
        return CronFault(reason=f"{text!r} never fires: there is no such day")
    return None


def _where_at_fault(fields: list[str]) -> str:
    for number, (name, field) in enumerate(zip(_FIELDS, fields, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[number] = field
        try:
            wall_times(" ".join(alone))
        except CroniterError:
            return f": {field!r} is no {name} of cron"
    return ""


@lru_cache(maxsize=4096)
def _field_fault(name: str, field: str) -> CronFault | None:
    if not _FIELD.fullmatch(field) or re.search(r"[A-Za-z]", _WORDS.sub("", field)):
        return CronFault(reason=f"{field!r} is no {name} of cron")
    if any(int(step) > _LONGEST_STEPS[name] for step in re.findall(r"/([0-9]{1,9})", field)):
        return CronFault(reason=f"{field!r} has a longer step than the {name} has values")
    return None


@lru_cache(maxsize=1024)
def wall_times(fields: str) -> WallTimes:
    """Return the wall-clock times that five fields match.

    A day of the month and a day of the week are alternatives, except where one of the two starts with ``*``: then both
    have to match. Source: crontab(5) of Vixie cron.

    Raises:
        croniter.CroniterError: they are no cron expression. Those of a `CronTrigger` always are.
    """
    minute, hour, day, month, weekday = fields.split()
    try:
        return WallTimes(minutes=_minutes(minute, hour), day_rule=_day_rule(day, month, weekday))
    except CroniterError:
        croniter.expand(fields)  # raises an error that quotes all five
        raise


def is_fixed(fields: str) -> bool:
    """Return whether five fields name times of the day: neither ``*`` nor a step in the minute or the hour."""
    minute, hour, *_ = fields.split()
    return not set("*/") & {*minute, *hour}


@lru_cache(maxsize=1024)
def zone_fault(name: str) -> CronFault | None:
    """Return what is wrong with the name of a time zone, or None."""
    try:
        zoneinfo.ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = get_close_matches(name, _zones(), n=1)
        return CronFault(reason=f"there is no time zone {name!r}", suggestion=near[0] if near else "")
    return None


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(zoneinfo.available_timezones()))


@lru_cache(maxsize=1024)
def _minutes(minute: str, hour: str) -> tuple[int, ...]:
    minutes, hours = sorted(_numbers(0, minute)), sorted(_numbers(1, hour))
    return tuple(60 * of_day + of_hour for of_day in hours for of_hour in minutes)


@lru_cache(maxsize=4096)
def _day_rule(day: str, month: str, weekday: str) -> DayRule:
    weekdays, nth = _expanded(4, weekday)
    return DayRule(
        months=_numbers(3, month),
        days=_numbers(2, day),
        last_day="l" in _expanded(2, day)[0],
        weekdays=nth or frozenset((int(number), 0) for number in weekdays),
        both=day.startswith("*") or weekday.startswith("*"),
    )


def _numbers(position: int, field: str) -> frozenset[int]:
    return frozenset(value for value in _expanded(position, field)[0] if isinstance(value, int))


# By field, because 10,000 schedules have far fewer different fields than expressions.
@lru_cache(maxsize=4096)
def _expanded(position: int, field: str) -> tuple[_Values, _Nth]:
    """Return the values of one field (numbers, or "l" for the last day) and its numbered weekdays."""
    alone = ["*"] * len(_FIELDS)
    alone[position] = field
    fields, by_weekday = croniter.expand(" ".join(alone))
    values = frozenset(fields[position])
    nth = ((day, LAST if number == "l" else number) for day, numbers in by_weekday.items() for number in numbers)
    return (frozenset(_RANGES[position]) if "*" in values else values), frozenset(nth)
