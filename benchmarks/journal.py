"""Durable steps per second through the whole path of a call, against the store's writer alone.

An effect step is: its intent on disk, the action called, its result written; a read step: the action called, its
result written late. The action itself does nothing. The raw limit is one row per step, appended and waited for, through
the same writer on the same disk in the same run. `synchronous=FULL` everywhere.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvloop

from backhaul.clock import SystemClock
from backhaul.ids import new_id
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.calls import Caller, CallRequest
from backhaul.runs.control import Control
from backhaul.runs.journal import Journal
from backhaul.runs.progress import RunObserver
from backhaul.sdk import Connector, Effect, action
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus
from backhaul.store.store import Store
from backhaul.workflows.definition import RetryPolicy

ROUNDS = 5
CONCURRENCY = 100


class Nothing(Connector):
    """Does nothing, as fast as that can be done."""

    name = "nothing"

    @action(effect=Effect.READ)
    async def look(self, *, number: int) -> int:
        """Return the number."""
        return number

    @action(effect=Effect.WRITE)
    async def put(self, *, number: int) -> int:
        """Return the number."""
        return number


Work = Callable[[Iterator[int]], Awaitable[None]]


async def rate(work: Work, steps: int, tasks: int) -> float:
    """Return the steps per second of `tasks` tasks that share the numbers of the steps."""
    numbers = iter(range(steps))
    began = time.perf_counter()
    await asyncio.gather(*[work(numbers) for _ in range(tasks)])
    return steps / (time.perf_counter() - began)


def raw(store: Store) -> Work:
    """One row per step, appended and waited for."""
    run_id, now = new_id(), store.clock.now()

    async def work(numbers: Iterator[int]) -> None:
        for number in numbers:
            record = StepRecord(
                run_id=run_id,
                key=f"s{number}",
                seq=number + 1,
                verb="call",
                action="nothing.put",
                effect="write",
                status=StepStatus.SUCCEEDED,
                params={"number": number},
                output=number,
                started_at=now,
                finished_at=now,
            )
            await store.put_step(record).wait()

    return work


async def calls(store: Store, connections: Connections, name: str) -> tuple[Work, Journal]:
    """Steps as a run makes them."""
    run = RunRecord(
        run_id=new_id(),
        workflow="benchmark",
        digest="",
        status=RunStatus.RUNNING,
        cause="benchmark",
        inputs={},
        node="benchmark",
        created_at=store.clock.now(),
    )
    journal = Journal(store, store.clock, run.run_id, RunObserver())
    await journal.open()
    caller, control, retry = Caller(journal, connections, root=run), Control(), RetryPolicy()

    async def work(numbers: Iterator[int]) -> None:
        for number in numbers:
            request = CallRequest(
                key=f"s{number}", connection="nothing", action=name, params={"number": number}, retry=retry
            )
            await caller.perform(request, control)
        await journal.barrier()

    return work, journal


async def one_round(folder: Path) -> dict[str, float]:
    """Measure everything once, on a new store."""
    connector = LoadedConnector(
        name="nothing", cls=Nothing, actions=actions_of(Nothing), source="benchmarks", version=""
    )
    registry = PluginRegistry(connectors={"nothing": connector})
    settings = [ConnectionSettings(name="nothing", connector="nothing")]
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store,
        Connections(settings, registry, clock=store.clock) as connections,
    ):
        await rate(raw(store), 2000, CONCURRENCY)  # the log file has grown, everything is imported
        return {
            "raw in sequence": await rate(raw(store), 1000, 1),
            "effects in sequence": await rate((await calls(store, connections, "put"))[0], 1000, 1),
            "raw at 100": await rate(raw(store), 10_000, CONCURRENCY),
            "effects at 100": await rate((await calls(store, connections, "put"))[0], 10_000, CONCURRENCY),
            "reads in sequence": await rate((await calls(store, connections, "look"))[0], 20_000, 1),
        }


def main() -> None:
    """Print medians of some rounds, and ratios."""
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(uvloop.run(one_round(Path(folder))))
    median = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}

    def ratio(name: str, limit: str) -> float:
        return statistics.median(one[name] / one[limit] for one in rounds)

    print(f"  raw limit in sequence              {median['raw in sequence']:>9,.0f}/s")
    print(
        f"  1,000 effect steps in sequence     {median['effects in sequence']:>9,.0f}/s"
        f"  {ratio('effects in sequence', 'raw in sequence'):5.0%} of the limit (to reach: 80 %)"
    )
    print(f"  raw limit at concurrency 100       {median['raw at 100']:>9,.0f}/s")
    print(
        f"  10,000 effect steps at 100         {median['effects at 100']:>9,.0f}/s"
        f"  {ratio('effects at 100', 'raw at 100'):5.0%} of the limit (to reach: 60 %)"
    )
    print(f"  read steps in sequence             {median['reads in sequence']:>9,.0f}/s  (to reach: 20,000/s)")
