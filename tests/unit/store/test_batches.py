"""Writes of a group are put together in a way that changes nothing but the number of statements."""

from __future__ import annotations

from typing import Any

from backhaul.store.batches import Batch, batched, values_by_operation
from backhaul.store.statements import Operation, Sql

A, B, VALUE = Sql("a"), Sql("b"), Sql("value", returns=True)
EVENT = Sql("event", returns=True, table="events", key=("id",), turn=1)
DECISION = Sql("decision", table="decisions", key=("trigger", "occurrence"), turn=2)
VERSION = Sql("version", turn=3)
RUN = Sql("run", table="runs", key=("id",), turn=4)


def done(operations: list[Operation]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    return [(batch.sql.text, batch.rows) for batch in batched(operations)]


def started(event: str, run: str, version: str = "v1") -> Operation:
    return [(EVENT, (event, "data")), (DECISION, ("t", event, run)), (VERSION, (version, "source")), (RUN, (run,))]


def test_neighbours_with_the_same_statement_go_together_and_the_order_stays() -> None:
    operations: list[Operation] = [
        [(A, (1,))],
        [(A, (2,)), (A, (3,))],
        [(B, (4,)), (VALUE, (5,))],
        [(VALUE, (6,)), (VALUE, (7,))],
        [],
        [(A, (8,))],
    ]
    assert done(operations) == [
        ("a", [(1,), (2,), (3,)]),
        ("b", [(4,)]),
        ("value", [(5,), (6,), (7,)]),
        ("a", [(8,)]),
    ]


def test_each_operation_gets_what_its_own_rows_gave() -> None:
    batches = [Batch(VALUE, [(5,), (6,)], [2, 3]), Batch(A, [(1,), (2,)]), Batch(EVENT, [(7,), (8,)], [3, 5])]
    assert values_by_operation(6, batches, [[50, 60], [], [0, 1]]) == [None, None, 50, (60, 0), None, 1]


def test_neighbours_with_a_turn_are_sorted_by_it() -> None:
    assert done([started("e1", "r1"), started("e2", "r2", "v2")]) == [
        ("event", [("e1", "data"), ("e2", "data")]),
        ("decision", [("t", "e1", "r1"), ("t", "e2", "r2")]),
        ("version", [("v1", "source"), ("v2", "source")]),
        ("run", [("r1",), ("r2",)]),
    ]


def test_nothing_is_moved_past_a_write_without_a_turn() -> None:
    found = done([started("e1", "r1"), [(A, (1,))], started("e2", "r2"), [(A, (2,))]])
    once = ["event", "decision", "version", "run", "a"]
    assert [text for text, _ in found] == once * 2
    assert [rows[0][0] for text, rows in found if text == "a"] == [1, 2]


def test_a_key_that_comes_again_begins_anew_behind_the_others() -> None:
    found = done([started("e1", "r1"), started("e2", "r2"), started("e1", "r3")])
    assert [(text, len(rows)) for text, rows in found] == [
        ("event", 2),
        ("decision", 2),
        ("version", 1),
        ("run", 2),
        ("event", 1),
        ("decision", 1),
        ("version", 1),
        ("run", 1),
    ]


def test_what_would_do_nothing_the_second_time_is_left_out_and_what_differs_is_not() -> None:
    versions = [(VERSION, ("v1", "source")), (VERSION, ("v1", "source")), (VERSION, ("v1", "other source"))]
    assert done([[write] for write in versions]) == [("version", [("v1", "source"), ("v1", "other source")])]
    assert done([[(A, (1,))], [(A, (1,))]]) == [("a", [(1,), (1,)])]


def test_rows_that_give_a_value_know_their_operation() -> None:
    batches = batched([[(A, (1,))], started("e1", "r1"), started("e2", "r2"), [(VALUE, (3,))]])
    assert [(batch.sql.text, batch.owners) for batch in batches if batch.owners] == [("event", [1, 2]), ("value", [3])]
