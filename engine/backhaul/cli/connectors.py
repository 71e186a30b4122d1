"""`backhaul connectors`: the kinds of systems that connections can be made to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, say, table
from backhaul.cli.state import AsJson, State, state_of

if TYPE_CHECKING:
    from backhaul.plugins.registry import LoadedConnector, PluginRegistry

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the connectors that are installed or in the project.")


@app.command("list")
def list_connectors(context: typer.Context, as_json: AsJson = False) -> None:
    """List the connectors, and the plug-ins that cannot be used with the reason.

    QUALITY is what the connector's conformance suite has recorded: bronze, silver or gold; - where it has not.
    """
    registry = _registry(state_of(context))
    loaded = [registry.connectors[name] for name in sorted(registry.connectors)]
    if as_json:
        items = [
            {"name": one.name, "source": one.source, "actions": list(one.actions), "quality": _quality(one)}
            for one in loaded
        ]
        broken = [{"name": one.name, "source": one.source, "reason": one.reason} for one in registry.broken]
        emit_json({"items": items, "broken": broken})
        return
    rows = [
        (one.name, "ready", str(len(one.actions)), _quality(one) or "-", one.source, _summary(one)) for one in loaded
    ]
    rows += [(one.name, "broken", "", "", one.source, one.reason) for one in registry.broken]
    table(("CONNECTOR", "STATUS", "ACTIONS", "QUALITY", "FROM", ""), rows, status=1)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A connector, as the 'connector' setting names it.")],
    as_json: AsJson = False,
) -> None:
    """Show a connector: its settings, and each of its actions with parameters, result, effect, errors and source."""
    from backhaul.cli.connector_page import described, page

    connector = _registry(state_of(context)).connector(name)
    if as_json:
        emit_json(described(connector))
        return
    for line in page(connector):
        say(line)


@app.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the 'connector' setting will say: my_crm.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where; backhaul-NAME when it is not given.")
    ] = None,
) -> None:
    """Make a package with a connector of your own, which works as it is; never overwrites a file.

    It has a listing, a write and a webhook, a sandbox to try them on, and passes the conformance suite.
    """
    from backhaul.cli.scaffold import make_connector

    taken = {one.name: one.source for one in _registry(state_of(context)).connectors.values()}
    target, files = make_connector(name, folder, taken=taken)
    for file in files:
        say(f"  made  {file.as_posix()}")
    say(f"""
Next:
  pip install -e '{target.as_posix()}[test]'
  backhaul connectors list                   # it is there
  pytest {target.as_posix()}
  backhaul connectors show {name}""")


def _quality(connector: LoadedConnector) -> str | None:
    from backhaul.plugins.quality import recorded_quality

    record = recorded_quality(connector.cls)
    return record.quality.value if record else None


def _summary(connector: LoadedConnector) -> str:
    return (connector.cls.__doc__ or "").strip().partition("\n")[0]


def _registry(state: State) -> PluginRegistry:
    """Return the project's connectors, or the installed ones where there is no project."""
    from backhaul.errors import SettingError
    from backhaul.plugins.loader import load_plugins

    try:
        return state.project().registry
    except SettingError:
        if state.folder is not None:
            raise
        state.set_up_logs()
        return load_plugins()
