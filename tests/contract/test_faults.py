"""What happens to writes when the database or the process fails, and that all works again afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing

import anyio
import pytest

from backhaul.clock import SystemClock
from backhaul.errors import StoreBusyError, StoreError
from backhaul.store.statements import Operation, Sql
from backhaul.store.store import Store
from backhaul.store.tickets import Ticket
from conftest import PostgresqlFixture
from contract.factories import a_page, a_run, a_step
from contract.processes import line, running

pytestmark = pytest.mark.anyio


class Observer:
    """Does what a test wants before the commits."""

    def __init__(self) -> None:
        self.commits = 0

    def before_commit(self, operations: Sequence[Operation]) -> None:
        self.commits += 1

    def after_commit(self, operations: Sequence[Operation]) -> None:
        return None


async def outcomes(tickets: Sequence[Ticket]) -> list[bool]:
    """Wait for every ticket; True where it succeeded."""
    found = []
    for ticket in tickets:
        try:
            await ticket.wait()
        except StoreError:
            found.append(False)
        else:
            found.append(True)
    return found


async def assert_works(store: Store) -> None:
    await store.put_step(a_step("afterwards", 10**6)).wait()
    assert await store.step("run1", "afterwards") is not None


@pytest.mark.parametrize("size", [1, 2, 7, 64, 300])
async def test_a_bad_row_fails_alone(store: Store, size: int) -> None:
    for bad in {0, size // 2, size - 1}:
        tickets = [
            store.put_step(a_step(f"{bad}.{number} \ud800" if number == bad else f"{bad}.{number}", number + 1))
            for number in range(size)
        ]
        assert await outcomes(tickets) == [number != bad for number in range(size)]
        assert "refused a row" in str(tickets[bad].error)
        assert len(await store.steps("run1", prefix=f"{bad}.")) == size - 1
    await assert_works(store)


async def test_bad_rows_of_every_kind_fail_alone(store: Store) -> None:
    too_large = store.put_step(a_step("large", 2**70))
    nothing = store.put_step(a_step(None))  # type: ignore[arg-type]
    run = store.put_run(a_run(None))  # type: ignore[arg-type]
    page = store.put_page(a_page(count="many\ud800"))
    good = store.put_step(a_step())
    assert await outcomes([too_large, nothing, run, page, good]) == [False, False, False, False, True]
    await assert_works(store)


async def test_tickets_are_done_in_the_order_of_their_appends(store: Store) -> None:
    tickets: list[Ticket] = []

    async def write(worker: int) -> None:
        for number in range(40):
            ticket = store.put_step(a_step(f"{worker}.{number}"))
            tickets.append(ticket)
            if number % 3 == 0:
                await ticket.wait()
                assert all(earlier.done for earlier in tickets[: tickets.index(ticket)])

    await asyncio.gather(*[write(worker) for worker in range(10)])
    await store.barrier()
    assert all(ticket.done and ticket.error is None for ticket in tickets)


async def test_cancelling_who_waits_does_not_cancel_the_write(store: Store) -> None:
    ticket = store.put_step(a_step())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ticket.wait()
    assert scope.cancelled_caught
    await ticket.wait()
    assert await store.step("run1", "link") is not None


async def test_closing_writes_what_is_queued(store_url: str) -> None:
    store = await Store.open(store_url, clock=SystemClock())
    tickets = [store.put_step(a_step(str(number))) for number in range(5000)]
    await store.close()
    await store.close()
    assert all(ticket.done and ticket.error is None for ticket in tickets)
    async with await Store.open(store_url, clock=SystemClock()) as again:
        assert len(await again.steps("run1")) == 5000


async def test_writing_to_a_closed_store_fails_and_does_not_hang(store_url: str) -> None:
    store = await Store.open(store_url, clock=SystemClock())
    await store.close()
    with anyio.fail_after(10), pytest.raises(StoreError, match="closed"):
        await store.put_step(a_step()).wait()
    await store.barrier()


async def test_a_writer_that_breaks_leaves_nobody_waiting(store_url: str) -> None:
    class Broken(BaseException):
        pass

    class Breaker(Observer):
        def before_commit(self, operations: Sequence[Operation]) -> None:
            raise Broken("in the middle")

    async with await Store.open(store_url, clock=SystemClock(), observer=Breaker()) as store:
        with anyio.fail_after(10):
            tickets = [store.put_step(a_step(str(number))) for number in range(10)]
            assert await outcomes(tickets) == [False] * 10
            with pytest.raises(StoreError, match="Broken: in the middle"):
                await store.put_step(a_step()).wait()
    async with await Store.open(store_url, clock=SystemClock()) as again:
        assert await again.steps("run1") == []
        await assert_works(again)


async def test_an_observer_sees_every_commit(store_url: str) -> None:
    observer = Observer()
    async with await Store.open(store_url, clock=SystemClock(), observer=observer) as store:
        for number in range(3):
            await store.put_step(a_step(str(number))).wait()
    assert observer.commits == 3


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 20])
async def test_what_was_reported_durable_survives_sigkill(store_url: str, moment: str, commit: int) -> None:
    with running("crash.py", store_url, moment, str(commit)) as process:
        reported = set()
        while key := line(process):
            reported.add(key)
        assert process.wait() == -9
    async with await Store.open(store_url, clock=SystemClock()) as store:
        found = {step.key: step.output for step in await store.steps("run1")}
        assert reported <= found.keys()
        assert all(key == output for key, output in found.items())
        # One group at most was durable and not yet reported.
        assert len(found.keys() - reported) <= 30
        if commit > 1:
            assert reported
        await assert_works(store)


async def test_a_locked_database_is_waited_for(sqlite_store: Store) -> None:
    with closing(sqlite3.connect(str(sqlite_store.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ticket = sqlite_store.put_step(a_step())
        with anyio.move_on_after(0.1):
            await ticket.wait()
        assert not ticket.done
        other.execute("ROLLBACK")
        await ticket.wait()
    await assert_works(sqlite_store)


async def test_a_database_locked_for_too_long_fails_the_writes_and_then_works_again(sqlite_url: str) -> None:
    async with await Store.open(sqlite_url, clock=SystemClock(), busy_s=0.1) as store:
        with closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            tickets = [store.put_step(a_step(str(number))) for number in range(3)]
            for ticket in tickets:
                with pytest.raises(StoreBusyError, match="another process"):
                    await ticket.wait()
            other.execute("ROLLBACK")
        assert await store.steps("run1") == []
        await assert_works(store)


async def test_a_full_disk_fails_the_writes_and_then_works_again(sqlite_store: Store) -> None:
    async def allow(pages: int) -> None:
        await sqlite_store.writer.append([(Sql(f"PRAGMA max_page_count = {pages}", returns=True), ())]).wait()

    await allow(100)
    tickets = [sqlite_store.put_step(a_step(str(number), output="x" * 20_000)) for number in range(100)]
    assert not any(await outcomes(tickets))
    assert "is full" in str(tickets[0].error)
    await allow(1_000_000)
    assert await sqlite_store.steps("run1") == []
    tickets = [sqlite_store.put_step(a_step(str(number), output="x" * 20_000)) for number in range(100)]
    assert all(await outcomes(tickets))
    await assert_works(sqlite_store)


async def test_a_steady_writer_does_not_let_the_log_grow(sqlite_store: Store) -> None:
    for start in range(0, 30_000, 1000):
        for number in range(start, start + 1000):
            sqlite_store.put_step(a_step(f"each[{number}]", number, output="x" * 1000))
        await sqlite_store.barrier()
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as reader:
        assert reader.execute("SELECT count(*) FROM steps").fetchone() == (30_000,)
        log = sqlite_store.url.database + "-wal" if sqlite_store.url.database else ""
        assert (await anyio.Path(log).stat()).st_size < 30_000_000, "about 60 MB were written"


@pytest.mark.postgresql
async def test_writes_survive_a_lost_connection(postgresql: PostgresqlFixture, postgresql_url: str) -> None:
    async with await Store.open(postgresql_url, clock=SystemClock()) as store:
        await store.put_step(a_step("before")).wait()
        postgresql.disconnect(postgresql_url)
        await store.put_step(a_step("after")).wait()
        assert [step.key for step in await store.steps("run1")] == ["after", "before"]
        assert await store.claim("run1")


@pytest.mark.postgresql
async def test_a_connection_lost_in_the_middle_of_a_group_loses_nothing(
    postgresql: PostgresqlFixture, postgresql_url: str
) -> None:
    class Disconnector(Observer):
        def before_commit(self, operations: Sequence[Operation]) -> None:
            super().before_commit(operations)
            if self.commits in (2, 3, 5):
                postgresql.disconnect(postgresql_url)

    observer = Disconnector()
    async with await Store.open(postgresql_url, clock=SystemClock(), observer=observer) as store:
        for group in range(5):
            tickets = [store.put_step(a_step(f"{group}.{number}")) for number in range(20)]
            assert all(await outcomes(tickets))
        assert len(await store.steps("run1")) == 100
        assert observer.commits == 8


@pytest.mark.postgresql
async def test_a_database_away_for_too_long_fails_the_writes_and_then_works_again(
    postgresql: PostgresqlFixture, postgresql_url: str
) -> None:
    async with await Store.open(postgresql_url, clock=SystemClock(), busy_s=0.1) as store:
        name = str(store.url.database)
        postgresql.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgresql.disconnect(postgresql_url)
        with pytest.raises(StoreBusyError, match="away or busy"):
            await store.put_step(a_step()).wait()
        with pytest.raises(StoreError):
            await store.steps("run1")
        with pytest.raises(StoreError):
            await store.claim("run1")
        postgresql.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await assert_works(store)
        assert await store.claim("run1")


async def test_nothing_of_the_store_outlives_it(store_url: str) -> None:
    before = threading.active_count()
    async with await Store.open(store_url, clock=SystemClock()) as store:
        await store.put_step(a_step()).wait()
        assert any(thread.name == "backhaul-writer" for thread in threading.enumerate())
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("backhaul-")]
    assert left == []
    assert threading.active_count() <= before + 8, "anyio keeps its worker threads"
