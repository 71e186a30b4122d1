from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.triggers.cron import CronTrigger
from backhaul.triggers.ticks import Tick, count_ticks, latest_tick, next_tick, ticks, ticks_between

ZONES = [
    "UTC",
    "America/Sao_Paulo",
    "Europe/Paris",
    "Europe/London",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Apia",
]
EXPRESSIONS = [
    "*/15 * * * *",
    "0 */2 * * *",
    "7,37 1-3 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "30 23 * * 0,6",
    "0 12 L * *",
    "*/10 2 * * sun",
    "0 3 29 2 *",
]
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
TRIGGERS = st.builds(
    CronTrigger,
    expression=st.sampled_from(EXPRESSIONS),
    timezone=st.sampled_from(ZONES),
    jitter_s=st.sampled_from([0.0, 30.0, 600.0, 100_000.0]),
)


def fired(expression: str, zone: str, day: str, count: int) -> list[str]:
    """Wall-clock times, with the offset, of the first ticks from the start of a day of UTC on."""
    trigger = CronTrigger(expression=expression, timezone=zone)
    found = islice(ticks(trigger, datetime.fromisoformat(day).replace(tzinfo=UTC)), count)
    return [tick.at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z") for tick in found]


def first(expression: str, zone: str, day: str) -> Tick:
    tick = next_tick(CronTrigger(expression=expression, timezone=zone), datetime.fromisoformat(day).replace(tzinfo=UTC))
    assert tick is not None
    return tick


def test_a_fixed_time_that_the_clock_skips_fires_at_the_first_valid_moment() -> None:
    tick = first("30 2 * * *", "Europe/Paris", "2026-03-29")
    assert tick == Tick(
        at=datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        due=datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        wall=datetime(2026, 3, 29, 2, 30),
        note="02:30 does not exist on 2026-03-29: fires at 03:00",
    )
    assert fired("30 2 * * *", "Europe/Paris", "2026-03-28", 3) == [
        "28 02:30 +0100",
        "29 03:00 +0200",
        "30 02:30 +0200",
    ]


def test_a_fixed_time_that_occurs_twice_fires_the_first_time_only() -> None:
    assert first("30 2 * * *", "Europe/Paris", "2026-10-25").note == (
        "02:30 occurs twice on 2026-10-25: fires the first time"
    )
    assert fired("30 2 * * *", "Europe/Paris", "2026-10-24", 3) == [
        "24 02:30 +0200",
        "25 02:30 +0200",
        "26 02:30 +0100",
    ]
    assert fired("30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00", 2) == ["17 23:30 -0200", "18 23:30 -0300"]


def test_fixed_times_of_one_gap_are_one_tick_also_with_the_minute_at_which_it_ends() -> None:
    assert fired("0,30 2,3 * * *", "Europe/Paris", "2026-03-29", 3) == [
        "29 03:00 +0200",
        "29 03:30 +0200",
        "30 02:00 +0200",
    ]
    tick = first("0,30 2,3 * * *", "Europe/Paris", "2026-03-29")
    assert tick.note == "02:00 to 02:30 do not exist on 2026-03-29: fires at 03:00"
    assert tick.wall == datetime(2026, 3, 29, 2, 0)


def test_midnight_fires_also_on_a_day_that_starts_at_one() -> None:
    assert fired("@daily", "America/Sao_Paulo", "2018-11-03T12:00", 2) == ["04 01:00 -0200", "05 00:00 -0200"]


def test_a_day_that_a_country_left_out_fires_at_the_start_of_the_next_one() -> None:
    assert fired("0 3 * * *", "Pacific/Apia", "2011-12-29T00:00", 4) == [
        "29 03:00 -1000",
        "31 00:00 +1400",
        "31 03:00 +1400",
        "01 03:00 +1400",
    ]
    tick = first("0 3 * * *", "Pacific/Apia", "2011-12-30T00:00")
    assert tick.note == "03:00 does not exist on 2011-12-30: fires at 00:00 on 2011-12-31"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_every_quarter_of_an_hour_stays_that_across_both_changes(day: str) -> None:
    trigger = CronTrigger(expression="*/15 * * * *", timezone="Europe/Paris")
    found = islice(ticks(trigger, datetime.fromisoformat(day).replace(tzinfo=UTC)), 40)
    assert {later.at - earlier.at for earlier, later in pairwise(found)} == {timedelta(minutes=15)}


def test_every_two_hours_gets_no_tick_for_an_hour_that_the_clock_skips() -> None:
    assert fired("0 */2 * * *", "Europe/Paris", "2026-03-28T22:30", 3) == [
        "29 00:00 +0100",
        "29 04:00 +0200",
        "29 06:00 +0200",
    ]
    assert (
        first("0 */2 * * *", "Europe/Paris", "2026-03-28T23:30").note == "02:00 does not exist on 2026-03-29: left out"
    )


def test_an_interval_fires_in_both_passes_of_a_repeated_half_hour() -> None:
    trigger = CronTrigger(expression="*/30 * * * *", timezone="Australia/Lord_Howe")
    found = list(islice(ticks(trigger, datetime(2026, 4, 4, 14, 0, tzinfo=UTC)), 4))
    assert [f"{tick.wall:%H:%M} {tick.note}".strip() for tick in found] == [
        "01:30 01:30 occurs twice on 2026-04-05: this is the first time",
        "01:30 01:30 occurs twice on 2026-04-05: this is the second time",
        "02:00",
        "02:30",
    ]


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 0 L * *", [30, 31, 30]),
        ("0 0 * * 5#2", [10, 8, 12]),
        ("0 0 * * L5", [24, 29, 26]),
        ("0 0 * * 7", [5, 12, 19]),
        ("0 0 10 * sun", [5, 10, 12]),
        ("0 0 */10 * sun", [31, 21, 11]),
        ("0 0 1-7 * */7", [5, 3, 7]),
        ("0 0 * MAY mon", [4, 11, 18]),
    ],
)
def test_days_are_those_of_cron(expression: str, days: list[int]) -> None:
    found = islice(ticks(CronTrigger(expression=expression), datetime(2026, 4, 1, tzinfo=UTC) - timedelta(hours=1)), 3)
    assert [tick.at.day for tick in found] == days


def test_a_trigger_fires_from_its_start_until_before_its_end() -> None:
    start, end = datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 12, tzinfo=UTC)
    trigger = CronTrigger(expression="@hourly", start=start, end=end)
    long_ago, much_later = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    assert [tick.at.hour for tick in ticks(trigger, long_ago)] == [9, 10, 11]
    assert count_ticks(trigger, long_ago, much_later) == 3
    latest = latest_tick(trigger, much_later, after=long_ago)
    assert latest is not None
    assert latest.at.hour == 11
    assert latest_tick(trigger, start - timedelta(minutes=1), after=long_ago) is None
    assert next_tick(trigger, end) is None


def test_start_and_end_at_the_ends_of_the_calendar_are_no_limits() -> None:
    east, west = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
    trigger = CronTrigger(
        expression="@daily", start=datetime(1, 1, 1, tzinfo=east), end=datetime(9999, 12, 31, 23, tzinfo=west)
    )
    tick = next_tick(trigger, datetime(2026, 5, 1, 9, tzinfo=UTC))
    assert tick is not None
    assert tick.at == datetime(2026, 5, 2, tzinfo=UTC)
    assert next_tick(trigger, datetime(9999, 12, 31, tzinfo=UTC)) is None


def test_a_wall_clock_time_is_refused_in_place_of_a_moment() -> None:
    with pytest.raises(ValueError, match="aware"):
        next_tick(CronTrigger(expression="@daily"), datetime(2026, 5, 1))


def test_jitter_is_the_same_for_the_same_tick_and_another_for_others() -> None:
    trigger = CronTrigger(expression="@hourly", jitter_s=600)
    after = datetime(2026, 5, 1, tzinfo=UTC)
    by_seed = {seed: [tick.due - tick.at for tick in islice(ticks(trigger, after, seed=seed), 50)] for seed in "ab"}
    assert by_seed["a"][1:] == [
        tick.due - tick.at for tick in islice(ticks(trigger, after + timedelta(hours=1), seed="a"), 49)
    ]
    assert len({*by_seed["a"], *by_seed["b"]}) == 100
    assert by_seed["a"][0] == timedelta(seconds=339.612671)


@given(TRIGGERS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)))
def test_all_ways_to_ask_give_the_same_ticks(trigger: CronTrigger, after: datetime, length: timedelta) -> None:
    until = after + length
    found = list(ticks_between(trigger, after, until))
    assert all(after < tick.at <= until for tick in found)
    assert all(earlier.at < later.at for earlier, later in pairwise(found))
    assert count_ticks(trigger, after, until) == len(found)
    assert latest_tick(trigger, until, after=after) == (found[-1] if found else None)
    following = next_tick(trigger, after)
    assert following is not None
    assert following == (found[0] if found else following)
    assert found or following.at > until


@given(TRIGGERS, MOMENTS)
def test_a_tick_is_due_within_its_jitter_and_before_the_next_one(trigger: CronTrigger, after: datetime) -> None:
    for earlier, later in pairwise(islice(ticks(trigger, after, seed="x"), 20)):
        assert earlier.at <= earlier.due < later.at
        assert earlier.due - earlier.at <= timedelta(seconds=trigger.jitter_s)


@given(TRIGGERS, MOMENTS)
def test_a_tick_without_a_note_is_at_the_wall_clock_time_that_it_means(trigger: CronTrigger, after: datetime) -> None:
    for tick in islice(ticks(trigger, after), 20):
        there = tick.at.astimezone(ZoneInfo(trigger.timezone)).replace(tzinfo=None)
        assert there == tick.wall or "does not exist" in tick.note or "do not exist" in tick.note
