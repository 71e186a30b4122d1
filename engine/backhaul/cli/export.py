"""`backhaul runs export`: all records of a step's dataset, as a table or as JSON Lines."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backhaul.cli.output import note, number, say
from backhaul.cli.state import RunName, ShowPersonal, state_of

__all__ = ["export"]


class Format(StrEnum):
    """How records are written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    context: typer.Context,
    run: RunName,
    step: Annotated[str, typer.Option("--step", metavar="KEY", help="The step whose records are written.")],
    form: Annotated[Format, typer.Option("--format", "-f", help="A table, or one JSON value per line.")] = Format.CSV,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file, not to standard output.")] = None,
    show_personal: ShowPersonal = False,
) -> None:
    """Write all records of a step's dataset, however many there are: a listing, the results of each, of reconcile.

    Personal data shows as ***, as in 'runs show'.
    """
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.errors import InputError
    from backhaul.views import recordsets
    from backhaul.views.screen import screen_of

    project = state_of(context).project()
    screen = screen_of(project, show_personal=show_personal)

    async def write() -> None:
        async with open_history(project) as store:
            found = await store.find_run(run)
            parts = recordsets.export(store, found, step, screen, recordsets.ExportFormat(form.value))
            first = await anext(parts, "")  # what is wrong shows before a file is made
            with out.open("w", encoding="utf-8", newline="") if out is not None else nullcontext() as file:
                if file is None:
                    say(first, line=False)
                    async for part in parts:
                        say(part, line=False)
                    return
                file.write(first)
                async for part in parts:
                    file.write(part)

    try:
        run_async(write)
    except OSError as error:
        raise InputError("--out", [f"{out} cannot be written: {error.strerror or error}"]) from None
    if out is not None:
        note(f"{out}: {number(out.stat().st_size)} bytes")
