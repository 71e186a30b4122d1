"""`backhaul db prune`: remove what is too old now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, number, say
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.json_values import Json
    from backhaul.service.retention import Pruned, Retention
    from backhaul.store.store import Store

__all__ = ["counts_of", "prune", "retention_of", "shown"]


def prune(
    context: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="AGE",
            help="Remove what ended so long ago (30d), whatever the settings and the workflows say.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old runs, events and decisions now. `backhaul serve` does so by itself, every hour.

    Runs that have not ended or that need attention stay. It may be broken off at any moment, and run beside the
    service.
    """
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.errors import RunStateError

    project = state_of(context).project()
    older_than_s = _age(older_than)

    async def work() -> Pruned:
        async with open_history(project) as store:
            retention = retention_of(project, store)
            if dry_run:
                return await retention.forecast(older_than_s=older_than_s)
            pruned = await retention.prune(older_than_s=older_than_s)
            if pruned is None:
                raise RunStateError("another process prunes this history just now: wait for it")
            return pruned

    pruned = run_async(work)
    if as_json:
        emit_json({"dry_run": dry_run, "removed": counts_of(pruned)})
    else:
        say(f"{'would remove' if dry_run else 'removed'} {shown(pruned)}")


def retention_of(project: Project, store: Store) -> Retention:
    """Return what prunes a project's history."""
    from backhaul.service.retention import Retention

    return Retention(store, store.clock, lambda: project.settings.history, lambda: project.catalog.workflows)


def counts_of(pruned: Pruned) -> dict[str, Json]:
    """Return the JSON form of how much was or would be removed."""
    from dataclasses import asdict

    return asdict(pruned)


def _age(text: str | None) -> float | None:
    """Return the seconds of an age.

    Raises:
        InputError: it is none.
    """
    from backhaul.errors import InputError
    from backhaul.workflows.durations import parse_duration

    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError("--older-than", [str(error)]) from None
    if not seconds:
        raise InputError("--older-than", ["it must be more than 0"])
    return seconds


def shown(pruned: Pruned) -> str:
    """Return for people how much was or would be removed."""
    parts = [
        f"{number(count)} {name.replace('_', ' ').removesuffix('s') + 's' * (count != 1)}"
        for name, count in counts_of(pruned).items()
        if count and name != "usage"
    ]
    return ", ".join(parts) or "nothing"
