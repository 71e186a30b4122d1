"""A system outside the engine for tests: a connector whose every effect is a line in a file, which survives crashes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from backhaul.clock import Clock, SystemClock
from backhaul.errors import UnknownNameError
from backhaul.plugins.action import actions_of
from backhaul.plugins.calls import current_call
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.executor import Executor
from backhaul.runs.interventions import Interventions
from backhaul.runs.progress import RunObserver
from backhaul.sdk import (
    AttemptInfo,
    Change,
    Connector,
    ConnectorSettings,
    Effect,
    Page,
    RefusedError,
    RetryableError,
    Secret,
    UnknownOutcomeError,
    Verdict,
    action,
)
from backhaul.store.journal import WriteObserver
from backhaul.store.records import RunRecord, WorkflowVersionRecord
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from backhaul.workflows.definition import Workflow

SECRET = Secret("not-to-be-seen-anywhere")


class WorldSettings(ConnectorSettings):
    """Where the world is: a file with one JSON line per thing done to it."""

    file: Path


class World(Connector[WorldSettings]):
    """Things can be read from it and done to it; what was done is in the file in the order of doing."""

    name = "world"
    Settings = WorldSettings

    def _append(self, what: str, **values: Any) -> None:
        with self.settings.file.open("a") as file:
            file.write(json.dumps({"do": what, **values}) + "\n")

    def _lines(self) -> list[dict[str, Any]]:
        return read_world(self.settings.file)

    @action(effect=Effect.READ)
    async def look(self, *, value: int = 0, fail: str = "") -> int:
        """Return `value`; raise when told to."""
        _raise(fail)
        return value

    @action(effect=Effect.READ)
    async def who_asks(self) -> dict[str, Any]:
        """Return by what the connection shares its budget."""
        call = current_call.get()
        assert call is not None
        return {"run": call.root_run_id, "priority": call.priority}

    @action(effect=Effect.READ)
    async def flaky(self, *, name: str, failures: int, kind: str = "retry") -> str:
        """Fail so many times, counted in the file, then return the name."""
        before = sum(1 for line in self._lines() if line["do"] == "flaky" and line["name"] == name)
        if before < failures:
            self._append("flaky", name=name)
            _raise(kind)
        return name

    @action(effect=Effect.READ)
    async def things(
        self, *, count: int, page: int = 10, break_at: int = -1, cursor: str | None = None
    ) -> AsyncIterator[Page[dict[str, int | str]]]:
        """List `count` things; the page that begins at `break_at` fails the first time."""
        start = int(cursor or 0)
        while start < count or start == 0:
            self._append("page", start=start)
            if start == break_at and sum(1 for x in self._lines() if x["do"] == "page" and x["start"] == start) == 1:
                raise RetryableError("the page did not come")
            items: list[dict[str, int | str]] = [
                {"id": index, "name": f"T{index}"} for index in range(start, min(start + page, count))
            ]
            start += page
            yield Page(items=items, next=str(start) if start < count else None, total=count)

    @action(effect=Effect.READ)
    async def wanted(
        self, *, page: int = 10, break_at: int = -1, comes: str = "", goes: str = "", cursor: str | None = None
    ) -> AsyncIterator[Page[dict[str, Any]]]:
        """List what `want` has written; the page that begins at `break_at` never comes.

        Behind the first page a thing `comes`, before all others, and another one `goes`: the rest moves.
        """
        things = wanted_of(self.settings.file)
        start = int(cursor or 0)
        while True:
            if start == break_at:
                raise RefusedError("the page is lost")
            yield Page(items=things[start : start + page], next=str(start + page), total=len(things))
            if start == 0 and goes:
                things = [one for one in things if one["name"] != goes]
            if start == 0 and comes:
                things = [{"name": comes, "value": 0}, *things]
            start += page
            if start >= len(things):
                return

    @action(effect=Effect.READ)
    async def stock(
        self, *, page: int = 10, break_at: int = -1, cursor: str | None = None
    ) -> AsyncIterator[Page[dict[str, Any]]]:
        """List what is there: what was put and not removed."""
        things = stock_of(self.settings.file)
        for start in range(int(cursor or 0), max(len(things), 1), page):
            if start == break_at:
                raise RefusedError("the page is lost")
            yield Page(items=things[start : start + page], next=str(start + page), total=len(things))

    @action(effect=Effect.READ)
    async def shelf(self, *, name: str) -> dict[str, Any] | None:
        """Return one thing that is there."""
        self._append("shelf", name=name)
        return next((thing for thing in stock_of(self.settings.file) if thing["name"] == name), None)

    @action(effect=Effect.WRITE, describe="describe_put")
    async def put(self, *, name: str, value: int = 0, fail: str = "") -> int:
        """Set a value: repeating it changes nothing."""
        _raise(fail)
        self._append("put", name=name, value=value)
        return value

    async def describe_put(self, *, name: str, value: int, fail: str) -> Change:
        """Say what there is now; fail when told to."""
        _raise(fail)
        there = [line["value"] for line in self._lines() if line["do"] == "put" and line["name"] == name]
        before = there[-1] if there else None
        return Change(text=f"put {name}: {before} -> {value}", before={"value": before}, after={"value": value})

    @action(effect=Effect.WRITE)
    async def seed_again(self, *, name: str, value: int) -> None:
        """Have a thing be there once more."""
        self._append("seed", name=name, value=value)

    @action(effect=Effect.DELETE)
    async def remove(self, *, name: str) -> None:
        """Remove a value."""
        self._append("remove", name=name)

    @action(effect=Effect.ONCE)
    async def ring(self, *, name: str, fail: str = "") -> str:
        """Ring: each call is heard. `fail` after it was heard, unless it is 'refused' or 'retry'."""
        if fail in {"refused", "retry"}:
            _raise(fail)
        self._append("ring", name=name)
        _raise(fail)
        return f"rang {name}"

    @action(effect=Effect.ONCE, verify="was_heard")
    async def ring_verified(self, *, name: str, fail: str = "") -> str:
        """Ring, but it can be found out whether it was heard."""
        if fail == "not_heard":
            first = not any(line["do"] == "attempt" and line["name"] == name for line in self._lines())
            self._append("attempt", name=name)
            if first:
                raise UnknownOutcomeError("the line was cut")
        self._append("ring", name=name)
        _raise("" if fail == "not_heard" else fail)
        return f"rang {name}"

    async def was_heard(self, *, name: str, fail: str = "", attempt: AttemptInfo) -> Verdict:
        """Look into the file."""
        heard = any(line["do"] == "ring" and line["name"] == name for line in self._lines())
        return Verdict.done(f"rang {name}") if heard else Verdict.not_done()

    @action(effect=Effect.ONCE, verify="asked")
    async def ring_asked(self, *, name: str, fail: str = "", says: str = "", answer: str = "not_done") -> str:
        """Ring and say `says`; whoever asks whether it was heard gets `answer`, an error or nothing ('hang')."""
        self._append("ring", name=name)
        _raise(fail)
        return says

    async def asked(self, *, name: str, fail: str, says: str, answer: str, attempt: AttemptInfo) -> Verdict:
        """Answer what the call said."""
        self._append("asked", name=name)
        match answer:
            case "not_done":
                return Verdict.not_done()
            case "hang":
                await asyncio.Event().wait()
            case "secret":
                raise RefusedError("the key is " + SECRET.reveal())
        _raise(answer)
        return Verdict.done("heard")

    @action(effect=Effect.ONCE)
    async def ring_oddly(self, *, name: str, fail: bool = False) -> str:
        """Ring, and answer with half a character, as JSON can, or fail with it."""
        self._append("ring", name=name)
        if fail:
            raise UnknownOutcomeError("half a character: \ud800")
        return "\ud800"

    @action(effect=Effect.ONCE, verify="not_heard")
    async def hang_asked(self, *, name: str) -> None:
        """Be heard and never answer; whoever asks hears that it was not heard."""
        await self.ring_forever(name=name)

    async def not_heard(self, *, name: str, attempt: AttemptInfo) -> Verdict:
        """Say no."""
        return Verdict.not_done()

    @action(effect=Effect.ONCE)
    async def ring_slowly(self, *, name: str, of: int) -> None:
        """Ring, wait until so many have rung, and have the line cut."""
        self._append("ring", name=name)
        while sum(1 for line in self._lines() if line["do"] == "ring") < of:
            await asyncio.sleep(0)
        raise UnknownOutcomeError("the line was cut")

    @action(effect=Effect.READ)
    async def wait_forever(self) -> None:
        """Never answer."""
        await asyncio.Event().wait()

    @action(effect=Effect.ONCE)
    async def ring_forever(self, *, name: str) -> None:
        """Be heard and never answer."""
        self._append("ring", name=name)
        await asyncio.Event().wait()

    @action(effect=Effect.WRITE)
    async def put_slowly(self, *, name: str, gate: str) -> None:
        """Wait until the file ``gate`` exists, then set a value."""
        self._append("entered", name=name)
        while not Path(gate).exists():
            await asyncio.sleep(0.005)
        self._append("put", name=name, value=0)


def _raise(kind: str) -> None:
    match kind:
        case "":
            return
        case "retry":
            raise RetryableError("not now")
        case "refused":
            raise RefusedError("the world says no")
        case "unknown":
            raise UnknownOutcomeError("the line was cut")
        case "bug":
            raise KeyError("a connector's own mistake")
        case "die":
            os._exit(9)
    raise AssertionError(kind)


def read_world(file: Path) -> list[dict[str, Any]]:
    """Return everything that was done, in order."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def stock_of(file: Path) -> list[dict[str, Any]]:
    """Return what is there after everything that was done; a ``seed`` line puts a thing, even a second one."""
    found: dict[int, dict[str, Any]] = {}
    places: dict[str, list[int]] = {}
    for number, line in enumerate(read_world(file)):
        thing = {"name": line.get("name"), "value": line.get("value")}
        same = places.setdefault(repr(thing["name"]), [])
        match line["do"]:
            case "put" if same:
                found[same[0]]["value"] = thing["value"]
            case "put" | "seed":
                found[number] = thing
                same.append(number)
            case "remove" if same:
                del found[same.pop(0)]
    return list(found.values())


def seed(file: Path, things: list[dict[str, Any]]) -> None:
    """Have things be there."""
    with file.open("a") as out:
        out.writelines(json.dumps({"do": "seed", **thing}) + "\n" for thing in things)


def want(file: Path, things: list[dict[str, Any]]) -> None:
    """Say what `World.wanted` lists."""
    file.with_suffix(".wanted").write_text(json.dumps(things))


def wanted_of(file: Path) -> list[dict[str, Any]]:
    """Return what `World.wanted` lists."""
    path = file.with_suffix(".wanted")
    things: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return things


class Lab:
    """An executor over a store and the world, without a project folder."""

    def __init__(self, store: Store, executor: Executor, file: Path, workflows: dict[str, Workflow]) -> None:
        self.store = store
        self.executor = executor
        self.interventions = Interventions(store, store.clock)
        self.file = file
        self._workflows = workflows

    def define(self, text: str, *, kind: str = "yaml", name: str = "test") -> Workflow:
        """Make a workflow known and return it."""
        suffix = "py" if kind == "python" else "yaml"
        workflow = load_source(kind, f"workflows/{name}.{suffix}", text)
        self._workflows[workflow.name] = workflow
        return workflow

    async def run(self, text: str, *, kind: str = "yaml", **inputs: Any) -> RunRecord:
        """Define a workflow and run it to where it stands still."""
        run = await self.executor.start(self.define(text, kind=kind), inputs)
        return await self.executor.execute(run.run_id)

    @asynccontextmanager
    async def carrying_out(self, run: RunRecord) -> AsyncIterator[list[RunRecord]]:
        """Carry a run out beside the body; when both have ended, the list holds the run as it stands then."""
        ended: list[RunRecord] = []

        async def carry_out() -> None:
            ended.append(await self.executor.execute(run.run_id))

        async with anyio.create_task_group() as group:
            group.start_soon(carry_out)
            yield ended

    async def steps(self, run: RunRecord) -> dict[str, str]:
        """Return the status of every recorded step by key."""
        return {step.key: step.status.value for step in await self.store.steps(run.run_id)}

    def done(self, what: str | None = None) -> list[dict[str, Any]]:
        """Return what was done to the world."""
        return [line for line in read_world(self.file) if what is None or line["do"] == what]


class _Definitions:
    def __init__(self, workflows: Mapping[str, Workflow]) -> None:
        self._workflows = workflows

    def current(self, name: str) -> Workflow:
        if name not in self._workflows:
            raise UnknownNameError("workflow", name, tuple(self._workflows))
        return self._workflows[name]

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        return load_source(version.kind, version.path, version.source)


@asynccontextmanager
async def open_lab(
    url: str,
    file: Path,
    *,
    clock: Clock | None = None,
    observer: RunObserver | None = None,
    write_observer: WriteObserver | None = None,
    cancel_grace_s: float = 10.0,
) -> AsyncIterator[Lab]:
    """Open a lab on a store and a world; both stay when it closes."""
    clock = clock or SystemClock()
    connector = LoadedConnector(name="world", cls=World, actions=actions_of(World), source="tests", version="")
    registry = PluginRegistry(connectors={"world": connector})
    settings = [ConnectionSettings(name="world", connector="world", raw={"file": str(file)})]
    workflows: dict[str, Workflow] = {}
    async with (
        await Store.open(url, clock=clock, migrate=True, observer=write_observer) as store,
        Connections(settings, registry, clock=clock, usage=store) as connections,
    ):
        executor = Executor(
            store,
            clock,
            connections,
            _Definitions(workflows),
            observer=observer,
            cancel_grace_s=cancel_grace_s,
            cancel_poll_s=0.01,
        )
        yield Lab(store, executor, file, workflows)
