"""What a person does to a run: resume, cancel, fork, and saying what became of an unknown outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from backhaul.errors import RunStateError, UnknownNameError
from backhaul.json_values import Json
from backhaul.runs.cancelling import abandon_waits, cancel_steps
from backhaul.runs.datasets import moved
from backhaul.runs.events import EventSink, StoredOnly
from backhaul.runs.reopening import reopened, tried_again
from backhaul.runs.running import ENDED
from backhaul.runs.starting import new_run
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus
from backhaul.workflows.dispatching import slots_of

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow

__all__ = ["Interventions", "Resolution"]


class Resolution(StrEnum):
    """What a person knows of a step whose outcome is unknown."""

    DONE = "done"
    RETRY = "retry"
    SKIP = "skip"


class Interventions:
    """Changes runs on a person's behalf. What then has to be carried out, `Executor.execute` carries out.

    Args:
        store: the history.
        clock: source of time.
        node: the node that shall carry them out.
        sink: takes the events that tell of cancelled runs; None only stores them.
    """

    def __init__(self, store: Store, clock: Clock, *, node: str = "local", sink: EventSink | None = None) -> None:
        self._store = store
        self._clock = clock
        self._node = node
        self._sink: EventSink = sink or StoredOnly(store)

    async def reopen(self, run_id: str) -> RunRecord:
        """Make a run ready to be carried out again: an interrupted one as it is, a failed one from its failed step.

        One that waits goes on waiting.

        Raises:
            RunStateError: it has succeeded or was cancelled, is under way, or waits for a person.
        """
        run = await self._idle(run_id)
        if run.status in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}:
            raise RunStateError(f"run {run_id} has {run.status}; to repeat it, fork it or start a new run")
        if run.status is RunStatus.WAITING:
            return run
        if run.status is RunStatus.NEEDS_ATTENTION and (unknown := await self._unknown(run_id)):
            raise RunStateError(
                f"run {run_id} waits for a person: the outcome of step {unknown[0].key} is unknown. Say what became "
                f"of it: backhaul runs resolve {run_id} '{unknown[0].key}' --as done|retry|skip"
            )
        async with self._held(run):
            return await reopened(await self._existing(run_id), self._store, self._clock, node=self._node)

    async def cancel(self, run_id: str) -> RunRecord:
        """Ask the process that carries the run out to stop it; mark a run that nobody carries out as cancelled."""
        run = await self._existing(run_id)
        if run.status in ENDED:
            raise RunStateError(f"run {run_id} has {run.status}; there is nothing to cancel")
        await self._store.request_cancel(run_id).wait()
        if not await self._store.claim(run_id):
            return replace(run, cancel_requested=True)
        try:
            run = await self._existing(run_id)  # behind the claim: it may have come to its end just before
            if run.status in ENDED:
                raise RunStateError(f"run {run_id} has {run.status}; there is nothing to cancel")
            for child in await self._store.children(run_id):
                if child.status not in ENDED:
                    await self.cancel(child.run_id)
            await cancel_steps(run_id, self._store, self._clock)
            await abandon_waits(run_id, self._store, self._clock)
            error = {"type": "Cancelled", "message": "cancelled by a person", "step": None}
            run = replace(run, status=RunStatus.CANCELLED, error=error, finished_at=self._clock.now())
            told = self._sink.ended(run)
            ticket = self._store.put_run_end(run, told)
            self._sink.told(told, ticket)
            await ticket.wait()
        finally:
            await self._store.release(run_id)
        return run

    async def resolve(self, run_id: str, key: str, resolution: Resolution, output: Json = None) -> RunRecord:
        """Write what became of a step whose outcome is unknown, and return the run that goes on because of it.

        Args:
            run_id: the run.
            key: the step's key.
            resolution: `DONE` with the output that the call would have had, `RETRY` to make the call again, `SKIP`
                to go on without it.
            output: for `DONE` and `SKIP`: what later steps see as the step's output.

        Returns:
            The run itself, or the topmost one whose step it is, when nothing else of it is unknown.
        """
        await self._idle(run_id)
        step = await self._store.step(run_id, key)
        if step is None:
            known = [record.key for record in await self._unknown(run_id)]
            raise UnknownNameError(f"step of run {run_id} with an unknown outcome", key, known)
        if step.status is not StepStatus.UNKNOWN:
            raise RunStateError(f"the outcome of step {key} is not unknown; it has the status {step.status}")
        now = self._clock.now()
        match resolution:
            case Resolution.DONE:
                step = replace(step, status=StepStatus.SUCCEEDED, output=output, finished_at=now)
            case Resolution.SKIP:
                step = replace(step, status=StepStatus.SKIPPED, output=output, finished_at=now)
            case Resolution.RETRY:
                step = tried_again(step, now)
        note = {"resolved_as": resolution.value, "resolved_at": now.isoformat()}
        await self._store.put_step(replace(step, progress={**(step.progress or {}), **note})).wait()
        return await self._root(run_id)

    async def fork(self, run_id: str, from_step: str, workflow: Workflow, inputs: Mapping[str, Json]) -> RunRecord:
        """Store a new run that begins with another one's history up to a step, and return it.

        Args:
            run_id: the run whose history is taken.
            from_step: key of the first step that is carried out anew; not one inside an ``each``.
            workflow: the definition that the new run uses.
            inputs: replace the old run's inputs of the same name.
        """
        origin = await self._existing(run_id)
        async with self._held(origin) if origin.status in ENDED else nullcontext():
            return await self._forked(await self._existing(run_id), from_step, workflow, inputs)

    async def _forked(
        self, origin: RunRecord, from_step: str, workflow: Workflow, inputs: Mapping[str, Json]
    ) -> RunRecord:
        run_id = origin.run_id
        steps = await self._store.steps(run_id, outside_each=True)
        step = next((record for record in steps if record.key == from_step), None)
        if step is None:
            if "[" in from_step:
                raise RunStateError(f"a run can be forked from the whole each step, not from its item {from_step}")
            # An each of a Python function has no record but those of its items, which begin with the first.
            step = next(iter(await self._store.steps(run_id, prefix=f"{from_step}[", limit=1)), None)
        if step is None:
            raise UnknownNameError(f"step of run {run_id}", from_step, [record.key for record in steps])
        started = new_run(
            workflow,
            {**origin.inputs, **inputs},
            cause=f"fork of run {run_id} from step {from_step}",
            node=self._node,
            now=self._clock.now(),
            event=origin.event,
            priority=origin.priority,
            slots=slots_of(workflow, {**origin.inputs, **inputs}, origin.event),
        )
        fork = replace(started.run, forked_from=run_id)
        # Until its history is there, nobody may begin it.
        async with self._held(fork):
            self._store.put_workflow_version(started.version)
            await self._store.put_run(fork).wait()
            await self._store.copy_run_history(run_id, fork.run_id, before_seq=step.seq)
            for copied in await self._store.steps(fork.run_id, outside_each=True):
                output = moved(copied.output, run_id, fork.run_id)
                if output != copied.output:
                    await self._store.put_step(replace(copied, output=output)).wait()
        return fork

    @asynccontextmanager
    async def _held(self, run: RunRecord) -> AsyncIterator[None]:
        """Hold a run, or the topmost one whose step it is, so that nobody begins or prunes it within the block."""
        while run.parent_run_id is not None and (above := await self._store.run(run.parent_run_id)) is not None:
            run = above
        if not await self._store.claim(run.run_id):
            raise RunStateError(f"run {run.run_id} is being carried out by another process")
        try:
            yield
        finally:
            await self._store.release(run.run_id)

    async def _existing(self, run_id: str) -> RunRecord:
        run = await self._store.run(run_id)
        if run is None:
            raise UnknownNameError("run", run_id)
        return run

    async def _idle(self, run_id: str) -> RunRecord:
        run = await self._existing(run_id)
        if await self._store.is_claimed(run_id):
            raise RunStateError(f"run {run_id} is being carried out by another process")
        return run

    async def _unknown(self, run_id: str) -> list[StepRecord]:
        return await self._store.steps(run_id, statuses={StepStatus.UNKNOWN})

    async def _root(self, run_id: str) -> RunRecord:
        run = await self._existing(run_id)
        while run.parent_run_id is not None and not await self._unknown(run.run_id):
            run = await self._existing(run.parent_run_id)
        return run
