"""Writes steps from many tasks, names each one that is reported durable, and kills itself around the n-th commit."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from backhaul.clock import SystemClock
from backhaul.store.records import StepRecord, StepStatus
from backhaul.store.statements import Operation
from backhaul.store.store import Store


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


async def main(url: str, moment: str, commit: str) -> None:
    async with await Store.open(url, clock=SystemClock(), observer=Killer(moment, int(commit))) as store:

        async def write(worker: int) -> None:
            for number in range(1000):
                key = f"{worker}.{number}"
                now = datetime.now(UTC)
                step = StepRecord(
                    run_id="run1", key=key, seq=1, verb="set", status=StepStatus.SUCCEEDED, started_at=now, output=key
                )
                await store.put_step(step).wait()
                os.write(1, f"{key}\n".encode())

        await asyncio.gather(*[write(worker) for worker in range(30)])


asyncio.run(main(*sys.argv[1:]))
