"""The queue of one node: which of its runs may begin now, the urgent ones first. No I/O."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TypeAlias

from backhaul.store.service_records import QueuedRun

__all__ = ["URGENT", "RunQueue"]

URGENT = 50
"""Runs of this priority and above may use all places; the others leave a fifth of them free."""

Slots: TypeAlias = tuple[tuple[str, int], ...]
"""Keys and the number of runs that each lets through at once."""
Order: TypeAlias = tuple[int, float, str]


class RunQueue:
    """Queued runs and the places that the others take.

    A run begins when there is a place for it in all, and one under each of its slots: a key with a limit, such as a
    workflow's ``concurrency``. Among those that may begin, the higher priority goes first, then the older run.

    Runs with the same slots that find one of them full stand in a line of their own; whenever a slot becomes free, the
    first of each line behind it is looked at again, and not all of them.

    Args:
        places: how many runs are carried out at once.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._kept_free = places // 5
        self._ready: list[tuple[Order, Slots]] = []
        self._lines: dict[Slots, list[Order]] = {}
        self._lines_of: dict[str, set[Slots]] = {}
        self._queued: dict[str, QueuedRun] = {}
        self._under_way: set[str] = set()
        self._holding: dict[str, Slots] = {}
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._queued)

    @property
    def under_way(self) -> int:
        """Number of runs that are being carried out."""
        return len(self._under_way)

    def add(self, run: QueuedRun) -> None:
        """Queue a run. One that is queued or under way already stays as it is."""
        if run.run_id not in self._queued and run.run_id not in self._under_way:
            self._queued[run.run_id] = run
            heapq.heappush(self._ready, (_order(run), _slots(run)))

    def hold(self, run: QueuedRun) -> None:
        """Count a waiting run against its slots, though it takes no place."""
        slots = _slots(run)
        if slots and run.run_id not in self._holding:
            self._holding[run.run_id] = slots
            self._taken.update(key for key, _ in slots)

    def take(self) -> QueuedRun | None:
        """Return the run that begins now, which then takes a place and its slots; None when none may."""
        while self._ready:
            order, slots = self._ready[0]
            run = self._queued[order[2]]
            if not self._has_place(run):
                # All behind it in the queue are no more urgent.
                return None
            heapq.heappop(self._ready)
            if self._is_full(run.run_id, slots):
                self._stand_in_line(order, slots)
                continue
            del self._queued[run.run_id]
            self._under_way.add(run.run_id)
            self.hold(run)
            return run
        return None

    def leave(self, run_id: str, *, keeps_slots: bool) -> None:
        """Give back the place of a run, and its slots unless it waits and goes on later."""
        self._under_way.discard(run_id)
        if not keeps_slots:
            self.release(run_id)

    def release(self, run_id: str) -> None:
        """Give back the slots of a run, such as a waiting one that was cancelled."""
        for key, _ in self._holding.pop(run_id, ()):
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
            for slots in tuple(self._lines_of.get(key, ())):
                self._look_again(slots)

    def holders(self) -> list[str]:
        """Return the runs that count against slots without being under way: the waiting ones."""
        return [run_id for run_id in self._holding if run_id not in self._under_way]

    def _has_place(self, run: QueuedRun) -> bool:
        places = self._places if run.priority >= URGENT else max(self._places - self._kept_free, 1)
        return len(self._under_way) < places

    def _is_full(self, run_id: str, slots: Slots) -> bool:
        return run_id not in self._holding and any(self._taken[key] >= limit for key, limit in slots)

    def _stand_in_line(self, order: Order, slots: Slots) -> None:
        heapq.heappush(self._lines.setdefault(slots, []), order)
        for key, _ in slots:
            self._lines_of.setdefault(key, set()).add(slots)

    def _look_again(self, slots: Slots) -> None:
        line = self._lines[slots]
        heapq.heappush(self._ready, (heapq.heappop(line), slots))
        if not line:
            del self._lines[slots]
            for key, _ in slots:
                self._lines_of[key].discard(slots)
                if not self._lines_of[key]:
                    del self._lines_of[key]


def _order(run: QueuedRun) -> Order:
    return (-run.priority, run.created_at.timestamp(), run.run_id)


def _slots(run: QueuedRun) -> Slots:
    return tuple((str(key), int(limit)) for key, limit in run.slots or ())
