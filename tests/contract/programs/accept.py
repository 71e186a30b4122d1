"""Accepts events that start runs from many tasks, names each that is reported durable, and dies around a commit."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from backhaul.clock import SystemClock
from backhaul.store.records import EventRecord, RunRecord, RunStatus, WorkflowVersionRecord
from backhaul.store.service_records import Acceptance, DecisionRecord, StartedRun, Verdict
from backhaul.store.statements import Operation
from backhaul.store.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VERSION = WorkflowVersionRecord(digest="d1", name="link", kind="yaml", path="link.yaml", source="", created_at=NOW)


class Killer:
    def __init__(self, moment: str, commit: int) -> None:
        self.moment = moment
        self.left = commit

    def before_commit(self, operations: Sequence[Operation]) -> None:
        self.left -= 1
        if self.left == 0 and self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)

    def after_commit(self, operations: Sequence[Operation]) -> None:
        if self.left == 0 and self.moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)


def acceptance(key: str) -> Acceptance:
    event = EventRecord(event_id=f"e{key}", type="acs.added", source="acs", time=NOW, received_at=NOW, dedupe_key=key)
    decision = DecisionRecord(
        trigger_id="link/event/1",
        occurrence=event.event_id,
        verdict=Verdict.STARTED,
        run_id=f"r{key}",
        event_id=event.event_id,
        decided_at=NOW,
        node="here",
    )
    run = RunRecord(
        run_id=f"r{key}",
        workflow="link",
        digest="d1",
        status=RunStatus.QUEUED,
        cause="event",
        inputs={},
        node="here",
        created_at=NOW,
        event_id=event.event_id,
    )
    return Acceptance(event=event, decisions=(decision,), runs=(StartedRun(run=run, version=VERSION),))


async def main(url: str, moment: str, commit: str) -> None:
    async with await Store.open(url, clock=SystemClock(), observer=Killer(moment, int(commit))) as store:

        async def send(worker: int) -> None:
            for number in range(1000):
                key = f"{worker}.{number}"
                await store.accept(acceptance(key)).wait()
                os.write(1, f"{key}\n".encode())

        await asyncio.gather(*[send(worker) for worker in range(30)])


asyncio.run(main(*sys.argv[1:]))
