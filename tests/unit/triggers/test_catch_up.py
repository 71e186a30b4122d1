from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.triggers.catch_up import (
    GRACE_S,
    STARTS_AT_ONCE,
    CatchUpDecision,
    SkippedTicks,
    decide_due,
    skipped_ticks,
)
from backhaul.triggers.cron import CATCH_UP, CatchUp, CronTrigger
from backhaul.triggers.ticks import count_ticks

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def hourly(catch_up: CatchUp = "latest", max_lateness_s: float | None = None, jitter_s: float = 0.0) -> CronTrigger:
    return CronTrigger(expression="@hourly", catch_up=catch_up, max_lateness_s=max_lateness_s, jitter_s=jitter_s)


def hours(decision: CatchUpDecision) -> list[int]:
    return [tick.at.hour for tick in decision.start]


@pytest.mark.parametrize("catch_up", CATCH_UP)
def test_a_tick_starts_when_it_is_due(catch_up: CatchUp) -> None:
    trigger = hourly(catch_up)
    before = decide_due(trigger, last=NOON - HOUR, now=NOON - SECOND)
    assert before == CatchUpDecision(start=(), skipped=(), decided_until=NOON - HOUR, wake_at=NOON)
    for now in (NOON, NOON + timedelta(seconds=GRACE_S)):
        decision = decide_due(trigger, last=before.decided_until, now=now)
        assert hours(decision) == [12]
        assert decision.skipped == ()
        assert (decision.decided_until, decision.wake_at) == (NOON, NOON + HOUR)


def test_a_new_trigger_fires_after_the_moment_at_which_it_came() -> None:
    decision = decide_due(hourly("all"), last=None, now=NOON + SECOND)
    assert decision == CatchUpDecision(start=(), skipped=(), decided_until=NOON + SECOND, wake_at=NOON + HOUR)


@pytest.mark.parametrize(
    ("catch_up", "started", "skipped"),
    [
        ("none", [], [(9, 12, 4, "catch_up: none")]),
        ("latest", [12], [(9, 11, 3, "catch_up: latest")]),
        ("all", [9, 10, 11, 12], []),
    ],
)
def test_late_ticks_are_made_up_for_by_catch_up(
    catch_up: CatchUp, started: list[int], skipped: list[tuple[int, int, int, str]]
) -> None:
    decision = decide_due(hourly(catch_up), last=NOON - 4 * HOUR, now=NOON + 2 * MINUTE)
    assert hours(decision) == started
    assert [(row.first.hour, row.last.hour, row.count, row.by) for row in decision.skipped] == skipped
    assert (decision.decided_until, decision.wake_at) == (NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("catch_up", "started", "skipped"),
    [
        ("none", [], [(9, 10, 2, "max_lateness"), (11, 12, 2, "catch_up: none")]),
        ("latest", [12], [(9, 10, 2, "max_lateness"), (11, 11, 1, "catch_up: latest")]),
        ("all", [11, 12], [(9, 10, 2, "max_lateness")]),
    ],
)
def test_a_tick_later_than_the_limit_is_not_made_up_for(
    catch_up: CatchUp, started: list[int], skipped: list[tuple[int, int, int, str]]
) -> None:
    decision = decide_due(hourly(catch_up, 90 * 60), last=NOON - 4 * HOUR, now=NOON + 30 * MINUTE)
    assert hours(decision) == started
    assert [(row.first.hour, row.last.hour, row.count, row.by) for row in decision.skipped] == skipped


def test_the_latest_tick_is_skipped_too_when_it_is_later_than_the_limit() -> None:
    decision = decide_due(hourly("latest", 600), last=NOON - 4 * HOUR, now=NOON + 30 * MINUTE)
    assert decision.start == ()
    assert decision.skipped == (SkippedTicks(first=NOON - 3 * HOUR, last=NOON, count=4, by="max_lateness"),)
    assert decision.decided_until == NOON


@pytest.mark.parametrize("catch_up", CATCH_UP)
def test_a_limit_shorter_than_the_grace_does_not_stop_a_tick_that_is_on_time(catch_up: CatchUp) -> None:
    decision = decide_due(hourly(catch_up, 0), last=NOON - HOUR, now=NOON + 30 * SECOND)
    assert (hours(decision), decision.skipped) == ([12], ())


def test_a_tick_on_time_makes_up_for_the_late_ones() -> None:
    decision = decide_due(hourly("latest"), last=NOON - 4 * HOUR, now=NOON + SECOND)
    assert hours(decision) == [12]
    assert [(row.count, row.by) for row in decision.skipped] == [(3, "catch_up: latest")]


def test_a_clock_that_went_back_starts_nothing_twice() -> None:
    decision = decide_due(hourly("all"), last=NOON, now=NOON - 5 * HOUR)
    assert decision == CatchUpDecision(start=(), skipped=(), decided_until=NOON, wake_at=NOON + HOUR)


@pytest.mark.parametrize("catch_up", ["none", "latest"])
def test_a_year_of_every_minute_is_one_row(catch_up: CatchUp) -> None:
    trigger = CronTrigger(expression="* * * * *", timezone="Europe/Paris", catch_up=catch_up)
    decision = decide_due(trigger, last=NOON - timedelta(days=365), now=NOON + 30 * SECOND)
    assert [tick.at for tick in decision.start] == [NOON]
    assert [row.count for row in decision.skipped] == [365 * 1440 - 1]


def test_a_long_backlog_to_be_made_up_for_comes_in_portions() -> None:
    trigger = CronTrigger(expression="* * * * *", catch_up="all")
    last, now, portions = NOON - 2500 * MINUTE, NOON, []
    while True:
        decision = decide_due(trigger, last=last, now=now)
        portions.append(len(decision.start))
        last = decision.decided_until
        assert decision.wake_at is not None
        if decision.wake_at > now:
            break
    assert portions == [STARTS_AT_ONCE, STARTS_AT_ONCE, 500]


def test_a_tick_with_jitter_waits_until_it_is_due_and_is_late_from_then_on() -> None:
    trigger = hourly("none", jitter_s=1800)
    waiting = decide_due(trigger, last=NOON - SECOND, now=NOON, seed="a")
    assert waiting.start == ()
    assert waiting.wake_at is not None
    assert NOON < waiting.wake_at < NOON + 30 * MINUTE
    on_time = decide_due(trigger, last=NOON - SECOND, now=waiting.wake_at + timedelta(seconds=GRACE_S), seed="a")
    assert hours(on_time) == [12]
    late = decide_due(trigger, last=NOON - SECOND, now=waiting.wake_at + timedelta(seconds=GRACE_S + 1), seed="a")
    assert [row.count for row in late.skipped] == [1]


def test_a_trigger_that_has_ended_does_not_wake_any_more() -> None:
    trigger = CronTrigger(expression="@hourly", end=NOON + MINUTE)
    decision = decide_due(trigger, last=NOON - HOUR, now=NOON + 2 * HOUR)
    assert hours(decision) == [12]
    assert decision.wake_at is None
    assert decide_due(trigger, last=NOON, now=NOON + 3 * HOUR).wake_at is None


def test_ticks_of_a_pause_are_one_row() -> None:
    row = skipped_ticks(hourly(), NOON - 3 * HOUR, NOON, "paused")
    assert row == SkippedTicks(first=NOON - 2 * HOUR, last=NOON, count=3, by="paused")
    assert skipped_ticks(hourly(), NOON, NOON + MINUTE, "paused") is None


TRIGGERS = st.builds(
    CronTrigger,
    expression=st.sampled_from(["*/5 * * * *", "0 */2 * * *", "30 2 * * *", "1,2,3 * * * 1-5"]),
    timezone=st.sampled_from(["UTC", "Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe"]),
    catch_up=st.sampled_from(["none", "latest", "all"]),
    max_lateness_s=st.sampled_from([None, 0.0, 90.0, 7200.0, 1e300]),
    jitter_s=st.sampled_from([0.0, 45.0, 1000.0]),
)
JUMPS = st.lists(st.timedeltas(timedelta(hours=-5), timedelta(hours=12)), min_size=1, max_size=15)


@given(TRIGGERS, st.datetimes(datetime(2017, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), JUMPS)
def test_whatever_the_clock_does_every_tick_is_decided_once(
    trigger: CronTrigger, now: datetime, jumps: list[timedelta]
) -> None:
    begin = decided = now
    started: list[datetime] = []
    skipped = 0
    for jump in jumps:
        now += jump
        decision = decide_due(trigger, last=decided, now=now, seed="x")
        assert decision.decided_until >= decided
        assert all(tick.due <= now for tick in decision.start)
        assert all(decided < tick.at <= decision.decided_until for tick in decision.start)
        assert all(decided < row.first <= row.last <= decision.decided_until for row in decision.skipped)
        assert decision.wake_at is not None
        assert decision.wake_at > now or len(decision.start) == STARTS_AT_ONCE
        started += [tick.at for tick in decision.start]
        skipped += sum(row.count for row in decision.skipped)
        decided = decision.decided_until
    assert all(earlier < later for earlier, later in pairwise(started))
    assert len(started) + skipped == count_ticks(trigger, begin, decided)
    if trigger.catch_up == "all" and trigger.max_lateness_s is None:
        assert skipped == 0
