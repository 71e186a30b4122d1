"""Plans in tests: made, taken out of the history, applied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backhaul.runs.planning.modes import PLAN
from backhaul.runs.planning.plan_file import start_apply
from backhaul.store.records import RunRecord, RunStatus
from backhaul.views.plan import read_plan
from backhaul.workflows.definition import Workflow
from world import Lab

NOW = datetime(2026, 1, 1, tzinfo=UTC)

__all__ = ["apply", "document", "effects_of", "make_plan", "planned"]


async def make_plan(lab: Lab, workflow: Workflow, **inputs: Any) -> RunRecord:
    """Plan a workflow and return the planned run."""
    run = await lab.executor.start(workflow, inputs, mode=PLAN)
    return await lab.executor.execute(run.run_id)


async def document(lab: Lab, run: RunRecord) -> dict[str, Any]:
    """Return the document of a planned run, as a plan file holds it."""
    effects: list[Any] = []
    view = await read_plan(lab.store, run, {}, NOW, each=effects.append)
    return {**view.head, "effects": effects, **view.tail()}


async def planned(lab: Lab, text: str, *, kind: str = "yaml", **inputs: Any) -> dict[str, Any]:
    """Define and plan a workflow, which must come to its end, and return the plan's document."""
    run = await make_plan(lab, lab.define(text, kind=kind), **inputs)
    assert run.status is RunStatus.SUCCEEDED, run.error
    return await document(lab, run)


async def apply(lab: Lab, text: str, plan: Mapping[str, Any], *, kind: str = "yaml") -> RunRecord:
    """Apply a plan and return the run."""
    run = await start_apply(lab.executor, lab.store, lab.define(text, kind=kind), plan)
    return await lab.executor.execute(run.run_id)


def effects_of(plan: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return action and parameters of a plan's effects by step."""
    return {effect["step"]: (effect["action"], effect["params"]) for effect in plan["effects"]}
