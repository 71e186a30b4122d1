"""Runs that are steps of other runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backhaul.ids import new_id
from backhaul.json_values import Json
from backhaul.runs.calls import failed_before
from backhaul.runs.control import Abandoned, Control, Parked, StepFailed, Suspended
from backhaul.runs.journal import Journal
from backhaul.runs.planning.approved import NOT_PLANNED, NotPlanned
from backhaul.runs.reopening import reopened
from backhaul.runs.running import ENDED
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.runs.definitions import Definitions
    from backhaul.runs.executor import Executor
    from backhaul.store.store import Store

__all__ = ["Children"]


class Children:
    """Starts and resumes the runs that steps start."""

    def __init__(self, executor: Executor, store: Store, clock: Clock, definitions: Definitions) -> None:
        self._executor = executor
        self._store = store
        self._clock = clock
        self._definitions = definitions

    async def run_child(
        self, key: str, workflow: str, inputs: Mapping[str, Json], journal: Journal, control: Control
    ) -> Json:
        """Return the output of another workflow's run, which is step `key` of the journal's run.

        The child's id is on disk before the child exists, so that a crash never starts a second one.
        """
        prior = journal.recorded(key)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return journal.restored(prior.output)
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        if key not in journal.unknown:
            control.check()
        params = journal.restored(prior.params) if prior is not None else {"run_id": new_id(), "inputs": inputs}
        record = journal.begin(key, "run", action=workflow, params=params)
        if prior is not None and prior.status is StepStatus.RETRYING:
            await self._reopen_child(prior)
        journal.keep(record)
        journal.write(record)
        await journal.barrier()
        child = await self._child(record, workflow, control)
        journal.unknown.discard(key)
        if child.status is RunStatus.SUCCEEDED:
            output = journal.restored(child.output)
            journal.finish(record, StepStatus.SUCCEEDED, output=output)
            return output
        if child.status is RunStatus.NEEDS_ATTENTION:
            journal.unknown.add(key)
            raise Parked(key, f"run {child.run_id} of {workflow} needs attention")
        if child.status in {RunStatus.WAITING, RunStatus.QUEUED}:
            raise Suspended
        if child.error is not None and child.error["type"] == NOT_PLANNED:
            raise NotPlanned(key, child.error["message"])
        if child.status in ENDED:
            message = (child.error or {}).get("message") or f"it was {child.status}"
            raise StepFailed(key, "ChildRunError", f"run {child.run_id} of {workflow}: {message}")
        control.check()
        raise Abandoned

    async def _reopen_child(self, step: StepRecord) -> None:
        params: Json = step.params
        child = await self._store.run(params["run_id"])
        if child is not None and child.status is RunStatus.FAILED:
            await reopened(child, self._store, self._clock)

    async def _child(self, record: StepRecord, workflow: str, control: Control) -> RunRecord:
        params: Json = record.params
        run_id, inputs = params["run_id"], params["inputs"]
        child = await self._store.run(run_id)
        if child is None:
            definition = self._definitions.current(workflow)
            parent = (record.run_id, record.key)
            child = await self._executor.start(
                definition, inputs, cause=f"step {record.key} of run {record.run_id}", run_id=run_id, parent=parent
            )
        return child if child.status in ENDED else await self._executor.execute(run_id, under=control)
