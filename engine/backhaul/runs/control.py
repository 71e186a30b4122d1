"""Stopping: how a failure, a cancellation or a shutdown reaches the steps that are under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import anyio

from backhaul.errors import StepError, StoreError
from backhaul.json_values import Json
from backhaul.runs.lines import Lines

__all__ = ["Abandoned", "Control", "Parked", "StepFailed", "Suspended", "raise_first"]


class Abandoned(Exception):  # noqa: N818 (not an error: the branch ends because the run or a sibling has)
    """This branch stops at its next step, because the run or a sibling has ended."""


class Parked(Exception):  # noqa: N818 (not an error: the run waits for a person)
    """A step's outcome is unknown; the run waits for a person to say what became of it."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"step {key}: {reason}")


class Suspended(BaseException):
    """All that the run does waits, so it leaves the memory.

    Not an `Exception`: a Python workflow that catches the errors of its steps does not catch this.
    """


class StepFailed(StepError):  # noqa: N818 (the internal signal that carries the public StepError)
    """A step gave up.

    Attributes:
        recorded: its record in the journal says so already.
        siblings: keys of steps that gave up beside it, in other branches.
        said: what a person said who rejected it, as a wait's outcome holds it; None: nobody has.
    """

    recorded: bool = False
    siblings: tuple[str, ...] = ()
    said: Json = None

    def to_json(self) -> Json:
        """Return the form in which the journal keeps it."""
        message = self.message.encode("utf-8", "backslashreplace").decode()  # the history holds no half characters
        error = {"type": self.error_type, "message": message, "step": self.step}
        return {**error, "also": list(self.siblings)} if self.siblings else error


class Control:
    """Whether the steps under it may go on. A stop spares calls with an effect: they end by themselves.

    What may be interrupted at any time (a read, a pause before the next attempt) runs inside `interruptible`.

    Attributes:
        lines: the lines of doing of the run, and of those above and below it.
        stays: what waits under it stays in memory.
        until: the moment at which the time of what is under it is over; None is never.
    """

    __slots__ = ("_interruptible", "_parent", "_stopped", "lines", "stays", "until")

    def __init__(self, parent: Control | None = None, *, stays: bool = False, until: datetime | None = None) -> None:
        self._parent = parent
        self._stopped = False
        self._interruptible: set[anyio.CancelScope] = set()
        self.lines: Lines = Lines() if parent is None else parent.lines
        self.stays: bool = stays or (parent is not None and parent.stays)
        self.until: datetime | None = None if parent is None else parent.until
        if until is not None:
            self.limit(until)

    def child(self, *, stays: bool = False, until: datetime | None = None) -> Control:
        """Return a control that stops with this one, and can be stopped alone."""
        return Control(self, stays=stays, until=until)

    def limit(self, until: datetime) -> None:
        """Note that the time of what begins under this control is over at `until`, if not before."""
        self.until = until if self.until is None else min(self.until, until)

    @property
    def stopped(self) -> bool:
        """Whether this control or one above it was stopped."""
        control: Control | None = self
        while control is not None:
            if control._stopped:
                return True
            control = control._parent
        return False

    @property
    def stopped_as_a_whole(self) -> bool:
        """Whether the run, or the topmost one whose step it is, was stopped, and not only a part of it."""
        *_, root = self._lineage()
        return root._stopped

    def check(self) -> None:
        """Raise `Abandoned` when nothing new may begin."""
        if self.stopped:
            raise Abandoned

    def stop(self) -> None:
        """Let nothing new begin, and interrupt what may be interrupted."""
        self._stopped = True
        for scope in tuple(self._interruptible):
            scope.cancel()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Run the body so that `stop` (here or above) ends it with `Abandoned`."""
        self.check()
        with anyio.CancelScope() as scope:
            holders = tuple(self._lineage())
            for control in holders:
                control._interruptible.add(scope)
            try:
                yield
            finally:
                for control in holders:
                    control._interruptible.discard(scope)
        if scope.cancelled_caught:
            raise Abandoned

    def _lineage(self) -> Iterator[Control]:
        control: Control | None = self
        while control is not None:
            yield control
            control = control._parent


def raise_first(ended: Sequence[BaseException]) -> None:
    """Raise what ended parallel work, the most serious first: store, doubt, failure, waiting, mere abandonment.

    What is none of these comes before the waiting and the abandonment, which is only its echo in the other branches.
    """
    failed = [end for end in ended if isinstance(end, StepFailed)]
    for end in failed[:1]:
        end.siblings = (*end.siblings, *(other.step for other in failed[1:]))
    for kind in (StoreError, Parked, StepFailed, Exception):
        found = next((end for end in ended if isinstance(end, kind) and not isinstance(end, Abandoned)), None)
        if found is not None:
            raise found
    for one in sorted(ended, key=lambda one: not isinstance(one, Suspended)):
        raise one
