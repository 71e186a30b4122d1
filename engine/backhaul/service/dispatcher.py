"""Decides who carries out a queued run: this process, one after the other, the urgent ones first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import copy_context
from itertools import islice
from typing import TYPE_CHECKING

import anyio
import structlog

from backhaul.errors import RunStateError, StoreError, UnknownNameError
from backhaul.json_values import Json, digest
from backhaul.runs.planning.modes import PLAN
from backhaul.runs.starting import new_run
from backhaul.service.run_queue import RunQueue
from backhaul.service.trouble import log_trouble
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.service_records import DecisionRecord, QueuedRun, Verdict
from backhaul.workflows.dispatching import CauseKind, priority_for, slots_of

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.runs.definitions import Definitions
    from backhaul.runs.executor import Executor
    from backhaul.store.store import Store

__all__ = ["Dispatcher"]

_log = structlog.get_logger(__name__)

_POLL_S = 1.0
_AGAIN_S = 5.0
_STOP_AGAIN_S = 0.2
_NOTICED_AT_ONCE = 500
_STARTED_BY_API = "api"
_TO_CARRY_OUT = (RunStatus.QUEUED, RunStatus.RUNNING)


class Dispatcher:
    """Carries out the queued runs of one node.

    The store is the queue; what is in memory is a copy that makes starting quick. A distributed engine would take
    this class's place: it needs `start` and `notice`, and calls `Executor.execute` somewhere.

    Args:
        store: the history.
        clock: source of time.
        executor: carries runs out in this process.
        definitions: where workflows come from.
        node: the node whose runs it carries out.
        max_runs: how many at once.
    """

    def __init__(
        self, store: Store, clock: Clock, executor: Executor, definitions: Definitions, *, node: str, max_runs: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._definitions = definitions
        self._node = node
        self.queue = RunQueue(max_runs)
        self._noticed: set[str] = set()
        self._change = anyio.Event()
        self._begin: Callable[[QueuedRun], object] | None = None
        self._closing = False
        self._grace_s = 0.0
        self.recovered = anyio.Event()
        """Set once the runs that an earlier process left behind are in the queue."""

    async def start(
        self,
        workflow: str,
        inputs: Mapping[str, Json],
        *,
        cause: str,
        idempotency_key: str | None = None,
        priority: int | None = None,
        plan: bool = False,
    ) -> tuple[RunRecord, bool]:
        """Queue a run of a workflow, and return it and whether it is new.

        Args:
            workflow: its name.
            inputs: as a person or a program gave them.
            cause: what started it, in words for a person.
            idempotency_key: a second start with the same key gives the run of the first.
            priority: higher goes first; the workflow's own when None.
            plan: list what it would change, and change nothing.

        Raises:
            UnknownNameError: there is no such workflow.
            InputError: the inputs do not fit.
            RunStateError: the key was used for another start.
        """
        definition = self._definitions.current(workflow)
        started = new_run(
            definition,
            inputs,
            cause=cause,
            node=self._node,
            now=self._clock.now(),
            priority=priority_for(definition, CauseKind.MANUAL) if priority is None else priority,
            slots=slots_of(definition, inputs, None),
            mode=PLAN if plan else None,
        )
        run = started.run
        if idempotency_key is None:
            self._store.put_workflow_version(started.version)
            await self._store.put_run(run).wait()
        else:
            request = digest({"workflow": workflow, "inputs": run.inputs, **({"plan": True} if plan else {})})
            decision = DecisionRecord(
                trigger_id=_STARTED_BY_API,
                occurrence=idempotency_key,
                workflow=workflow,
                verdict=Verdict.STARTED,
                reason=cause,
                details={"request": request},
                run_id=run.run_id,
                decided_at=run.created_at,
                node=self._node,
            )
            ticket = self._store.put_decision(decision, started)
            await ticket.wait()
            if not ticket.value:
                return await self._first_start(idempotency_key, request), False
        self.add(run)
        return run, True

    def add(self, run: RunRecord) -> None:
        """Take a run that was queued just now into the queue, if it is this node's."""
        if run.node == self._node and run.parent_run_id is None:
            self.queue.add(_queued(run))
            # Here and not in `run`, which a busy event loop comes to later.
            self._begin_all()

    def notice(self, run_id: str) -> None:
        """Look at a run that may have been queued: one that was woken, resumed or started elsewhere."""
        self._noticed.add(run_id)
        self._change.set()

    async def run(self) -> None:
        """Recover what an earlier process left behind, then carry out runs until `close`."""
        if self._closing:
            return
        await self._recover()
        self.recovered.set()
        async with anyio.create_task_group() as group:
            group.start_soon(self._poll)
            # The context is this one, not that of whoever adds a run.
            context = copy_context()
            self._begin = lambda run: context.run(group.start_soon, self._carry_out, run)
            try:
                await self._begin_runs()
            finally:
                self._begin = None
            with anyio.move_on_after(self._grace_s):
                await self._all_stopped()
            group.cancel_scope.cancel()

    async def _begin_runs(self) -> None:
        while not self._closing:
            self._change = anyio.Event()
            await self._look_at_noticed()
            self._begin_all()
            if not self._noticed:
                await self._change.wait()

    def close(self, grace_s: float) -> None:
        """Begin no more runs, and stop those that are under way at their next step; all can be resumed.

        Args:
            grace_s: seconds after which what is still under way is cut off.
        """
        self._grace_s = grace_s
        self._closing = True
        self._change.set()

    async def _all_stopped(self) -> None:
        while self.queue.under_way:
            self._change = anyio.Event()
            # Again and again, because a run may only be beginning.
            self._executor.stop_all()
            with anyio.move_on_after(_STOP_AGAIN_S):
                await self._change.wait()

    async def _recover(self) -> None:
        """Take up every unfinished run of this node; one that another process carries out is found out later."""
        for run in await self._store.unfinished_runs(self._node, (*_TO_CARRY_OUT, RunStatus.WAITING)):
            if run.status == RunStatus.WAITING:
                self.queue.hold(run)
            else:
                self.queue.add(run)
        if len(self.queue):
            _log.info("runs taken up", count=len(self.queue))

    async def _poll(self) -> None:
        """Find what other processes have queued, and what was lost."""
        pause_s = _POLL_S
        while True:
            await self._clock.sleep(pause_s)
            began = self._clock.monotonic()
            try:
                for run in await self._store.unfinished_runs(self._node, (RunStatus.QUEUED,)):
                    self.queue.add(run)
                await self._release_ended()
                for run_id in await self._store.lost_claims():
                    _log.error("the claim on a run was lost with the database connection: it is stopped", run_id=run_id)
                    self._executor.stop(run_id)
            except StoreError as error:
                _log.error("the store cannot be read", error=str(error))
            # A long queue is read less often, so that reading it never takes more than a twentieth of the time.
            pause_s = max(_POLL_S, 20 * (self._clock.monotonic() - began))
            self._change.set()

    async def _release_ended(self) -> None:
        """Free the slots of waiting runs that were cancelled."""
        holders = self.queue.holders()
        going = {run.run_id for run in await self._store.going_among(holders)}
        gone = set(holders) - going
        # Again: what has begun meanwhile gives its slots back itself.
        for run_id in gone.intersection(self.queue.holders()):
            self.queue.release(run_id)

    async def _look_at_noticed(self) -> None:
        # Some at a time, so that the others do not keep an urgent run from beginning.
        noticed = set(islice(self._noticed, _NOTICED_AT_ONCE))
        self._noticed -= noticed
        try:
            for run in await self._store.going_among(noticed):
                if run.status is RunStatus.QUEUED:
                    self.add(run)
        except StoreError as error:
            # What was not seen is found by `_poll`.
            _log.error("the store cannot be read", error=str(error))

    def _begin_all(self) -> None:
        while self._begin is not None and not self._closing and (run := self.queue.take()) is not None:
            self._begin(run)

    async def _carry_out(self, queued: QueuedRun) -> None:
        status: RunStatus | None = None
        try:
            run = await self._executor.execute(queued.run_id, only=_TO_CARRY_OUT)
            status = run.status
            log_trouble(run)
        except (RunStateError, UnknownNameError) as error:
            # Another process has it or had it, and it goes on elsewhere, waits or has ended.
            _log.debug("run not carried out", run_id=queued.run_id, reason=str(error))
        except StoreError as error:
            _log.error("run stopped: the store failed", run_id=queued.run_id, error=str(error))
            status = RunStatus.RUNNING
            await self._pause()
        except Exception as error:  # noqa: BLE001 (a loop's boundary: one run's trouble is not the others')
            _log.error("run stopped unexpectedly", run_id=queued.run_id, exc_info=error)
        finally:
            self._left(queued, status)

    def _left(self, queued: QueuedRun, status: RunStatus | None) -> None:
        self.queue.leave(queued.run_id, keeps_slots=status in {RunStatus.WAITING, RunStatus.QUEUED})
        if status in _TO_CARRY_OUT:
            # Also one that was stopped because its claim was lost: whoever has that now, or this process, goes on.
            self.queue.add(queued)
        elif status is RunStatus.WAITING:
            # It may have been woken before this line, and whoever woke it found it under way.
            self._noticed.add(queued.run_id)
        self._change.set()

    async def _pause(self) -> None:
        """Let the store recover; a service that ends does not wait for that."""
        over = self._clock.monotonic() + _AGAIN_S
        while not self._closing and (left_s := over - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(left_s, _STOP_AGAIN_S))

    async def _first_start(self, key: str, request: str) -> RunRecord:
        first = await self._store.decision(_STARTED_BY_API, key)
        run = await self._store.run(first.run_id) if first is not None and first.run_id is not None else None
        if first is None or run is None:
            raise StoreError(f"the run that was started with the idempotency key {key!r} is not in the store any more")
        if (first.details or {}).get("request") != request:
            raise RunStateError(f"the idempotency key {key!r} was used for another start: run {run.run_id}")
        return run


def _queued(run: RunRecord) -> QueuedRun:
    return QueuedRun(
        run_id=run.run_id,
        workflow=run.workflow,
        status=run.status.value,
        priority=run.priority,
        slots=run.slots,
        created_at=run.created_at,
    )
