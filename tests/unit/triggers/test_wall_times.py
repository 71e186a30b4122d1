from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import pytest
from croniter import croniter
from hypothesis import example, given
from hypothesis import strategies as st

from backhaul.triggers.cron import expression_fault, is_fixed, wall_times


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high)
    span = st.tuples(one, one).map(lambda pair: "{}-{}".format(*sorted(pair)))
    step = st.tuples(st.one_of(st.just("*"), span), st.integers(1, high)).map(lambda pair: "{}/{}".format(*pair))
    term = st.one_of(one.map(str), span, step)
    return st.one_of(st.just("*"), st.lists(term, min_size=1, max_size=3).map(",".join))


DAYS = st.one_of(numbers(1, 31), st.just("L"))
WEEKDAYS = st.one_of(numbers(0, 7), st.sampled_from(["mon-fri", "sun", "5#2", "1#1,3#5", "L5"]))
FIELDS = st.tuples(numbers(0, 59), numbers(0, 23), DAYS, numbers(1, 12), WEEKDAYS).map(" ".join)
WALLS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1))


def is_plain(fields: str) -> bool:
    """Return whether cron and croniter mean the same days."""
    _, _, day, _, weekday = fields.split()
    return "*" in (day, weekday)


@given(FIELDS.filter(is_plain).filter(lambda fields: expression_fault(fields) is None), WALLS)
@example("0 0 31 * *", datetime(2026, 1, 31))
@example("0 0 29 2 *", datetime(2096, 3, 1))
def test_wall_clock_times_are_those_of_croniter(fields: str, start: datetime) -> None:
    again = croniter(fields, start - timedelta(microseconds=1), max_years_between_matches=60)
    expected = [again.get_next(datetime) for _ in range(5)]
    assert list(islice(wall_times(fields).between(start, datetime(2200, 1, 1)), 5)) == expected


@given(FIELDS.filter(lambda fields: expression_fault(fields) is None), WALLS, st.timedeltas(timedelta(0), timedelta(9)))
def test_counting_and_looking_back_agree_with_going_through(fields: str, start: datetime, length: timedelta) -> None:
    times, end = wall_times(fields), start + length
    found = list(times.between(start, end))
    assert all(start <= wall < end for wall in found)
    assert times.count(start, end) == len(found)
    assert times.first(start, end) == (found[0] if found else None)
    assert times.last(start, end) == (found[-1] if found else None)


def test_a_day_that_comes_once_in_forty_years_is_a_day() -> None:
    assert expression_fault("0 0 29 2 */7") is None
    found = list(wall_times("0 0 29 2 */7").between(datetime(2080, 1, 1), datetime(2140, 1, 1)))
    assert found == [datetime(2088, 2, 29), datetime(2128, 2, 29)]


@pytest.mark.parametrize(
    ("fields", "fixed"),
    [
        ("30 2 * * *", True),
        ("0,30 2-5 * * */2", True),
        ("* 2 * * *", False),
        ("30 * * * *", False),
        ("*/5 2 * * *", False),
        ("0 8-18/2 * * *", False),
    ],
)
def test_a_star_or_a_step_in_the_minute_or_the_hour_makes_an_interval(fields: str, fixed: bool) -> None:
    assert is_fixed(fields) is fixed
