"""Whose turn it is among the requests that wait for a connection. No I/O."""

from __future__ import annotations

from collections import OrderedDict

import anyio

__all__ = ["ONE_IN", "Request", "Turns"]

ONE_IN = 10
"""While more urgent requests keep coming, one in so many starts is of a less urgent one."""


class Request:
    """One request that waits.

    Attributes:
        priority: the larger, the sooner its turn comes.
        run: the run that asks; requests of equal priority take turns by it. None: outside of runs.
    """

    __slots__ = ("called", "number", "priority", "run", "sleep")

    def __init__(self, priority: int, run: str | None, number: int) -> None:
        self.priority = priority
        self.run = run
        self.number = number
        self.called: anyio.Event | None = None
        self.sleep: anyio.CancelScope | None = None

    def call(self) -> None:
        """Make the one who waits look again whether it may start."""
        if self.called is not None:
            self.called.set()
        if self.sleep is not None:
            self.sleep.cancel()


class _Level:
    """The waiting requests of one priority: by run, the run whose turn is next first, and of each run the oldest first.

    Attributes:
        served: the number of the start at which its turn came last, or at which it began to wait.
    """

    __slots__ = ("runs", "served")

    def __init__(self, served: int) -> None:
        self.runs: OrderedDict[str | None, OrderedDict[int, Request]] = OrderedDict()
        self.served = served

    def first(self) -> Request:
        return next(iter(next(iter(self.runs.values())).values()))


class Turns:
    """The order in which waiting requests start.

    The more urgent goes first. Among equals the runs take turns, however many requests each has waiting, and the
    requests of a run keep their order. Nobody starves: when `ONE_IN` - 1 starts in a row have passed over somebody
    less urgent, the next one is a less urgent request's, the priorities taking turns.
    """

    def __init__(self) -> None:
        self._levels: dict[int, _Level] = {}
        self._count = 0
        self._number = 0
        self._starts = 0
        self._passing_over = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_out_of_order(self) -> bool:
        """Whether the turn is a less urgent request's, so that it does not starve; if there is none, anybody's."""
        return self._passing_over >= ONE_IN - 1

    def first(self) -> Request | None:
        """Return the request whose turn it is, or None when none waits."""
        if len(self._levels) <= 1:  # nearly always
            return next((level.first() for level in self._levels.values()), None)
        top = max(self._levels)
        if not self.is_out_of_order:
            return self._levels[top].first()
        others = (priority for priority in self._levels if priority != top)
        return self._levels[min(others, key=lambda priority: self._levels[priority].served)].first()

    def join(self, priority: int, run: str | None) -> Request:
        """Let a new request wait, behind the others of its run."""
        self._number += 1
        request = Request(priority, run, self._number)
        level = self._levels.get(priority)
        if level is None:
            level = self._levels[priority] = _Level(self._starts)
        level.runs.setdefault(run, OrderedDict())[request.number] = request
        self._count += 1
        return request

    def leave(self, request: Request) -> None:
        """Take a request out that gave up; one that does not wait any more is no error."""
        level = self._levels.get(request.priority)
        waiting = level.runs.get(request.run) if level is not None else None
        if level is None or waiting is None or waiting.pop(request.number, None) is None:
            return
        self._count -= 1
        if not waiting:
            del level.runs[request.run]
        if not level.runs:
            del self._levels[request.priority]

    def start(self, request: Request) -> None:
        """Take a request out that starts: the next turn of its priority is another run's."""
        passes_over = len(self._levels) > 1 and request.priority == max(self._levels)
        self._passing_over = self._passing_over + 1 if passes_over else 0
        self._starts += 1
        level = self._levels[request.priority]
        level.served = self._starts
        level.runs.move_to_end(request.run)
        self.leave(request)
