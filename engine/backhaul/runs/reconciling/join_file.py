"""The join of two sides by their keys, in a private temporary file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backhaul.runs.scratch import open_scratch, scratch_errors
from backhaul.workflows.reconcile import Side

__all__ = ["MOST_POSITIONS", "Found", "Group", "JoinFile", "Row"]

_BOTH_SIDES: tuple[Side, Side] = ("source", "target")
MOST_POSITIONS = 20
"""Positions of records that are kept of one key that comes several times."""

Row: TypeAlias = tuple[int, str | None, str, str]
"""Position of a record (from 0), its key or None, the text by which it is compared, and the record as JSON."""

_SIDES = """
create table source (position integer primary key, key text, print text, record text);
create table target (position integer primary key, key text, print text, record text);
create table last (key text primary key, value text) without rowid;
"""
_KEYS = """
create table {side}_keys (key text primary key, position integer, count integer, print text) without rowid;
insert into {side}_keys
    select key, min(position), count(*), print from {side} where key is not null group by key order by key;
create table {side}_many (key text, position integer, primary key (key, position)) without rowid;
"""
_MANY = """
insert into {side}_many
    select key, position from {side} where key in (select key from {side}_keys where count > 1);
"""
_BOTH = "source_keys s join target_keys t on t.key = s.key where s.count = 1 and t.count = 1"


class Group(StrEnum):
    """What a key's records make of it."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DUPLICATE = "duplicate"
    NO_KEY = "no_key"


_GROUPS = {
    Group.SAME: f"select s.key as key, null as s, null as t from {_BOTH} and s.print = t.print",  # noqa: S608 (all of it stands here)
    Group.UPDATE: f"select s.key as key, s.position as s, t.position as t from {_BOTH} and s.print <> t.print",  # noqa: S608
    Group.CREATE: "select s.key as key, s.position as s, null as t from source_keys s where s.count = 1 "
    "and not exists (select 1 from target_keys t where t.key = s.key)",
    Group.DELETE: "select t.key as key, null as s, t.position as t from target_keys t where t.count = 1 "
    "and not exists (select 1 from source_keys s where s.key = t.key)",
    Group.DUPLICATE: "select m.key as key, s.position as s, t.position as t from (select key from source_many union "
    "select key from target_many) m left join source_keys s on s.key = m.key left join target_keys t on t.key = m.key",
    Group.NO_KEY: "select null as key, position as s, null as t from source where key is null union all "
    "select null, null, position from target where key is null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One key, or one record without a key.

    Attributes:
        source: the source's record as JSON, the first one of the key; None when there is none.
        target: the target's.
        source_positions: of its records in the source, at most `MOST_POSITIONS`.
        source_count: number of its records in the source.
        last: what became of the key the last time, as JSON.
    """

    key: str | None
    source: str | None
    target: str | None
    source_positions: tuple[int, ...]
    target_positions: tuple[int, ...]
    source_count: int
    target_count: int
    last: str | None


class JoinFile:
    """Both sides of a reconcile, on disk and never in memory. Not for use by two threads at once; every method blocks.

    First `add` everything, then `join`, then read the groups. Each raises a `BackhaulError` when the disk is full.
    """

    def __init__(self) -> None:
        self._database = open_scratch(cache_kib=16_000)
        self._database.execute("pragma temp_store = file")
        self._database.executescript(_SIDES)
        self._added = dict.fromkeys(_BOTH_SIDES, 0)
        self._all_have_keys = True

    def add(self, side: Side, rows: Sequence[Row]) -> None:
        """Add records of a side."""
        self._added[side] += len(rows)
        self._insert(f"insert into {side} values (?, ?, ?, ?)", rows)  # noqa: S608

    def add_last(self, rows: Sequence[tuple[str, str]]) -> None:
        """Add what became of keys the last time; the first of a key stays."""
        self._insert("insert or ignore into last values (?, ?)", rows)

    def join(self) -> None:
        """Join the sides."""
        with scratch_errors():
            self._join()

    def _join(self) -> None:
        for side in _BOTH_SIDES:
            self._database.executescript(_KEYS.format(side=side))
            query = f"select coalesce(sum(count), 0), coalesce(max(count), 0) from {side}_keys"  # noqa: S608
            with_key, most = self._database.execute(query).fetchone()
            self._all_have_keys &= with_key == self._added[side]
            if most > 1:
                self._database.executescript(_MANY.format(side=side))

    def same(self, size: int) -> Iterator[list[str]]:
        """Give the keys whose records are the same, in order, in lists of `size`."""
        with scratch_errors():
            cursor = self._database.execute(_GROUPS[Group.SAME])
            while rows := cursor.fetchmany(size):
                yield [key for key, _, _ in rows]

    def found(self, group: Group, size: int) -> Iterator[list[Found]]:
        """Give what else there is in a group, in lists of `size`."""
        if group is Group.NO_KEY and self._all_have_keys:
            return  # looking for them reads everything
        query = (
            "select g.key, g.s, g.t, s.record, t.record, coalesce(sk.count, 0), coalesce(tk.count, 0), last.value "  # noqa: S608
            f"from ({_GROUPS[group]}) g left join source s on s.position = g.s "
            "left join target t on t.position = g.t left join source_keys sk on sk.key = g.key "
            "left join target_keys tk on tk.key = g.key left join last on last.key = g.key"
        )
        with scratch_errors():
            cursor = self._database.execute(query)
            while rows := cursor.fetchmany(size):
                yield [self._found(*row) for row in rows]

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def __enter__(self) -> JoinFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _found(
        self,
        key: str | None,
        source_position: int | None,
        target_position: int | None,
        source: str | None,
        target: str | None,
        source_count: int,
        target_count: int,
        last: str | None,
    ) -> Found:
        return Found(
            key=key,
            source=source,
            target=target,
            source_positions=self._positions("source", key, source_position, source_count),
            target_positions=self._positions("target", key, target_position, target_count),
            source_count=source_count if key is not None else int(source is not None),
            target_count=target_count if key is not None else int(target is not None),
            last=last,
        )

    def _positions(self, side: Side, key: str | None, first: int | None, count: int) -> tuple[int, ...]:
        if first is None:
            return ()
        if count <= 1:
            return (first,)
        query = f"select position from {side}_many where key = ? order by position limit ?"  # noqa: S608
        return tuple(position for (position,) in self._database.execute(query, (key, MOST_POSITIONS)))

    def _insert(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with scratch_errors():
            self._database.execute("begin")
            self._database.executemany(statement, rows)
            self._database.execute("commit")
