"""A run that waits, for the person who started it: what it waits for, and going on when that has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import anyio

from backhaul.cli.output import clean, local_time, note
from backhaul.errors import RunStateError
from backhaul.runs.wait_outcomes import is_cancelling
from backhaul.store.records import RunStatus
from backhaul.store.service_records import WaitKind, WaitRecord

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.json_values import Json
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store

__all__ = ["carry_through", "wait_lines"]

_LOOK_S = 0.3


def wait_lines(waits: Iterable[WaitRecord], text: Callable[[str], str] = clean) -> Iterator[str]:
    """Give a line about each open wait, and how to end it where a person can.

    Args:
        waits: the waits of a run; those that have ended are left out.
        text: makes what others have written fit to be shown.
    """
    for wait in waits:
        if wait.outcome is None:
            details: Json = wait.details or {}
            step = details.get("step", wait.key)
            yield f"step {step} waits since {local_time(wait.created_at)}: {text(_what(wait, details))}"
            if wait.kind is WaitKind.APPROVAL:
                yield f"  backhaul runs approve {wait.run_id} --step '{step}'    or: backhaul runs reject ..."


def _what(wait: WaitRecord, details: Json) -> str:
    until = local_time(wait.wake_at)
    match wait.kind:
        case WaitKind.TIME:
            return f"until {until}"
        case WaitKind.EVENT:
            where = f" where {details['where']}" if details.get("where") else ""
            return f"for the event {wait.event_type}{where}" + (f", until {until}" if until else "")
        case WaitKind.APPROVAL:
            asked = f" by {details['to']}" if details.get("to") else ""
            return f"for approval{asked}" + (f", until {until}" if until else "") + f": {details.get('message')}"


async def carry_through(app: App, run_id: str, stopped: Callable[[], bool]) -> RunRecord:
    """Carry a run out to its end, also through its waits, and return how it stands.

    What a service carries out meanwhile is followed.

    Args:
        app: the project.
        run_id: a run that has not ended.
        stopped: whether a person has asked to stop.

    Raises:
        RunStateError: another process is carrying the run out at the beginning.
    """
    run = await app.executor.execute(run_id)
    if run.status not in {RunStatus.WAITING, RunStatus.QUEUED}:
        return run
    told: set[tuple[str, str]] = set()
    async with anyio.create_task_group() as group:
        group.start_soon(app.waker.run)
        while not stopped():
            if run.status is RunStatus.WAITING:
                await _tell(app.store, run, told)
                await app.clock.sleep(_LOOK_S)
            elif run.status in {RunStatus.QUEUED, RunStatus.RUNNING}:
                run = await _executed(app, run)
                if run.status is RunStatus.RUNNING:
                    await app.clock.sleep(_LOOK_S)
            else:
                break
            run = await app.store.run(run_id) or run
        group.cancel_scope.cancel()
    return run


async def _executed(app: App, run: RunRecord) -> RunRecord:
    """Return the run as it stands after carrying it out, or as it is when another process does so."""
    if not await app.store.is_claimed(run.run_id):
        try:
            return await app.executor.execute(run.run_id)
        except RunStateError:
            pass
    return run


async def _tell(store: Store, run: RunRecord, told: set[tuple[str, str]]) -> None:
    waits = [wait for wait in await _waits_of(store, run.run_id) if (wait.run_id, wait.key) not in told]
    told.update((wait.run_id, wait.key) for wait in waits)
    for line in wait_lines(waits):
        note(line)


async def _waits_of(store: Store, run_id: str) -> list[WaitRecord]:
    """Return the open waits of a run and of the runs that are its steps."""
    found = [wait for wait in await store.waits(run_id=run_id) if not is_cancelling(wait)]
    for child in await store.children(run_id):
        found += await _waits_of(store, child.run_id)
    return found
