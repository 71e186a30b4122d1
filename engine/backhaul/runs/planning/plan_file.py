"""Plan files: read, checked, and made into a run that goes under the plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from backhaul.errors import InputError
from backhaul.ids import new_id
from backhaul.json_values import Json, load
from backhaul.runs.planning.approved import store_effects
from backhaul.runs.planning.modes import APPLY
from backhaul.workflows.dispatching import CauseKind, priority_for
from backhaul.workflows.moments import parse_moment

if TYPE_CHECKING:
    from backhaul.runs.executor import Executor
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow

__all__ = ["read_plan_file", "start_apply"]

_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "workflow": str,
    "digest": str,
    "inputs": dict,
    "created_at": str,
    "effects": list,
}
_EFFECT_KINDS: Mapping[str, type] = {"step": str, "action": str, "effect": str, "params": dict}


def read_plan_file(file: Path) -> dict[str, Json]:
    """Return the plan in a file.

    Raises:
        InputError: it cannot be read, or holds no plan; with the place and the reason.
    """
    try:
        plan = load(file.read_bytes())
    except OSError as error:
        raise InputError(f"plan {file}", [f"it cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise InputError(f"plan {file}", [f"it is no JSON: {error}"]) from None
    faults = _faults(plan)
    if faults:
        advice = "make one with: backhaul run WORKFLOW --plan --out FILE"
        raise InputError(f"plan {file}", [*faults[:10], f"it is no plan that can be applied; {advice}"])
    return dict(plan)


async def start_apply(
    executor: Executor, store: Store, workflow: Workflow, plan: Mapping[str, Json], *, run_id: str | None = None
) -> RunRecord:
    """Store a run that does what a plan lists, and return it.

    Its effects are on disk before the run, so that no crash leaves a run without its plan.

    Args:
        plan: as `read_plan_file` returns it.
        run_id: the run's id; a new one when None.

    Raises:
        InputError: the plan's inputs do not fit the workflow.
    """
    run_id = run_id or new_id()

    async def effects() -> AsyncIterator[Json]:
        for effect in plan["effects"]:
            yield effect

    await store_effects(store, run_id, effects())
    return await executor.start(
        workflow,
        plan["inputs"],
        cause=f"the plan of {plan['created_at']}",
        event=plan.get("event"),
        run_id=run_id,
        priority=priority_for(workflow, CauseKind.MANUAL),
        mode={**APPLY, "now": plan["created_at"]},
        hold=True,
    )


def _faults(plan: Json) -> list[str]:
    if not isinstance(plan, Mapping):
        return ["a mapping is needed at the top"]
    faults = [
        f"{name}: is missing or of the wrong kind" for name in _KINDS if not isinstance(plan.get(name), _KINDS[name])
    ]
    if faults:
        return faults
    if plan.get("status", "succeeded") != "succeeded":
        return [f"status: the plan is not complete ({plan['status']})"]
    try:
        parse_moment(plan["created_at"])
    except ValueError as error:
        return [f"created_at: {error}"]
    steps: set[str] = set()
    for number, effect in enumerate(plan["effects"]):
        wrong = [
            name
            for name, kind in _EFFECT_KINDS.items()
            if not isinstance(effect, Mapping) or not isinstance(effect.get(name), kind)
        ]
        faults += [f"effects[{number}].{name}: is missing or of the wrong kind" for name in wrong]
        if not wrong and effect["step"] in steps:
            faults.append(f"effects[{number}].step: {effect['step']!r} comes twice")
        elif not wrong:
            steps.add(effect["step"])
    return faults
