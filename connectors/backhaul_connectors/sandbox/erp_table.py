"""One table of the ERP: seeded rows derived on demand, changes and new rows stored compactly."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["Row", "SeededRows", "Table"]

Row = dict[str, str]


class SeededRows(Protocol):
    """The rows that a table starts with, computed from their id."""

    name: str
    """The table's name in column names, such as ``radusuarios`` in ``radusuarios.login``."""
    defaults: Mapping[str, str]
    """Every column, in order, with the value that it takes when nothing else is known."""
    required: Sequence[str]
    """Columns that an insert must fill."""
    read_only: frozenset[str]
    """Columns that the server fills itself; a client's value is ignored."""
    stamp: str
    """The column that gets the time of the last change; "" for none."""
    indexed: frozenset[str]
    """Columns that ``candidates`` answers quickly."""

    def ids(self) -> Iterable[int]:
        """Return the ids of the seeded rows, ascending."""
        ...

    def row(self, row_id: int) -> Row:
        """Return the columns of a seeded row that differ from the defaults."""
        ...

    def cell(self, row_id: int, column: str) -> str | None:
        """Return one value of a seeded row without building the row; None if that is not possible."""
        ...

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Return a superset of the seeded ids whose indexed ``column`` is exactly ``value``."""
        ...


class Table:
    """Rows by id. ``version`` rises with every change, so that readers can cache what they derived."""

    def __init__(self, seeded: SeededRows, clock: WorldClock) -> None:
        self.seeded = seeded
        self.name = seeded.name
        self.columns = tuple(seeded.defaults)
        self.column_set = frozenset(self.columns)
        self.version = 0
        self._join: Callable[[Row], None] | None = None
        self._clock = clock
        self._ids = array("I", seeded.ids())
        self._computed = frozenset(seeded.row(self._ids[0]) if self._ids else ())
        self._next_id = (self._ids[-1] if self._ids else 0) + 10
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._added: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._changes: dict[int, dict[str, str]] = {}
        self._index: dict[str, dict[str, list[int]]] = {column: {} for column in seeded.indexed}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Sequence[int]:
        """All ids, ascending."""
        return self._ids

    @property
    def touched(self) -> Sequence[int]:
        """The ids of all rows that were added or changed since the seed, ascending."""
        return sorted({*self._added, *self._changes})

    @property
    def writable(self) -> tuple[str, ...]:
        """The columns that a client must send in an update."""
        return tuple(c for c in self.columns if c != "id" and c not in self.seeded.read_only)

    def join(self, columns: Iterable[str], fill: Callable[[Row], None]) -> None:
        """Let ``fill`` complete these columns, which belong to other tables, when a row is read."""
        self._computed |= frozenset(columns)
        self._join = fill

    def __contains__(self, row_id: object) -> bool:
        if not isinstance(row_id, int) or not 0 <= row_id < 2**32:
            return False
        place = bisect_left(self._ids, row_id)
        return place < len(self._ids) and self._ids[place] == row_id

    def row(self, row_id: int) -> Row:
        """Return a whole row, in the order of the columns, every value a string."""
        row = dict(self.seeded.defaults)
        added = self._added.get(row_id)
        if added is None:
            row.update(self.seeded.row(row_id))
        else:
            row.update(zip(*added, strict=True))
        row["id"] = str(row_id)
        changes = self._changes.get(row_id)
        if changes is not None:
            row.update(changes)
        if self._join is not None:
            self._join(row)
        return row

    def cell(self, row_id: int, column: str) -> str:
        """Return one value of a row, without building the row where possible."""
        if column == "id":
            return str(row_id)
        changes = self._changes.get(row_id)
        if changes is not None and column in changes:
            return changes[column]
        added = self._added.get(row_id)
        if added is not None:
            shape, values = added
            if column in shape:
                return values[shape.index(column)]
        else:
            value = self.seeded.cell(row_id, column)
            if value is not None:
                return value
        if column not in self._computed:
            return self.seeded.defaults[column]
        return self.row(row_id)[column]

    def find(self, column: str, value: str) -> list[int] | None:
        """Return the ids whose ``column`` is exactly ``value``, ascending; None without an index."""
        if column == "id":
            row_id = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
            return [row_id] if row_id in self else []
        if column not in self._index:
            return None
        ids = set(self._index[column].get(value, ()))
        ids.update(self.seeded.candidates(column, value))
        return sorted(i for i in ids if i in self and self.cell(i, column) == value)

    def insert(self, values: Mapping[str, str]) -> int:
        """Add a row and return its id. Unknown and read-only columns are dropped silently."""
        row_id = self._next_id
        self._next_id += 1
        kept = {c: sys.intern(v) if len(v) < 4 else v for c, v in self._accepted(values).items()}
        if self.seeded.stamp:
            kept[self.seeded.stamp] = self._clock.local_now()
        shape = tuple(kept)
        self._added[row_id] = (self._shapes.setdefault(shape, shape), tuple(kept.values()))
        self._ids.append(row_id)
        self._remember(row_id, kept)
        self.version += 1
        return row_id

    def update(self, row_id: int, values: Mapping[str, str]) -> None:
        """Change a row. Unknown and read-only columns are dropped silently."""
        self.set(row_id, self._accepted(values))

    def set(self, row_id: int, values: Mapping[str, str]) -> None:
        """Change columns of a row, read-only ones too: what the server itself does."""
        changed = {c: v for c, v in values.items() if self.cell(row_id, c) != v}
        if self.seeded.stamp:
            changed[self.seeded.stamp] = self._clock.local_now()
        if changed:
            self._changes.setdefault(row_id, {}).update(changed)
            self._remember(row_id, changed)
        self.version += 1

    def delete(self, row_id: int) -> None:
        """Remove a row; its id is never used again."""
        if row_id not in self:
            return
        del self._ids[bisect_left(self._ids, row_id)]
        self._added.pop(row_id, None)
        self._changes.pop(row_id, None)
        self.version += 1

    def _accepted(self, values: Mapping[str, str]) -> dict[str, str]:
        refused = self.seeded.read_only
        return {c: v for c, v in values.items() if c in self.column_set and c != "id" and c not in refused}

    def _remember(self, row_id: int, values: Mapping[str, str]) -> None:
        for column, index in self._index.items():
            if column in values:
                index.setdefault(values[column], []).append(row_id)
