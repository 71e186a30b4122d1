"""Workflows as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.json_values import Json, dump
from backhaul.views.moments import iso
from backhaul.workflows.definition import Call, Each, Group, Parallel, RunWorkflow
from backhaul.workflows.expressions import Expression

if TYPE_CHECKING:
    from backhaul.problems import Problem
    from backhaul.workflows.definition import Step, Workflow

__all__ = [
    "CronView",
    "EventTriggerView",
    "InputView",
    "OutlineView",
    "ProblemView",
    "WorkflowPage",
    "WorkflowView",
    "problem_view",
    "workflow_page",
    "workflow_view",
]

_VERBS = {"runworkflow": "run", "group": "do"}


class CronView(TypedDict):
    """A cron trigger."""

    trigger_id: str
    expression: str
    timezone: str
    catch_up: str
    max_lateness_s: float | None
    overlap: str
    jitter_s: float
    start: str | None
    end: str | None


class EventTriggerView(TypedDict):
    """An event trigger; `where` is empty without a condition."""

    trigger_id: str
    type: str
    where: str


class InputView(TypedDict):
    """A declared input; `enum` is empty where every value is allowed."""

    name: str
    type: str
    required: bool
    default: Json
    description: str
    enum: list[Json]


class OutlineView(TypedDict):
    """A step as it is written; `depth` counts the steps around it."""

    id: str
    verb: str
    what: str
    name: str
    depth: int


class ProblemView(TypedDict):
    """One thing that is wrong in a file; `suggestion` is the nearest right name, if there is one."""

    file: str
    line: int
    column: int
    code: str
    message: str
    suggestion: str | None


class WorkflowView(TypedDict):
    """A workflow in a listing.

    Where `plan_required` is true, its runs make a plan first. A plan with fewer effects of each kind than
    `auto_apply_below` says is applied at once, every other one waits for a person's yes.
    """

    name: str
    description: str
    kind: str
    path: str
    digest: str
    cron: list[CronView]
    events: list[EventTriggerView]
    timeout_s: float | None
    plan_required: bool
    auto_apply_below: dict[str, int]


class WorkflowPage(WorkflowView):
    """Everything about a workflow; one with problems cannot be started."""

    inputs: list[InputView]
    steps: list[OutlineView]
    problems: list[ProblemView]


def workflow_view(workflow: Workflow) -> WorkflowView:
    """Return the JSON form of a workflow in a listing."""
    return {
        "name": workflow.name,
        "description": workflow.description,
        "kind": workflow.kind,
        "path": workflow.path,
        "digest": workflow.digest,
        "cron": [
            {
                "trigger_id": f"{workflow.name}/cron/{number}",
                "expression": one.expression,
                "timezone": one.timezone,
                "catch_up": one.catch_up,
                "max_lateness_s": one.max_lateness_s,
                "overlap": one.overlap,
                "jitter_s": one.jitter_s,
                "start": iso(one.start),
                "end": iso(one.end),
            }
            for number, one in enumerate(workflow.cron, 1)
        ],
        "events": [
            {"trigger_id": f"{workflow.name}/event/{number}", "type": one.type, "where": one.where}
            for number, one in enumerate(workflow.events, 1)
        ],
        "timeout_s": workflow.timeout_s,
        "plan_required": workflow.plan is not None,
        "auto_apply_below": dict(workflow.plan.auto_apply_below) if workflow.plan is not None else {},
    }


def workflow_page(workflow: Workflow, problems: Iterable[Problem] = ()) -> WorkflowPage:
    """Return the JSON form of a workflow with its inputs, its steps and what is wrong with it."""
    return {
        **workflow_view(workflow),
        "inputs": [
            {
                "name": one.name,
                "type": one.type,
                "required": one.required,
                "default": one.default,
                "description": one.description,
                "enum": list(one.enum),
            }
            for one in workflow.inputs
        ],
        "steps": list(_outline(workflow.steps)),
        "problems": [problem_view(problem) for problem in problems],
    }


def problem_view(problem: Problem) -> ProblemView:
    """Return the JSON form of a problem."""
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "code": problem.code,
        "message": problem.message,
        "suggestion": problem.suggestion or None,
    }


def _outline(steps: Iterable[Step], depth: int = 0) -> Iterator[OutlineView]:
    """Give every step with how deep it is inside of others."""
    for step in steps:
        match step.verb:
            case Call(connection=connection, action=action):
                what = f"{connection}.{action}"
            case Each(items=items):
                what = f"${{{{ {items.source} }}}}" if isinstance(items, Expression) else dump(items.value)
            case RunWorkflow(workflow=name):
                what = name
            case _:
                what = ""
        verb = type(step.verb).__name__.lower()
        yield {"id": step.id, "verb": _VERBS.get(verb, verb), "what": what, "name": step.name, "depth": depth}
        match step.verb:
            case Each(body=body) | Group(body=body):
                yield from _outline(body, depth + 1)
            case Parallel(branches=branches):
                yield from _outline(branches, depth + 1)
        yield from _outline(step.on_error.body, depth + 1)
