"""What is going to happen in the world, by the world's clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["Act", "Agenda"]

Act = Callable[[float], None]
"""Called with the time (seconds since the epoch) at which it was due."""


class Agenda:
    """Things due at a time, carried out in order of time once the world's clock has passed it."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Act]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, when: float, act: Act) -> None:
        """Plan something for a time; what lies in the past happens with the next ``run_due``."""
        heapq.heappush(self._heap, (when, next(self._numbers), act))

    def after(self, seconds: float, act: Act) -> None:
        """Plan something for some seconds from now."""
        self.at(self._clock.now() + seconds, act)

    def wait_s(self, at_most: float) -> float:
        """Return the seconds until the next thing is due, 0 or more and at most ``at_most``."""
        if not self._heap:
            return at_most
        return min(max(self._heap[0][0] - self._clock.now(), 0.0), at_most)

    def run_due(self) -> int:
        """Carry out everything that is due, also what that plans in turn; return how much it was."""
        done = 0
        while self._heap and self._heap[0][0] <= self._clock.now():
            when, _, act = heapq.heappop(self._heap)
            act(when)
            done += 1
        return done
