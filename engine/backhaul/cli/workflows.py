"""`backhaul workflows`: the project's workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, note, say, table
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from backhaul.views.workflows import InputView
    from backhaul.workflows.definition import Workflow
    from backhaul.workflows.plan_policy import PlanPolicy

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the project's workflows.")


@app.command("list")
def list_workflows(context: typer.Context, as_json: AsJson = False) -> None:
    """List the project's workflows."""
    from backhaul.views.workflows import workflow_view

    project = state_of(context).project()
    catalog = project.catalog
    found = [catalog.workflows[name] for name in sorted(catalog.workflows)]
    broken = catalog.broken_files
    if as_json:
        emit_json({"items": [workflow_view(workflow) for workflow in found], "broken_files": broken})
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
    from backhaul.views.workflows import workflow_page

    workflow = checked_workflow(state_of(context).project(), name)
    page = workflow_page(workflow)
    if as_json:
        emit_json(page)
        return
    say(f"{workflow.name}  ({workflow.path}, version {workflow.digest})")
    if workflow.description:
        say(workflow.description)
    for trigger in _triggers(workflow):
        say(f"started by: {trigger}")
    if workflow.plan is not None:
        say(f"its runs are planned first: {_plan(workflow.plan)}")
    if workflow.inputs:
        say()
        rows = [(one["name"], one["type"], _default(one), one["description"]) for one in page["inputs"]]
        table(("INPUT", "TYPE", "DEFAULT", "DESCRIPTION"), rows)
    say()
    if workflow.kind == "python":
        connections = ", ".join(workflow.connections) or "none"
        say(f"A Python function; its steps show when it runs. Connections: {connections}")
        return
    rows = [("  " * one["depth"] + one["id"], one["verb"], one["what"], one["name"]) for one in page["steps"]]
    table(("STEP", "VERB", "", "NAME"), rows)


def _triggers(workflow: Workflow) -> list[str]:
    crons = [f"cron {one.expression} {one.timezone}" for one in workflow.cron]
    return crons + [f"event {one.type}" for one in workflow.events]


def _plan(policy: PlanPolicy) -> str:
    if not policy.auto_apply_below:
        return "a plan with effects waits for a person's yes"
    limits = ", ".join(f"{name} below {limit}" for name, limit in policy.auto_apply_below.items())
    return f"a plan is applied at once with {limits}, and waits for a person's yes otherwise"


def _default(declared: InputView) -> str:
    from backhaul.json_values import dump

    return "(required)" if declared["required"] else dump(declared["default"])
