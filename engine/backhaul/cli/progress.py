"""Showing a person how far a run is, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backhaul.cli.output import duration, number
from backhaul.runs.progress import RunObserver
from backhaul.store.records import StepStatus

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID

__all__ = ["show_progress"]

_EVERY_S = 5.0
"""Seconds between two lines about the same step where there is no terminal."""


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[RunObserver]:
    """Give the observer that shows progress: moving lines on a terminal, plain ones elsewhere, nothing when quiet."""
    if quiet:
        yield RunObserver()
    elif sys.stderr.isatty():
        with _display() as progress:
            yield _OnTerminal(progress)
    else:
        yield _InLines()


class _Watching(RunObserver):
    """Keeps what is known of the steps under way. Steps of the items of an ``each`` count only in the ``each``."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._counts: dict[str, tuple[int, int | None]] = {}

    def run_started(self, run_id: str, workflow: str) -> None:
        self.line(f"run {run_id} of {workflow}")

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        if "[" not in key:
            self._started[key] = time.monotonic()
            self.began(key, action or verb)

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        if key in self._started:
            self._counts[key] = (done, total)
            self.advanced(key, done, total)

    def step_retrying(self, key: str, attempt: int, delay_s: float, message: str) -> None:
        if key in self._started:
            self.line(f"  {key}: attempt {attempt} failed, the next one begins in {duration(delay_s)}")

    def step_finished(self, key: str, status: StepStatus) -> None:
        started = self._started.pop(key, None)
        if started is None:
            return
        seconds = time.monotonic() - started
        counts = self._counts.pop(key, None)
        detail = "" if counts is None else f", {_counted(*counts)}{_rate(counts[0], seconds)}"
        self.ended(key, f"  {key}: {status.value} in {duration(seconds)}{detail}")

    def line(self, text: str) -> None:
        """Show a line that stays."""

    def began(self, key: str, what: str) -> None:
        """Show that a step is under way."""

    def advanced(self, key: str, done: int, total: int | None) -> None:
        """Show how far a step is."""

    def ended(self, key: str, text: str) -> None:
        """Show how a step ended."""
        self.line(text)


class _InLines(_Watching):
    """Writes a line when a step begins, ends, and now and then in between."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def line(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stderr.flush()

    def began(self, key: str, what: str) -> None:
        self._told[key] = time.monotonic()
        self.line(f"  {key}: {what}")

    def advanced(self, key: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._told.get(key, 0.0) >= _EVERY_S:
            self._told[key] = now
            self.line(f"  {key}: {_counted(done, total)}{_rate(done, now - self._started[key])}")


class _OnTerminal(_Watching):
    """Shows one moving line per step under way; ended steps stay as lines above them."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def line(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def began(self, key: str, what: str) -> None:
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"{key} ({what})" if what else key, total=None)

    def advanced(self, key: str, done: int, total: int | None) -> None:
        self._progress.update(self._tasks[key], completed=done, total=total)

    def ended(self, key: str, text: str) -> None:
        task = self._tasks.pop(key, None)
        if task is not None:
            self._progress.remove_task(task)
        self.line(text)


def _display() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Counts(TextColumn):
        def __init__(self) -> None:
            super().__init__("")

        def render(self, task: Task) -> Text:
            done = int(task.completed)
            total = None if task.total is None else int(task.total)
            return Text(_counted(done, total) + _rate(done, task.elapsed or 0.0) if done else "")

    return Progress(
        SpinnerColumn("line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        Counts(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=8,
    )


def _counted(done: int, total: int | None) -> str:
    return number(done) if total is None or total == done else f"{number(done)} of {number(total)}"


def _rate(done: int, seconds: float) -> str:
    return f" ({number(done / seconds)}/s)" if seconds >= 0.5 and done else ""
