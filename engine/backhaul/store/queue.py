"""Reads which runs have something left to do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, func, select

from backhaul.store.database import Queries
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.rows import run_record
from backhaul.store.service_records import QueuedRun
from backhaul.store.service_rows import queued_run
from backhaul.store.tables import GOING, RUNS

__all__ = ["QueueQueries"]

_IDS_AT_ONCE = 500

_COLUMNS: tuple[ColumnElement[Any], ...] = (
    RUNS.c.run_id,
    RUNS.c.workflow,
    RUNS.c.status,
    RUNS.c.priority,
    RUNS.c.slots,
    RUNS.c.created_at,
)


class QueueQueries(Queries):
    """Unfinished runs."""

    async def unfinished_runs(self, node: str, statuses: Collection[RunStatus]) -> list[QueuedRun]:
        """Return the runs of a node with one of these statuses (of queued, running, waiting), oldest first.

        Runs that are steps of other runs are left out: they are carried out by those.
        """
        query = select(*_COLUMNS).where(GOING, RUNS.c.node == node, RUNS.c.parent_run_id.is_(None))
        query = query.where(RUNS.c.status.in_([one.value for one in statuses]))
        query = query.order_by(RUNS.c.created_at, RUNS.c.run_id)
        return [queued_run(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def going_among(self, run_ids: Collection[str]) -> list[RunRecord]:
        """Return those of these runs that are queued, running or waiting."""
        wanted = list(run_ids)
        found: list[RunRecord] = []
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            found += await self._going(wanted[start : start + _IDS_AT_ONCE])
        return found

    async def _going(self, run_ids: Collection[str]) -> list[RunRecord]:
        query = select(RUNS).where(GOING, RUNS.c.run_id.in_(run_ids))
        return [run_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def going_by_trigger(self, trigger_ids: Collection[str] = ()) -> dict[str, list[str]]:
        """Return the ids of the runs that are queued, running or waiting, by their trigger, oldest first.

        Args:
            trigger_ids: only those of these triggers; it may give others, too.
        """
        query = select(RUNS.c.trigger_id, RUNS.c.run_id).where(GOING, RUNS.c.trigger_id.is_not(None))
        if 0 < len(trigger_ids) <= _IDS_AT_ONCE:
            query = query.where(RUNS.c.trigger_id.in_(trigger_ids))
        query = query.order_by(RUNS.c.created_at, RUNS.c.run_id)
        going: dict[str, list[str]] = {}
        for trigger_id, run_id in await self._read(lambda db: db.execute(query).all()):
            going.setdefault(trigger_id, []).append(run_id)
        return going

    async def going_runs(self, trigger_id: str) -> list[QueuedRun]:
        """Return the runs of a trigger that are queued, running or waiting, oldest first."""
        query = select(*_COLUMNS).where(GOING, RUNS.c.trigger_id == trigger_id)
        query = query.order_by(RUNS.c.created_at, RUNS.c.run_id)
        return [queued_run(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def going_counts(self) -> dict[RunStatus, int]:
        """Return the number of runs of all nodes that are queued, running or waiting, by status."""
        query = select(RUNS.c.status, func.count()).where(GOING).group_by(RUNS.c.status)
        return {RunStatus(status): count for status, count in await self._read(lambda db: db.execute(query).all())}
