"""`backhaul runs`: the history, and what a person does to a run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from backhaul.cli.approvals import approve, reject
from backhaul.cli.export import export
from backhaul.cli.output import emit_json, note, paint, say, table
from backhaul.cli.state import AsJson, Quiet, RunName, ShowPersonal, json_option, state_of

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.cli.carrying_out import Begin
    from backhaul.json_values import Json
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store
    from backhaul.views.runs import RunView

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at runs and intervene in them.")
app.command()(approve)
app.command()(reject)
app.command()(export)


class Status(StrEnum):
    """What `runs list` can be narrowed to."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"


class Resolution(StrEnum):
    """What became of a step whose outcome is unknown."""

    DONE = "done"
    RETRY = "retry"
    SKIP = "skip"


@app.command("list")
def list_runs(
    context: typer.Context,
    workflow: Annotated[str | None, typer.Option("--workflow", "-w", help="Only runs of this workflow.")] = None,
    status: Annotated[Status | None, typer.Option("--status", "-s", help="Only runs with this status.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue where another listing ended.")] = None,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first. A run that no process carries out any more shows as interrupted."""
    from backhaul.cli.history import open_history
    from backhaul.cli.run_page import HEADINGS, row
    from backhaul.cli.running import run_async
    from backhaul.store.records import RunStatus
    from backhaul.views.run_screen import run_views
    from backhaul.views.runs import listed
    from backhaul.views.screen import screen_of

    project = state_of(context).project()

    async def ask() -> tuple[list[RunView], list[tuple[str, ...]], str | None]:
        async with open_history(project) as store:
            wanted = RunStatus(status.value) if status is not None else None
            found, following = await store.runs(workflow=workflow, status=wanted, limit=limit, cursor=cursor)
            if as_json:
                screen = screen_of(project, show_personal=show_personal)
                return await run_views(store, found, screen), [], following
            return [], [row(run, interrupted=lost) for run, lost in await listed(store, found)], following

    items, rows, following = run_async(ask)
    if as_json:
        emit_json({"items": items, "next": following})
        return
    table(HEADINGS, rows, status=2)
    if following is not None:
        note(f"more with: backhaul runs list --cursor {following}")


@app.command()
def show(
    context: typer.Context,
    run: RunName,
    step: Annotated[
        str | None, typer.Option("--step", metavar="KEY", help="Everything about one step, as in 'sync[SN001]/add'.")
    ] = None,
    items: Annotated[int, typer.Option("--items", min=0, help="With --step: so many records of its dataset.")] = 5,
    definition: Annotated[bool, typer.Option("--definition", help="Print the workflow's text as it was run.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="How two systems differ, and why.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Of a plan, or of a run that made one: what it lists.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also the steps of the items inside each.")] = False,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """Show a run: how it stands, its steps, their attempts and errors, its output.

    Personal data shows as ***: what connectors mark, wherever it went, and fields with names such as 'phone'.
    """
    from backhaul.cli import run_page
    from backhaul.cli.history import open_history
    from backhaul.cli.plan import plan_page
    from backhaul.cli.running import run_async
    from backhaul.views.screen import screen_of

    project = state_of(context).project()
    screen = screen_of(project, show_personal=show_personal)

    async def ask() -> run_page.Page:
        async with open_history(project) as store:
            found = await store.find_run(run)
            if definition:
                return await run_page.definition_page(store, found)
            if explain:
                return await run_page.differences_page(store, found)
            if plan:
                return await plan_page(project, store, found, screen)
            if step is not None:
                return await run_page.step_page(store, found, step, screen, items=items)
            return await run_page.page(store, found, screen, every=every)

    document, lines = run_async(ask)
    if as_json:
        emit_json(document)
        return
    for line in lines():
        say(line)


@app.command()
def resume(context: typer.Context, run: RunName, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Continue a run that was interrupted, or that failed, from the step where it ended."""
    from backhaul.cli.exits import ExitCode, report_error
    from backhaul.errors import RunStateError
    from backhaul.store.records import RunStatus

    stood: RunStatus | None = None

    async def begin(opened: App) -> RunRecord:
        nonlocal stood
        found = await opened.store.find_run(run)
        stood = found.status
        return await opened.interventions.reopen(found.run_id)

    try:
        _carry_out(context, begin, as_json=as_json, quiet=quiet)
    except RunStateError as error:
        if stood is not RunStatus.NEEDS_ATTENTION:
            raise
        report_error(error, as_json=as_json)
        raise typer.Exit(ExitCode.NEEDS_ATTENTION) from None


@app.command()
def cancel(context: typer.Context, run: RunName, as_json: AsJson = False) -> None:
    """Cancel a run. One that another process carries out stops within seconds, after the calls under way."""
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.runs.interventions import Interventions

    project = state_of(context).project()

    async def ask() -> RunRecord:
        async with open_history(project) as store:
            found = await store.find_run(run)
            return await Interventions(store, store.clock).cancel(found.run_id)

    cancelled = run_async(ask)
    document: dict[str, Json] = {
        "run_id": cancelled.run_id,
        "workflow": cancelled.workflow,
        "status": cancelled.status.value,
        "cancel_requested": True,
    }
    if as_json:
        emit_json(document)
    elif cancelled.status == "cancelled":
        say(f"run {cancelled.run_id}: {paint('cancelled')}")
    else:
        say(f"run {cancelled.run_id}: the process that carries it out was asked to stop")


@app.command()
def fork(
    context: typer.Context,
    run: RunName,
    from_step: Annotated[str, typer.Option("--from", metavar="STEP", help="The first step to carry out anew.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="Replaces an input. Repeatable.")
    ] = None,
    current: Annotated[
        bool, typer.Option("--current", help="Use the workflow as it is in the project now, not as it was run.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Start a new run with another run's results up to a step, and carry it out from there."""
    from backhaul.cli.problems import checked_workflow
    from backhaul.views.runs import stored_definition
    from backhaul.workflows.inputs import read_pairs

    given = read_pairs(inputs or ())

    async def begin(opened: App) -> RunRecord:
        origin = await opened.store.find_run(run)
        if current:
            definition = checked_workflow(opened.project, origin.workflow)
        else:
            definition = opened.project.stored(await stored_definition(opened.store, origin))
        return await opened.interventions.fork(origin.run_id, from_step, definition, given)

    _carry_out(context, begin, as_json=as_json, quiet=quiet)


@app.command()
def resolve(
    context: typer.Context,
    run: RunName,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step whose outcome is unknown.")],
    how: Annotated[Resolution, typer.Option("--as", help="What became of it.")],
    output: Annotated[
        str | None, typer.Option("--output", metavar="JSON", help="What later steps see as the step's output.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume/--no-resume", help="Continue the run afterwards.")] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what became of a step whose outcome is unknown, and continue the run.

    With 'done' it counts as done, with 'retry' the call is made again, with 'skip' the run goes on without it.
    """
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.runs.interventions import Interventions
    from backhaul.runs.interventions import Resolution as Resolved
    from backhaul.views.runs import described
    from backhaul.views.screen import screen_of

    value = json_option("--output", output)

    async def resolved_in(store: Store) -> RunRecord:
        found = await store.find_run(run)
        return await Interventions(store, store.clock).resolve(found.run_id, step, Resolved(how.value), value)

    async def begin(opened: App) -> RunRecord:
        return await resolved_in(opened.store)

    if resume:
        _carry_out(context, begin, as_json=as_json, quiet=quiet)
    project = state_of(context).project()

    async def only() -> RunRecord:
        async with open_history(project) as store:
            return await resolved_in(store)

    resolved = run_async(only)
    if as_json:
        emit_json(described(resolved, screen_of(project), interrupted=False))
    else:
        say(f"step {step} is resolved; continue with: backhaul runs resume {resolved.run_id}")


def _carry_out(context: typer.Context, begin: Begin, *, as_json: bool, quiet: bool) -> NoReturn:
    from backhaul.cli.carrying_out import carry_out

    project = state_of(context).project()
    raise typer.Exit(carry_out(project, begin, as_json=as_json, quiet=quiet))
