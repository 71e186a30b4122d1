"""Slots, the minute's limit and pauses, on a clock that tests move."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import RetryableError
from backhaul.plugins.budget import Budget
from backhaul.plugins.limits import Limits, MinuteWindow
from backhaul.testing import FakeClock
from unit.plugins.budget_use import use

pytestmark = pytest.mark.anyio


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
