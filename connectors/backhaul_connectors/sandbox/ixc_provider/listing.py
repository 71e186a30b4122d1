"""Finds the rows of a listing without walking whole tables where an index or a cached list will do."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.ixc_provider.query import Condition, ListQuery, sort_key

__all__ = ["RowFinder"]

_CACHED = 6
_RANGES = (">", ">=", "<", "<=", "BE")


class RowFinder:
    """Answers listings by id. Filtered lists are kept until their table changes."""

    def __init__(self) -> None:
        self._cache: dict[tuple[object, ...], Sequence[int]] = {}

    def page(self, table: Table, query: ListQuery) -> tuple[list[int], int]:
        """Return the ids of one page and the number of all matches."""
        ids = self._indexed(table, query.conditions)
        ids = self._ranged(table, query) if ids is None else self._ordered(table, ids, query)
        start, total = (query.page - 1) * query.rp, len(ids)
        if query.descending:
            stop = total - start
            return list(reversed(ids[max(0, stop - query.rp) : max(0, stop)])), total
        return list(ids[start : start + query.rp]), total

    def _indexed(self, table: Table, conditions: tuple[Condition, ...]) -> Sequence[int] | None:
        """Return the matches by way of an indexed column, or None if no condition names one."""
        for condition in conditions:
            if _since_the_seed(table, condition):
                return self._touched(table, conditions)
            if condition.operator not in ("=", "IN"):
                continue
            values = [condition.value] if condition.operator == "=" else condition.values()
            found = [table.find(condition.column, value) for value in dict.fromkeys(values)]
            if None in found:
                continue
            rest = [other for other in conditions if other is not condition]
            return sorted({i for ids in found if ids for i in ids if _matches(table, i, rest)})
        return None

    def _touched(self, table: Table, conditions: tuple[Condition, ...]) -> Sequence[int]:
        """Return the matches among the rows that changed since the seed."""
        walk = (row_id for row_id in table.touched if _matches(table, row_id, conditions))
        return self._cached(table, ("touched", conditions), lambda: array("I", walk))

    def _ranged(self, table: Table, query: ListQuery) -> Sequence[int]:
        """Return the matches, ascending: ranges of ids by bisection, the rest from the cached list."""
        ranges = [c for c in query.conditions if c.column == "id" and c.operator in _RANGES and _numeric(c)]
        rest = tuple(c for c in query.conditions if c not in ranges)
        ids: Sequence[int] = table.ids
        if rest:
            walk = (i for i in table.ids if _matches(table, i, rest))
            ids = self._cached(table, ("filter", rest), lambda: array("I", walk))
        if query.sort != "id" and not ranges:
            order = ("order", rest, query.sort)
            return self._cached(table, order, lambda: array("I", _by(table, ids, query.sort)))
        low, high = 0, len(ids)
        for condition in ranges:
            first, last = _bounds(ids, condition)
            low, high = max(low, first), min(high, last)
        part = ids if low == 0 and high == len(ids) else ids[low : max(low, high)]
        return self._ordered(table, part, query)

    def _ordered(self, table: Table, ids: Sequence[int], query: ListQuery) -> Sequence[int]:
        return ids if query.sort == "id" else _by(table, ids, query.sort)

    def _cached(self, table: Table, name: tuple[object, ...], build: Callable[[], Sequence[int]]) -> Sequence[int]:
        key = (id(table), *name)
        entry = self._cache.get((*key, table.version))
        if entry is None:
            stale = [k for k in self._cache if k[: len(key)] == key]
            for old in stale or list(self._cache)[: max(0, len(self._cache) - _CACHED + 1)]:
                del self._cache[old]
            entry = self._cache[(*key, table.version)] = build()
        return entry

    def clear(self) -> None:
        """Forget all cached lists."""
        self._cache.clear()


def _since_the_seed(table: Table, condition: Condition) -> bool:
    """Tell whether only rows that changed in the world's life can match: the seeded ones are older than 2025."""
    stamped = condition.column == table.seeded.stamp and condition.operator in (">", ">=")
    return stamped and condition.value >= "2025-01-02"


def _matches(table: Table, row_id: int, conditions: Iterable[Condition]) -> bool:
    return all(condition.holds(table.cell(row_id, condition.column)) for condition in conditions)


def _by(table: Table, ids: Sequence[int], column: str) -> list[int]:
    return sorted(ids, key=lambda row_id: sort_key(table.cell(row_id, column)))


def _numeric(condition: Condition) -> bool:
    texts = [condition.value, condition.high] if condition.operator == "BE" else [condition.value]
    return all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts)


def _bounds(ids: Sequence[int], condition: Condition) -> tuple[int, int]:
    """Return the slice of ascending ids that a range of ids selects."""
    value = int(condition.value)
    match condition.operator:
        case ">":
            return bisect_right(ids, value), len(ids)
        case ">=":
            return bisect_left(ids, value), len(ids)
        case "<":
            return 0, bisect_left(ids, value)
        case "<=":
            return 0, bisect_right(ids, value)
        case _:
            return bisect_left(ids, value), bisect_right(ids, int(condition.high))
