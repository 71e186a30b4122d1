"""Every tick of ten years, compared with a walk over the minutes of UTC and with cronsim."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from backhaul.triggers.cron import CronTrigger
from backhaul.triggers.ticks import count_ticks, latest_tick, next_tick, ticks_between

DAY = 1440
EXAMPLES = ["UTC", "America/Sao_Paulo"]
REQUIRED = [*EXAMPLES, "Europe/Paris", "Europe/London", "Europe/Lisbon", "Australia/Lord_Howe"]
ODD = [
    "Africa/Casablanca",  # winter time only during Ramadan
    "America/Caracas",  # half an hour in 2016, without summer time
    "America/Havana",  # at midnight
    "America/St_Johns",  # at one minute past midnight until 2011, and UTC-3:30
    "Antarctica/Casey",  # three hours, now and then
    "Antarctica/Troll",  # two hours
    "Asia/Gaza",  # at midnight and at others, on days that change every year
    "Asia/Kathmandu",  # UTC+5:45
    "Asia/Pyongyang",  # half an hour, 2015 and 2018
    "Pacific/Apia",  # no 30 December 2011
    "Pacific/Kiritimati",  # UTC+14
]


@dataclass(frozen=True)
class Meaning:
    """What an expression means, written out by hand."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    fixed: bool
    on: Callable[[date], bool] = lambda _: True

    @property
    def times(self) -> list[int]:
        return sorted(60 * hour + minute for hour in self.hours for minute in self.minutes)


EVERY = tuple(range(24))
SPARSE = [
    Meaning("0 */2 * * *", (0,), tuple(range(0, 24, 2)), fixed=False),
    Meaning("30 */3 * * *", (30,), tuple(range(0, 24, 3)), fixed=False),
    Meaning("*/20 2 * * *", (0, 20, 40), (2,), fixed=False),
    Meaning("0-59/30 1-3 * * *", (0, 30), (1, 2, 3), fixed=False),
    Meaning("@daily", (0,), (0,), fixed=True),
    Meaning("30 0 * * *", (30,), (0,), fixed=True),
    Meaning("30 1 * * *", (30,), (1,), fixed=True),
    Meaning("0,30 2 * * *", (0, 30), (2,), fixed=True),
    Meaning("15,45 1-3 * * 7", (15, 45), (1, 2, 3), fixed=True, on=lambda day: day.isoweekday() == 7),
    Meaning("30 23 * * *", (30,), (23,), fixed=True),
    Meaning("0 3 L * *", (0,), (3,), fixed=True, on=lambda day: (day + timedelta(days=1)).day == 1),
    Meaning("0 2 * * L7", (0,), (2,), fixed=True, on=lambda day: last_sunday(day)),
    Meaning("5 2 * 3,10 sun#2", (5,), (2,), fixed=True, on=lambda day: second_sunday(day) and day.month in (3, 10)),
    Meaning("0 0 1,15 * mon", (0,), (0,), fixed=True, on=lambda day: day.day in (1, 15) or day.isoweekday() == 1),
    Meaning("0 0 */2 * mon", (0,), (0,), fixed=True, on=lambda day: day.day % 2 == 1 and day.isoweekday() == 1),
    Meaning("30 2 29 2 *", (30,), (2,), fixed=True, on=lambda day: (day.month, day.day) == (2, 29)),
]
DENSE = [
    Meaning("*/15 * * * *", (0, 15, 30, 45), EVERY, fixed=False),
    Meaning("@hourly", (0,), EVERY, fixed=False),
]
DENSEST = [
    Meaning("* * * * *", tuple(range(60)), EVERY, fixed=False),
    Meaning("*/7 */5 * * *", tuple(range(0, 60, 7)), tuple(range(0, 24, 5)), fixed=False),
    Meaning("0-59 0-23 * * *", tuple(range(60)), EVERY, fixed=True),
    Meaning("59 * * * *", (59,), EVERY, fixed=False),
]


def second_sunday(day: date) -> bool:
    return day.isoweekday() == 7 and 8 <= day.day <= 14


def last_sunday(day: date) -> bool:
    return day.isoweekday() == 7 and (day + timedelta(days=7)).month != day.month


@cache
def offset(zone: str, minute: int) -> int:
    """Minutes to add to UTC; minutes are counted from the first day of the calendar."""
    moment = datetime.fromordinal(minute // DAY).replace(tzinfo=UTC) + timedelta(minutes=minute % DAY)
    there = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert there is not None
    return there // timedelta(minutes=1)


@cache
def changes_near(zone: str, day: int) -> bool:
    return len({offset(zone, around * DAY) for around in (day - 1, day, day + 1)}) > 1


@cache
def changes(zone: str, first: date, last: date) -> list[int]:
    """Days of UTC on which the clock is changed."""
    days = range(first.toordinal(), last.toordinal())
    return [day for day in days if offset(zone, day * DAY) != offset(zone, day * DAY + DAY)]


@cache
def walls(zone: str, start: int, end: int) -> list[int]:
    """Wall-clock time, in minutes, of each minute of UTC."""
    return [minute + offset(zone, minute) for minute in range(start, end)]


def oracle(zone: str, meaning: Meaning, first: date, last: date) -> list[int]:
    """Minutes of UTC at which the expression fires from `first` until before `last`."""
    near = range(first.toordinal() - 3, last.toordinal() + 3)
    days = {day for day in near if meaning.on(date.fromordinal(day))}
    times = meaning.times
    found: list[int] = []
    for day in range(first.toordinal(), last.toordinal()):
        if changes_near(zone, day):
            found += walk(zone, days, set(times), meaning.fixed, day * DAY)
            continue
        start = day * DAY + offset(zone, day * DAY)  # all walls of this day of UTC come one after another
        meant = [at * DAY + time for at in (start // DAY, start // DAY + 1) if at in days for time in times]
        found += [wall - start + day * DAY for wall in meant if start <= wall < start + DAY]
    return found


def walk(zone: str, days: set[int], times: set[int], fixed: bool, start: int) -> list[int]:
    """Minute by minute through a day of UTC on which, or next to which, the clock is changed."""

    def matches(wall: int) -> bool:
        return wall % DAY in times and wall // DAY in days

    found, highest = [], max(walls(zone, start - DAY - 120, start))
    for minute, wall in enumerate(walls(zone, start, start + DAY), start):
        if any(map(matches, range(highest + 1, wall + 1) if fixed else [wall])):
            found.append(minute)
        highest = max(highest, wall)
    return found


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def minute_of(at: datetime) -> int:
    assert at.tzinfo is UTC
    assert at.second == at.microsecond == 0
    return at.toordinal() * DAY + at.hour * 60 + at.minute


def moment_of(minute: int) -> datetime:
    return datetime.fromordinal(minute // DAY).replace(tzinfo=UTC) + timedelta(minutes=minute % DAY)


def compare(zone: str, meaning: Meaning, first: date, last: date) -> int:
    """Compare all ticks, and how they are counted and found again; return how many."""
    trigger = CronTrigger(expression=meaning.text, timezone=zone)
    after, until = moment(first) - timedelta(seconds=1), moment(last) - timedelta(seconds=1)
    expected = oracle(zone, meaning, first, last)
    found = [minute_of(tick.at) for tick in ticks_between(trigger, after, until)]
    wrong = sorted(set(expected) ^ set(found))[:5]
    assert found == expected, f"{meaning.text} in {zone}: {[moment_of(minute).isoformat() for minute in wrong]}"
    assert count_ticks(trigger, after, until) == len(expected)
    for day in changes(zone, first, last)[:4]:
        for minute in range(day * DAY - 45, day * DAY + DAY + 180, 97):
            if expected and expected[0] <= minute < expected[-1]:
                compare_around(trigger, minute, expected)
    return len(expected)


def compare_around(trigger: CronTrigger, minute: int, expected: list[int]) -> None:
    """Compare what is found from one moment, forwards and backwards."""
    probe, index = moment_of(minute), bisect_right(expected, minute)
    following, latest = next_tick(trigger, probe), latest_tick(trigger, probe, after=moment_of(expected[0] - 1))
    assert following is not None
    assert latest is not None
    assert minute_of(following.at) == expected[index]
    assert minute_of(latest.at) == expected[index - 1]
    later, earlier = minute + 3 * DAY, minute - 3 * DAY
    assert count_ticks(trigger, probe, moment_of(later)) >= bisect_right(expected, later) - index
    assert count_ticks(trigger, moment_of(earlier), probe) >= index - bisect_right(expected, earlier)


def report(record_property: Callable[[str, object], None], zone: str, ticks: int) -> None:
    record_property("zone", zone)
    record_property("ticks compared", ticks)
    print(f"{zone}: {ticks:,} ticks compared")


@pytest.mark.parametrize(("zone", "year"), [("America/Sao_Paulo", 2010), *((zone, 2020) for zone in REQUIRED)])
def test_ten_years_of_ticks_are_those_of_the_oracle(
    zone: str, year: int, record_property: Callable[[str, object], None]
) -> None:
    decade = date(year, 1, 1), date(year + 10, 1, 1)
    ticks = sum(compare(zone, meaning, *decade) for meaning in [*SPARSE, *DENSE])
    report(record_property, zone, ticks)


@pytest.mark.parametrize("zone", [*REQUIRED, *ODD])
def test_ticks_around_all_changes_of_the_clock_are_those_of_the_oracle(
    zone: str, record_property: Callable[[str, object], None]
) -> None:
    first, last = date(2010, 1, 1), date(2030, 1, 1)
    days = changes(zone, first, last) or [first.toordinal()]
    spans = [(date.fromordinal(day - 1), date.fromordinal(day + 2)) for day in days]
    ticks = sum(compare(zone, meaning, *span) for meaning in SPARSE for span in spans)
    ticks += sum(compare(zone, meaning, *span) for meaning in [*DENSE, *DENSEST] for span in spans[:3])
    report(record_property, zone, ticks)


# A step of a range is a fixed time for cronsim, and it has another word for the last Sunday.
SHARED = [meaning for meaning in SPARSE if "-59/" not in meaning.text and "L7" not in meaning.text]
# It looks for intervals in steps of whole hours: with clocks that are changed by, or at, a part of an hour it finds
# others, or none for ever.
PARTS_OF_AN_HOUR = {
    "America/Caracas",
    "America/St_Johns",
    "Antarctica/Casey",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
}


@pytest.mark.parametrize("zone", [*REQUIRED, *ODD])
def test_cronsim_finds_the_same_ticks(zone: str, record_property: Callable[[str, object], None]) -> None:
    ticks = 0
    after = datetime(2010 if zone in ("America/Sao_Paulo", "Pacific/Apia") else 2020, 1, 1, tzinfo=UTC)
    for meaning in SHARED:
        if zone in PARTS_OF_AN_HOUR and not meaning.fixed:
            continue
        until = after.replace(year=after.year + (10 if meaning.fixed else 1))
        trigger = CronTrigger(expression=meaning.text, timezone=zone)
        found = [tick.at for tick in ticks_between(trigger, after, until)]
        simulated = (tick.astimezone(UTC) for tick in CronSim(trigger.fields, after.astimezone(ZoneInfo(zone))))
        expected = list(takewhile(until.__ge__, simulated))
        assert sorted(set(found) ^ set(expected))[:5] == [], f"{meaning.text} in {zone}"
        assert found == expected
        ticks += len(found)
    report(record_property, zone, ticks)
