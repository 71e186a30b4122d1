"""`backhaul run`: a workflow from its beginning to its end, in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.state import AsJson, Quiet, state_of

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.store.records import RunRecord

__all__ = ["run"]


def run(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A workflow's name, or its file.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; JSON when it is, else text. Repeatable."),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            "--event", metavar="ID|FILE", help="What it sees as 'event': a stored one, or one in a JSON file."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Make the reads, and list every change that the run would make instead.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With --plan: write it for 'backhaul apply'.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a workflow and show what became of it.

    The workflow is checked first; nothing is done or stored when it has problems. Ctrl-C stops it so that
    'backhaul runs resume' continues it.

    With --plan nothing is changed anywhere: the run's reads are made, and what it would change is listed.
    """
    from backhaul.cli.carrying_out import carry_out
    from backhaul.cli.given_event import event_of
    from backhaul.cli.plan import show_plan
    from backhaul.cli.problems import checked_workflow
    from backhaul.runs.planning.modes import PLAN
    from backhaul.workflows.dispatching import CauseKind, priority_for
    from backhaul.workflows.inputs import read_pairs

    if out is not None:
        _check_out(out, plan=plan)
    project = state_of(context).project()
    given = read_pairs(inputs or ())
    definition = checked_workflow(project, workflow)

    async def begin(app: App) -> RunRecord:
        return await app.executor.start(
            definition,
            given,
            cause="manual, a plan" if plan else "manual",
            event=None if event is None else await event_of(app, event),
            priority=priority_for(definition, CauseKind.MANUAL),
            mode=PLAN if plan else None,
            hold=True,
        )

    show = show_plan(out, as_json=as_json) if plan else None
    raise typer.Exit(carry_out(project, begin, as_json=as_json, quiet=quiet, show=show))


def _check_out(out: Path, *, plan: bool) -> None:
    """Find what is wrong with the plan's file before anything is read.

    Raises:
        InputError: it cannot be written.
    """
    from backhaul.errors import InputError

    if not plan:
        raise InputError("--out", ["it goes with --plan: backhaul run WORKFLOW --plan --out FILE"])
    if out.is_dir() or not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise InputError("--out", [f"{out} cannot be written: name a file in a folder that is there"])
