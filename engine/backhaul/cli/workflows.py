"""`backhaul workflows`: the project's workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, note, say, table
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backhaul.json_values import Json
    from backhaul.workflows.definition import Step, Workflow

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the project's workflows.")


@app.command("list")
def list_workflows(context: typer.Context, as_json: AsJson = False) -> None:
    """List the project's workflows."""
    project = state_of(context).project()
    catalog = project.catalog
    found = [catalog.workflows[name] for name in sorted(catalog.workflows)]
    broken = sorted({problem.place.file for problem in catalog.problems})
    if as_json:
        emit_json({"items": [_short(workflow) for workflow in found], "broken_files": broken})
        return
    rows = [(one.name, one.path, "; ".join(_triggers(one)), one.description) for one in found]
    table(("WORKFLOW", "FILE", "STARTED BY", "DESCRIPTION"), rows)
    for file in broken:
        note(f"{file} has problems: backhaul check {file}")


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A workflow's name, or its file.")],
    as_json: AsJson = False,
) -> None:
    """Show a workflow: its inputs, its triggers, its steps."""
    from backhaul.cli.problems import checked_workflow

    workflow = checked_workflow(state_of(context).project(), name)
    if as_json:
        emit_json({**_short(workflow), "inputs": _inputs(workflow), "steps": list(_steps(workflow.steps))})
        return
    say(f"{workflow.name}  ({workflow.path}, version {workflow.digest})")
    if workflow.description:
        say(workflow.description)
    for trigger in _triggers(workflow):
        say(f"started by: {trigger}")
    if workflow.inputs:
        say()
        rows = [(one["name"], one["type"], _default(one), one["description"]) for one in _inputs(workflow)]
        table(("INPUT", "TYPE", "DEFAULT", "DESCRIPTION"), rows)
    say()
    if workflow.kind == "python":
        connections = ", ".join(workflow.connections) or "none"
        say(f"A Python function; its steps show when it runs. Connections: {connections}")
        return
    rows = [("  " * one["depth"] + one["id"], one["verb"], one["what"], one["name"]) for one in _steps(workflow.steps)]
    table(("STEP", "VERB", "", "NAME"), rows)


def _short(workflow: Workflow) -> dict[str, Json]:
    return {
        "name": workflow.name,
        "description": workflow.description,
        "kind": workflow.kind,
        "path": workflow.path,
        "digest": workflow.digest,
        "cron": [{"expression": one.expression, "timezone": one.timezone} for one in workflow.cron],
        "events": [{"type": one.type, "where": one.where} for one in workflow.events],
        "timeout_s": workflow.timeout_s,
    }


def _triggers(workflow: Workflow) -> list[str]:
    crons = [f"cron {one.expression} {one.timezone}" for one in workflow.cron]
    return crons + [f"event {one.type}" for one in workflow.events]


def _inputs(workflow: Workflow) -> list[dict[str, Json]]:
    return [
        {
            "name": one.name,
            "type": one.type,
            "required": one.required,
            "default": one.default,
            "description": one.description,
            "enum": list(one.enum),
        }
        for one in workflow.inputs
    ]


def _default(declared: dict[str, Json]) -> str:
    from backhaul.json_values import dump

    return "(required)" if declared["required"] else dump(declared["default"])


def _steps(steps: Iterable[Step], depth: int = 0) -> Iterable[dict[str, Json]]:
    """Give every step with how deep it is inside of others."""
    from backhaul.json_values import dump
    from backhaul.workflows.definition import Call, Each, Group, Parallel, RunWorkflow
    from backhaul.workflows.expressions import Expression

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
        verb = {"runworkflow": "run", "group": "do"}.get(
            type(step.verb).__name__.lower(), type(step.verb).__name__.lower()
        )
        yield {"id": step.id, "verb": verb, "what": what, "name": step.name, "depth": depth}
        match step.verb:
            case Each(body=body) | Group(body=body):
                yield from _steps(body, depth + 1)
            case Parallel(branches=branches):
                yield from _steps(branches, depth + 1)
        yield from _steps(step.on_error.body, depth + 1)
