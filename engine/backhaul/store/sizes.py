"""How many bytes of the database are in use."""

from __future__ import annotations

from sqlalchemy import Connection, text

from backhaul.store.tables import TABLES

__all__ = ["used_bytes"]

_SAMPLE = 8 * 1024 * 1024
_ROW = 28
"""Bytes that PostgreSQL adds to a row: its header and its place in the page (documentation, section 66.6)."""


def used_bytes(db: Connection) -> int:
    """Return the bytes that hold something: space which was given back but not to the operating system is left out.

    Exact on SQLite, but for the write-ahead log; an estimate from a sample of each table on PostgreSQL, where rows that
    were removed take their space until the server's own vacuum has found it, and the files hardly ever shrink.
    """
    if db.dialect.name == "postgresql":
        return sum(_used_on_postgresql(db, name) for name in TABLES)
    pages, free, size = (
        int(db.exec_driver_sql(f"PRAGMA {what}").scalar_one()) for what in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _used_on_postgresql(db: Connection, table: str) -> int:
    sizes = text("SELECT pg_table_size(CAST(:name AS regclass)), pg_total_relation_size(CAST(:name AS regclass))")
    heap, total = db.execute(sizes, {"name": table}).one()
    if not heap:
        return 0
    percent = min(100.0, 100 * _SAMPLE / heap)
    row = " + ".join(f'coalesce(pg_column_size("{column.name}"), 0)' for column in TABLES[table].c)
    # Names of our own tables and columns only.
    sampled = text(f"SELECT coalesce(sum({row} + {_ROW}), 0) FROM {table} TABLESAMPLE SYSTEM (:percent)")  # noqa: S608
    live = float(db.execute(sampled, {"percent": percent}).scalar_one()) * 100 / percent
    used: int = round(total * min(1.0, live / heap))
    return used
