"""The lines of doing of a run and of the runs that are its steps: whether any is at work, or all of them wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import anyio

__all__ = ["Lines"]


class _Stoppable(Protocol):
    @property
    def stopped(self) -> bool: ...


class Lines:
    """Counts what is under way in one run and in the runs below it.

    A run that does one thing after the other is one line; ``parallel`` makes several of it. Once all lines rest, the
    run can leave the memory.

    Attributes:
        suspending: all lines rested at some moment, so whoever waits from now on leaves the memory.
        waits: run and step key (of the wait) of everything that lines wait for.
    """

    def __init__(self) -> None:
        self.suspending = False
        self.waits: set[tuple[str, str]] = set()
        self._working = 1
        self._resting: dict[anyio.Event, _Stoppable] = {}

    @contextmanager
    def split(self, count: int) -> Iterator[Callable[[], None]]:
        """Make `count` lines of one inside the block, and give what is called at the end of each of them."""
        left = max(count, 1)
        self._working += left - 1

        def end() -> None:
            nonlocal left
            left -= 1
            if left > 0:  # the last one goes on as the line that was split
                self._working -= 1
                self._look()

        try:
            yield end
        finally:
            self._working -= max(left - 1, 0)

    @contextmanager
    def resting(self, event: anyio.Event, control: _Stoppable) -> Iterator[None]:
        """Let a line rest inside the block; `event` is set when all lines rest. A stopped one counts as working."""
        self._resting[event] = control
        self._working -= 1
        try:
            self._look()
            yield
        finally:
            self._working += 1
            del self._resting[event]

    def _look(self) -> None:
        rests = self._resting and not self._working and not any(one.stopped for one in self._resting.values())
        if rests or self.suspending:
            self.suspending = True
            for event in self._resting:
                event.set()
