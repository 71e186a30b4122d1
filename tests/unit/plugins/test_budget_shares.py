"""Who goes first when many ask: turns between runs, and the share that bulk work leaves to urgent ones."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.plugins.budget import Budget
from backhaul.plugins.limits import Limits
from backhaul.testing import FakeClock
from unit.plugins.budget_use import use

pytestmark = pytest.mark.anyio


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
