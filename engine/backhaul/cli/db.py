"""`backhaul db`: the database that holds the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from backhaul.cli.output import emit_json, local_time, number, say, table
from backhaul.cli.prune import counts_of, prune, retention_of, shown
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from datetime import datetime

    from backhaul.app import Project
    from backhaul.service.retention import Pruned
    from backhaul.store.records import TableStats

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look after the database that holds the history.")
app.command()(prune)


@app.command()
def upgrade(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the database's schema up to date. On SQLite every command does so by itself."""
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.store.migrations import HEAD

    project = state_of(context).project()

    async def bring_up_to_date() -> None:
        async with open_history(project, migrate=True):
            pass

    run_async(bring_up_to_date)
    if as_json:
        emit_json({"schema": HEAD, "database": _shown(project)})
    else:
        say(f"{_shown(project)} has schema {HEAD}")


@app.command()
def stats(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how much the history holds. It counts every row, so it takes a while on a large database."""
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.views.moments import iso

    project = state_of(context).project()

    async def ask() -> tuple[list[TableStats], int, datetime | None, Pruned]:
        async with open_history(project) as store:
            prunable = await retention_of(project, store).forecast()
            return await store.stats(), await store.used_bytes(), await store.oldest_run(), prunable

    found, used, oldest, prunable = run_async(ask)
    if as_json:
        emit_json(
            {
                "tables": [{"table": one.table, "rows": one.rows, "bytes": one.bytes} for one in found],
                "used_bytes": used,
                "max_bytes": project.settings.history.max_bytes,
                "oldest_run": iso(oldest),
                "prunable": counts_of(prunable),
            }
        )
        return
    rows = [(one.table, number(one.rows), "" if one.bytes is None else f"{one.bytes / 1e6:.1f}") for one in found]
    table(("TABLE", "ROWS", "MB"), rows)
    say()
    say(f"in use      {used / 1e6:,.1f} MB of at most {project.settings.history.max_bytes / 1e6:,.1f} MB")
    say(f"oldest run  {local_time(oldest) or 'none'}")
    say(f"to prune    {shown(prunable)}")


@app.command()
def path(context: typer.Context, as_json: AsJson = False) -> None:
    """Show where the database is: the file, or the server's URL without its password."""
    project = state_of(context).project()
    if as_json:
        emit_json({"database": _shown(project)})
    else:
        say(_shown(project))


def _shown(project: Project) -> str:
    from sqlalchemy import make_url

    from backhaul.cli.history import store_url

    url = make_url(store_url(project))
    return url.database or ":memory:" if url.drivername == "sqlite" else url.render_as_string(hide_password=True)
