"""From a run in the store to its end: claim it, carry it out, write what became of it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import anyio
import structlog

from backhaul.errors import BackhaulError, RunStateError, StoreError, UnknownNameError
from backhaul.ids import new_id
from backhaul.json_values import Json
from backhaul.runs.calls import Caller
from backhaul.runs.children import Children
from backhaul.runs.control import Abandoned, Control, Parked, StepFailed
from backhaul.runs.datasets import restore
from backhaul.runs.interpreter import Interpreter
from backhaul.runs.journal import Journal
from backhaul.runs.progress import RunObserver
from backhaul.runs.python_run import run_python
from backhaul.runs.running import ENDED, Running
from backhaul.runs.scope import Scope
from backhaul.secrets import redact
from backhaul.store.records import RunRecord, RunStatus, WorkflowVersionRecord
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.inputs import resolve_inputs

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.plugins.connections import Connections
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow

__all__ = ["ENDED", "Definitions", "Executor", "version_of"]

_log = structlog.get_logger(__name__)


class Definitions(Protocol):
    """Where workflows come from."""

    def current(self, name: str) -> Workflow:
        """Return the project's present version of a workflow (`UnknownNameError` when there is none)."""
        ...

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow whose text was stored with a run."""
        ...


class Executor:
    """Starts runs and carries them out in this process.

    Args:
        store: the history.
        clock: source of time.
        connections: the project's connections.
        definitions: where workflows come from.
        observer: is told what happens.
        retry: the policy of steps that state none.
        cancel_grace_s: seconds for which a cancelled or stopped run lets calls with an effect come to their end.
        cancel_poll_s: seconds between two looks for a cancellation that another process has asked for.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        connections: Connections,
        definitions: Definitions,
        *,
        observer: RunObserver | None = None,
        retry: RetryPolicy | None = None,
        cancel_grace_s: float = 10.0,
        cancel_poll_s: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._connections = connections
        self._definitions = definitions
        self._observer = observer or RunObserver()
        self._retry = retry or RetryPolicy()
        self._cancel_grace_s = cancel_grace_s
        self._cancel_poll_s = cancel_poll_s
        self._running: dict[str, Running] = {}
        self._children = Children(self, store, clock, definitions)

    async def start(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Json],
        *,
        cause: str = "manual",
        event: Json = None,
        run_id: str | None = None,
        parent: tuple[str, str] | None = None,
    ) -> RunRecord:
        """Store a new run, with its definition, and return it. `execute` carries it out.

        Raises:
            InputError: the inputs do not fit the workflow's declaration.
        """
        run = RunRecord(
            run_id=run_id or new_id(),
            workflow=workflow.name,
            digest=workflow.digest,
            status=RunStatus.QUEUED,
            cause=cause,
            inputs=resolve_inputs(workflow, inputs),
            event=event,
            parent_run_id=parent[0] if parent else None,
            parent_step=parent[1] if parent else None,
            node=platform.node(),
            created_at=self._clock.now(),
        )
        self._store.put_workflow_version(version_of(workflow, run.created_at))
        await self._store.put_run(run).wait()
        return run

    async def execute(self, run_id: str, *, under: Control | None = None) -> RunRecord:
        """Carry out a run, from its beginning or from where its journal ends, and return how it stands.

        Args:
            run_id: a run that has not ended.
            under: the control of the run whose step it is; it stops with that one.

        Raises:
            RunStateError: the run has ended, or another process is carrying it out.
            StoreError: the history cannot be written; the run can be resumed when it can.
        """
        run = await self._existing(run_id)
        if run.status in ENDED:
            raise RunStateError(f"run {run_id} has {run.status}; there is nothing to carry out")
        if not await self._store.claim(run_id):
            raise RunStateError(f"run {run_id} is being carried out by another process")
        try:
            return await self._carry_out(run, under)
        finally:
            with anyio.CancelScope(shield=True):
                await self._store.release(run_id)

    def stop_all(self) -> None:
        """Stop all runs of this process at their next step. They can be resumed."""
        for running in self._running.values():
            running.control.stop()

    async def _existing(self, run_id: str) -> RunRecord:
        run = await self._store.run(run_id)
        if run is None:
            raise UnknownNameError("run", run_id)
        return run

    async def _carry_out(self, run: RunRecord, under: Control | None) -> RunRecord:
        version = await self._store.workflow_version(run.digest)
        if version is None:
            raise StoreError(f"the definition of run {run.run_id} is not in the store (digest {run.digest})")
        now = self._clock.now()
        # After a crash the time goes on; the time for which a person let it lie is not the run's.
        since = run.started_at or now if run.status is RunStatus.RUNNING else now
        run = replace(run, status=RunStatus.RUNNING, started_at=run.started_at or now, error=None)
        parent = self._running.get(run.parent_run_id) if run.parent_run_id else None
        running = self._running[run.run_id] = Running(run, Control(under), parent, self._observer)
        try:
            await self._store.put_run(run).wait()
            running.observer.run_started(run.run_id, run.workflow)
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch_cancellation, running)
                ended = await self._limited(running, self._definitions.stored(version), since)
                group.cancel_scope.cancel()
        except anyio.get_cancelled_exc_class():
            await self._interrupted(running)
            raise
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            del self._running[run.run_id]
        return await self._finish(running, ended)

    async def _interrupted(self, running: Running) -> None:
        """Write how a run stands that was cut off from outside, as its parent's time limit and hard stop do."""
        run = self._stopped(running)
        if running.parent is not None and running.journal is not None and running.journal.unknown:
            if running.parent.journal is not None and running.run.parent_step is not None:
                running.parent.journal.unknown.add(running.run.parent_step)
            if run.status is RunStatus.RUNNING:
                run = replace(run, status=RunStatus.NEEDS_ATTENTION, error=_doubt_in(running.journal))
        await self._finish(running, run)

    async def _limited(self, running: Running, workflow: Workflow, since: datetime) -> RunRecord:
        """Carry out the run within its time."""
        run = running.run
        left_s = float("inf")
        if workflow.timeout_s is not None:
            over = since + timedelta(seconds=workflow.timeout_s)
            left_s = max((over - self._clock.now()) / timedelta(seconds=1), 0)
        journal = running.journal = Journal(self._store, self._clock, run.run_id, running.observer)
        journal.since = since
        await journal.open()  # outside of the time limit: what was in flight is to be known even when it is over
        with running.hard_stop, anyio.move_on_after(left_s) as limit:
            return await self._attempt(running, workflow, journal)
        if limit.cancelled_caught:
            error = {"type": "TimeoutError", "message": f"not finished within {workflow.timeout_s:g} s"}
            return replace(run, status=RunStatus.FAILED, error=error)
        return self._stopped(running)

    async def _attempt(self, running: Running, workflow: Workflow, journal: Journal) -> RunRecord:
        run = running.run
        try:
            output = await self._output(running, workflow, journal)
            await journal.barrier()
        except StepFailed as failed:
            return replace(run, status=RunStatus.FAILED, error=failed.to_json())
        except Parked as parked:
            error = {"type": "UnknownOutcomeError", "message": parked.reason, "step": parked.key}
            return replace(run, status=RunStatus.NEEDS_ATTENTION, error=error)
        except Abandoned:
            return self._stopped(running)
        except StoreError:
            raise
        except BackhaulError as error:
            problem = {"type": type(error).__name__, "message": redact(str(error)), "step": None}
            return replace(run, status=RunStatus.FAILED, error=problem)
        except Exception as error:  # noqa: BLE001 (the run's boundary: a workflow's or the engine's own mistake)
            first = _first(error) if isinstance(error, ExceptionGroup) else error
            if isinstance(first, StoreError):
                raise first from None
            _log.error("run failed unexpectedly", run_id=run.run_id, exc_info=first)
            problem = {"type": type(first).__name__, "message": redact(str(first)), "step": None}
            return replace(run, status=RunStatus.FAILED, error=problem)
        return replace(run, status=RunStatus.SUCCEEDED, output=output, error=None)

    async def _output(self, running: Running, workflow: Workflow, journal: Journal) -> Json:
        run = running.run
        caller = Caller(journal, self._connections, priority=run.priority)
        inputs = restore(run.inputs, self._store)
        if workflow.function is not None:
            return await run_python(
                workflow, run, journal, caller, self._children, running.control, inputs=inputs, retry=self._retry
            )
        interpreter = Interpreter(
            journal, caller, self._children, source=f"workflow/{workflow.name}", retry=self._retry
        )
        assert run.started_at is not None  # noqa: S101 (a run that is carried out has started)
        scope = running.scope = Scope.root(
            inputs=inputs,
            event=run.event,
            run={"id": run.run_id, "workflow": run.workflow, "cause": run.cause},
            now=run.started_at.isoformat().replace("+00:00", "Z"),
            control=running.control,
        )
        output = await interpreter.block(workflow.steps, scope)
        return await scope.render(workflow.output) if workflow.output is not None else output

    def _stopped(self, running: Running) -> RunRecord:
        if running.cancelled:
            error = {"type": "Cancelled", "message": "cancelled by a person", "step": None}
            return replace(running.run, status=RunStatus.CANCELLED, error=error)
        return running.run

    async def _watch_cancellation(self, running: Running) -> None:
        """Stop the run when it shall be cancelled: first what may be interrupted, after the grace time everything."""
        run_id = running.run.run_id
        while not running.control.stopped:
            if await self._store.cancel_requested(run_id):
                running.cancel_requested = True
                running.control.stop()
                break
            await self._clock.sleep(self._cancel_poll_s)
        await self._clock.sleep(self._cancel_grace_s)
        running.hard_stop.cancel()

    async def _finish(self, running: Running, run: RunRecord) -> RunRecord:
        """Write the end of a run, after everything that led to it."""
        journal = running.journal
        with anyio.CancelScope(shield=True):
            if journal is not None:
                await journal.barrier()
                if journal.unknown and run.status in {RunStatus.FAILED, RunStatus.SUCCEEDED}:
                    run = replace(run, status=RunStatus.NEEDS_ATTENTION, error=run.error or _doubt_in(journal))
            counts = Counter(
                {status.value: count for status, count in (await self._store.step_counts(run.run_id)).items()}
            )
            if running.scope is not None:
                counts.update(running.scope.unrecorded)
            run = replace(run, step_counts={name: count for name, count in sorted(counts.items()) if count})
            if run.status in ENDED:
                run = replace(run, finished_at=self._clock.now())
            await self._store.put_run(run).wait()
        return run


def version_of(workflow: Workflow, created_at: datetime) -> WorkflowVersionRecord:
    """Return what is stored of the definition that a run uses."""
    return WorkflowVersionRecord(
        digest=workflow.digest,
        name=workflow.name,
        kind=workflow.kind,
        path=workflow.path,
        source=workflow.source,
        created_at=created_at,
    )


def _doubt_in(journal: Journal) -> Json:
    step = min(journal.unknown)
    return {"type": "UnknownOutcomeError", "message": f"the outcome of step {step} is unknown", "step": step}


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
