"""The day's requests: when a day ends, what a restart forgets, and what bulk work leaves over."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import RetryableError
from backhaul.plugins.budget import Budget, MemoryUsage
from backhaul.plugins.limits import Limits
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from unit.plugins.budget_use import use

pytestmark = pytest.mark.anyio


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


async def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Limits(day_zone="Mars/Base")
