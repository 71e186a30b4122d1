"""What the global options say, and the project that they lead to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import note

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.json_values import Json

__all__ = ["AsJson", "LogFormat", "Quiet", "RunName", "ShowPersonal", "State", "json_option", "state_of"]

AsJson = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or a beginning that only it has.")]
ShowPersonal = Annotated[bool, typer.Option("--show-personal", help="Show personal data instead of ***.")]


class LogFormat(StrEnum):
    """How log entries look."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The global options.

    Attributes:
        folder: what ``--project`` says; None searches upwards from the working directory.
        verbose: log everything, show tracebacks of mistakes in the program.
        log_format: what ``--log-format`` says; None leaves it to the settings.
    """

    folder: Path | None = None
    verbose: bool = False
    log_format: LogFormat | None = None

    def project(self) -> Project:
        """Return the project, with logging set up as its settings say.

        Raises:
            SettingError: there is no project folder.
        """
        from backhaul.app import Project
        from backhaul.settings import find_project

        project = Project(find_project(self.folder))
        settings = project.settings
        self.set_up_logs(settings.log.level, LogFormat(settings.log.format))
        for warning in settings.warnings:
            note(f"warning: {warning}")
        return project

    def set_up_logs(self, level: str = "warning", form: LogFormat = LogFormat.AUTO) -> None:
        """Set up logging for a command that has no project's settings, or with those."""
        from typing import cast

        from backhaul.logs import LogLevel, configure

        wanted = self.log_format or form
        stream = cast("TextIO", _StandardError())
        configure("debug" if self.verbose else cast("LogLevel", level), wanted.value, stream=stream)


def state_of(context: typer.Context) -> State:
    """Return the global options of a command that is under way."""
    state = context.find_object(State)
    return state if state is not None else State()


if TYPE_CHECKING:
    from typing import TextIO


class _StandardError:
    """Standard error as it is at the moment of writing: a progress display puts itself in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


def json_option(option: str, text: str | None) -> Json:
    """Return the value of an option that is JSON; None when it was not given.

    Args:
        option: its name, for the error.

    Raises:
        InputError: it is no JSON.
    """
    from backhaul.errors import InputError
    from backhaul.json_values import load

    if text is None:
        return None
    try:
        return load(text)
    except ValueError as error:
        raise InputError(option, [f"it is not JSON: {error}"]) from None
