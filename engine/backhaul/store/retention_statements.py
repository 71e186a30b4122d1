"""The SQL that takes what is too old out of the history, row by row."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    literal_column,
    select,
)

from backhaul.store.statements import Sql, Statements
from backhaul.store.tables import (
    ATTEMPTS,
    DECISIONS,
    EVENTS,
    PAGES,
    PRUNED_RUNS,
    RUNS,
    STEPS,
    USAGE,
    WAITS,
    WORKFLOW_VERSIONS,
)

__all__ = ["RetentionStatements"]

# Literals: the caller's parameters are all that a statement takes.
_ENDED: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in ("succeeded", "failed", "cancelled")]


class RetentionStatements(Statements):
    """The statements of pruning. Each takes its parameters in the order that its docstring says."""

    @cached_property
    def note_pruned(self) -> Sql:
        """`run_id` of a run that has ended: from now on it is one that is being removed."""
        found = select(RUNS.c.run_id).where(_is(RUNS.c.run_id), RUNS.c.status.in_(_ENDED))
        return self._compile(self._insert(PRUNED_RUNS).from_select(["run_id"], found).on_conflict_do_nothing())

    @cached_property
    def delete_pruned_run(self) -> Sql:
        """`run_id`: the row in `runs` of a run that is being removed."""
        return self._compile(delete(RUNS).where(RUNS.c.run_id.in_(_noted())))

    @cached_property
    def delete_decisions_on_run(self) -> Sql:
        """`run_id` of a run that is being removed: the decisions that started it."""
        return self._compile(delete(DECISIONS).where(DECISIONS.c.run_id.in_(_noted())))

    @cached_property
    def forget_pruned(self) -> Sql:
        """`run_id`: nothing is left of this run."""
        return self._compile(delete(PRUNED_RUNS).where(_is(PRUNED_RUNS.c.run_id)))

    @cached_property
    def delete_step(self) -> Sql:
        """`run_id`, `key`."""
        return self._delete(STEPS)

    @cached_property
    def delete_wait(self) -> Sql:
        """`run_id`, `key`."""
        return self._delete(WAITS)

    @cached_property
    def delete_attempt(self) -> Sql:
        """`run_id`, `key`, `number`."""
        return self._delete(ATTEMPTS)

    @cached_property
    def delete_page(self) -> Sql:
        """`run_id`, `key`, `number`."""
        return self._delete(PAGES)

    @cached_property
    def delete_event(self) -> Sql:
        """`event_id`."""
        return self._delete(EVENTS)

    @cached_property
    def delete_decision(self) -> Sql:
        """`trigger_id`, `occurrence`."""
        return self._delete(DECISIONS)

    @cached_property
    def delete_workflow_version(self) -> Sql:
        """`digest`."""
        return self._delete(WORKFLOW_VERSIONS)

    @cached_property
    def delete_usage_before(self) -> Sql:
        """`day` (ISO text). Gives the number of rows."""
        return self._compile(delete(USAGE).where(USAGE.c.day < bindparam("before_day", type_=Date)), returns=True)

    def _delete(self, table: Table) -> Sql:
        """Delete one row by its key."""
        return self._compile(delete(table).where(*[_is(column) for column in table.primary_key]))


def _is(column: ColumnElement[Any]) -> ColumnElement[bool]:
    kind = BigInteger() if isinstance(column.type, Integer) else Text()
    return column == bindparam(f"of_{column.key}", type_=kind)


def _noted() -> Select[tuple[str]]:
    return select(PRUNED_RUNS.c.run_id).where(_is(PRUNED_RUNS.c.run_id))
