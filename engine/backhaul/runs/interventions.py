"""What a person does to a run: resume, cancel, fork, and saying what became of an unknown outcome."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from backhaul.errors import RunStateError, UnknownNameError
from backhaul.ids import new_id
from backhaul.json_values import Json
from backhaul.runs.datasets import moved
from backhaul.runs.executor import ENDED, version_of
from backhaul.runs.reopening import reopened, tried_again
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus
from backhaul.workflows.inputs import resolve_inputs

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
    """Changes runs on a person's behalf. What then has to be carried out, `Executor.execute` carries out."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def reopen(self, run_id: str) -> RunRecord:
        """Make a run ready to be carried out again: an interrupted one as it is, a failed one from its failed step.

        Raises:
            RunStateError: it has succeeded or was cancelled, is under way, or waits for a person.
        """
        run = await self._idle(run_id)
        if run.status in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}:
            raise RunStateError(f"run {run_id} has {run.status}; to repeat it, fork it or start a new run")
        if run.status is RunStatus.NEEDS_ATTENTION and (unknown := await self._unknown(run_id)):
            raise RunStateError(
                f"run {run_id} waits for a person: the outcome of step {unknown[0].key} is unknown. Say what became "
                f"of it: backhaul runs resolve {run_id} '{unknown[0].key}' --as done|retry|skip"
            )
        return await reopened(run, self._store, self._clock)

    async def cancel(self, run_id: str) -> RunRecord:
        """Ask the process that carries the run out to stop it; mark a run that nobody carries out as cancelled."""
        run = await self._existing(run_id)
        if run.status in ENDED:
            raise RunStateError(f"run {run_id} has {run.status}; there is nothing to cancel")
        await self._store.request_cancel(run_id).wait()
        if not await self._store.claim(run_id):
            return replace(run, cancel_requested=True)
        try:
            for child in await self._store.children(run_id):
                if child.status not in ENDED:
                    await self.cancel(child.run_id)
            error = {"type": "Cancelled", "message": "cancelled by a person", "step": None}
            run = replace(run, status=RunStatus.CANCELLED, error=error, finished_at=self._clock.now())
            await self._store.put_run(run).wait()
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
        steps = await self._store.steps(run_id, outside_each=True)
        step = next((record for record in steps if record.key == from_step), None)
        if step is None:
            if "[" in from_step:
                raise RunStateError(f"a run can be forked from the whole each step, not from its item {from_step}")
            raise UnknownNameError(f"step of run {run_id}", from_step, [record.key for record in steps])
        fork = RunRecord(
            run_id=new_id(),
            workflow=workflow.name,
            digest=workflow.digest,
            status=RunStatus.QUEUED,
            cause=f"fork of run {run_id} from step {from_step}",
            inputs=resolve_inputs(workflow, {**origin.inputs, **inputs}),
            event=origin.event,
            forked_from=run_id,
            priority=origin.priority,
            node=platform.node(),
            created_at=self._clock.now(),
        )
        self._store.put_workflow_version(version_of(workflow, fork.created_at))
        await self._store.put_run(fork).wait()
        await self._store.copy_run_history(run_id, fork.run_id, before_seq=step.seq)
        for copied in await self._store.steps(fork.run_id, outside_each=True):
            output = moved(copied.output, run_id, fork.run_id)
            if output != copied.output:
                await self._store.put_step(replace(copied, output=output)).wait()
        return fork

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
        unfinished = await self._store.steps(run_id, unfinished=True)
        return [step for step in unfinished if step.status is StepStatus.UNKNOWN]

    async def _root(self, run_id: str) -> RunRecord:
        run = await self._existing(run_id)
        while run.parent_run_id is not None and not await self._unknown(run.run_id):
            run = await self._existing(run.parent_run_id)
        return run
