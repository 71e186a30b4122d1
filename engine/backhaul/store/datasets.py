"""Writes and reads datasets: large outputs of steps, kept as pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import select

from backhaul.store.database import Queries
from backhaul.store.records import PageRecord
from backhaul.store.rows import page_record, page_values
from backhaul.store.tables import PAGES
from backhaul.store.tickets import Ticket

__all__ = ["DatasetQueries"]


class DatasetQueries(Queries):
    """Pages of datasets."""

    def put_page(self, record: PageRecord) -> Ticket:
        """Write a page; an existing one with its number is replaced. Await `room` between pages."""
        values = page_values(record)
        return self._append((self._statements.put_page, values), weight=len(values[5]))

    async def page(self, run_id: str, key: str, number: int) -> PageRecord | None:
        """Return a page, or None."""
        query = select(PAGES).where(PAGES.c.run_id == run_id, PAGES.c.key == key, PAGES.c.number == number)
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else page_record(row)

    async def last_page(self, run_id: str, key: str) -> PageRecord | None:
        """Return the page with the greatest number, or None."""
        query = select(PAGES).where(PAGES.c.run_id == run_id, PAGES.c.key == key)
        query = query.order_by(PAGES.c.number.desc()).limit(1)
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else page_record(row)

    async def dataset_count(self, run_id: str, key: str) -> int:
        """Return how many items a dataset has so far."""
        query = select(PAGES.c.first_index + PAGES.c["count"]).where(PAGES.c.run_id == run_id, PAGES.c.key == key)
        query = query.order_by(PAGES.c.number.desc()).limit(1)
        return await self._read(lambda db: db.execute(query).scalar()) or 0

    async def pages(self, run_id: str, key: str, from_number: int = 0) -> AsyncIterator[PageRecord]:
        """Yield the pages from `from_number` on, in order, one in memory at a time; ends before the first gap."""
        number = from_number
        while (page := await self.page(run_id, key, number)) is not None:
            yield page
            number += 1
