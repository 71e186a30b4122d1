"""Group commit over a database in memory that fails as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul.errors import StoreBusyError, StoreError
from backhaul.store.journal import Fault
from backhaul.store.statements import Operation, Sql
from backhaul.store.writer import Writer

SQL = Sql("row")


class Failure(Exception):
    pass


class FakeJournal:
    """Keeps what was committed. A row of "bad" cannot be written; `faults` are raised first, one per transaction."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.faults = list(faults)
        self.groups: list[list[str]] = []
        self.closed = False
        self.gate = threading.Event()
        self.gate.set()

    @property
    def rows(self) -> list[str]:
        return [row for group in self.groups for row in group]

    def transact(self, operations: Sequence[Operation], before_commit: Callable[[], None] | None) -> list[Any]:
        self.gate.wait()
        if self.faults:
            raise Failure(self.faults.pop(0))
        rows = [parameters[0] for operation in operations for _, parameters in operation]
        if "bad" in rows:
            raise Failure(Fault.ROW)
        if before_commit is not None:
            before_commit()
        self.groups.append(rows)
        return [len(operation) for operation in operations]

    def fault(self, error: Exception) -> tuple[Fault, str]:
        assert isinstance(error, Failure)
        return error.args[0], "it failed"

    def rest(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


def operation(*rows: str) -> Operation:
    return [(SQL, (row,)) for row in rows]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "bad"]), min_size=1, max_size=3), max_size=40),
    st.lists(st.just(Fault.BUSY), max_size=2),
)
def test_good_operations_are_written_in_order_and_each_ticket_tells_the_truth(
    operations: list[list[str]], faults: list[Fault]
) -> None:
    async def scenario() -> None:
        journal = FakeJournal(faults)
        writer = Writer(journal)
        tickets = [writer.append(operation(*rows)) for rows in operations]
        await writer.close()
        good = [rows for rows in operations if "bad" not in rows]
        assert journal.rows == [row for rows in good for row in rows]
        assert [ticket.error is None for ticket in tickets] == ["bad" not in rows for rows in operations]
        assert [ticket.value for ticket in tickets if ticket.error is None] == [len(rows) for rows in good]
        assert writer.pending == 0
        assert journal.closed

    anyio.run(scenario)


@pytest.mark.anyio
async def test_what_one_turn_of_the_loop_appends_is_one_commit() -> None:
    journal = FakeJournal()
    writer = Writer(journal)
    for number in range(100):
        last = writer.append(operation(str(number)))
    await last.wait()
    assert [len(group) for group in journal.groups] == [100]
    await writer.close()


@pytest.mark.anyio
async def test_a_broken_disk_fails_the_group_once_and_not_row_by_row() -> None:
    journal = FakeJournal([Fault.STORAGE])
    writer = Writer(journal)
    tickets = [writer.append(operation(str(number))) for number in range(10)]
    for ticket in tickets:
        with pytest.raises(StoreError, match="it failed"):
            await ticket.wait()
    await writer.append(operation("afterwards")).wait()
    assert journal.rows == ["afterwards"]
    await writer.close()


@pytest.mark.anyio
async def test_a_busy_database_is_given_up_after_the_bound_and_asked_again_later() -> None:
    journal = FakeJournal([Fault.BUSY] * 3)
    writer = Writer(journal, busy_s=0.0)
    for _ in range(3):
        with pytest.raises(StoreBusyError):
            await writer.append(operation("a")).wait()
    await writer.append(operation("b")).wait()
    assert journal.rows == ["b"]
    await writer.close()


@pytest.mark.anyio
async def test_everyone_who_waits_gets_an_error_of_his_own() -> None:
    writer = Writer(FakeJournal())
    ticket = writer.append(operation("bad"))
    caught: list[StoreError] = []

    async def wait() -> None:
        try:
            await ticket.wait()
        except StoreError as error:
            caught.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)
    assert len({id(error) for error in caught}) == 3
    assert ticket.error not in caught
    await writer.close()


@pytest.mark.anyio
async def test_room_is_refused_while_the_queue_holds_too_much_and_given_again() -> None:
    journal = FakeJournal()
    journal.gate.clear()
    writer = Writer(journal)
    await writer.room()
    writer.append(operation("large"), weight=100 * 1024 * 1024)
    with anyio.move_on_after(0.02) as scope:
        await writer.room()
    assert scope.cancelled_caught
    journal.gate.set()
    with anyio.fail_after(10):
        await writer.room()
    await writer.close()


@pytest.mark.anyio
async def test_the_barrier_waits_for_all_and_raises_for_none() -> None:
    journal = FakeJournal()
    writer = Writer(journal)
    await writer.barrier()
    tickets = [writer.append(operation(row)) for row in ("a", "bad", "b", "bad")]
    await writer.barrier()
    assert [ticket.done for ticket in tickets] == [True] * 4
    assert journal.rows == ["a", "b"]
    await writer.close()
