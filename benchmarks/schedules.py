"""10,000 cron schedules in a running scheduler: start time, memory and idle CPU, against reading their rows alone."""

from __future__ import annotations

import asyncio
import gc
import resource
import sqlite3
import tempfile
import time
from pathlib import Path

import anyio

from backhaul.clock import SystemClock
from backhaul.service.scheduler import Scheduler
from backhaul.store.records import RunRecord
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from backhaul.workflows.definition import Workflow

WORKFLOWS, EACH = 100, 100
IDLE_S = 10.0
ZONES = ["UTC", "America/Sao_Paulo", "Europe/Paris", "Europe/London", "Europe/Lisbon"]
START_TO_REACH_S = 1.0
IDLE_TO_REACH = 0.01


def a_workflow(number: int) -> Workflow:
    """Return a workflow with many cron triggers, of which none fires while this runs."""
    month = (time.gmtime().tm_mon + 5) % 12 + 1
    triggers = [
        f'  - {{cron: "{n % 60} {(n + number) % 24} {1 + number % 28} {month} *", timezone: {ZONES[n % len(ZONES)]}}}'
        for n in range(EACH)
    ]
    text = "\n".join([f"name: w{number}", "on:", *triggers, "steps: [{id: x, set: {a: 1}}]", ""])
    return load_source("yaml", f"workflows/w{number}.yaml", text)


async def cancel(run_id: str) -> None:
    """Cancel nothing: no schedule fires."""
    raise AssertionError(run_id)


def on_run(run: RunRecord) -> None:
    """Take no run: no schedule fires."""
    raise AssertionError(run.run_id)


async def measure(url: str, workflows: dict[str, Workflow]) -> tuple[float, float, float, float]:
    """Return the seconds of the first and of the second start, the memory in bytes and the idle share of a core."""
    async with await Store.open(url, clock=SystemClock()) as store:
        starts = []
        gc.collect()
        before = _rss_bytes()
        for _ in range(2):
            scheduler = Scheduler(store, store.clock, lambda: workflows, node="here", on_run=on_run, cancel=cancel)
            began = time.perf_counter()
            await scheduler.load()
            await scheduler.fire_due()
            starts.append(time.perf_counter() - began)
        grown = _rss_bytes() - before
        async with anyio.create_task_group() as group:
            group.start_soon(scheduler.run)
            await asyncio.sleep(2)  # it loads once more
            cpu, began = time.process_time(), time.perf_counter()
            await asyncio.sleep(IDLE_S)
            idle = (time.process_time() - cpu) / (time.perf_counter() - began)
            group.cancel_scope.cancel()
    return starts[0], starts[1], grown, idle


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Print times, memory and CPU."""
    workflows = {f"w{number}": a_workflow(number) for number in range(WORKFLOWS)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.db"
        first_s, again_s, grown, idle = asyncio.run(measure(f"sqlite:///{file}", workflows))
        began = time.perf_counter()
        with sqlite3.connect(file) as db:
            rows = len(db.execute("SELECT * FROM schedules").fetchall())
        raw_s = time.perf_counter() - began
    print(f"  reading the rows of {rows:,} schedules    {raw_s:6.3f} s")
    print(f"  first start, all of them new          {first_s:6.3f} s  (to reach: under {START_TO_REACH_S:g} s)")
    print(f"  later start                           {again_s:6.3f} s  (to reach: under {START_TO_REACH_S:g} s)")
    print(f"  memory, caches included               {grown / 2**20:6.1f} MiB")
    print(f"  idle                                  {idle:6.2%} of a core  (to reach: under {IDLE_TO_REACH:.0%})")


if __name__ == "__main__":
    main()
