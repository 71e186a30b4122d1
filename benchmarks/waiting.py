"""10,000 waiting runs: memory, restart until the first one goes on, and one event put to the conditions of all.

The limits are the memory of the same process with one waiting run, an empty restart, and the bare expression.
"""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import uvloop

from backhaul.clock import SystemClock
from backhaul.plugins.connections import Connections
from backhaul.plugins.registry import PluginRegistry
from backhaul.runs.executor import Executor
from backhaul.service.waker import Waker
from backhaul.store.records import EventRecord, RunStatus
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from backhaul.workflows.definition import Workflow
from backhaul.workflows.expressions import compile_expression
from benchmarks.one_workflow import OneWorkflow

RUNS = 10_000
AT_ONCE = 50
NODE = "bench"
SOURCE = """
name: bench
inputs: {call: {type: integer, required: true}}
steps:
  - {id: call, set: {id: "${{ inputs.call }}"}}
  - {id: ended, wait: {event: phone.call_end, where: "${{ event.data.call_id == steps.call.id }}", timeout: 1d}}
output: ${{ steps.ended.data.call_id }}
"""


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[tuple[Store, Executor, Workflow]]:
    clock = SystemClock()
    definitions = OneWorkflow(load_source("yaml", "workflows/bench.yaml", SOURCE))
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=clock) as store,
        Connections([], PluginRegistry(connectors={}), clock=clock, usage=store) as connections,
    ):
        yield store, Executor(store, clock, connections, definitions, node=NODE, foreground=False), definitions.workflow


async def _park(executor: Executor, workflow: Workflow, calls: range) -> None:
    """Start a run for each call, and return when all of them wait."""
    todo = iter(calls)

    async def worker() -> None:
        for call in todo:
            run = await executor.start(workflow, {"call": call})
            assert (await executor.execute(run.run_id)).status is RunStatus.WAITING

    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(worker)


def _event(call: int) -> EventRecord:
    now = datetime.now(UTC)
    data = {"call_id": call}
    return EventRecord(
        event_id=f"event{call}", type="phone.call_end", source="phone", data=data, time=now, received_at=now
    )


async def _restart(folder: Path, *, with_runs: bool) -> float:
    """Return the seconds from the opening of the store to the end of the first run that goes on, or to its list."""
    began = time.perf_counter()
    async with _opened(folder) as (store, executor, _):
        found = await store.unfinished_runs(NODE, (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING))
        woken: list[str] = []
        waker = Waker(store, store.clock, executor.waits, woken.append)
        await waker.look()
        if with_runs:
            assert len(found) == RUNS
            event = _event(RUNS // 2)
            await store.put_event(event).wait()
            await waker.offer(event)
            run = await executor.execute(woken[0])
            assert run.output == RUNS // 2
        return time.perf_counter() - began


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _measure(folder: Path) -> None:
    empty, full = folder / "empty", folder / "full"
    for path in (empty, full):
        path.mkdir()
    async with _opened(full) as (store, executor, workflow):
        await _park(executor, workflow, range(1))
        one = _rss_bytes()
        began = time.perf_counter()
        await _park(executor, workflow, range(1, RUNS))
        took = time.perf_counter() - began
        grown = _rss_bytes() - one
        print(f"  {RUNS:,} runs wait: {took:5.1f} s, {RUNS / took:,.0f}/s")
        all_bytes = one + grown
        print(f"  memory with one {one / 1e6:5.0f} MB, with all {all_bytes / 1e6:5.0f} MB: {all_bytes / one:4.2f}x")
        waker = Waker(store, store.clock, executor.waits, lambda _: None)
        began = time.perf_counter()
        await waker.offer(_event(-1))
        offered = time.perf_counter() - began
        where = compile_expression("event.data.call_id == steps.call.id")
        context = {"event": _event(-1).to_json(), "steps": {"call": {"id": 1}}}
        began = time.perf_counter()
        for _ in range(RUNS):
            where.evaluate(context)
        bare = time.perf_counter() - began
        print(
            f"  one event, {RUNS:,} conditions: {offered * 1000:4.0f} ms, {offered / bare:4.1f}x the expressions alone"
        )
    without = await _restart(empty, with_runs=False)
    seconds = await _restart(full, with_runs=True)
    print(f"  restart, nothing there         {without * 1000:5.0f} ms")
    print(f"  restart, to the end of the first run {seconds * 1000:5.0f} ms (to reach: 2,000 ms)")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(Path(folder)))
