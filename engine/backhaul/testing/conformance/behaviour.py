"""Rules on how a connector works: its examples, its connection test, its way out, its limits, its cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import anyio

from backhaul.errors import ActionError
from backhaul.plugins.action import Effect
from backhaul.plugins.connector import HttpSettings
from backhaul.plugins.limits import Limits
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Bench, Kind, Subject
from backhaul.testing.conformance.examination import Examination, said_by
from backhaul.testing.conformance.faults import CUT_BEFORE, Gate
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES"]

_LONGEST_S = 30.0
_PER_MINUTE = 2
# A minute, less what adding floats may lose.
_WINDOW_S = 59.9
_ENOUGH = 6

_under_watch: ContextVar[list[str] | None] = ContextVar("_under_watch", default=None)


async def _examples(examination: Examination) -> Sequence[str]:
    failed = await examination.failed()
    return [f"{name} fails with its example: {said_by(error)}" for name, error in failed.items() if name != "check"]


async def _check_passes(examination: Examination) -> Sequence[str]:
    found = []
    async with examination.bench() as bench:
        before = await bench.state()
        try:
            await bench.connection.check()
        except Exception as error:  # noqa: BLE001  # other people's code
            found.append(f"check() fails against the sandbox: {said_by(error)}")
        if await bench.state() != before:
            found.append("check() changes what the sandbox holds")
        if _speaks_http(examination) and not bench.wire.seen:
            found.append("check() sends nothing, so it proves nothing")
    return found


async def _one_door(examination: Examination) -> Sequence[str]:
    found = []
    if not _speaks_http(examination):
        return ()
    for subject in await examination.working():
        async with examination.bench() as bench:
            bench.wire.arm(CUT_BEFORE)
            with _watched_sockets() as connected, contextlib.suppress(Exception):
                await bench.run(subject)
            if connected:
                found.append(f"{subject.name} opens a connection of its own to {connected[0]}: use self.http")
    return found


async def _timeouts(examination: Examination) -> Sequence[str]:
    found = []
    for subject in await examination.working():
        for place in examination.places(subject):
            missing = [name for name in ("connect", "read") if not place.timeout.get(name)]
            if missing:
                found.append(f"{subject.name}: {place} has no timeout ({', '.join(missing)})")
    return found


async def _limits(examination: Examination) -> Sequence[str]:
    reading = [subject for subject in await examination.working() if subject.effect is Effect.READ]
    found = []
    async with examination.bench(limits=Limits(concurrency=1)) as bench:
        async with anyio.create_task_group() as tasks:
            for subject in reading:
                tasks.start_soon(_attempt, bench, subject)
                tasks.start_soon(_attempt, bench, subject)
        if bench.wire.most_in_flight > 1:
            found.append(f"with concurrency = 1 it had {bench.wire.most_in_flight} requests under way at the same time")
    async with examination.bench(limits=Limits(per_minute=_PER_MINUTE)) as bench:
        for subject in reading:
            if len(bench.wire.seen) < _ENOUGH:
                await _attempt(bench, subject)
        sent = [request.at_s for request in bench.wire.seen]
        crowded = [first for first, third in zip(sent, sent[_PER_MINUTE:], strict=False) if third - first < _WINDOW_S]
        if crowded:
            found.append(f"with per_minute = {_PER_MINUTE} it sent more than that in 60 seconds")
    return found


async def _attempt(bench: Bench, subject: Subject) -> None:
    """Carry something out that has worked before; the other system may have its own reasons to refuse it so soon."""
    with contextlib.suppress(ActionError):
        await bench.run(subject)


async def _cancellation(examination: Examination) -> Sequence[str]:
    found: list[str] = []
    for subject in await examination.working():
        for place in examination.places(subject):
            async with _recorded_tasks() as started:
                async with examination.bench() as bench:
                    found += await _cancelled(bench, subject, place.number)
                left = await _left(started)
            found += [f"{subject.name}, cancelled in {place}: the task {name} is left after close()" for name in left]
    return found


async def _cancelled(bench: Bench, subject: Subject, number: int) -> list[str]:
    """Cancel a subject while one of its requests waits for its answer, and look at what is left."""
    gate = Gate()
    bench.wire.arm(gate.fault, first=number)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.run, subject)
        with anyio.move_on_after(_LONGEST_S):
            await gate.entered.wait()
        tasks.cancel_scope.cancel()
    where = f"{subject.name}, cancelled in its request {number + 1}"
    found = []
    if not gate.entered.is_set():
        found.append(f"{where}: it does not send that request again in the same place")
    if bench.budget.under_way or bench.budget.waiting:
        found.append(f"{where}: it keeps a slot of the connection's limits")
    if bench.wire.in_flight:
        found.append(f"{where}: it leaves an answer open")
    bench.wire.disarm()
    again = subject if subject.effect is Effect.READ else Subject(name="check", kind=Kind.CHECK, effect=Effect.READ)
    try:
        async with asyncio.timeout(_LONGEST_S):
            await bench.run(again)
    except Exception as error:  # noqa: BLE001  # other people's code
        found.append(f"{where}: afterwards {again.name} does not work any more: {said_by(error)}")
    return found


@contextmanager
def _watched_sockets() -> Generator[list[str], None, None]:
    """Note the addresses to which this task and what it starts connects."""
    _install_hook()
    connected: list[str] = []
    token = _under_watch.set(connected)
    try:
        yield connected
    finally:
        _under_watch.reset(token)


def _install_hook() -> None:
    if not _installed:
        # An audit hook cannot be removed; this one does nothing outside of `_watched_sockets`.
        sys.addaudithook(_note_connection)
        _installed.append(True)


def _note_connection(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and (connected := _under_watch.get()) is not None:
        connected.append(str(arguments[1]))


_installed: list[bool] = []


@asynccontextmanager
async def _recorded_tasks() -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Collect the tasks that are started by this task and by those that it has started."""
    started: list[asyncio.Task[Any]] = []
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    token = _mine.set(started)

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        if _mine.get() is started:
            started.append(task)
        return task

    loop.set_task_factory(factory)
    try:
        yield started
    finally:
        loop.set_task_factory(before)
        _mine.reset(token)


_mine: ContextVar[list[asyncio.Task[Any]] | None] = ContextVar("_mine", default=None)


async def _left(started: Sequence[asyncio.Task[Any]]) -> list[str]:
    """Return the names of tasks that do not end by themselves in a few turns of the loop."""
    for _ in range(20):
        if all(task.done() for task in started):
            return []
        await asyncio.sleep(0)
    left = [task for task in started if not task.done()]
    return [getattr(task.get_coro(), "__qualname__", task.get_name()) for task in left]


def _speaks_http(examination: Examination) -> bool:
    return issubclass(examination.case.connector.Settings, HttpSettings)


RULES = (
    Rule(
        id="examples-work",
        quality=Quality.BRONZE,
        sentence="Every action and poll succeeds on the sandbox with its example.",
        check=_examples,
    ),
    Rule(
        id="check-passes",
        quality=Quality.BRONZE,
        sentence="check() passes against the sandbox, and changes nothing.",
        check=_check_passes,
    ),
    Rule(
        id="one-door",
        quality=Quality.BRONZE,
        sentence="Everything that is sent goes through self.http.",
        check=_one_door,
    ),
    Rule(
        id="timeouts",
        quality=Quality.SILVER,
        sentence="Every request has a timeout.",
        check=_timeouts,
    ),
    Rule(
        id="limits-obeyed",
        quality=Quality.SILVER,
        sentence="The connection's limits hold, whoever asks at the same time.",
        check=_limits,
    ),
    Rule(
        id="cancellation",
        quality=Quality.SILVER,
        sentence="Cancelled in any request, an action leaves no slot, no open answer and no task, and works on.",
        check=_cancellation,
    ),
)
