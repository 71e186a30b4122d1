"""The writing SQL takes its parameters in the order in which the rows give them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from sqlalchemy import Dialect, create_engine

from backhaul.store import records, rows
from backhaul.store.statements import Statements
from backhaul.store.tables import TABLES

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def dialect(name: str) -> Dialect:
    return create_engine(f"{name}://", paramstyle="format" if name == "postgresql" else "qmark").dialect


@pytest.mark.parametrize(
    ("table", "record"),
    [
        ("runs", records.RunRecord),
        ("steps", records.StepRecord),
        ("attempts", records.AttemptRecord),
        ("pages", records.PageRecord),
        ("workflow_versions", records.WorkflowVersionRecord),
        ("events", records.EventRecord),
    ],
)
def test_a_record_has_exactly_the_columns_of_its_table(table: str, record: type) -> None:
    assert {field.name for field in dataclasses.fields(record)} == set(TABLES[table].columns.keys())


def test_a_step_gives_its_values_in_the_order_of_the_columns() -> None:
    step = records.StepRecord(
        run_id="run_id",
        key="key",
        seq=1,
        verb="verb",
        action="action",
        effect="effect",
        status=records.StepStatus.RETRYING,
        attempt=2,
        handled=True,
        params="params",
        output="output",
        error="error",
        progress="progress",
        next_attempt_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )
    values = dict(zip(TABLES["steps"].columns.keys(), rows.step_values(step), strict=True))
    texts = {name: value for name, value in values.items() if type(value) is str}
    assert {name: text.strip('"') for name, text in texts.items()} == {
        name: name for name in texts if name != "status"
    } | {"status": "retrying"}
    assert (values["seq"], values["attempt"], values["handled"]) == (1, 2, True)


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_statements_for_many_rows_are_the_one_for_one_row_with_more_values(name: str) -> None:
    statements = Statements(dialect(name))
    for sql in (statements.put_run, statements.put_step, statements.put_attempt, statements.put_page):
        assert sql.for_rows(1) == sql.text
        assert sql.for_rows(3).count(sql.row) == 3
        assert sql.row.count("?" if name == "sqlite" else "%s") == len(sql.row.split(","))


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_a_run_that_is_written_again_keeps_its_cancel_request(name: str) -> None:
    sql = Statements(dialect(name)).put_run
    assert "cancel_requested" in sql.head
    assert "cancel_requested" not in sql.tail
