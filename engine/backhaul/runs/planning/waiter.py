"""Waits of a planned run: they are listed and passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from backhaul.json_values import Json
from backhaul.runs.control import Control
from backhaul.runs.journal import Journal
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.planning.writer import PlanWriter
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.waiting import Waiter, Wanted
from backhaul.store.records import RunRecord, StepStatus
from backhaul.workflows.unknown import UnknownValueError

__all__ = ["PlanningWaiter"]


class PlanningWaiter(Waiter):
    """Lets nothing wait: what would come is known after apply."""

    def __init__(self, run: RunRecord, journal: Journal, plan: PlanWriter) -> None:
        super().__init__(run, journal, WaitBoard())
        self._plan = plan

    async def wait(self, key: str, control: Control, want: Callable[[], Awaitable[Wanted]]) -> Json:
        """List the wait, and return what stands for its outcome."""
        prior = self._journal.recorded(key)
        if prior is not None and prior.status is StepStatus.PLANNED:
            return self._plan.again(prior, PlanLine())
        control.check()
        try:
            shown = (await want()).shown
        except UnknownValueError as needed:
            shown = {"depends_on": needed.step}
        return self._plan.wait(key, shown)
