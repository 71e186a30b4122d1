"""`backhaul connections`: the endpoints that the project's settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.exits import ExitCode
from backhaul.cli.output import clean, duration, emit_json, note, paint, say, table
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.views.connections import CheckView

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the project's connections and try them.")


@app.command("list")
def list_connections(context: typer.Context, as_json: AsJson = False) -> None:
    """List the connections that the settings name, without contacting them."""
    from backhaul.views.connections import connection_view

    project = state_of(context).project()
    project.settings.require_read()
    connections = project.connections()
    faults = [*project.settings.problems, *connections.problems()]
    items = [connection_view(connections, name, faults) for name in connections.names]
    if as_json:
        emit_json({"items": items})
        return
    rows = [
        (one["name"], one["connector"], one["base_url"] or "", one["status"], *one["problems"][:1]) for one in items
    ]
    table(("CONNECTION", "CONNECTOR", "BASE URL", "STATUS", ""), rows)


@app.command()
def check(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these connections.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that connections work, with the least rights and without changing anything. Ends with 1 when one fails."""
    from backhaul.cli.running import run_async

    project = state_of(context).project()
    project.settings.require_read()
    known = project.connections()
    wanted = names or list(known.names)
    for warning in known.warnings():
        note(f"warning: {warning}")
    for name in wanted:
        known.settings(name)
    results = run_async(lambda: _checked(project, wanted))
    if as_json:
        emit_json({"items": results})
    for one in [] if as_json else results:
        took = f" in {duration(one['duration_s'])}"
        if one["proven"]:
            say(f"{one['name']}: {paint('works', 'succeeded')}{took}")
        elif one["error"] is None:
            say(f"{one['name']}: not tried: its connector has no check()")
        else:
            say(f"{one['name']}: {paint('does not work', 'failed')}: {clean(one['error']['message'])}")
    raise typer.Exit(ExitCode.OK if all(one["ok"] for one in results) else ExitCode.FAILED)


async def _checked(project: Project, names: list[str]) -> list[CheckView]:
    """Return what became of each check; they are made one after the other, as a person reads them."""
    from backhaul.views.connections import check_connection

    async with project.connections() as connections:
        return [await check_connection(connections, name) for name in names]
