"""The journal's writing SQL, compiled once per database from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, auto
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Dialect, Table, Text, bindparam, delete, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import UpdateBase

from backhaul.store.tables import ATTEMPTS, EVENTS, PAGES, RUNS, STEPS, USAGE, WORKFLOW_VERSIONS

__all__ = ["Operation", "Sql", "Statements", "Turn", "Write", "key_of"]

_HISTORY = (STEPS, ATTEMPTS, PAGES)


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """One compiled statement.

    Attributes:
        text: for one row of parameters, with the driver's own placeholders.
        head, row, joint, tail: the same in parts when it can insert many rows, with `joint` between them; else empty.
        returns: whoever appends it wants its first value, or the number of rows it touched when it has none.
        table, key: of a statement that inserts rows unless they are there: the table and the columns of its key, for
            which the first parameters are. What it returns is 1 when the row is new, and 0 otherwise.
        turn: from 1, when it may be done together with others of its kind; see `batched`. 0: only in its place.
    """

    text: str
    head: str = ""
    row: str = ""
    joint: str = ", "
    tail: str = ""
    returns: bool = False
    table: str = ""
    key: tuple[str, ...] = ()
    turn: int = 0

    def for_rows(self, count: int) -> str:
        """Return the statement that inserts `count` rows at once."""
        return self.head + self.joint.join([self.row] * count) + self.tail


Write: TypeAlias = tuple[Sql, tuple[Any, ...]]
# Writes that are committed together or not at all.
Operation: TypeAlias = Sequence[Write]


class Turn(IntEnum):
    """The order among statements that are put together: each sees of the others only what has an earlier turn."""

    EVENT = auto()
    DECISION = auto()
    WORKFLOW_VERSION = auto()
    RUN = auto()
    SCHEDULE = auto()


class Statements:
    """The statements for one database; each takes its parameters in the order that its docstring says.

    "A row" means the values of all columns in the table's order, as they lie in the database.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert

    @cached_property
    def put_run(self) -> Sql:
        """A row of `runs`; an existing row keeps its `cancel_requested`."""
        return self._upsert(RUNS, keep=("cancel_requested",))

    @cached_property
    def put_step(self) -> Sql:
        """A row of `steps`."""
        return self._upsert(STEPS)

    @cached_property
    def put_attempt(self) -> Sql:
        """A row of `attempts`."""
        return self._upsert(ATTEMPTS)

    @cached_property
    def put_page(self) -> Sql:
        """A row of `pages`."""
        return self._upsert(PAGES)

    @cached_property
    def put_workflow_version(self) -> Sql:
        """A row of `workflow_versions`; an existing one stays."""
        sql = self._compile(self._insert(WORKFLOW_VERSIONS).on_conflict_do_nothing())
        return replace(sql, turn=Turn.WORKFLOW_VERSION)

    @cached_property
    def put_event(self) -> Sql:
        """A row of `events`; an existing one (by any unique key) stays. Gives 1 when the event is new, 0 otherwise."""
        return self._unless_there(EVENTS, Turn.EVENT)

    @cached_property
    def request_cancel(self) -> Sql:
        """`run_id`. Gives the number of runs found."""
        clause = update(RUNS).where(RUNS.c.run_id == bindparam("wanted", type_=Text)).values(cancel_requested=true())
        return self._compile(clause, returns=True)

    @cached_property
    def reserve_usage(self) -> Sql:
        """`connection`, `day` (ISO text), `count`. Gives the day's new total."""
        insert = self._insert(USAGE)
        total = USAGE.c["count"] + insert.excluded["count"]
        clause = insert.on_conflict_do_update(index_elements=list(USAGE.primary_key), set_={"count": total})
        return self._compile(clause.returning(USAGE.c["count"]), returns=True)

    @cached_property
    def delete_history(self) -> tuple[Sql, ...]:
        """`run_id`, `key`: of one step its row, attempts and pages, a statement each."""
        return tuple(self._compile(delete(table).where(*_one_step(table))) for table in _HISTORY)

    @cached_property
    def copy_history_of_step(self) -> tuple[Sql, ...]:
        """`to_run`, `from_run`, `key`: one step's row, attempts and pages, a statement each."""
        return tuple(self._copy(table, *_one_step(table)) for table in _HISTORY)

    @cached_property
    def copy_history_before(self) -> tuple[Sql, ...]:
        """`to_run`, `from_run`, `before_seq`, and for all but the first statement `from_run` again before it."""
        earlier = STEPS.c.seq < bindparam("before_seq")
        copies = [self._copy(STEPS, STEPS.c.run_id == bindparam("from_run", type_=Text), earlier)]
        for table in _HISTORY[1:]:
            keys = select(STEPS.c.key).where(STEPS.c.run_id == bindparam("of_run", type_=Text), earlier)
            copies.append(self._copy(table, table.c.run_id == bindparam("from_run", type_=Text), table.c.key.in_(keys)))
        return tuple(copies)

    def _upsert(self, table: Table, keep: Sequence[str] = ()) -> Sql:
        insert = self._insert(table)
        changed = {
            column.name: insert.excluded[column.name]
            for column in table.c
            if not column.primary_key and column.name not in keep
        }
        return self._compile(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed))

    def _copy(self, table: Table, *where: ColumnElement[bool]) -> Sql:
        others = [column for column in table.c if column.name != "run_id"]
        rows = select(bindparam("to_run", type_=Text), *others).where(*where)
        names = ["run_id", *(column.name for column in others)]
        return self._compile(self._insert(table).from_select(names, rows).on_conflict_do_nothing())

    def _unless_there(self, table: Table, turn: Turn) -> Sql:
        """Insert a row when no unique key is taken, and give whether it was."""
        sql = self._compile(self._insert(table).on_conflict_do_nothing())
        return replace(sql, returns=True, table=table.name, key=key_of(table), turn=turn)

    def _compile(self, clause: UpdateBase, *, returns: bool = False) -> Sql:
        compiled = clause.compile(dialect=self._dialect)
        text = str(compiled)
        head, values, rest = text.partition(" VALUES (")
        if returns or not values:
            return Sql(text, returns=returns)
        row, _, tail = rest.partition(")")
        return Sql(text, head=f"{head} VALUES ", row=f"({row})", tail=tail)


def key_of(table: Table) -> tuple[str, ...]:
    """Return the names of the columns of a table's key, which are its first."""
    return tuple(column.name for column in table.primary_key)


def _one_step(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        table.c.run_id == bindparam("from_run", type_=Text),
        table.c.key == bindparam("step_key", type_=Text),
    )
