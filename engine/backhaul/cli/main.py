"""The `backhaul` command: its commands, its global options and the last boundary for errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from backhaul import __version__
from backhaul.cli import (
    apply,
    call,
    check,
    connections,
    connectors,
    db,
    demo,
    events,
    init,
    run,
    runs,
    sandbox,
    schedules,
    schema,
    serve,
    tokens,
    workflows,
)
from backhaul.cli.exits import report_error, report_mistake, report_usage
from backhaul.cli.output import ReaderGoneError, note, say
from backhaul.cli.state import LogFormat, State
from backhaul.errors import BackhaulError

__all__ = ["app", "main"]

app = typer.Typer(
    name="backhaul",
    help="The automation engine for internet service providers and telephone operators.",
    epilog="Exit codes: 0 done, 1 a run failed, 2 a file or a setting is wrong, 3 a person has to decide.",
    no_args_is_help=True,
    # Plain help: rich costs 50 ms at each start.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("schema")(schema.schema)
app.command("run")(run.run)
app.command("apply")(apply.apply)
app.command("call")(call.call)
app.add_typer(runs.app, name="runs")
app.command("serve")(serve.serve)
app.add_typer(events.app, name="events")
app.add_typer(schedules.app, name="schedules")
app.add_typer(workflows.app, name="workflows")
app.add_typer(tokens.app, name="tokens")
app.add_typer(connections.app, name="connections")
app.add_typer(connectors.app, name="connectors")
app.command("sandbox", context_settings=sandbox.CONTEXT, add_help_option=False)(sandbox.sandbox)
app.command("demo")(demo.demo)
app.add_typer(db.app, name="db")


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"backhaul {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="DIR", help="The project folder; else searched upwards from here."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log everything; show tracebacks of mistakes in the program.")
    ] = False,
    log_format: Annotated[
        LogFormat | None, typer.Option("--log-format", help="How log entries on standard error look.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = State(folder=project, verbose=verbose, log_format=log_format)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _exit_code(given)
        sys.stdout.flush()
    except (ReaderGoneError, BrokenPipeError):
        # Python would complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        return app(arguments, prog_name="backhaul", standalone_mode=False) or 0
    except typer.TyperException as error:
        return report_usage(error, as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        note("stopped")
        return 130
    except BackhaulError as error:
        return report_error(error, as_json=as_json)
    except ReaderGoneError:
        raise
    except Exception as error:  # noqa: BLE001  # the last boundary: a person gets one message, not a traceback
        return report_mistake(error, as_json=as_json, verbose=not {"-v", "--verbose"}.isdisjoint(arguments))


if __name__ == "__main__":
    main()
