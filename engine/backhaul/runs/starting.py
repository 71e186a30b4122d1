"""The record of a run that is about to begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backhaul.ids import new_id
from backhaul.json_values import Json
from backhaul.runs.planning.modes import REVIEW
from backhaul.store.records import RunRecord, RunStatus, WorkflowVersionRecord
from backhaul.store.service_records import StartedRun
from backhaul.workflows.definition import Workflow
from backhaul.workflows.inputs import resolve_inputs

__all__ = ["new_run", "version_of"]


def new_run(
    workflow: Workflow,
    inputs: Mapping[str, Json],
    *,
    cause: str,
    node: str,
    now: datetime,
    run_id: str | None = None,
    event: Json = None,
    event_id: str | None = None,
    trigger_id: str | None = None,
    parent: tuple[str, str] | None = None,
    priority: int = 0,
    slots: Json = None,
    depth: int = 0,
    mode: Json = None,
) -> StartedRun:
    """Return a queued run with the definition that it uses. Nothing is stored.

    Args:
        workflow: what it runs.
        inputs: as they were given; checked and completed here.
        cause: what started it, in words for a person.
        node: the process that shall carry it out.
        now: when it is made, aware UTC.
        run_id: its id; a new one when None.
        event: for the workflow's expressions, what started it.
        event_id: the stored event that started it.
        trigger_id: the trigger that started it.
        parent: id and step key of the run whose step it is.
        priority: higher goes first.
        slots: the limits that it counts against, ``[[key, limit], ...]``.
        depth: runs before it in a chain of runs that events started.
        mode: how it is carried out, as `planning.modes` says; None: as the workflow says.

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
        priority=priority,
        node=node,
        created_at=now,
        trigger_id=trigger_id,
        event_id=event_id,
        slots=slots or None,
        depth=depth,
        mode=REVIEW if mode is None and workflow.plan is not None else mode,
    )
    return StartedRun(run=run, version=version_of(workflow, now))


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
