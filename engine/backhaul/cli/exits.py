"""How commands end: the exit code of each error and what is said of it."""

from __future__ import annotations

import sys
import traceback
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from backhaul.cli.output import clean, emit_json, note
from backhaul.errors import BackhaulError, ConfigurationError, DefinitionError, SettingError, UnknownNameError

if TYPE_CHECKING:
    from backhaul.json_values import Json

__all__ = ["ExitCode", "report_error", "report_mistake", "report_usage"]


class ExitCode(IntEnum):
    """What scripts can rely on."""

    OK = 0
    FAILED = 1
    WRONG = 2
    NEEDS_ATTENTION = 3


def report_error(error: BackhaulError, *, as_json: bool) -> int:
    """Say what is wrong, once and without a traceback, and return the exit code."""
    from backhaul.secrets import redact

    message = redact(str(error))
    if as_json:
        emit_json({"error": {"type": type(error).__name__, "message": message, **_details(error)}})
    else:
        note("error: " + "\n".join(clean(line) for line in message.splitlines()))
    return ExitCode.WRONG if isinstance(error, ConfigurationError) else ExitCode.FAILED


def report_usage(error: typer.TyperException, *, as_json: bool) -> int:
    """Say how the command line is wrong and return the exit code."""
    message = error.format_message().replace("Value error, ", "")
    if as_json:
        emit_json({"error": {"type": "UsageError", "message": message}})
        return ExitCode.WRONG
    context = getattr(error, "ctx", None)
    if not message.strip() or type(error).__name__ == "NoArgsIsHelpError":
        note(message)
        return ExitCode.WRONG
    note(f"error: {message}")
    if context is not None:
        note(f"{context.command.get_usage(context)}\nMore with: {context.command_path} --help")
    return ExitCode.WRONG


def report_mistake(error: Exception, *, as_json: bool, verbose: bool) -> int:
    """Say that the program itself made a mistake and return the exit code; the traceback comes with ``--verbose``."""
    from backhaul.secrets import redact

    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    message = redact(f"{type(error).__name__}: {error}{place}")
    if verbose:
        note(redact("".join(traceback.format_exception(error)).rstrip()))
    hint = "" if verbose else " Run it again with -v before the command for the details of a report."
    if as_json:
        emit_json({"error": {"type": type(error).__name__, "message": redact(str(error)), "mistake": True}})
    note(f"error: this is a mistake in Backhaul or in a plug-in: {message}.{hint}")
    sys.stderr.flush()
    return ExitCode.FAILED


def _details(error: BackhaulError) -> dict[str, Json]:
    if isinstance(error, DefinitionError):
        return {"problems": [str(problem) for problem in error.problems]}
    if isinstance(error, SettingError):
        return {"where": error.where, "advice": error.advice}
    if isinstance(error, UnknownNameError):
        return {"kind": error.kind, "name": error.name, "known": list(error.known)}
    return {}
