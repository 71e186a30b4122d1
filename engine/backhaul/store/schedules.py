"""Writes and reads how far the cron triggers have been decided, and which are paused."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from backhaul.store.columns import to_microseconds
from backhaul.store.database import Queries
from backhaul.store.rows import optional_time
from backhaul.store.service_records import ScheduleRecord
from backhaul.store.service_rows import schedule_record, schedule_values
from backhaul.store.tables import SCHEDULES
from backhaul.store.tickets import Ticket

__all__ = ["ScheduleQueries"]

_IDS_AT_ONCE = 500


class ScheduleQueries(Queries):
    """Schedules."""

    def put_schedule(self, record: ScheduleRecord) -> Ticket:
        """Write a schedule; an existing one keeps whether and why it is paused."""
        return self._append((self._statements.put_schedule, schedule_values(record)))

    def decide_schedule_until(self, trigger_id: str, moment: datetime) -> Ticket:
        """Note that every tick up to `moment` has been decided. It never goes back."""
        until = to_microseconds(moment)
        return self._append((self._statements.decide_until, (until, trigger_id, until)))

    def pause_schedule(self, trigger_id: str, *, paused: bool, note: str | None, at: datetime | None) -> Ticket:
        """Pause a schedule, or let it go on. The ticket's value is 1, or 0 when there is no such schedule."""
        return self._append((self._statements.pause_schedule, (paused, note, optional_time(at), trigger_id)))

    async def schedules(self, trigger_ids: Collection[str] = ()) -> list[ScheduleRecord]:
        """Return all schedules, ordered by their triggers.

        Args:
            trigger_ids: only those of these triggers; it may give others, too.
        """
        query = select(SCHEDULES).order_by(SCHEDULES.c.trigger_id)
        if 0 < len(trigger_ids) <= _IDS_AT_ONCE:
            query = query.where(SCHEDULES.c.trigger_id.in_(trigger_ids))
        return [schedule_record(row) for row in await self._read(lambda db: db.execute(query).all())]
