"""How the two sides of a run's reconciles differ, with reasons that add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.store.records import RunRecord

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["DifferencePage", "DifferenceView", "ReasonView", "differences"]


class ReasonView(TypedDict):
    """A reason, and how many records of a side have it."""

    reason: str
    side: str
    count: int


class DifferenceView(TypedDict):
    """The difference that one step has found; ``difference`` is the number of the source less the target's."""

    step: str
    source: int
    source_name: str
    target: int
    target_name: str
    difference: int
    only_in_source: int
    only_in_target: int
    reasons: list[ReasonView]
    problems: dict[str, str]


class DifferencePage(TypedDict):
    """The differences that a run has found."""

    run_id: str
    workflow: str
    differences: list[DifferenceView]


async def differences(store: Store, run: RunRecord) -> DifferencePage:
    """Return the differences that the reconciles of a run have found.

    Raises:
        InputError: it has none that has ended.
    """
    found: list[DifferenceView] = []
    for step in await store.steps(run.run_id, outside_each=True):
        output: Json = step.output
        if step.verb == "reconcile" and output and output.get("explained"):
            view: Json = {"step": step.key, **output["explained"]}
            found.append(view)
    if not found:
        reason = "no reconcile of it has read both sides and ended: there is no difference to explain"
        raise InputError(f"run {run.run_id}", [reason])
    return {"run_id": run.run_id, "workflow": run.workflow, "differences": found}
