"""Workflows written in Python: the `Run` they get, and how their function is carried out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import structlog

from backhaul.errors import BackhaulError
from backhaul.json_values import Json, dump, load
from backhaul.plugins.action import Page
from backhaul.runs.branches import Branch, current_branch, in_branch, under_way
from backhaul.runs.calls import Caller
from backhaul.runs.control import Control, StepFailed, Suspended, raise_first
from backhaul.runs.journal import Journal
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.planning.stopping import WorkflowStops, stopped
from backhaul.runs.planning.writer import EMIT
from backhaul.runs.python_connection import PythonConnection
from backhaul.runs.python_each import PythonEach
from backhaul.runs.python_reconcile import RunReconcile
from backhaul.runs.python_waits import RunWaits
from backhaul.runs.waiting import Waiter
from backhaul.store.records import EventRecord, RunRecord, StepStatus
from backhaul.workflows.definition import RetryPolicy, Workflow
from backhaul.workflows.inputs import python_arguments

if TYPE_CHECKING:
    from backhaul.runs.interpreter import ChildRuns

__all__ = ["Run", "run_python"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Run(RunWaits, RunReconcile):
    """What a Python workflow is given of its run.

    Everything that may differ from one execution to the next goes through the run or a connector, because after
    a crash the function is called again and gets the recorded answers.
    """

    def __init__(
        self,
        record: RunRecord,
        journal: Journal,
        caller: Caller,
        children: ChildRuns,
        waiter: Waiter,
        control: Control,
    ) -> None:
        super().__init__(journal, waiter)
        self._record = record
        self._journal = journal
        self._caller = caller
        self._children = children
        self._control = control
        self._log = structlog.get_logger("workflow").bind(run_id=record.run_id, workflow=record.workflow)

    @property
    def id(self) -> str:
        """The run's id; in a plan it is known after apply."""
        plan = self._journal.plan
        return self._record.run_id if plan is None else cast("str", plan.unknown("run"))

    @property
    def now(self) -> datetime:
        """When the run started, aware UTC: the same after a crash."""
        assert self._record.started_at is not None  # noqa: S101 (a run that is carried out has started)
        return self._record.started_at

    @property
    def event(self) -> Json:
        """The event that started the run, or None."""
        return self._record.event

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger bound to the run."""
        return self._log  # type: ignore[no-any-return]  # structlog's own proxy

    async def each(
        self,
        items: Iterable[ItemT] | AsyncIterator[Page[ItemT]],
        function: Callable[[ItemT], Awaitable[ResultT]],
        *,
        name: str,
        key: Callable[[ItemT], str] | None = None,
        concurrency: int = 1,
    ) -> list[ResultT]:
        """Await `function` for every item, `concurrency` of them at a time.

        Args:
            items: the items, or a listing of a connector, whose pages are taken as they come.
            function: called once per item. Its result is recorded, so it is a JSON value; after a crash a recorded
                result is used and the function is not called again.
            name: names the steps: ``name[key]``.
            key: text that names an item; its index by default.
            concurrency: how many items are under way at once.

        Returns:
            The results in the order of the items.
        """
        branch = current_branch("each")
        each = PythonEach(self._journal, branch, branch.key(name), function, key, concurrency)
        with under_way(branch):
            return await each.run(items)

    async def parallel(self, **branches: Awaitable[Any]) -> dict[str, Any]:
        """Await several things at the same time; each keyword names a branch and its steps ``name/...``."""
        outer = current_branch("parallel")
        control = outer.control.child()
        results: dict[str, Any] = {}
        ended: list[BaseException] = []

        async def one(name: str, key: str, awaitable: Awaitable[Any]) -> None:
            try:
                async with in_branch(Branch(f"{key}/", control)):
                    results[name] = await awaitable
            except Suspended as end:
                ended.append(end)
            except (Exception, BaseExceptionGroup, WorkflowStops) as end:  # noqa: BLE001 (whatever it is, the branches beside it come to their end first)
                if (unknown := stopped(end, key, self._journal, outer.below)) is not None:
                    results[name] = unknown
                    return
                ended.append(end)
                control.stop()
            finally:
                end_line()

        with under_way(outer):
            with control.lines.split(len(branches)) as end_line:
                async with anyio.create_task_group() as group:
                    for name, awaitable in branches.items():
                        group.start_soon(one, name, outer.key(name), awaitable)
            raise_first(ended)
        return {name: results[name] for name in branches}

    async def emit(self, event_type: str, data: Json, *, subject: str | None = None, key: str | None = None) -> None:
        """Emit an event for other workflows; `key` makes two emissions of the same event one."""
        branch = current_branch("emit")
        step_key = branch.key("emit")
        if self._done(step_key):
            return
        branch.control.check()
        if self._journal.plan is not None:
            params = {"type": event_type, "subject": subject, "data": data, "key": key}
            self._journal.plan.effect(step_key, EMIT, EMIT, EMIT, params, branch.line or PlanLine())
            return
        event_id = f"{self.id}/{step_key}"
        record = self._journal.begin(step_key, "emit")
        now = self._journal.clock.now()
        event = EventRecord(
            event_id=event_id,
            type=event_type,
            source=f"workflow/{self._record.workflow}",
            subject=subject,
            data=data,
            time=now,
            received_at=now,
            dedupe_key=key or event_id,
            run_id=self.id,
            step_key=step_key,
        )
        self._journal.emit(event)
        self._journal.finish(record, StepStatus.SUCCEEDED, output={"id": event_id, "type": event_type})

    async def run_workflow(self, workflow: str, **inputs: Json) -> Json:
        """Run another workflow as a step of this one and return its output."""
        branch = current_branch("run")
        key = branch.key(workflow)
        try:
            with under_way(branch):
                async with self._child(key, branch):
                    return await self._children.run_child(key, workflow, inputs, self._journal, branch.control)
        except StepFailed as failed:
            record = self._journal.recorded(key)
            if record is not None:
                self._journal.finish(record, StepStatus.FAILED, error=failed.to_json())
            raise

    def _child(self, key: str, branch: Branch) -> AbstractAsyncContextManager[None]:
        plan = self._journal.plan
        return nullcontext() if plan is None else plan.child(key, branch.line or PlanLine())

    def _done(self, key: str) -> bool:
        prior = self._journal.recorded(key)
        return prior is not None and prior.status in {StepStatus.SUCCEEDED, StepStatus.PLANNED}


async def run_python(
    workflow: Workflow,
    record: RunRecord,
    journal: Journal,
    caller: Caller,
    children: ChildRuns,
    waiter: Waiter,
    control: Control,
    *,
    inputs: Mapping[str, Json],
    retry: RetryPolicy,
) -> Json:
    """Carry out a Python workflow and return its output."""
    assert workflow.function is not None  # noqa: S101 (the caller has looked)
    arguments = python_arguments(workflow, inputs)
    if workflow.run_parameter is not None:
        arguments[workflow.run_parameter] = Run(record, journal, caller, children, waiter, control)
    for name in workflow.connections:
        arguments[name] = PythonConnection(name, caller, journal, retry)
    function, outputs, ended = workflow.function, list[Json](), list[BaseException]()
    line = None if journal.plan is None else journal.plan.line

    async def carry_out() -> None:
        try:
            async with in_branch(Branch("", control, line)):
                outputs.append(load(dump(await function(**arguments))))
        except (Exception, BaseExceptionGroup, Suspended, WorkflowStops) as error:  # noqa: BLE001 (raised again by whoever waits)
            unknown = stopped(error, "", journal, line)
            if unknown is None:
                ended.append(error)
            else:
                outputs.append(unknown)

    # In a task of its own: a workflow's own task groups and time limits may leave theirs marked as cancelled.
    async with anyio.create_task_group() as group:
        group.start_soon(carry_out)
    raise_first(ended)
    if not outputs:
        raise BackhaulError("the workflow has cancelled itself")
    return outputs[0]
