"""`backhaul schedules`: when cron triggers fire, what became of their ticks, and pausing them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from backhaul.cli.output import emit_json, local_time, note, say, table
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.service.schedules import Schedule, Schedules
    from backhaul.store.service_records import DecisionRecord
    from backhaul.triggers.ticks import Tick

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at cron triggers, and pause them.")

AnswerT = TypeVar("AnswerT")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A workflow, or one of its triggers: nightly-sync/cron/1.")]


@app.command("list")
def list_schedules(context: typer.Context, as_json: AsJson = False) -> None:
    """List the cron triggers with the moment at which each fires next."""
    from backhaul.views.schedules import schedule_view

    project = state_of(context).project()

    async def ask(schedules: Schedules) -> list[tuple[Schedule, Tick | None]]:
        return [(one, next(iter(schedules.next(one, 1)), None)) for one in await schedules.all()]

    found = _ask(project, ask)
    if as_json:
        emit_json({"items": [schedule_view(schedule, tick) for schedule, tick in found], "next": None})
        return
    rows = []
    for schedule, tick in found:
        upcoming = "never again" if tick is None else _wall(tick)
        if schedule.paused:
            record = schedule.record
            upcoming = "paused" + (f": {record.note}" if record is not None and record.note else "")
        rows.append((schedule.trigger_id, schedule.trigger.expression, schedule.trigger.timezone, upcoming))
    table(("SCHEDULE", "CRON", "TIME ZONE", "NEXT"), rows)


@app.command("next")
def next_ticks(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A workflow or one trigger; all by default.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="So many ticks of each.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show when cron triggers fire next, with what a change of the clock does to them."""
    from backhaul.views.schedules import tick_view

    project = state_of(context).project()

    async def ask(schedules: Schedules) -> list[tuple[Schedule, list[Tick]]]:
        return [(one, schedules.next(one, count)) for one in await schedules.all(name)]

    found = _ask(project, ask)
    if as_json:
        items = [
            {"trigger_id": schedule.trigger_id, "paused": schedule.paused, "ticks": [tick_view(tick) for tick in ticks]}
            for schedule, ticks in found
        ]
        emit_json({"items": items, "next": None})
        return
    for schedule, ticks in found:
        paused = ", paused" if schedule.paused else ""
        say(f"{schedule.trigger_id}: {schedule.trigger.expression} in {schedule.trigger.timezone}{paused}")
        table(("  WALL CLOCK", "UTC", ""), [(f"  {_wall(tick)}", _utc(tick), tick.note) for tick in ticks])


@app.command()
def pause(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option("--note", help="Why, for those who wonder later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Pause a workflow's cron triggers, or one of them. Its ticks are skipped until it is resumed."""
    project = state_of(context).project()
    _show_paused(_ask(project, lambda schedules: schedules.pause(name, reason)), as_json=as_json)


@app.command()
def resume(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let paused cron triggers fire again. What was skipped meanwhile is not made up for."""
    project = state_of(context).project()
    _show_paused(_ask(project, lambda schedules: schedules.resume(name)), as_json=as_json)


@app.command()
def history(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A workflow or one trigger; all by default.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue where another listing ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what became of ticks and events, the newest first: the run that was started, or why there was none."""
    from backhaul.cli.events import decision_row
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.views.ledger import decision_view
    from backhaul.views.screen import screen_of

    project = state_of(context).project()
    trigger_id, workflow = (name, None) if "/" in (name or "") else (None, name)

    async def ask() -> tuple[list[DecisionRecord], str | None]:
        async with open_history(project) as store:
            return await store.decisions(trigger_id=trigger_id, workflow=workflow, limit=limit, cursor=cursor)

    found, following = run_async(ask)
    if as_json:
        screen = screen_of(project)
        emit_json({"items": [decision_view(one, screen) for one in found], "next": following})
        return
    headings = ("TICK OR EVENT", "DECIDED", "TRIGGER", "VERDICT", "RUN", "REASON")
    table(headings, [(one.occurrence, *decision_row(one)) for one in found], status=3)
    if following is not None:
        note(f"more with: backhaul schedules history --cursor {following}")


def _ask(project: Project, question: Callable[[Schedules], Awaitable[AnswerT]]) -> AnswerT:
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.service.schedules import Schedules

    async def ask() -> AnswerT:
        async with open_history(project) as store:
            catalog, node = project.catalog, project.settings.server.node
            schedules = Schedules(
                store, store.clock, lambda: catalog.workflows, node=node, broken_files=lambda: catalog.broken_files
            )
            return await question(schedules)

    return run_async(ask)


def _show_paused(found: list[Schedule], *, as_json: bool) -> None:
    from backhaul.views.schedules import schedule_view

    if as_json:
        emit_json({"items": [schedule_view(schedule, None) for schedule in found], "next": None})
        return
    for schedule in found:
        since = f" since {local_time(schedule.record.paused_at)}" if schedule.paused and schedule.record else ""
        say(f"{schedule.trigger_id}: {'paused' if schedule.paused else 'firing'}{since}")


def _wall(tick: Tick) -> str:
    return tick.wall.strftime("%a %Y-%m-%d %H:%M")


def _utc(tick: Tick) -> str:
    return tick.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
