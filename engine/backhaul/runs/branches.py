"""Branches of a Python workflow: lines of doing in which everything happens in order, so that step keys repeat."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import anyio

from backhaul.errors import BackhaulError, StoreError
from backhaul.runs.control import Abandoned, Control, Parked, Suspended
from backhaul.runs.planning.line import PlanLine

__all__ = ["Branch", "alone", "current_branch", "in_branch", "under_way"]


class Branch:
    """One line of a workflow's doing: what happens in it happens in order, so that its step keys repeat.

    Attributes:
        busy: the step under way that wants to be alone in the branch.
        ended: what has ended the branch; the workflow may have caught it, but nothing more begins.
        tasks: those in which something of the branch is under way.
        line: in a plan: what was planned before, on the way to here.
        below: in a plan: what the branches that this one has split into have planned.
    """

    __slots__ = ("below", "busy", "control", "ended", "line", "moved", "names", "prefix", "tasks")

    def __init__(self, prefix: str, control: Control, line: PlanLine | None = None) -> None:
        self.prefix = prefix
        self.control = control.child()
        self.names: Counter[str] = Counter()
        self.busy: str | None = None
        self.ended: BaseException | None = None
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.moved = anyio.Event()
        self.line = line
        self.below = PlanLine()

    def key(self, name: str) -> str:
        """Return the key of the next step with this name."""
        self.names[name] += 1
        count = self.names[name]
        return self.prefix + name if count == 1 else self.key(f"{name}~{count}")

    def check(self) -> None:
        """Raise what has ended the branch, if anything has."""
        if self.ended is not None:
            raise self.ended

    async def quiet(self) -> None:
        """Let nothing more begin, and return when nothing is under way that the workflow has not waited for."""
        if self.tasks:
            self.control.stop()
        try:
            while self.tasks:
                self.moved = anyio.Event()
                await self.moved.wait()
        except anyio.get_cancelled_exc_class():
            for task in self.tasks:
                if task is not None:
                    task.cancel()
            raise


_branch: ContextVar[Branch] = ContextVar("backhaul_branch")


def current_branch(what: str) -> Branch:
    """Return the branch that is under way, in which `what` may begin.

    Raises:
        BackhaulError: there is none, or something else is under way in it.
    """
    branch = _branch.get(None)
    if branch is None:
        raise BackhaulError(f"{what}: only a workflow that is being run can do this")
    branch.check()
    if branch.busy is not None:
        raise BackhaulError(
            f"{what} began while {branch.busy} was under way in the same branch; use run.each or run.parallel, "
            "which give every branch step names of its own"
        )
    return branch


@contextmanager
def under_way(branch: Branch) -> Iterator[None]:
    """Have the branch wait for the block, and remember what ends the run in it."""
    task = asyncio.current_task()
    branch.tasks.append(task)
    try:
        yield
    except (Parked, Suspended, Abandoned, StoreError) as end:
        branch.ended = end
        raise
    finally:
        branch.tasks.remove(task)
        branch.moved.set()
        if branch.line is not None:
            branch.line.merge(branch.below)
            branch.below = PlanLine()


@contextmanager
def alone(branch: Branch, what: str) -> Iterator[None]:
    """Let nothing else begin in the branch inside the block."""
    branch.busy = what
    try:
        with under_way(branch):
            yield
    finally:
        branch.busy = None


@asynccontextmanager
async def in_branch(branch: Branch) -> AsyncIterator[None]:
    """Make `branch` the one that is under way inside the block, at whose end all of it has come to its end.

    What has ended the branch is raised then, whatever the workflow made of it.
    """
    outer = _branch.get(None)
    if outer is not None and outer.line is not None and branch.line is None:
        branch.line = outer.line.child()
    token = _branch.set(branch)
    try:
        yield
    except (Exception, BaseExceptionGroup):
        branch.check()
        raise
    finally:
        _branch.reset(token)
        await branch.quiet()
        if outer is not None and branch.line is not None:
            outer.below.merge(branch.line)
    branch.check()
