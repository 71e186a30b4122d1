"""A run under way in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from backhaul.runs.progress import ChildObserver, RunObserver
from backhaul.store.records import RunStatus

if TYPE_CHECKING:
    from backhaul.runs.cancelling import Cancelling
    from backhaul.runs.control import Control
    from backhaul.runs.journal import Journal
    from backhaul.runs.planning.approved import ApprovedPlan
    from backhaul.runs.scope import Scope
    from backhaul.store.records import RunRecord

__all__ = ["ENDED", "Running"]

ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED})
"""The statuses in which a run has nothing left to do by itself, apart from `needs_attention`."""


class Running:
    """What the executor knows of a run that it carries out; `parent` is the run whose step it is."""

    def __init__(self, run: RunRecord, control: Control, parent: Running | None, observer: RunObserver) -> None:
        self.run = run
        self.control = control
        self.parent = parent
        self.hard_stop = anyio.CancelScope()
        self.cancel_requested = False
        self.cancel_reason: str | None = None
        self.cancelling: Cancelling | None = None
        self.observer: RunObserver = ChildObserver(parent.observer, run.parent_step or "") if parent else observer
        self.journal: Journal | None = None
        self.scope: Scope | None = None
        self.approved: ApprovedPlan | None = None

    @property
    def cancelled(self) -> bool:
        """Whether this run, or one whose step it is, was cancelled."""
        return self.cancel_requested or (self.parent is not None and self.parent.cancelled)

    def cancel(self, reason: str) -> None:
        """Let nothing new begin, because of what has happened outside."""
        self.cancel_requested = True
        self.cancel_reason = self.cancel_reason or reason
        self.control.stop()

    @property
    def cancelled_by(self) -> str:
        """What or who cancelled this run, or one whose step it is."""
        if self.cancel_reason is not None or self.parent is None:
            return self.cancel_reason or "a person"
        return self.parent.cancelled_by

    @property
    def root(self) -> Running:
        """The run at the top: the one that is no step of another."""
        return self if self.parent is None else self.parent.root

    @property
    def above(self) -> tuple[str, ...]:
        """The runs whose step this one is, from its parent to the topmost one."""
        return () if self.parent is None else (self.parent.run.run_id, *self.parent.above)

    @property
    def awaited(self) -> set[tuple[str, str]]:
        """Run and key of every wait that this run waits for, those of the runs that are its steps among them."""
        waits = self.control.lines.waits
        return waits if self.parent is None else {wait for wait in waits if wait[0] == self.run.run_id}
