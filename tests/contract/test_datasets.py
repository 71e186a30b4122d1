"""Datasets, day counts and table sizes, on every store."""

from __future__ import annotations

from datetime import date

import anyio
import pytest

from backhaul.clock import SystemClock
from backhaul.store.store import Store
from backhaul.store.tables import TABLES
from contract.factories import a_page, a_run, a_step

pytestmark = pytest.mark.anyio

DAY = date(2026, 3, 1)


async def test_a_page_comes_back_as_it_was_written(store: Store) -> None:
    page = a_page(items=({"serial": "SN\x00001"}, None, [1.5]), next="cursor-2", first_index=2**40)
    await store.put_page(page).wait()
    assert await store.page("run1", "devices", 0) == page
    assert await store.last_page("run1", "devices") == page
    assert await store.page("run1", "devices", 1) is None
    assert await store.last_page("run1", "nobody") is None


async def test_a_dataset_is_read_page_by_page_up_to_the_first_gap(store: Store) -> None:
    for number in (0, 1, 2, 4):
        store.put_page(a_page(number=number))
    await store.barrier()
    assert [page.number async for page in store.pages("run1", "devices")] == [0, 1, 2]
    assert [page.number async for page in store.pages("run1", "devices", from_number=2)] == [2]
    assert [page.number async for page in store.pages("run1", "nobody")] == []


async def test_a_dataset_counts_its_items(store: Store) -> None:
    assert await store.dataset_count("run1", "devices") == 0
    store.put_page(a_page(number=0))
    await store.put_page(a_page(number=1, items=(3,))).wait()
    assert await store.dataset_count("run1", "devices") == 3


async def test_a_page_written_again_is_replaced(store: Store) -> None:
    store.put_page(a_page(items=(1, 2)))
    await store.put_page(a_page(items=(5,), next="x")).wait()
    assert await store.page("run1", "devices", 0) == a_page(items=(5,), next="x")


async def test_producers_that_await_room_keep_the_queue_bounded(store: Store) -> None:
    item = "x" * 500_000
    for number in range(300):
        store.put_page(a_page(number=number, items=(item,)))
        await store.room()
        assert store.writer.pending < 150
    await store.barrier()
    last = await store.last_page("run1", "devices")
    assert last is not None
    assert last.number == 299


async def test_calls_of_a_day_are_counted_per_connection_and_day(store: Store) -> None:
    assert await store.usage("acs", DAY) == 0
    assert await store.reserve_usage("acs", DAY, 3) == 3
    assert await store.reserve_usage("acs", DAY) == 4
    assert await store.reserve_usage("crm", DAY) == 1
    assert await store.reserve_usage("acs", date(2026, 3, 2)) == 1
    assert await store.usage("acs", DAY) == 4


async def test_reservations_of_several_stores_at_once_are_all_counted(store: Store, store_url: str) -> None:
    totals: list[int] = []

    async def reserve(owner: Store) -> None:
        totals.extend([await owner.reserve_usage("acs", DAY, 2) for _ in range(20)])

    async with await Store.open(store_url, clock=SystemClock()) as other, anyio.create_task_group() as group:
        for owner in (store, other, store):
            group.start_soon(reserve, owner)
    assert sorted(totals) == list(range(2, 122, 2))
    assert await store.usage("acs", DAY) == 120


async def test_stats_tell_rows_and_bytes_of_every_table(store: Store) -> None:
    store.put_run(a_run())
    await store.put_steps([a_step(str(seq), seq, output="x" * 1000) for seq in range(100)]).wait()
    stats = {entry.table: entry for entry in await store.stats()}
    assert stats.keys() == TABLES.keys()
    assert (stats["runs"].rows, stats["steps"].rows, stats["events"].rows) == (1, 100, 0)
    size = stats["steps"].bytes
    assert size is None or size > 50_000
