"""What commands print: one JSON document or text for people on standard output, notes on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from backhaul.json_values import Json

__all__ = [
    "ReaderGoneError",
    "as_text",
    "clean",
    "columns",
    "duration",
    "emit_json",
    "local_time",
    "note",
    "number",
    "paint",
    "say",
    "table",
]

_COLOURS = {
    "succeeded": "green",
    "running": "cyan",
    "queued": "cyan",
    "waiting": "yellow",
    "retrying": "yellow",
    "planned": "cyan",
    "needs_attention": "yellow",
    "unknown": "yellow",
    "interrupted": "yellow",
    "failed": "red",
    "broken": "red",
    "cancelled": "magenta",
    "skipped": "bright_black",
}


class ReaderGoneError(Exception):
    """Whoever read our standard output has read enough. (Typer would take a `BrokenPipeError` for a failure.)"""


def say(text: str = "", *, line: bool = True) -> None:
    """Print text on standard output, as a line unless told otherwise.

    Raises:
        ReaderGoneError: nobody reads it any more.
    """
    try:
        typer.echo(text, nl=line)
    except BrokenPipeError:
        raise ReaderGoneError from None


def note(text: str) -> None:
    """Print text for a person on standard error."""
    typer.echo(text, err=True)


def emit_json(value: Json) -> None:
    """Print the JSON document of a command; it is called once."""
    from backhaul.json_values import dump

    text = dump(value)
    if sys.stdout.isatty():
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    say(text)


def paint(text: str, status: str = "") -> str:
    """Return the text in the colour of a status, where standard output shows colours."""
    colour = _COLOURS.get(status or text)
    if colour is None or "NO_COLOR" in os.environ or not sys.stdout.isatty():
        return text
    return typer.style(text, fg=colour)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, status: int | None = None) -> None:
    """Print rows in columns, as `columns` makes them."""
    for line in columns(headings, rows, status=status):
        say(line)


def columns(headings: Sequence[str], rows: Iterable[Sequence[str]], *, status: int | None = None) -> Iterator[str]:
    """Give the lines of a table.

    Args:
        headings: one per column.
        rows: texts; what is missing at the end of a row is empty.
        status: number of the column that holds statuses, to be coloured.
    """
    lines = [tuple(headings), *(tuple(clean(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines if column < len(line)) for column in _numbers(lines)]
    for position, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        if position and status is not None and status < len(line):
            cells[status] = paint(cells[status], line[status])
        yield "  ".join(cells).rstrip()


def clean(text: str) -> str:
    """Return a text from elsewhere as one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text).rstrip()


def as_text(value: Json, *, indent: int = 0) -> str:
    """Return a value as a person reads it best: YAML."""
    from io import StringIO

    from ruamel.yaml import YAML

    if value is None:
        return f"{' ' * indent}null"
    writer = YAML()
    writer.width = 110
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    writer.dump(value, stream)
    text = stream.getvalue().removesuffix("...\n").rstrip("\n")
    return "\n".join(f"{' ' * indent}{line}" for line in text.split("\n"))


def duration(seconds: float | None) -> str:
    """Return a duration as a person reads it: ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: float) -> str:
    """Return a number with separators between thousands."""
    return f"{value:,.0f}"


def local_time(moment: datetime | None) -> str:
    """Return a moment on this machine's clock, with its offset, for people."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _numbers(lines: Sequence[Sequence[str]]) -> range:
    return range(max(len(line) for line in lines))
