"""Counts the calls of each connection by day, and measures the tables."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, func, select, text

from backhaul.store.database import Queries
from backhaul.store.records import TableStats
from backhaul.store.sizes import used_bytes
from backhaul.store.tables import TABLES, USAGE

__all__ = ["UsageQueries"]


class UsageQueries(Queries):
    """Day counts and table sizes."""

    async def usage(self, connection: str, day: date) -> int:
        """Return how many calls a connection has reserved for a day."""
        query = select(USAGE.c["count"]).where(USAGE.c.connection == connection, USAGE.c.day == day)
        return await self._read(lambda db: db.execute(query).scalar()) or 0

    async def reserve_usage(self, connection: str, day: date, count: int = 1) -> int:
        """Add `count` calls to a connection's day and return the new total, exact across processes.

        Durable when this returns. After a lost database connection a reservation may be counted twice, never missed.
        """
        ticket = self._append((self._statements.reserve_usage, (connection, day.isoformat(), count)))
        await ticket.wait()
        return int(ticket.value)

    async def stats(self) -> list[TableStats]:
        """Return rows and bytes of each table, in the order of their names. Counts every row: not for hot paths."""
        return await self._read(_table_stats)

    async def used_bytes(self) -> int:
        """Return how many bytes of the database hold something; see `sizes.used_bytes`."""
        return await self._read(used_bytes)


def _table_stats(db: Connection) -> list[TableStats]:
    return [
        TableStats(
            table=name,
            rows=db.execute(select(func.count()).select_from(table)).scalar_one(),
            bytes=_bytes(db, name),
        )
        for name, table in sorted(TABLES.items())
    ]


def _bytes(db: Connection, table: str) -> int | None:
    if db.dialect.name == "postgresql":
        query = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        return int(db.execute(query, {"name": table}).scalar_one())
    if not db.execute(text("SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")).scalar_one():
        return None
    query = text(
        "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE"
        " AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = :name)"
    )
    return int(db.execute(query, {"name": table}).scalar_one() or 0)
