"""Items per second of an ``each`` with one HTTP call per item, against the HTTP client alone; peak memory.

The other system is a small server on loopback in a process of its own. The client alone makes the same requests with
the same number of tasks.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from backhaul.clock import SystemClock
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.limits import Limits
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.executor import Executor
from backhaul.sdk import Connector, Effect, HttpSettings, Page, action, json_of
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from backhaul.workflows.definition import Workflow
from benchmarks.one_workflow import OneWorkflow
from benchmarks.server import free_port, serve, wait_for

TASKS = 20
ROUNDS = 3
WORKFLOW = f"""
name: bench
inputs: {{count: {{type: integer, required: true}}}}
steps:
  - {{id: numbers, call: local.numbers, with: {{count: "${{{{ inputs.count }}}}"}}}}
  - id: all
    each: ${{{{ steps.numbers }}}}
    concurrency: {TASKS}
    do: [{{id: put, call: local.put, with: {{number: "${{{{ item.number }}}}"}}}}]
    output: ${{{{ steps.put }}}}
output: ${{{{ steps.all.succeeded }}}}
"""


class Local(Connector[HttpSettings]):
    """Numbers without end, and a server that takes them."""

    name = "local"
    Settings = HttpSettings

    @action(effect=Effect.READ)
    async def numbers(self, *, count: int, cursor: str | None = None) -> AsyncIterator[Page[dict[str, int]]]:
        """List the numbers from 0."""
        start = int(cursor or 0)
        while start < count:
            end = min(start + 200, count)
            items = [{"number": number} for number in range(start, end)]
            start = end
            yield Page(items=items, next=str(end) if end < count else None)

    @action(effect=Effect.WRITE)
    async def put(self, *, number: int) -> int:
        """Send a number."""
        return int(json_of(await self.http.request("PUT", f"/{number}"))["ok"])


async def client_alone(connections: Connections, count: int) -> float:
    """Return the requests per second of the HTTP client that connectors get."""
    connection = await connections.open("local")
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            json_of(await connection.connector.http.request("PUT", f"/{number}", repeatable=True))

    began = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(TASKS)])
    return count / (time.perf_counter() - began)


async def with_engine(executor: Executor, workflow: Workflow, count: int) -> float:
    """Return the items per second of a whole run, its listing included."""
    began = time.perf_counter()
    run = await executor.start(workflow, {"count": count})
    run = await executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == count
    return count / (time.perf_counter() - began)


async def one_round(folder: Path, port: int, count: int) -> tuple[float, float]:
    """Measure both, one after the other."""
    connector = LoadedConnector(name="local", cls=Local, actions=actions_of(Local), source="benchmarks", version="")
    registry = PluginRegistry(connectors={"local": connector})
    raw = {"base_url": f"http://127.0.0.1:{port}"}
    settings = [ConnectionSettings(name="local", connector="local", raw=raw, limits=Limits(concurrency=TASKS))]
    workflow = load_source("yaml", "workflows/bench.yaml", WORKFLOW)
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store,
        Connections(settings, registry, clock=store.clock) as connections,
    ):
        executor = Executor(store, store.clock, connections, OneWorkflow(workflow))
        await client_alone(connections, 500)
        alone = await client_alone(connections, count // 4)
        return alone, await with_engine(executor, workflow, count)


def main() -> None:
    """Print medians, the ratio and the memory."""
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,))
    server.start()
    try:
        wait_for(port)
        rounds, peaks = [], []
        for count in (10_000, *([20_000] * (ROUNDS - 1)), 100_000):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(uvloop.run(one_round(Path(folder), port, count)))
            peaks.append((count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
    finally:
        server.terminate()
        server.join()
    alone, engine = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(with_all / without for without, with_all in rounds)
    print(f"  client alone, {TASKS} tasks   {alone:>7,.0f} requests/s")
    print(f"  each, concurrency {TASKS}     {engine:>7,.0f} items/s  {ratio:4.0%} of the client alone (to reach: 70 %)")
    for count, peak in (peaks[0], peaks[-1]):
        print(f"  peak memory after {count:>7,} items: {peak} MiB (to reach: under 150 MiB, the same for any number)")
