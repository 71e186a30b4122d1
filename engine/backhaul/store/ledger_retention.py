"""Finds events, decisions, workflow versions and day counts that are too old to be kept, and removes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select

from backhaul.store.database import Queries
from backhaul.store.retention import ROWS_AT_ONCE, Place, behind, distinct
from backhaul.store.tables import DECISIONS, EVENTS, RUNS, WORKFLOW_VERSIONS

__all__ = ["DecisionPlace", "LedgerRetentionQueries"]

DecisionPlace = tuple[datetime, str, str]
"""Where a decision stands: `decided_at`, trigger, occurrence."""


class LedgerRetentionQueries(Queries):
    """What may go besides runs, and goes after them: what a kept run refers to stays."""

    async def event_types(self) -> list[str]:
        """Return the types of the stored events, sorted."""
        return await self._read(lambda db: distinct(db, EVENTS.c.type))

    async def prunable_events(self, event_type: str, before: datetime, after: Place | None = None) -> list[Place]:
        """Return events of a type that came in before a moment, oldest first: `received_at` and id, up to a bound.

        Those that started a run which is still there, or which such a run has emitted, are left out.
        """
        place = (EVENTS.c.received_at, EVENTS.c.event_id)
        started = exists().where(DECISIONS.c.event_id == EVENTS.c.event_id, DECISIONS.c.run_id == RUNS.c.run_id)
        emitted = exists().where(RUNS.c.run_id == EVENTS.c.run_id)
        query = select(*place).where(EVENTS.c.type == event_type, EVENTS.c.received_at < before)
        query = query.where(~or_(started, emitted))
        if after is not None:
            query = query.where(behind(place, after))
        query = query.order_by(*place).limit(ROWS_AT_ONCE)
        return [(row[0], row[1]) for row in await self._read(lambda db: db.execute(query).all())]

    async def prunable_decisions(self, before: datetime, after: DecisionPlace | None = None) -> list[DecisionPlace]:
        """Return decisions that were made before a moment, oldest first, up to a bound.

        Those that started a run which is still there are left out.
        """
        place: tuple[ColumnElement[Any], ...] = (
            DECISIONS.c.decided_at,
            DECISIONS.c.trigger_id,
            DECISIONS.c.occurrence,
        )
        started = exists().where(RUNS.c.run_id == DECISIONS.c.run_id)
        query = select(*place).where(DECISIONS.c.decided_at < before, ~started)
        if after is not None:
            query = query.where(behind(place, after))
        query = query.order_by(*place).limit(ROWS_AT_ONCE)
        return [(row[0], row[1], row[2]) for row in await self._read(lambda db: db.execute(query).all())]

    async def prunable_versions(self, before: datetime) -> list[str]:
        """Return the digests of workflow versions that were stored before a moment and that no run uses."""
        uses = exists().where(RUNS.c.workflow == WORKFLOW_VERSIONS.c.name, RUNS.c.digest == WORKFLOW_VERSIONS.c.digest)
        query = select(WORKFLOW_VERSIONS.c.digest).where(WORKFLOW_VERSIONS.c.created_at < before, ~uses)
        return list(await self._read(lambda db: db.execute(query.limit(ROWS_AT_ONCE)).scalars().all()))

    async def prune_events(self, events: Sequence[str]) -> None:
        """Remove events by their ids; durable when this returns."""
        await self._append(*[(self._statements.delete_event, (one,)) for one in events]).wait()

    async def prune_decisions(self, places: Sequence[DecisionPlace]) -> None:
        """Remove decisions; durable when this returns."""
        await self._append(*[(self._statements.delete_decision, place[1:]) for place in places]).wait()

    async def prune_versions(self, digests: Sequence[str]) -> None:
        """Remove workflow versions; durable when this returns."""
        await self._append(*[(self._statements.delete_workflow_version, (one,)) for one in digests]).wait()

    async def prune_usage(self, before: date) -> int:
        """Remove the day counts of days before one, and return their number; durable when this returns."""
        ticket = self._append((self._statements.delete_usage_before, (before.isoformat(),)))
        await ticket.wait()
        return int(ticket.value)

    async def oldest_record(self) -> datetime | None:
        """Return the moment of the oldest run, decision or event, or None when there is none."""

        def ask(db: Any) -> datetime | None:
            moments = [db.execute(select(func.min(RUNS.c.created_at))).scalar()]
            moments.append(db.execute(select(func.min(DECISIONS.c.decided_at))).scalar())
            for name in distinct(db, EVENTS.c.type):
                oldest = select(func.min(EVENTS.c.received_at)).where(EVENTS.c.type == name)
                moments.append(db.execute(oldest).scalar())
            return min((one for one in moments if one is not None), default=None)

        return await self._read(ask)
