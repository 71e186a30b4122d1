"""Carrying out a run while a person watches, who may stop it at any moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import anyio

from backhaul.app import App, Project, open_app
from backhaul.cli.exits import ExitCode
from backhaul.cli.output import note
from backhaul.cli.progress import show_progress
from backhaul.cli.running import run_async
from backhaul.cli.summary import emit_outcome, show_outcome
from backhaul.cli.waiting import carry_through
from backhaul.store.records import RunRecord, RunStatus

if TYPE_CHECKING:
    from backhaul.runs.progress import RunObserver

__all__ = ["Begin", "Show", "carry_out"]

Begin = Callable[[App], Awaitable[RunRecord]]
"""Makes a run ready and returns it: starts, reopens, forks or resolves it."""

Show = Callable[[App, RunRecord], Awaitable[Callable[[], None]]]
"""Gathers what is to be shown of a run that has stopped, and returns what prints it."""

_AGAIN_S = 0.2


@dataclass(slots=True)
class _Stop:
    """The signal that asked for the end, if any."""

    number: int = 0


def carry_out(project: Project, begin: Begin, *, as_json: bool, quiet: bool, show: Show | None = None) -> int:
    """Make a run ready, carry it out, show what became of it (or what `show` says), and return the exit code.

    The first SIGINT or SIGTERM stops the run so that it can be resumed; the second one ends the process at once, which
    loses nothing either.
    """
    with show_progress(quiet=quiet) as observer:
        run, stop, finish = run_async(partial(_carried_out, project, begin, observer, show or _usual(as_json)))
    finish()
    if stop.number and run.status is RunStatus.WAITING:
        note(f"it goes on waiting; a service continues it (backhaul serve), or: backhaul runs resume {run.run_id}")
        return 128 + stop.number
    if stop.number and run.status in {RunStatus.RUNNING, RunStatus.QUEUED}:
        note(f"stopped; continue with: backhaul runs resume {run.run_id}")
        return 128 + stop.number
    match run.status:
        case RunStatus.SUCCEEDED:
            return ExitCode.OK
        case RunStatus.NEEDS_ATTENTION:
            return ExitCode.NEEDS_ATTENTION
        case _:
            return ExitCode.FAILED


def _usual(as_json: bool) -> Show:
    return emit_outcome if as_json else show_outcome


async def _carried_out(
    project: Project, begin: Begin, observer: RunObserver, show: Show
) -> tuple[RunRecord, _Stop, Callable[[], None]]:
    stop = _Stop()
    async with open_app(project, observer=observer) as app:
        run = await _stoppable(app, begin, stop)
        return run, stop, await show(app, run)


def _end_at_once(number: int) -> NoReturn:
    if sys.stderr.isatty():
        # The progress display has hidden the cursor.
        sys.stderr.write("\x1b[?25h\n")
    sys.stderr.flush()
    os._exit(128 + number)


async def _stoppable(app: App, begin: Begin, stop: _Stop) -> RunRecord:
    """Execute the run, beside a listener for signals."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:

        async def listen() -> None:
            async for number in signals:
                if stop.number:
                    _end_at_once(number)
                stop.number = number
                note("stopping at the next step; once more stops at once")
                group.start_soon(ask_to_stop)

        async def ask_to_stop() -> None:
            # Again and again, because the run may only be beginning.
            while True:
                app.executor.stop_all()
                await anyio.sleep(_AGAIN_S)

        ended: list[RunRecord | Exception] = []
        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            try:
                run = await begin(app)
                ended.append(await carry_through(app, run.run_id, lambda: bool(stop.number)))
            except Exception as error:  # noqa: BLE001  # handed on as it is: a task group would wrap it
                ended.append(error)
            group.cancel_scope.cancel()
    if isinstance(ended[0], Exception):
        raise ended[0]
    return ended[0]
