"""A run under way in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from backhaul.runs.progress import ChildObserver, RunObserver
from backhaul.store.records import RunStatus

if TYPE_CHECKING:
    from backhaul.runs.control import Control
    from backhaul.runs.journal import Journal
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
        self.observer: RunObserver = ChildObserver(parent.observer, run.parent_step or "") if parent else observer
        self.journal: Journal | None = None
        self.scope: Scope | None = None

    @property
    def cancelled(self) -> bool:
        """Whether this run, or one whose step it is, was cancelled."""
        return self.cancel_requested or (self.parent is not None and self.parent.cancelled)
