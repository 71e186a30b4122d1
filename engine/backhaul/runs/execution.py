"""The way of one run from its journal to its end: its events, its plan, its time and its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio

from backhaul.clock import utc_text
from backhaul.errors import BackhaulError, StoreError
from backhaul.json_values import Json
from backhaul.runs.cancelling import Cancelling
from backhaul.runs.endings import failed_with, outcome_of, stopped
from backhaul.runs.interpreter import Interpreter
from backhaul.runs.planning.interpreter import PlanningInterpreter
from backhaul.runs.planning.modes import as_seen, has_plan
from backhaul.runs.planning.parts import caller_for, prepare, waiter_for
from backhaul.runs.planning.review import Review, balance
from backhaul.runs.python_run import run_python
from backhaul.runs.running import ENDED
from backhaul.runs.scope import Scope
from backhaul.store.records import RunRecord, RunStatus

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from backhaul.plugins.connections import Connections
    from backhaul.runs.executor import Executor
    from backhaul.runs.journal import Journal
    from backhaul.runs.running import Running
    from backhaul.workflows.definition import Workflow

__all__ = ["Execution"]


class Execution:
    """Carries out one run that is claimed and known to be running.

    Args:
        workflow: its definition.
        journal: its journal, not yet open.
        since: when its time began.
        executor: carries out the runs that it starts.
    """

    def __init__(
        self, running: Running, workflow: Workflow, journal: Journal, since: datetime, executor: Executor
    ) -> None:
        self._running = running
        self._workflow = workflow
        self._journal = journal
        self._since = since
        self._executor = executor

    async def carry_out(self, group: TaskGroup) -> RunRecord:
        """Return how the run stands after it was carried out. What has to be watched meanwhile is watched in `group`.

        Raises:
            StoreError: the history cannot be written.
        """
        running, journal = self._running, self._journal
        prepare(running.run, self._workflow, journal)
        await journal.open()  # outside of the time limit: what was in flight is to be known even when it is over
        try:
            await self._watch_events(group)
        except BackhaulError as error:
            if isinstance(error, StoreError):
                raise
            return failed_with(running.run, error)
        with running.hard_stop:
            return await (self._planned() if has_plan(running.run) else self._timed(self._since))
        return stopped(running)

    async def _watch_events(self, group: TaskGroup) -> None:
        """Cancel the run when one of the events comes, or has come, that its workflow says so of."""
        if not self._workflow.cancel_on:
            return
        running, journal = self._running, self._journal
        cancelling = Cancelling(running.run, journal.store, journal.clock, self._executor.waits, running.above)
        reason = await cancelling.begin(self._workflow.cancel_on, journal.restored(running.run.inputs))
        running.cancelling = cancelling
        running.control.lines.waits |= cancelling.places
        if reason is not None:
            running.cancel(reason)
        else:
            group.start_soon(cancelling.watch, running.cancel)

    async def _planned(self) -> RunRecord:
        """Carry out the run under its plan. The time that a person takes for a yes is not the run's."""
        running, journal = self._running, self._journal
        waiter = waiter_for(running, journal, self._executor.waits)
        review = Review(running.run, self._workflow, journal, waiter, running.control, self._executor)
        ready = await self._work(lambda _: review.ready())
        if ready.status is not RunStatus.SUCCEEDED:
            return ready
        ended = await self._timed(review.since(self._since))
        if ended.status in ENDED:
            await balance(journal)
        return ended

    async def _timed(self, since: datetime) -> RunRecord:
        """Carry out the run's workflow within its time, which began at `since`."""
        running, timeout_s = self._running, self._workflow.timeout_s
        left_s = float("inf")
        if timeout_s is not None:
            over = since + timedelta(seconds=timeout_s)
            running.control.limit(over)
            left_s = max((over - self._journal.clock.now()) / timedelta(seconds=1), 0)
        with anyio.move_on_after(left_s):
            return await self._work(self._body)
        over_time = {"type": "TimeoutError", "message": f"not finished within {timeout_s:g} s"}
        return replace(running.run, status=RunStatus.FAILED, error=over_time)

    async def _work(self, work: Callable[[Connections], Awaitable[Json]]) -> RunRecord:
        """Return how the run stands after a piece of work with the present connections."""
        with self._executor.connections.in_use() as connections:
            return await outcome_of(self._running, self._journal, partial(work, connections))

    async def _body(self, connections: Connections) -> Json:
        """Return what the workflow itself returns, be it a function or steps."""
        running, journal, executor = self._running, self._journal, self._executor
        run = as_seen(running.run)
        caller = await caller_for(running, journal, connections)
        inputs = journal.restored(run.inputs)
        waiter = waiter_for(running, journal, executor.waits)
        if self._workflow.function is not None:
            return await run_python(
                self._workflow,
                run,
                journal,
                caller,
                executor.children,
                waiter,
                running.control,
                inputs=inputs,
                retry=executor.retry,
            )
        kind = Interpreter if journal.plan is None else PlanningInterpreter
        source = f"workflow/{self._workflow.name}"
        interpreter = kind(journal, caller, executor.children, waiter, source=source, retry=executor.retry)
        assert run.started_at is not None  # noqa: S101 (a run that is carried out has started)
        scope = running.scope = Scope.root(
            inputs=inputs,
            event=run.event,
            run=_of_run(run, journal),
            now=utc_text(run.started_at),
            control=running.control,
            line=None if journal.plan is None else journal.plan.line,
        )
        output = await interpreter.block(self._workflow.steps, scope)
        return output if self._workflow.output is None else await scope.render(self._workflow.output)


def _of_run(run: RunRecord, journal: Journal) -> Json:
    """Return what expressions see of the run. A plan is another run than the one that applies it."""
    own = {"id": run.run_id, "cause": run.cause}
    known = own if journal.plan is None else dict.fromkeys(own, journal.plan.unknown("run"))
    return {**known, "workflow": run.workflow}
