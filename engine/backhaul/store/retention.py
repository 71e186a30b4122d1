"""Finds runs that are too old to be kept, and removes them in small transactions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, or_, select, tuple_

from backhaul.store.database import Queries
from backhaul.store.statements import Sql, Write
from backhaul.store.tables import ATTEMPTS, PAGES, PRUNED_RUNS, RUNS, STEPS, WAITS

__all__ = ["ROWS_AT_ONCE", "Place", "PrunableRuns", "RetentionQueries", "behind", "distinct"]

ROWS_AT_ONCE = 500
"""Most rows that one transaction of pruning touches, so that others need not wait for it for long."""

_PAGE = 25
"""Rows for which a page of a dataset counts, because it is so much longer."""

_ENDED = ("succeeded", "failed", "cancelled")

Place: TypeAlias = tuple[datetime, str]
"""Where a run stands in the order of their making: `created_at` and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunableRuns:
    """Which runs may go: those that have ended and are no steps of others, and for which all of this holds.

    Attributes:
        ended_before: they ended before this moment.
        workflow: they are this workflow's; None: anybody's.
        until: they were made no later than the one at this place.
    """

    ended_before: datetime
    workflow: str | None = None
    until: Place | None = None


class RetentionQueries(Queries):
    """Runs that may go.

    A run disappears at once and as a whole: its row moves from `runs` to `pruned_runs`, and what else is stored of it
    follows in slices, after a crash too. So nobody ever sees half a run.
    """

    async def prunable_runs(
        self, which: PrunableRuns, after: Place | None = None, limit: int = ROWS_AT_ONCE // 5
    ) -> list[Place]:
        """Return runs that may go, oldest first, those behind `after` only. `needed_runs` says which must stay."""
        place = (RUNS.c.created_at, RUNS.c.run_id)
        query = select(*place).where(
            RUNS.c.parent_run_id.is_(None),
            RUNS.c.status.in_(_ENDED),
            RUNS.c.finished_at < which.ended_before,
            # Implied by the line above, but there is an index for it.
            RUNS.c.created_at < which.ended_before,
        )
        if which.workflow is not None:
            query = query.where(RUNS.c.workflow == which.workflow)
        if which.until is not None:
            query = query.where(tuple_(*place) <= _values(place, which.until))
        if after is not None:
            query = query.where(behind(place, after))
        query = query.order_by(*place).limit(limit)
        return [(row[0], row[1]) for row in await self._read(lambda db: db.execute(query).all())]

    async def needed_runs(self, roots: Collection[str]) -> set[str]:
        """Return those of the runs that must stay.

        They are the ones of which a run below has not ended, and the ones from which, or from a run below, another run
        was forked: that one may still read their datasets.
        """
        top = select(RUNS.c.run_id.label("root"), RUNS.c.run_id, RUNS.c.status).where(RUNS.c.run_id.in_(roots))
        family = top.cte("family", recursive=True)
        child, fork = RUNS.alias(), RUNS.alias()
        below = select(family.c.root, child.c.run_id, child.c.status).where(child.c.parent_run_id == family.c.run_id)
        family = family.union_all(below)
        forked = exists().where(fork.c.forked_from == family.c.run_id)
        query = select(family.c.root).where(or_(family.c.status.not_in(_ENDED), forked)).distinct()
        return set(await self._read(lambda db: db.execute(query).scalars().all()))

    async def begin_pruning(self, roots: Sequence[str]) -> None:
        """Take runs out of the history with the decisions that started them. Durable when this returns.

        The runs that are steps of theirs, and everything else that is stored of them, go with `prune_slice`. The caller
        has claimed the runs and asked `needed_runs` since. No more than `prunable_runs` gives by default.
        """
        sql = self._statements
        statements = (sql.note_pruned, sql.delete_decisions_on_run, sql.delete_pruned_run)
        await self._append(*[(one, (run_id,)) for one in statements for run_id in roots]).wait()

    async def prune_slice(self) -> int:
        """Remove some of what is left of runs that have been taken out, and return the number of rows; 0: all is gone.

        Durable when this returns.
        """
        writes = await self._read(self._slice)
        if writes:
            await self._append(*writes).wait()
        return len(writes)

    async def workflows_with_runs(self) -> list[str]:
        """Return the names of the workflows of which there are runs, sorted."""
        return await self._read(lambda db: distinct(db, RUNS.c.workflow))

    async def place_of_newest(self, workflow: str, count: int) -> Place | None:
        """Return the newest ended run behind the newest `count` of them, steps of others aside; None: there is none."""
        place = (RUNS.c.created_at, RUNS.c.run_id)
        query = select(*place).where(
            RUNS.c.workflow == workflow, RUNS.c.parent_run_id.is_(None), RUNS.c.status.in_(_ENDED)
        )
        query = query.order_by(*[column.desc() for column in place]).offset(count).limit(1)
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else (row[0], row[1])

    async def oldest_run(self) -> datetime | None:
        """Return when the oldest run was made, or None."""
        return await self._read(lambda db: db.execute(select(func.min(RUNS.c.created_at))).scalar())

    def _slice(self, db: Connection) -> list[Write]:
        """Return what one transaction removes of runs that have been taken out."""
        writes: dict[Sql, list[tuple[Any, ...]]] = {one: [] for one in self._in_order()}
        left = ROWS_AT_ONCE
        for run_id in db.execute(select(PRUNED_RUNS.c.run_id).order_by(PRUNED_RUNS.c.run_id).limit(left)).scalars():
            is_whole = True
            for statements, query, weight in self._parts(run_id):
                room = left // weight
                found = [tuple(row) for row in db.execute(query.limit(room + 1))]
                # A run below is one that is being removed from then on, so that its own parts can be found.
                is_whole = is_whole and not (found if len(statements) > 1 else found[room:])
                for statement in statements:
                    writes[statement] += found[:room]
                left -= weight * len(found[:room])
            if is_whole:
                writes[self._statements.forget_pruned].append((run_id,))
                left -= 1
            if left < _PAGE:
                break
        return [(statement, row) for statement, rows in writes.items() for row in rows]

    def _in_order(self) -> tuple[Sql, ...]:
        sql = self._statements
        deletes = (sql.delete_step, sql.delete_attempt, sql.delete_wait, sql.delete_page)
        return (sql.note_pruned, sql.delete_pruned_run, *deletes, sql.forget_pruned)

    def _parts(self, run_id: str) -> Iterator[tuple[tuple[Sql, ...], Select[Any], int]]:
        """Give for each kind of rows of a run the statements that remove one, how to find their keys, their weight."""
        sql = self._statements
        below = select(RUNS.c.run_id).where(RUNS.c.parent_run_id == run_id, RUNS.c.status.in_(_ENDED))
        yield (sql.note_pruned, sql.delete_pruned_run), below, 2
        for statement, table, weight in (
            (sql.delete_step, STEPS, 1),
            (sql.delete_attempt, ATTEMPTS, 1),
            (sql.delete_wait, WAITS, 1),
            (sql.delete_page, PAGES, _PAGE),
        ):
            yield (statement,), select(*table.primary_key).where(table.c.run_id == run_id), weight


def behind(columns: Sequence[ColumnElement[Any]], place: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a row comes after a place in the order of some columns."""
    condition: ColumnElement[bool] = tuple_(*columns) > _values(columns, place)
    return condition


def distinct(db: Connection, column: ColumnElement[str]) -> list[str]:
    """Return the different texts of a column that an index begins with, sorted: a look-up each, however many rows."""
    found: list[str] = []
    while (following := db.execute(select(func.min(column)).where(column > (found or [""])[-1])).scalar()) is not None:
        found.append(following)
    return found


def _values(columns: Sequence[ColumnElement[Any]], place: Sequence[Any]) -> Any:
    return tuple_(*(literal(one, column.type) for one, column in zip(place, columns, strict=True)))
