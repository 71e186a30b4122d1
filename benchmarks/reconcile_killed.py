"""Reconciling two large sides in a process that is killed four times: while it lists, reads, joins and applies.

Each time another process goes on. Its calls are lines in a file, so that what was done twice can be counted: creates
are of the effect `once`, and ask that file whether they happened. ``BACKHAUL_BENCH_RECORDS`` bounds the size.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from backhaul.clock import SystemClock
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.limits import Limits
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.datasets import restore
from backhaul.runs.executor import Executor
from backhaul.runs.progress import RunObserver
from backhaul.sdk import AttemptInfo, Connector, ConnectorSettings, Effect, Page, Verdict, action
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from benchmarks.one_workflow import OneWorkflow
from benchmarks.reconcile import RECORDS, WORKFLOW, devices, pages, rows, serial

RUN = "run"
CONCURRENCY = 20
TEXT = (
    WORKFLOW.replace("create: {call: local.put", "create: {call: local.insert")
    .replace("delete: {call: local.put", "delete: {call: local.remove")
    .replace('{count: "${{ inputs.count }}"}', '{count: "${{ inputs.count }}", different: "${{ inputs.different }}"}')
    .replace("inputs: {", "inputs: {different: {type: integer, required: true}, ")
)
JOIN_S = 4e-6
"""About how long the join of one record takes; in the middle of it the process is killed."""


class Settings(ConnectorSettings):
    """Where what was done is written."""

    file: Path


class Local(Connector[Settings]):
    """Two systems that know the same devices; every effect is a line in a file."""

    name = "local"
    Settings = Settings

    def _append(self, what: str, serial: str) -> None:
        file = os.open(self.settings.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{what} {serial}\n".encode())
        os.close(file)

    @action(effect=Effect.READ)
    async def devices(
        self, *, count: int, different: int, cursor: str | None = None
    ) -> AsyncIterator[Page[dict[str, Any]]]:
        """List the source."""
        for items in pages(devices(count)):
            yield Page(items=items)

    @action(effect=Effect.READ)
    async def rows(
        self, *, count: int, different: int, cursor: str | None = None
    ) -> AsyncIterator[Page[dict[str, Any]]]:
        """List the target."""
        for items in pages(rows(count, different)):
            yield Page(items=items)

    @action(effect=Effect.ONCE, verify="is_there")
    async def insert(self, *, serial: str) -> None:
        """Insert; again is a second one."""
        self._append("create", serial)

    async def is_there(self, *, serial: str, attempt: AttemptInfo) -> Verdict:
        """Tell whether it was inserted."""
        lines = self.settings.file.read_text().splitlines() if self.settings.file.exists() else []
        return Verdict.done() if f"create {serial}" in lines else Verdict.not_done()

    @action(effect=Effect.WRITE)
    async def put(self, *, serial: str) -> None:
        """Set a value; again is the same."""
        self._append("update", serial)

    @action(effect=Effect.DELETE)
    async def remove(self, *, serial: str) -> None:
        """Remove; again is the same."""
        self._append("delete", serial)


class Teller(RunObserver):
    """Tells the other process how far the run is."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        if "[" in key:
            self._pipe.send((key, 0, time.perf_counter()))

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        self._pipe.send((key, done, total))


async def carry_out(folder: Path, count: int, different: int, observer: RunObserver) -> Any:
    """Start the run, or go on with it, and return its step's output."""
    connector = LoadedConnector(name="local", cls=Local, actions=actions_of(Local), source="benchmarks", version="")
    registry = PluginRegistry(connectors={"local": connector})
    raw, limits = {"file": str(folder / "effects")}, Limits(concurrency=CONCURRENCY)
    settings = [ConnectionSettings(name="local", connector="local", raw=raw, limits=limits)]
    workflow = load_source("yaml", "workflows/bench.yaml", TEXT)
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store,
        Connections(settings, registry, clock=store.clock) as connections,
    ):
        executor = Executor(store, store.clock, connections, OneWorkflow(workflow), observer=observer)
        if await store.run(RUN) is None:
            await executor.start(workflow, {"count": count, "different": different}, run_id=RUN)
        run = await executor.execute(RUN)
        assert run.status is RunStatus.SUCCEEDED, run.error
        step = await store.step(RUN, "sync")
        assert step is not None
        return step.output


def _in_child(pipe: Pipe, folder: str, count: int, different: int) -> None:
    output = asyncio.run(carry_out(Path(folder), count, different, Teller(pipe)))
    pipe.send(("ended", output, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """When a process is killed: once `reached` says so of a step, what it has done, and the whole, and then later."""

    name: str
    reached: Callable[[str, int, Any], bool]
    later_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """One process.

    Attributes:
        first_effect_s: from its start to the first call that has an effect; None when there was none.
        peak: MiB.
        output: of the step; None: it was killed.
    """

    seconds: float
    first_effect_s: float | None
    peak: int
    output: Any = None


def live(folder: Path, count: int, different: int, kill: Kill | None) -> Lived:
    """Start a process that carries the run out, and kill it or let it come to the end."""
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe(duplex=False)
    began, first = time.perf_counter(), None
    process = context.Process(target=_in_child, args=(end, str(folder), count, different))
    process.start()
    end.close()
    while True:
        key, done, value = pipe.recv()
        if key == "ended":
            process.join()
            return Lived(seconds=time.perf_counter() - began, first_effect_s=first, peak=value, output=done)
        if "[" in key:
            first = first or value - began
        elif kill is not None and kill.reached(key, done, value):
            time.sleep(kill.later_s)
            peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])  # type: ignore[index]
            process.kill()
            process.join()
            return Lived(seconds=time.perf_counter() - began, first_effect_s=first, peak=peak // 1024)


async def left(folder: Path) -> tuple[int, bool, int]:
    """Return what a killed process has left: pages of the source, whether the join is stored, and recorded changes."""
    async with await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store:
        step = await store.step(RUN, "sync")
        joined = step is not None and "joined" in (step.progress or {})
        changes = [one for one in await store.steps(RUN, prefix="sync/") if one.finished_at is not None]
        return await store.dataset_count(RUN, "devices"), joined, len(changes)


async def outcomes(folder: Path, output: Any) -> tuple[Counter[str], int]:
    """Return how often each outcome is in the records of the step, and how many keys have one."""
    counted: Counter[str] = Counter()
    keys: set[str] = set()
    async with await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store:
        async for _, page in restore(output["items"], store).pages():
            counted.update(item["outcome"] for item in page)
            keys.update(item["key"] for item in page)
    return counted, len(keys)


def check(folder: Path, count: int, different: int, output: Any) -> Counter[int]:
    """Compare the end with that of a run that nobody kills, and return how often something was done how many times."""
    names = {"created": range(different), "updated": range(different, 2 * different)}
    names["deleted"] = range(count, count + different)
    done = Counter((folder / "effects").read_text().splitlines())
    words = {"created": "create", "updated": "update", "deleted": "delete"}
    expected = {f"{words[name]} {serial(number)}" for name, numbers in names.items() for number in numbers}
    assert done.keys() == expected, "something else was done"
    assert all(times == 1 for line, times in done.items() if line.startswith("create")), "a create was repeated"
    counts = {**dict.fromkeys(names, different), "same": count - 2 * different}
    assert {name: output[name] for name in counts} == counts
    assert output["total"] == count + different
    assert asyncio.run(outcomes(folder, output)) == (Counter(counts), count + different)
    return Counter(done.values())


def main(count: int | None = None) -> None:
    """Print what each process did, and whether the end is right."""
    count = count or int(os.environ.get("BACKHAUL_BENCH_RECORDS", RECORDS))
    different = count // 150
    work, both = 3 * different, 2 * count
    kills = [
        Kill(name="listing", reached=lambda key, done, _: key == "devices" and done >= count / 2),
        Kill(name="reading", reached=lambda key, done, total: (key, total) == ("sync", both) and done >= count),
        Kill(name="joining", reached=lambda key, done, _: (key, done) == ("sync", both), later_s=count * JOIN_S),
        Kill(name="applying", reached=lambda key, done, total: (key, total) == ("sync", work) and done >= work / 2),
    ]
    print(f"  {count:,} x {count:,} records, {work:,} changes, {CONCURRENCY} at a time")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kill in kills:
            lived = live(folder, count, different, kill)
            listed, joined, changes = asyncio.run(left(folder))
            assert joined is (kill.name == "applying"), f"it was not killed while {kill.name}"
            _print(f"killed while {kill.name}", lived)
            print(f"      left behind: {listed:,} records listed, {changes:,} changes made")
        lived = live(folder, count, different, None)
        _print("to the end", lived)
        times = check(folder, count, different, lived.output)
    again = sum(found * (number - 1) for number, found in times.items())
    assert again <= CONCURRENCY, f"{again} changes were repeated"
    print(f"  every change made, creates once; {again} updates and deletes under way at a kill were repeated")


def _print(name: str, lived: Lived) -> None:
    first = "none" if lived.first_effect_s is None else f"{lived.first_effect_s:.1f} s"
    print(f"  {name:23} {lived.seconds:6.1f} s, first effect after {first:>7}, peak memory {lived.peak:,} MiB")
