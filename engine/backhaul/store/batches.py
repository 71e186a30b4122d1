"""Puts the writes of a group together, so that a database has few statements to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backhaul.store.statements import Operation, Sql

__all__ = ["Batch", "batched", "values_by_operation"]


@dataclass(slots=True)
class Batch:
    """Writes with the same statement, to be done in order, in one go where a database can.

    Attributes:
        rows: parameters, one tuple per write.
        owners: when the statement `returns`: for each row, the number of its operation in the group.
    """

    sql: Sql
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)


def batched(operations: Sequence[Operation]) -> list[Batch]:
    """Return batches that do the same, one after the other, as the operations would.

    Neighbours with the same statement go together. Neighbours with a turn are sorted by it, so that ten events, each
    with its decision and its run, are three batches. That changes nothing as long as none of them sees what another
    one wrote but those that it follows anyway: so a row's key comes once among neighbours, and a key that comes again
    begins anew behind them. A statement without a key that comes again with the same parameters is left out.
    """
    group = _Group()
    current = Batch(_NOTHING)
    for number, operation in enumerate(operations):
        for sql, parameters in operation:
            if sql.turn:
                if not group.admits(sql, parameters):
                    continue
                current = group.in_turn(sql)
            elif sql is not current.sql:
                current = group.in_place(sql)
            current.rows.append(parameters)
            if sql.returns:
                current.owners.append(number)
    return group.close()


def values_by_operation(count: int, batches: Sequence[Batch], answers: Sequence[Sequence[Any]]) -> list[Any]:
    """Sort what the rows of batches gave by their operations.

    Args:
        count: number of operations.
        answers: for each batch, what each of its rows gave; of batches that give nothing, anything.

    Returns:
        For each operation the value of its only statement that `returns`; a tuple when there are several, in the order
        in which they were done; None when there is none.
    """
    found: list[list[Any] | None] = [None] * count
    for batch, answer in zip(batches, answers, strict=True):
        if batch.owners:
            for owner, value in zip(batch.owners, answer, strict=True):
                earlier = found[owner]
                if earlier is None:
                    found[owner] = [value]
                else:
                    earlier.append(value)
    return [None if one is None else one[0] if len(one) == 1 else tuple(one) for one in found]


_NOTHING = Sql("")


class _Group:
    """The batches so far, and those whose turn has not come, as more of theirs may follow."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._open: dict[Sql, Batch] = {}
        self._seen: set[tuple[int, tuple[Any, ...]]] = set()

    def admits(self, sql: Sql, parameters: tuple[Any, ...]) -> bool:
        """Note a write with a turn; False when it would do nothing."""
        seen = (sql.turn, parameters[: len(sql.key)] if sql.key else parameters)
        if seen in self._seen:
            if not sql.key:
                return False
            self.close()
        self._seen.add(seen)
        return True

    def in_turn(self, sql: Sql) -> Batch:
        """Return the batch for a statement with a turn."""
        batch = self._open.get(sql)
        if batch is None:
            batch = self._open[sql] = Batch(sql)
        return batch

    def in_place(self, sql: Sql) -> Batch:
        """Return a new batch, behind all others, for a statement without a turn."""
        self.close()
        batch = Batch(sql)
        self._batches.append(batch)
        return batch

    def close(self) -> list[Batch]:
        """Return all batches; what follows comes behind them."""
        if self._open:
            self._batches += sorted(self._open.values(), key=_turn)
            self._open.clear()
            self._seen.clear()
        return self._batches


def _turn(batch: Batch) -> int:
    return batch.sql.turn
