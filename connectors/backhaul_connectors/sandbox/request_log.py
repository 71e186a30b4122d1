"""The log of the calls that the sandbox received, each with its effect on the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["LOG_LIMIT", "Effect", "Entry", "Outcome", "RequestLog"]

LOG_LIMIT = 300_000
"""Entries kept by default, about 120 MB when full; a full log drops its oldest quarter."""

Effect = Literal["read", "write", "delete", "once", "token", "none"]
"""What the operation is meant to do; ``once`` inserts or acts anew every time, ``none`` is an unknown path."""

Outcome = Literal["done", "refused", "failed", "cut"]
"""``done``: answered with success. ``refused``: answered with an error by the vendor's own rules. ``failed``:
a fault replaced the answer. ``cut``: the connection was closed without a complete answer."""


class Entry(NamedTuple):
    """One call. ``completed`` is True exactly when the call did what it is for, whatever the caller was told."""

    seq: int
    at: float
    vendor: str
    method: str
    path: str
    operation: str
    effect: Effect
    outcome: Outcome
    key: str
    record: str
    status: int
    completed: bool

    def as_json(self) -> dict[str, object]:
        """Return the entry as the control interface shows it; ``at`` is ISO 8601 in UTC."""
        return {**self._asdict(), "at": WorldClock.iso(self.at)}


class RequestLog:
    """Keeps the last ``limit`` calls and counts all of them. Never holds bodies, queries or headers."""

    def __init__(self, limit: int = LOG_LIMIT) -> None:
        self._limit = limit
        self._entries: list[Entry] = []
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._next = 1

    @property
    def last_seq(self) -> int:
        """The sequence number of the newest entry; 0 before the first."""
        return self._next - 1

    def add(
        self,
        *,
        at: float,
        vendor: str,
        method: str,
        path: str,
        operation: str,
        effect: Effect,
        outcome: Outcome,
        key: str,
        record: str,
        status: int,
        completed: bool,
    ) -> None:
        """Append one call; drops the oldest quarter when the log is full."""
        entries = self._entries
        entries.append(
            Entry(self._next, at, vendor, method, path, operation, effect, outcome, key, record, status, completed)
        )
        self._next += 1
        self._counts[(vendor, operation, effect, outcome)] += 1
        if len(entries) > self._limit:
            del entries[: self._limit // 4]

    def since(
        self, seq: int, *, limit: int, vendor: str | None = None, effect: str | None = None
    ) -> tuple[list[Entry], int]:
        """Return up to ``limit`` entries after ``seq`` and the number to continue from."""
        found: list[Entry] = []
        first = self._entries[0].seq if self._entries else self._next
        at = max(seq, first - 1)
        for entry in self._entries[at - first + 1 :]:
            at = entry.seq
            if (vendor is None or entry.vendor == vendor) and (effect is None or entry.effect == effect):
                found.append(entry)
                if len(found) == limit:
                    break
        return found, at

    def summary(self) -> dict[str, object]:
        """Return counts of all calls since the last clear, also of those that left the log."""
        rows = sorted(self._counts.items())
        return {
            "total": sum(self._counts.values()),
            "held": len(self._entries),
            "by_vendor": _sums(self._counts, 0),
            "by_effect": _sums(self._counts, 2),
            "by_outcome": _sums(self._counts, 3),
            "items": [
                {"vendor": vendor, "operation": operation, "effect": effect, "outcome": outcome, "count": count}
                for (vendor, operation, effect, outcome), count in rows
            ],
        }

    def repeated(self) -> list[dict[str, object]]:
        """Return the effects that were completed more than once for the same vendor, operation and key."""
        times = Counter((e.vendor, e.operation, e.key) for e in self._effects())
        return [
            {"vendor": vendor, "operation": operation, "key": key, "times": count}
            for (vendor, operation, key), count in times.items()
            if count > 1
        ]

    def clear(self) -> None:
        """Forget all entries and counts; sequence numbers go on."""
        self._entries.clear()
        self._counts.clear()

    def _effects(self) -> Iterator[Entry]:
        return (e for e in self._entries if e.completed and e.effect in ("write", "delete", "once"))


def _sums(counts: Counter[tuple[str, str, str, str]], place: int) -> dict[str, int]:
    totals: Counter[str] = Counter()
    pairs: Iterable[tuple[tuple[str, str, str, str], int]] = counts.items()
    for key, count in pairs:
        totals[key[place]] += count
    return dict(sorted(totals.items()))
