"""What applying a plan asks of each connection: calls, time at its limits, what is left of its day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from backhaul.json_values import Json
from backhaul.store.records import StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.plugins.limits import Limits
    from backhaul.store.store import Store

__all__ = ["Tallies", "forecast"]

_PASSES = 2
"""Times that the reads of a plan are made again to apply it: once to see that it still holds, once in the run."""


@dataclass(slots=True)
class _Tally:
    """Calls of one connection: reads made while planning (a page is one), their seconds, effects to come."""

    reads: int = 0
    read_s: float = 0.0
    effects: int = 0


@dataclass(slots=True)
class Tallies:
    """Calls by connection, taken off the steps of a plan."""

    by_connection: dict[str, _Tally] = field(default_factory=dict)

    def effect(self, action: str) -> None:
        """Count an effect; an event is none of a connection."""
        connection, _, name = action.partition(".")
        if name:
            self.by_connection.setdefault(connection, _Tally()).effects += 1

    async def read(self, record: StepRecord, store: Store) -> None:
        """Count a step that has read something."""
        if record.effect != "read" or record.action is None or record.status is StepStatus.PLANNED:
            return
        calls = record.attempt
        if isinstance(record.output, Mapping) and record.output.keys() == {"$dataset"}:
            last = await store.last_page(record.run_id, record.key)
            calls = 1 if last is None else last.number + 1
        tally = self.by_connection.setdefault(record.action.partition(".")[0], _Tally())
        tally.reads += calls
        if record.finished_at is not None:
            tally.read_s += max((record.finished_at - record.started_at) / timedelta(seconds=1), 0.0)


async def forecast(tallies: Tallies, limits: Mapping[str, Limits], store: Store, now: datetime) -> Json:
    """Return the forecast by connection.

    Returns:
        For each: ``reads`` made while planning, ``effects``, ``calls`` (to come: the effects, and the reads twice),
        ``seconds`` that they take at the connection's limits, ``per_minute``, ``concurrency``, ``per_day``,
        ``left_today`` (null without a day's limit) and ``fits_today``.
    """
    found: dict[str, Json] = {}
    for connection, tally in sorted(tallies.by_connection.items()):
        limit = limits.get(connection)
        calls = tally.effects + _PASSES * tally.reads
        left = None
        if limit is not None and limit.per_day is not None:
            today = now.astimezone(ZoneInfo(limit.day_zone)).date()
            left = max(limit.per_day - await store.usage(connection, today), 0)
        found[connection] = {
            "reads": tally.reads,
            "effects": tally.effects,
            "calls": calls,
            "seconds": _seconds(tally, calls, limit),
            "per_minute": limit.per_minute if limit is not None else None,
            "concurrency": limit.concurrency if limit is not None else None,
            "per_day": limit.per_day if limit is not None else None,
            "left_today": left,
            "fits_today": left is None or calls <= left,
        }
    return found


def _seconds(tally: _Tally, calls: int, limit: Limits | None) -> float:
    """Return how long so many calls take at best: by the rate, and by the time that the reads have taken."""
    each_s = tally.read_s / tally.reads if tally.reads else 0.0
    at_once = limit.concurrency if limit is not None else 1
    by_time = each_s * math.ceil(calls / at_once)
    by_rate = 60.0 * (calls - 1) / limit.per_minute if limit is not None and limit.per_minute and calls else 0.0
    return round(max(by_time, by_rate), 1)
