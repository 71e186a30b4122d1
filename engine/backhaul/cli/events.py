"""`backhaul events`: what came in, what was decided about it, and putting it to the triggers once more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import as_text, columns, emit_json, local_time, note, paint, say, table
from backhaul.cli.state import AsJson, ShowPersonal, state_of

if TYPE_CHECKING:
    from backhaul.service.intake import Taken
    from backhaul.store.records import EventRecord
    from backhaul.store.service_records import DecisionRecord
    from backhaul.views.ledger import EventView
    from backhaul.views.screen import Screen

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at events and at what was decided about them.")

EventName = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")]
_MOST_DECISIONS = 200


@app.command("list")
def list_events(
    context: typer.Context,
    type_: Annotated[str | None, typer.Option("--type", "-t", help="Only events of this type.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only events of this source, such as a connection.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help="Continue where another listing ended.")] = None,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """List events, the newest first."""
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.views.run_screen import event_views
    from backhaul.views.screen import screen_of

    project = state_of(context).project()

    async def ask() -> tuple[list[EventRecord], list[EventView], str | None]:
        async with open_history(project) as store:
            found, following = await store.events(type=type_, source=source, limit=limit, cursor=cursor)
            screen = screen_of(project, show_personal=show_personal)
            return found, await event_views(store, found, screen) if as_json else [], following

    found, items, following = run_async(ask)
    if as_json:
        emit_json({"items": items, "next": following})
        return
    table(
        ("EVENT", "TYPE", "SOURCE", "RECEIVED"),
        [(event.event_id, event.type, event.source, local_time(event.received_at)) for event in found],
    )
    if following is not None:
        note(f"more with: backhaul events list --cursor {following}")


@app.command()
def show(
    context: typer.Context,
    event: EventName,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """Show an event and, for each trigger of its type, the run that it started or why it started none."""
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.errors import UnknownNameError
    from backhaul.views.ledger import decision_view, event_view
    from backhaul.views.run_screen import screen_of_event
    from backhaul.views.screen import screen_of

    project = state_of(context).project()

    async def ask() -> tuple[EventRecord, list[DecisionRecord], Screen]:
        async with open_history(project) as store:
            found = await store.event(event)
            if found is None:
                raise UnknownNameError("event", event)
            screen = await screen_of_event(store, found, screen_of(project, show_personal=show_personal))
            return found, (await store.decisions(event_id=event, limit=_MOST_DECISIONS))[0], screen

    found, decisions, screen = run_async(ask)
    if as_json:
        emit_json({**event_view(found, screen), "decisions": [decision_view(one, screen) for one in decisions]})
        return
    for line in _lines(found, decisions, screen):
        say(line)


@app.command()
def replay(context: typer.Context, event: EventName, as_json: AsJson = False) -> None:
    """Put a stored event to the present triggers once more, as if it had just come in.

    What it starts is queued for the service of this project.
    """
    from backhaul.app import open_app
    from backhaul.cli.running import run_async

    project = state_of(context).project()

    async def put() -> tuple[Taken, bool]:
        async with open_app(project, foreground=False) as opened:
            taken = await opened.intake.replay(event)
            return taken, await opened.store.is_claimed(f"service/{opened.node}")

    taken, served = run_async(put)
    if as_json:
        emit_json({"event_id": taken.event_id, "run_ids": list(taken.run_ids)})
        return
    for run_id in taken.run_ids:
        say(f"queued run {run_id}")
    if not taken.run_ids:
        say(f"no trigger starts a run for it; see: backhaul events show {event}")
    elif not served:
        note("no service is running: queued runs begin when one does (backhaul serve)")


def _lines(event: EventRecord, decisions: list[DecisionRecord], screen: Screen) -> Iterator[str]:
    yield f"event {event.event_id}: {event.type}"
    yield f"  source    {event.source}"
    if event.subject:
        yield f"  subject   {screen.text(event.subject)}"
    yield f"  time      {local_time(event.time)}"
    yield f"  received  {local_time(event.received_at)}"
    if event.run_id:
        yield f"  from      run {event.run_id}" + (f", step {event.step_key}" if event.step_key else "")
    yield "  data"
    yield as_text(screen.value(event.data), indent=4)
    yield ""
    if decisions:
        headings = ("DECIDED", "TRIGGER", "VERDICT", "RUN", "REASON")
        yield from columns(headings, [decision_row(one) for one in decisions], status=2)
    else:
        yield "no workflow had a trigger for events of this type"


def decision_row(decision: DecisionRecord) -> tuple[str, ...]:
    """Return the cells of a decision in a table: when, trigger, verdict, run, reason."""
    return (
        local_time(decision.decided_at),
        decision.trigger_id,
        paint(decision.verdict.value),
        decision.run_id or "",
        decision.reason,
    )
