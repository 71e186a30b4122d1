"""From a run in the store to its end: claim it, carry it out, write what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio

from backhaul.errors import ConfigurationError, RunStateError, UnknownNameError
from backhaul.json_values import Json
from backhaul.runs.children import Children
from backhaul.runs.control import Control
from backhaul.runs.definitions import definition_of
from backhaul.runs.endings import doubt_in, failed_with, first_error, stopped, write_end
from backhaul.runs.events import EventSink, StoredOnly
from backhaul.runs.execution import Execution
from backhaul.runs.journal import Journal
from backhaul.runs.planning.modes import inherited
from backhaul.runs.progress import RunObserver
from backhaul.runs.running import ENDED, Running
from backhaul.runs.starting import new_run
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.wait_outcomes import is_cancelling
from backhaul.store.records import RunRecord, RunStatus
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.moments import parse_moment

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from backhaul.clock import Clock
    from backhaul.plugins.connections import Connections
    from backhaul.runs.definitions import Definitions
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket
    from backhaul.workflows.definition import Workflow

__all__ = ["CANCEL_GRACE_S", "ENDED", "Executor"]

CANCEL_GRACE_S = 10.0


class Executor:
    """Starts runs and carries them out in this process.

    Args:
        store: the history.
        clock: source of time.
        connections: the project's connections.
        definitions: where workflows come from.
        node: name of this process's home; runs belong to a node.
        foreground: a person looks on; a service on the same node leaves the runs of this executor alone.
        sink: takes the events of runs; None only stores them.
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
        node: str = "local",
        foreground: bool = True,
        sink: EventSink | None = None,
        observer: RunObserver | None = None,
        retry: RetryPolicy | None = None,
        cancel_grace_s: float = CANCEL_GRACE_S,
        cancel_poll_s: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self.connections = connections
        """Those that runs use which begin or go on from now on; one that is under way keeps the ones it has."""
        self._definitions = definitions
        self._home = node
        self._node = f"{node}/terminal" if foreground else node
        self.sink: EventSink = sink or StoredOnly(store)
        self._observer = observer or RunObserver()
        self.retry = retry or RetryPolicy()
        self._cancel_grace_s = cancel_grace_s
        self._cancel_poll_s = cancel_poll_s
        self._running: dict[str, Running] = {}
        self._held: set[str] = set()
        self.waits = WaitBoard()
        self.children = Children(self, store, clock, definitions)
        """The runs that steps of its runs start."""

    async def start(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Json],
        *,
        cause: str = "manual",
        event: Json = None,
        run_id: str | None = None,
        parent: tuple[str, str] | None = None,
        priority: int = 0,
        mode: Json = None,
        hold: bool = False,
    ) -> RunRecord:
        """Store a new run, with its definition, and return it. `execute` carries it out.

        With `hold` no other process can take it in between. Without a `mode` (see `planning.modes`) it is carried out
        as the run whose step it is, or as the workflow says.

        Raises:
            InputError: the inputs do not fit the workflow's declaration.
        """
        above = self._running.get(parent[0]) if parent else None
        if mode is None and above is not None and parent is not None:
            plan = above.journal.plan if above.journal is not None else None
            mode = inherited(above.run, parent[1], plan.lines.get(parent[1]) if plan is not None else None)
        started = new_run(
            workflow,
            inputs,
            cause=cause,
            node=self._node,
            now=self._clock.now(),
            run_id=run_id,
            event=event,
            parent=parent,
            priority=priority,
            depth=above.run.depth if above else 0,
            mode=mode,
        )
        run = started.run
        if hold and await self._store.claim(run.run_id):
            self._held.add(run.run_id)
        try:
            self._store.put_workflow_version(started.version)
            await self._store.put_run(run).wait()
        except BaseException:
            self._held.discard(run.run_id)
            await self._store.release(run.run_id)
            raise
        return run

    async def execute(
        self, run_id: str, *, under: Control | None = None, only: Collection[RunStatus] | None = None
    ) -> RunRecord:
        """Carry out a run, from its beginning or from where its journal ends, and return how it stands.

        A run that waits has the status ``waiting``, or ``queued`` when what it waits for has come already.

        Args:
            run_id: a run that has not ended.
            under: the control of the run whose step it is; it stops with that one.
            only: the statuses from which to carry it out; None is every one but those of a run that has ended.

        Raises:
            UnknownNameError: there is no such run.
            RunStateError: the run has ended, has another status, or another process is carrying it out.
            StoreError: the history cannot be written; the run can be resumed when it can.
        """
        if run_id in self._held:
            self._held.discard(run_id)
        elif not await self._store.claim(run_id):
            raise RunStateError(f"run {run_id} is being carried out by another process")
        try:
            run = await self._existing(run_id)  # behind the claim: from here on nobody else carries it on
            if run.status in ENDED or (only is not None and run.status not in only):
                raise RunStateError(f"run {run_id} has {run.status}; there is nothing to carry out")
            run = await self._carry_out(run, under)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._store.barrier()  # what this process still writes may not come after another one's writes
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._store.release(run_id)
        # Who asked for its end between its last look and the line above found it claimed, and left the end to it.
        if run.status is RunStatus.WAITING and await self._store.cancel_requested(run_id):
            await self._store.wake_run(run_id).wait()
            run = await self._existing(run_id)
        return run

    @property
    def node(self) -> str:
        """The node of the runs that this executor starts."""
        return self._node

    def stop(self, run_id: str) -> None:
        """Stop a run of this process at its next step, if it is one. It can be resumed."""
        running = self._running.get(run_id)
        if running is not None:
            running.control.stop()

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
        now = self._clock.now()
        since = await self._counts_from(run, now)
        run = replace(run, status=RunStatus.RUNNING, started_at=run.started_at or now, error=None, node=self._node)
        parent = self._running.get(run.parent_run_id) if run.parent_run_id else None
        running = self._running[run.run_id] = Running(run, Control(under), parent, self._observer)
        if run.cancel_requested:
            running.cancel_requested = True
            running.control.stop()
        try:
            # Not waited for: until the journal's first barrier nothing happens but reads, which may happen again.
            begun = self._store.put_run(run)
            running.observer.run_started(run.run_id, run.workflow)
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch_cancellation, running)
                ended = await self._executed(running, since, begun, group)
                group.cancel_scope.cancel()
        except anyio.get_cancelled_exc_class():
            await self._interrupted(running)
            raise
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        finally:
            del self._running[run.run_id]
        return await self._end(running, ended)

    async def _counts_from(self, run: RunRecord, now: datetime) -> datetime:
        """Return when the run's time began: it goes on through crashes and waits, not while a person lets it lie."""
        if run.status is RunStatus.RUNNING or run.started_at is None:
            return run.started_at or now
        known = await self._store.waits(run_id=run.run_id, open_only=False) if run.error is None else []
        waits = [wait for wait in known if not is_cancelling(wait)]
        return parse_moment(waits[-1].details["counts_from"]) if waits and waits[-1].details else now

    async def _interrupted(self, running: Running) -> None:
        """Write how a run stands that was cut off from outside, as its parent's time limit and hard stop do."""
        run = stopped(running)
        if running.parent is not None and running.journal is not None and running.journal.unknown:
            if running.parent.journal is not None and running.run.parent_step is not None:
                running.parent.journal.unknown.add(running.run.parent_step)
            if run.status is RunStatus.RUNNING:
                run = replace(run, status=RunStatus.NEEDS_ATTENTION, error=doubt_in(running.journal))
        await self._end(running, run)

    async def _executed(self, running: Running, since: datetime, begun: Ticket, group: TaskGroup) -> RunRecord:
        """Carry out the run by its definition. Its effects wait for what `begun` is the receipt of."""
        run = running.run
        try:
            workflow = await definition_of(run, self._store, self._definitions)
        except ConfigurationError as error:
            return failed_with(run, error)
        journal = running.journal = Journal(self._store, self._clock, run.run_id, running.observer)
        journal.sink = partial(self.sink.emit, run=run)
        journal.since = since
        journal.follow(begun)
        return await Execution(running, workflow, journal, since, self).carry_out(group)

    async def _watch_cancellation(self, running: Running) -> None:
        """Stop the run when it shall be cancelled: first what may be interrupted, after the grace time everything."""
        run_id = running.run.run_id
        while not running.control.stopped:
            await self._clock.sleep(self._cancel_poll_s)
            if await self._store.cancel_requested(run_id):
                running.cancel_requested = True
                running.control.stop()
        await self._clock.sleep(self._cancel_grace_s)
        running.hard_stop.cancel()

    async def _end(self, running: Running, run: RunRecord) -> RunRecord:
        return await write_end(running, run, store=self._store, clock=self._clock, sink=self.sink, home=self._home)
