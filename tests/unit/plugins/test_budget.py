"""Slots, the minute's limit, the day's quota and pauses, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import RetryableError
from backhaul.plugins.budget import Budget, MemoryUsage
from backhaul.plugins.limits import Limits, MinuteWindow
from backhaul.store.store import Store
from backhaul.testing import FakeClock

pytestmark = pytest.mark.anyio


async def use(
    budget: Budget, note: Callable[[], None] = lambda: None, priority: int = 0, run: str | None = None
) -> None:
    async with budget.slot(priority, run):
        note()


async def test_a_free_slot_is_given_at_once() -> None:
    budget = Budget("acs", Limits(concurrency=2), clock=FakeClock())
    async with budget.slot(), budget.slot():
        assert budget.under_way == 2
    assert budget.under_way == 0


async def test_the_more_urgent_goes_first_and_equals_in_their_order() -> None:
    budget = Budget("acs", Limits(concurrency=1), clock=FakeClock())
    order: list[str] = []
    clock = FakeClock()
    async with anyio.create_task_group() as tasks, budget.slot():
        for name, priority in [("bulk 1", 0), ("bulk 2", 0), ("phone", 10), ("sync", 5), ("phone 2", 10)]:
            tasks.start_soon(use, budget, lambda name=name: order.append(name), priority)
        await clock.settle()
        assert budget.waiting == 5
    assert order == ["phone", "phone 2", "sync", "bulk 1", "bulk 2"]


async def test_an_urgent_request_goes_first_when_the_minute_is_over() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=1), clock=clock)
    order: list[str] = []
    await use(budget)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use, budget, lambda: order.append("bulk"))
        await clock.advance(30)
        tasks.start_soon(use, budget, lambda: order.append("phone"), 10)
        await clock.advance(29)
        assert order == []
        await clock.advance(2)
        assert order == ["phone"]
        await clock.advance(60)
    assert order == ["phone", "bulk"]


async def test_the_minute_counts_from_the_end_of_a_request() -> None:
    """The other system saw a slow request at some moment until its end."""
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=1), clock=clock)
    done: list[float] = []
    async with anyio.create_task_group() as tasks:
        async with budget.slot():
            tasks.start_soon(use, budget, lambda: done.append(clock.monotonic()))
            await clock.advance(90)
            assert done == []
        await clock.advance(100)
    assert done == [150]


@given(
    limit=st.integers(1, 5),
    concurrency=st.integers(1, 4),
    requests=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 20)), min_size=1, max_size=25),
)
def test_never_more_than_the_limit_start_in_any_60_seconds(
    limit: int, concurrency: int, requests: list[tuple[float, float]]
) -> None:
    starts: list[float] = []
    under_way = most = 0

    async def one(budget: Budget, clock: FakeClock, delay: float, duration: float) -> None:
        nonlocal under_way, most
        await clock.sleep(delay)
        async with budget.slot():
            under_way += 1
            most = max(most, under_way)
            starts.append(clock.monotonic())
            await clock.sleep(duration)
            under_way -= 1

    async def main() -> None:
        clock = FakeClock()
        budget = Budget("acs", Limits(per_minute=limit, concurrency=concurrency), clock=clock)
        async with anyio.create_task_group() as tasks:
            for delay, duration in requests:
                tasks.start_soon(one, budget, clock, delay, duration)
            await clock.advance(100 + 100 * len(requests))

    anyio.run(main)
    assert len(starts) == len(requests)
    assert most <= concurrency
    starts.sort()
    for first, beyond in zip(starts, starts[limit:], strict=False):
        assert beyond - first >= 60 - 1e-3


@given(st.lists(st.tuples(st.sampled_from(["start", "end", "refused"]), st.floats(0, 30)), max_size=80))
def test_the_window_never_waits_without_a_reason_nor_forever(moves: list[tuple[str, float]]) -> None:
    window, now, under_way = MinuteWindow(3), 0.0, 0
    for move, seconds in moves:
        now += seconds
        if move == "start" and window.wait_s(now) == 0.0:
            window.start()
            under_way += 1
        elif move == "end" and under_way:
            window.end(now)
            under_way -= 1
        elif move == "refused":
            window.refused(now)
        wait = window.wait_s(now)
        assert wait is not None or under_way
        assert wait is None or 0 <= wait <= 60.001
    if not under_way:
        assert window.wait_s(now + 61) == 0.0


async def test_cancelling_a_waiter_gives_its_place_to_the_next() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(concurrency=1), clock=clock)
    order: list[str] = []
    async with anyio.create_task_group() as tasks, budget.slot():
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as doomed:
                doomed.start_soon(use, budget, lambda: order.append("doomed"), 10)
                await clock.settle()
                scope.cancel()
        tasks.start_soon(use, budget, lambda: order.append("next"))
        await clock.settle()
        assert budget.waiting == 1
    assert order == ["next"]
    assert (budget.under_way, budget.waiting) == (0, 0)


@given(st.data())
def test_cancellation_at_any_moment_leaves_no_slot_taken(data: st.DataObject) -> None:
    turns = data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=16))
    priorities = data.draw(st.lists(st.sampled_from([0, 20, 50]), min_size=1, max_size=5))

    async def main() -> None:
        clock = FakeClock()
        budget = Budget("acs", Limits(concurrency=2, per_minute=4, per_day=1000, reserve=0.5), clock=clock)
        scopes: list[anyio.CancelScope] = []

        async def one() -> None:
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                async with budget.slot(priorities[len(scopes) % len(priorities)], str(len(scopes) % 2)):
                    await clock.sleep(5)

        async with anyio.create_task_group() as tasks:
            for number in turns:
                tasks.start_soon(one)
                for _ in range(number):
                    await anyio.lowlevel.checkpoint()
                scopes[number % len(scopes)].cancel() if scopes else None
            await clock.advance(1000)
        assert (budget.under_way, budget.waiting, clock.sleepers) == (0, 0, 0)
        async with budget.slot():
            pass

    anyio.run(main)


async def test_a_short_pause_is_waited_for() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(), clock=clock)
    budget.pause(20)
    done: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use, budget, lambda: done.append(clock.monotonic()))
        await clock.advance(19)
        assert done == []
        await clock.advance(2)
    assert done == [20]


async def test_a_long_pause_is_left_to_the_run() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(), clock=clock)
    budget.pause(100)
    with pytest.raises(RetryableError, match="connection acs: the other system asked to wait") as caught:
        await use(budget)
    assert caught.value.retry_after_s == 100
    await clock.advance(100)
    await use(budget)


async def test_those_who_wait_are_told_when_a_long_pause_begins() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(concurrency=1), clock=clock)
    failed: list[float | None] = []

    async def one() -> None:
        try:
            await use(budget)
        except RetryableError as error:
            failed.append(error.retry_after_s)

    async with anyio.create_task_group() as tasks, budget.slot():
        tasks.start_soon(one)
        tasks.start_soon(one)
        await clock.settle()
        budget.pause(100)
    assert failed == [100, 100]


async def test_a_refusal_after_many_requests_teaches_a_lower_rate_that_grows_again() -> None:
    clock = FakeClock(auto=True)
    budget = Budget("acs", Limits(per_minute=60, reserve=0), clock=clock)
    for _ in range(21):
        await use(budget)
    budget.refused()
    began = clock.monotonic()
    for _ in range(18):
        await use(budget)
    assert clock.monotonic() - began == pytest.approx(60)
    await clock.sleep(3600)
    began = clock.monotonic()
    for _ in range(60):
        await use(budget)
    assert clock.monotonic() == began


async def test_a_refusal_after_few_requests_teaches_nothing() -> None:
    clock = FakeClock(auto=True)
    budget = Budget("acs", Limits(per_minute=60, reserve=0), clock=clock)
    await use(budget)
    budget.refused()
    for _ in range(59):
        await use(budget)
    assert clock.monotonic() == 0


async def test_the_day_is_used_up_to_the_last_request_and_goes_on_the_next_day() -> None:
    clock = FakeClock(datetime(2026, 3, 1, 22, 30, tzinfo=UTC))
    budget = Budget("acs", Limits(per_day=250, reserve=0), clock=clock)
    for _ in range(250):
        await use(budget)
    with pytest.raises(RetryableError, match=r"the 250 requests of 2026-03-01 are used up.*in 1 h 30 min") as caught:
        await use(budget)
    assert caught.value.retry_after_s == 5400
    assert budget.under_way == 0
    await clock.advance(5400)
    await use(budget)


async def test_the_day_begins_at_midnight_in_its_zone() -> None:
    clock = FakeClock(datetime(2026, 3, 1, 2, 59, tzinfo=UTC))
    budget = Budget("acs", Limits(per_day=1, day_zone="America/Sao_Paulo"), clock=clock)
    await use(budget)
    with pytest.raises(RetryableError, match="2026-02-28"):
        await use(budget)
    await clock.advance(60)
    await use(budget)


async def test_a_day_with_a_clock_change_ends_at_its_own_midnight() -> None:
    clock = FakeClock(datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    budget = Budget("acs", Limits(per_day=1, day_zone="Europe/Paris"), clock=clock)
    await use(budget)
    with pytest.raises(RetryableError) as caught:
        await use(budget)
    assert caught.value.retry_after_s == 23 * 3600


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_restarts_never_use_more_than_the_day_allows(uses: list[int]) -> None:
    limit, done = 200, 0
    usage = MemoryUsage()

    async def process(count: int) -> None:
        nonlocal done
        budget = Budget("acs", Limits(per_day=limit), clock=FakeClock(), usage=usage)
        for _ in range(count):
            try:
                await use(budget)
            except RetryableError:
                return
            done += 1

    async def main() -> None:
        for count in uses:
            await process(count)
        assert await usage.usage("acs", date(2026, 1, 1)) >= done

    anyio.run(main)
    assert done <= limit
    assert done >= min(limit, sum(uses)) / 2


async def test_not_every_request_is_written_to_the_store() -> None:
    class Counting(MemoryUsage):
        writes = 0

        async def reserve_usage(self, connection: str, day: date, count: int) -> int:
            self.writes += 1
            return await super().reserve_usage(connection, day, count)

    usage = Counting()
    budget = Budget("acs", Limits(per_day=10_000), clock=FakeClock(), usage=usage)
    for _ in range(1000):
        await use(budget)
    assert usage.writes < 20


async def test_the_store_keeps_the_count_across_restarts(tmp_path: Path) -> None:
    url, clock, done = f"sqlite:///{tmp_path}/store.db", FakeClock(), 0
    for _ in range(3):
        async with await Store.open(url, clock=clock) as store:
            budget = Budget("acs", Limits(per_day=50, reserve=0), clock=clock, usage=store)
            try:
                for _ in range(30):
                    await use(budget)
                    done += 1
            except RetryableError:
                assert await store.usage("acs", date(2026, 1, 1)) >= 50
    assert 40 <= done <= 50


async def test_bulk_work_leaves_the_last_share_of_a_minute_to_urgent_runs() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=60, concurrency=100), clock=clock)
    started: list[str] = []
    async with anyio.create_task_group() as tasks:
        for _ in range(70):
            tasks.start_soon(use, budget, lambda: started.append("bulk"))
        await clock.settle()
        assert len(started) == 54
        for _ in range(8):
            tasks.start_soon(use, budget, lambda: started.append("phone"), 50)
        await clock.settle()
        assert started[54:] == ["phone"] * 6
        await clock.advance(120)
        tasks.cancel_scope.cancel()
    assert len(started) == 78


async def test_a_small_limit_keeps_nothing_back() -> None:
    clock = FakeClock(auto=True)
    budget = Budget("acs", Limits(per_minute=9), clock=clock)
    for _ in range(9):
        await use(budget)
    assert clock.monotonic() == 0


async def test_bulk_work_leaves_the_last_share_of_a_day_to_urgent_runs() -> None:
    clock = FakeClock(datetime(2026, 3, 1, 22, 30, tzinfo=UTC))
    budget = Budget("acs", Limits(per_day=1000), clock=clock)
    for _ in range(900):
        await use(budget)
    with pytest.raises(RetryableError, match=r"the 900 that bulk work may use are used up.*in 1 h 30 min") as caught:
        await use(budget)
    assert caught.value.retry_after_s == 5400
    for _ in range(100):
        await use(budget, priority=50)
    with pytest.raises(RetryableError, match="the 1000 requests of 2026-03-01 are used up"):
        await use(budget, priority=50)
    await clock.advance(5400)
    await use(budget)


async def test_bulk_work_that_keeps_asking_takes_nothing_of_the_days_reserve() -> None:
    usage, clock = MemoryUsage(), FakeClock()
    await usage.reserve_usage("acs", date(2026, 1, 1), 90)
    for _ in range(50):
        budget = Budget("acs", Limits(per_day=100), clock=clock, usage=usage)
        with pytest.raises(RetryableError):
            await use(budget)
    assert await usage.usage("acs", date(2026, 1, 1)) == 90


async def test_a_run_with_many_requests_does_not_delay_another_run() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(concurrency=1), clock=clock)
    order: list[str] = []
    async with anyio.create_task_group() as tasks, budget.slot():
        for _ in range(1000):
            tasks.start_soon(use, budget, lambda: order.append("large"), 0, "large")
        await clock.settle()
        for _ in range(3):
            tasks.start_soon(use, budget, lambda: order.append("small"), 0, "small")
        await clock.settle()
    assert order[:7] == ["large", "small", "large", "small", "large", "small", "large"]
    assert len(order) == 1003


async def test_bulk_work_does_not_starve_while_an_urgent_run_uses_every_minute() -> None:
    """One urgent run that asks again as soon as it is answered would never leave the reserve free."""
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=60, concurrency=4), clock=clock)
    started: list[str] = []

    async def call_for_ever() -> None:
        while True:
            await use(budget, lambda: started.append("urgent"), 50, "urgent")
            await clock.sleep(0.1)

    async def bulk() -> None:
        while True:
            await use(budget, lambda: started.append("bulk"), 0, "bulk")
            await clock.sleep(0.1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call_for_ever)
        await clock.advance(61)
        tasks.start_soon(bulk)
        await clock.advance(600)
        tasks.cancel_scope.cancel()
    assert started.count("bulk") >= 50
    assert started.count("urgent") >= 500


async def test_a_sleeping_bulk_request_starts_when_its_turn_comes_early() -> None:
    """Otherwise the urgent ones behind it would wait until the minute has room for bulk work."""
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=100, concurrency=100), clock=clock)
    started: list[str] = []
    async with anyio.create_task_group() as tasks:
        for _ in range(91):
            tasks.start_soon(use, budget, lambda: started.append("bulk"))
        await clock.settle()
        assert (started.count("bulk"), budget.waiting, clock.sleepers) == (90, 1, 1)
        for _ in range(10):
            tasks.start_soon(use, budget, lambda: started.append("urgent"), 50)
        await clock.settle()
        assert started[90:] == ["urgent"] * 9 + ["bulk"]
        await clock.advance(61)
        tasks.cancel_scope.cancel()
    assert started.count("urgent") == 10


async def test_a_newcomer_that_brings_forward_somebody_elses_turn_tells_them() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=10, concurrency=1, reserve=0), clock=clock)
    order: list[str] = []
    async with anyio.create_task_group() as tasks:
        async with budget.slot():
            for name, priority in [("manual", 20), ("bulk", 0), *[("phone", 50)] * 9]:
                tasks.start_soon(use, budget, lambda name=name: order.append(name), priority)
                await clock.settle()
        await clock.settle()
        assert order == ["phone"] * 9
        # It is the turn of a less urgent one, which is bulk, then manual as well.
        tasks.start_soon(use, budget, lambda: order.append("late"), 50)
        await clock.advance(61)
        tasks.cancel_scope.cancel()
    assert order == ["phone"] * 9 + ["manual", "late", "bulk"]


@given(
    per_minute=st.integers(10, 30),
    concurrency=st.integers(1, 4),
    reserve=st.sampled_from([0.0, 0.1, 0.5]),
    requests=st.lists(
        st.tuples(st.sampled_from([0, 0, 20, 50]), st.sampled_from("abc"), st.integers(0, 90), st.floats(0, 5)),
        min_size=1,
        max_size=60,
    ),
)
def test_whoever_asks_the_limits_hold_and_everybody_is_served(
    per_minute: int, concurrency: int, reserve: float, requests: list[tuple[int, str, int, float]]
) -> None:
    starts: list[float] = []
    under_way = most = 0
    limits = Limits(per_minute=per_minute, concurrency=concurrency, reserve=reserve)

    async def one(budget: Budget, clock: FakeClock, priority: int, run: str, delay: int, duration: float) -> None:
        nonlocal under_way, most
        await clock.sleep(delay)
        async with budget.slot(priority, run):
            under_way += 1
            most = max(most, under_way)
            starts.append(clock.monotonic())
            await clock.sleep(duration)
            under_way -= 1

    async def main() -> None:
        clock = FakeClock()
        budget = Budget("acs", limits, clock=clock)
        async with anyio.create_task_group() as tasks:
            for priority, run, delay, duration in requests:
                tasks.start_soon(one, budget, clock, priority, run, delay, duration)
            minutes = len(requests) // limits.for_bulk(per_minute) + 1
            await clock.advance(90 + minutes * 65 + sum(duration for *_, duration in requests) / concurrency)
            assert (budget.waiting, budget.under_way) == (0, 0)

    anyio.run(main)
    assert len(starts) == len(requests)
    assert most <= concurrency
    starts.sort()
    for first, beyond in zip(starts, starts[per_minute:], strict=False):
        assert beyond - first >= 60 - 1e-3


async def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Limits(day_zone="Mars/Base")
