"""`backhaul call`: one action of one connection, outside any run."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import as_text, emit_json, note, number, say, table
from backhaul.cli.state import AsJson, ShowPersonal, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backhaul.app import Project
    from backhaul.json_values import Json
    from backhaul.plugins.action import ActionSpec

__all__ = ["call"]


def call(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="CONNECTION.ACTION", help="What to call, as in acs.list_devices.")],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Its parameters; JSON when they are, else text."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Of a listing, at most so many; 0 for all.")] = 0,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before an action that changes something.")
    ] = False,
    show_personal: ShowPersonal = False,
    as_json: AsJson = False,
) -> None:
    """Call one action of a connection and print its result.

    It is no run: nothing of it is kept in the history, it is not tried again after a failure, and its requests do not
    count for the connection's quota of the day. An action that changes something asks first on a terminal, and
    needs --yes elsewhere. Personal data shows as ***; with --json the result is as it came, for a program to go on
    with.
    """
    from backhaul.cli.running import run_async
    from backhaul.errors import InputError
    from backhaul.plugins.personal import covered
    from backhaul.views.screen import plain
    from backhaul.workflows.inputs import read_pairs

    project = state_of(context).project()
    project.settings.require_valid()
    connection, dot, action = target.partition(".")
    if not dot or not action:
        raise InputError("what to call", [f"{target!r} is not CONNECTION.ACTION, as in acs.list_devices"])
    spec = project.connections().spec(connection, action)
    params = read_pairs(parameters or ())
    spec.arguments(params)
    _confirm(target, spec, yes)
    result = run_async(lambda: _result(project, connection, spec, params, limit))
    if as_json:
        emit_json(result)
        return
    shown = covered(plain(result), spec.result_schema, show_personal=show_personal)
    if spec.is_stream:
        _show_rows(shown)
    else:
        say(as_text(shown))


def _confirm(target: str, spec: ActionSpec, yes: bool) -> None:
    from backhaul.errors import InputError
    from backhaul.plugins.action import Effect

    if spec.effect is Effect.READ or yes:
        return
    does = {Effect.WRITE: "changes data", Effect.DELETE: "removes data", Effect.ONCE: "has its effect every time"}
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        reason = f"it {does[spec.effect]} (effect {spec.effect.value}), and there is nobody to ask: add --yes"
        raise InputError(target, [reason])
    typer.confirm(f"{target} {does[spec.effect]} in the other system. Go on?", abort=True, err=True)


async def _result(project: Project, connection: str, spec: ActionSpec, params: Mapping[str, Json], limit: int) -> Json:
    from backhaul.app import open_connections
    from backhaul.plugins.calls import CallContext

    context = CallContext(effect=spec.effect, connection=connection, action=spec.name, priority=1)
    async with open_connections(project) as connections:
        opened = await connections.open(connection)
        if not spec.is_stream:
            return await opened.call(spec.name, params, context)
        items: list[Json] = []
        async with aclosing(opened.stream(spec.name, params, None, context)) as pages:
            async for page in pages:
                items += page.items
                if limit and len(items) >= limit:
                    return items[:limit]
        return items


def _show_rows(items: list[Json]) -> None:
    if items and all(isinstance(item, dict) for item in items):
        columns = list(dict.fromkeys(name for item in items for name in item))
        table([name.upper() for name in columns], [[_cell(item.get(name)) for name in columns] for item in items])
    else:
        for item in items:
            say(_cell(item))
    note(f"{number(len(items))} item{'s' * (len(items) != 1)}")


def _cell(value: Json) -> str:
    from backhaul.json_values import dump

    if value is None:
        return ""
    return value if isinstance(value, str) else dump(value)
