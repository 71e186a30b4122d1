"""Runs as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.errors import StoreError
from backhaul.json_values import Json
from backhaul.store.records import RunRecord, RunStatus, WorkflowVersionRecord
from backhaul.views.moments import iso
from backhaul.views.screen import plain

if TYPE_CHECKING:
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = [
    "Outcome",
    "RunFields",
    "RunView",
    "described",
    "interrupted",
    "listed",
    "outcome",
    "seconds_between",
    "stored_definition",
]


class _Standing(TypedDict):
    """How a run stands, without its steps."""

    run_id: str
    workflow: str
    status: str
    interrupted: bool
    output: Json
    error: dict[str, Json] | None
    cause: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    duration_s: float | None


class Outcome(_Standing):
    """How a run stands; `steps` is the number of steps by status."""

    steps: dict[str, int]


class RunFields(_Standing):
    """How a run stands and where it comes from, without its steps."""

    digest: str
    inputs: Json
    event: Json
    trigger_id: str | None
    event_id: str | None
    parent_run_id: str | None
    parent_step: str | None
    forked_from: str | None
    priority: int
    cancel_requested: bool
    node: str


class RunView(RunFields):
    """A run in a listing; `steps` is the number of steps by status."""

    steps: dict[str, int]


def outcome(run: RunRecord, *, interrupted: bool) -> Outcome:
    """Return the JSON form of a run as it stands.

    The keys ``run_id``, ``workflow``, ``status``, ``output``, ``error`` and ``steps`` are fixed, so that scripts can
    rely on them.
    """
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": run.status.value,
        "interrupted": interrupted,
        "output": plain(run.output),
        "error": run.error and {"type": None, "message": None, "step": None, **run.error},
        "steps": dict(run.step_counts or {}),
        "cause": run.cause,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "duration_s": seconds_between(run),
    }


def described(run: RunRecord, screen: Screen, *, interrupted: bool) -> RunView:
    """Return the JSON form of a run with where it comes from."""
    told = outcome(run, interrupted=interrupted)
    return {
        **told,
        "output": screen.value(run.output),
        "error": screen.error(told["error"]),
        "digest": run.digest,
        "inputs": screen.value(run.inputs),
        "event": screen.value(run.event),
        "trigger_id": run.trigger_id,
        "event_id": run.event_id,
        "parent_run_id": run.parent_run_id,
        "parent_step": run.parent_step,
        "forked_from": run.forked_from,
        "priority": run.priority,
        "cancel_requested": run.cancel_requested,
        "node": run.node,
    }


async def listed(store: Store, runs: Iterable[RunRecord]) -> list[tuple[RunRecord, bool]]:
    """Return runs with whether each was interrupted."""
    return [(run, await interrupted(store, run)) for run in runs]


async def interrupted(store: Store, run: RunRecord) -> bool:
    """Return whether a run says that it is under way while no process carries it out."""
    return run.status is RunStatus.RUNNING and not await store.is_claimed(run.run_id)


async def stored_definition(store: Store, run: RunRecord) -> WorkflowVersionRecord:
    """Return the text of the workflow that a run started with.

    Raises:
        StoreError: it is not there.
    """
    version = await store.workflow_version(run.digest)
    if version is None:
        raise StoreError(f"the definition of run {run.run_id} is not in the store (digest {run.digest})")
    return version


def seconds_between(run: RunRecord) -> float | None:
    """Return how long a run took from its start to its end, or None."""
    if run.started_at is None or run.finished_at is None:
        return None
    return round((run.finished_at - run.started_at) / timedelta(seconds=1), 3)
