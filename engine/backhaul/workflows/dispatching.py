"""What a workflow says about the queueing of its runs: how urgent one is, and which limits it counts against."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from backhaul.errors import EvaluationError, InputError
from backhaul.json_values import Json
from backhaul.workflows.datasets import text_of
from backhaul.workflows.definition import Workflow
from backhaul.workflows.inputs import resolve_inputs
from backhaul.workflows.missing import kind_of
from backhaul.workflows.templates import Template

__all__ = ["LONGEST_KEY", "CauseKind", "priority_for", "slots_of"]

LONGEST_KEY = 200
"""Characters of what a concurrency key gives."""


class CauseKind(StrEnum):
    """What kind of thing started a run."""

    EVENT = "event"
    MANUAL = "manual"
    API = "api"
    CRON = "cron"


_USUAL: Mapping[CauseKind, int] = {
    CauseKind.EVENT: 50,
    CauseKind.MANUAL: 20,
    CauseKind.API: 20,
    CauseKind.CRON: 0,
}


def priority_for(workflow: Workflow, cause: CauseKind) -> int:
    """Return the priority of a new run, 0 (bulk work) to 100: what the workflow states, or what is usual."""
    return _USUAL[cause] if workflow.priority is None else workflow.priority


def slots_of(workflow: Workflow, inputs: Mapping[str, Json], event: Json) -> list[list[Json]]:
    """Return the limits that a new run counts against, as `RunRecord.slots` holds them.

    Args:
        workflow: what it runs.
        inputs: as they were given, or already completed.
        event: the event's attributes, or None.

    Returns:
        ``[[key, limit], ...]``, such as ``[["link-device:SN1", 1]]``; empty without a limit. The key begins with the
        workflow's name: workflows do not share limits.

    Raises:
        InputError: the key cannot be evaluated on these inputs and this event, or gives no text or number; or it
            reads the inputs, and they do not fit.
    """
    concurrency = workflow.concurrency
    if concurrency is None:
        return []
    if concurrency.key is None:
        return [[workflow.name, concurrency.limit]]
    return [[f"{workflow.name}:{_key(workflow, concurrency.key, inputs, event)}", concurrency.limit]]


def _key(workflow: Workflow, template: Template, inputs: Mapping[str, Json], event: Json) -> str:
    what = f"concurrency.key of {workflow.name}"
    reads_inputs = any("inputs" in expression.names for expression in template.expressions)
    try:
        value = template.render({"inputs": resolve_inputs(workflow, inputs) if reads_inputs else {}, "event": event})
    except EvaluationError as error:
        raise InputError(what, [str(error)]) from None
    if not isinstance(value, str | int | float):
        raise InputError(what, [f"a text or a number is needed, not {kind_of(value)}"])
    key = text_of(value)
    if len(key) > LONGEST_KEY:
        raise InputError(what, [f"it gives {len(key)} characters, at most {LONGEST_KEY} are allowed"])
    return key
