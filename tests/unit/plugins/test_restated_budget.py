"""Limits that change while requests wait and are under way: what was done counts on, the new limits bind everybody."""

from __future__ import annotations

import anyio
import pytest

from backhaul.errors import RetryableError
from backhaul.plugins.budget import Budget, MemoryUsage
from backhaul.plugins.limits import Limits
from backhaul.testing import FakeClock

pytestmark = pytest.mark.anyio


async def hold(budget: Budget, until: anyio.Event) -> None:
    async with budget.slot():
        await until.wait()


async def test_more_slots_are_there_at_once_for_those_who_wait() -> None:
    clock, end = FakeClock(), anyio.Event()
    budget = Budget("acs", Limits(concurrency=1), clock=clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(hold, budget, end)
        await clock.settle()
        assert (budget.under_way, budget.waiting) == (1, 2)
        budget.restate(Limits(concurrency=3))
        await clock.settle()
        assert (budget.under_way, budget.waiting) == (3, 0)
        end.set()
    assert budget.under_way == 0


async def test_fewer_slots_wait_for_those_under_way_to_end() -> None:
    clock, end, second = FakeClock(), anyio.Event(), anyio.Event()
    budget = Budget("acs", Limits(concurrency=3), clock=clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(hold, budget, end)
        await clock.settle()
        budget.restate(Limits(concurrency=1))
        for _ in range(2):
            tasks.start_soon(hold, budget, second)
        await clock.settle()
        assert (budget.under_way, budget.waiting) == (3, 2)
        end.set()
        await clock.settle()
        assert (budget.under_way, budget.waiting) == (1, 1)
        second.set()
    assert budget.under_way == 0


async def test_what_was_done_in_the_minute_counts_against_the_new_number() -> None:
    clock = FakeClock()
    budget = Budget("acs", Limits(per_minute=10), clock=clock)
    for _ in range(4):
        async with budget.slot(priority=50):
            pass
    budget.restate(Limits(per_minute=5))
    async with budget.slot(priority=50):
        pass
    with anyio.move_on_after(0.02) as waited:
        async with budget.slot(priority=50):
            pass
    assert waited.cancelled_caught


async def test_what_was_done_in_the_day_counts_against_the_new_quota() -> None:
    usage = MemoryUsage()
    budget = Budget("acs", Limits(per_day=1000), clock=FakeClock(), usage=usage)
    for _ in range(3):
        async with budget.slot(priority=50):
            pass
    budget.restate(Limits(per_day=3))
    with pytest.raises(RetryableError, match="the 3 requests"):
        async with budget.slot(priority=50):
            pass
