"""`backhaul run`: a workflow from its beginning to its end, in this process."""

from __future__ import annotations

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
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a workflow and show what became of it.

    The workflow is checked first; nothing is done or stored when it has problems. Ctrl-C stops it so that
    'backhaul runs resume' continues it.
    """
    from backhaul.cli.carrying_out import carry_out
    from backhaul.cli.problems import checked_workflow
    from backhaul.workflows.inputs import read_pairs

    project = state_of(context).project()
    given = read_pairs(inputs or ())
    definition = checked_workflow(project, workflow)

    async def begin(app: App) -> RunRecord:
        return await app.executor.start(definition, given)

    raise typer.Exit(carry_out(project, begin, as_json=as_json, quiet=quiet))
