"""Starting with 10,000 unfinished runs: the time to the first resumed step, against reading their rows alone."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from backhaul.app import open_app
from backhaul.clock import SystemClock
from backhaul.project import Project
from backhaul.runs.progress import RunObserver
from backhaul.runs.starting import new_run
from backhaul.store.records import RunStatus, StepRecord, StepStatus
from backhaul.store.service_records import WaitKind, WaitRecord
from backhaul.store.store import Store

RUNNING, QUEUED, WAITING = 2_000, 3_000, 5_000
TO_REACH_S = 2.0
WORKFLOW = """
concurrency: {limit: 10000}
steps:
  - id: before
    set: {n: 1}
  - id: answer
    if: ${{ event.waits }}
    wait: {event: phone.answered}
  - id: after
    set: {n: 2}
"""


class Watch(RunObserver):
    """Notes when the first step that a crash had kept from beginning begins, and how many runs have ended."""

    def __init__(self) -> None:
        self.first_at: float | None = None
        self.ended = 0
        self.all_ended = anyio.Event()

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        if key == "after" and self.first_at is None:
            self.first_at = time.perf_counter()

    def run_ended(self, run_id: str, workflow: str, status: RunStatus) -> None:
        self.ended += status is RunStatus.SUCCEEDED
        if self.ended == RUNNING + QUEUED:
            self.all_ended.set()


def write_project(folder: Path) -> Project:
    """Write a project with one workflow."""
    (folder / "workflows").mkdir()
    (folder / "workflows" / "calls.yaml").write_text(WORKFLOW)
    (folder / "backhaul.toml").write_text('[store]\nurl = "sqlite:///history.db"\n[server]\nnode = "here"\n')
    return Project(folder)


async def leave_behind(project: Project) -> None:
    """Fill the store as a killed service leaves it."""
    workflow, now = project.current("calls"), datetime.now(UTC)
    async with await Store.open(project.settings.store_url, clock=SystemClock()) as store:
        for number in range(RUNNING + QUEUED + WAITING):
            status = (
                RunStatus.RUNNING
                if number < RUNNING
                else RunStatus.QUEUED
                if number < RUNNING + QUEUED
                else RunStatus.WAITING
            )
            started = new_run(
                workflow,
                {},
                cause="benchmark",
                node="here",
                now=now,
                event={"waits": status is RunStatus.WAITING},
                slots=[["calls", 10_000]],
            )
            run = started.run
            store.put_workflow_version(started.version)
            store.put_run(replace(run, status=status, started_at=None if status is RunStatus.QUEUED else now))
            if status is not RunStatus.QUEUED:
                step = StepRecord(
                    run_id=run.run_id,
                    key="before",
                    seq=1,
                    verb="set",
                    status=StepStatus.SUCCEEDED,
                    started_at=now,
                    finished_at=now,
                    output={"n": 1},
                )
                store.put_step(step)
            if status is RunStatus.WAITING:
                waiting = replace(
                    step, key="answer", seq=2, verb="wait", status=StepStatus.WAITING, output=None, finished_at=None
                )
                store.put_step(waiting)
                store.put_wait(
                    WaitRecord(
                        run_id=run.run_id,
                        key="answer",
                        kind=WaitKind.EVENT,
                        event_type="phone.answered",
                        details={"step": "answer", "until": None, "above": []},
                        created_at=now,
                    )
                )
            if number % 1000 == 0:
                await store.barrier()


def raw(file: Path) -> float:
    """Return how long reading the unfinished runs' rows takes."""
    began = time.perf_counter()
    with sqlite3.connect(file) as db:
        db.execute("SELECT * FROM runs WHERE status IN ('queued', 'running', 'waiting')").fetchall()
    return time.perf_counter() - began


async def start_again(project: Project) -> tuple[float, float, Counter[str]]:
    """Start the service, and return the seconds to the first step, those until all is done, and what is left."""
    watch = Watch()
    began = time.perf_counter()
    async with open_app(project, foreground=False, observer=watch) as app, anyio.create_task_group() as group:
        service = app.service()
        group.start_soon(service.run)
        await watch.all_ended.wait()
        done_s = time.perf_counter() - began
        left = Counter({status.value: count for status, count in (await app.store.going_counts()).items()})
        service.stop()
    assert watch.first_at is not None
    return watch.first_at - began, done_s, left


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Print the times."""
    with tempfile.TemporaryDirectory() as folder:
        project = write_project(Path(folder))
        asyncio.run(leave_behind(project))
        limit = raw(Path(folder) / "history.db")
        before = _rss_bytes()
        first_s, done_s, left = asyncio.run(start_again(project))
        grown = _rss_bytes() - before
    print(f"  reading the rows of {RUNNING + QUEUED + WAITING:,} unfinished runs  {limit:6.3f} s")
    print(f"  open, recover, first resumed step        {first_s:6.3f} s  (to reach: under {TO_REACH_S:g} s)")
    print(
        f"  {RUNNING + QUEUED:,} of them carried to their end     {done_s:6.2f} s"
        f"  {(RUNNING + QUEUED) / done_s:,.0f} runs/s; {left['waiting']:,} go on waiting"
    )
    print(f"  memory grown by                          {grown / 2**20:6.1f} MiB")


if __name__ == "__main__":
    main()
