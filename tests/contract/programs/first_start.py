"""Waits for a word, then opens a store with migrations and writes one run."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from backhaul.clock import SystemClock
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.store import Store


async def main(url: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    async with await Store.open(url, clock=SystemClock(), migrate=True) as store:
        run = RunRecord(
            run_id=str(os.getpid()),
            workflow="w",
            digest="d",
            status=RunStatus.QUEUED,
            cause="manual",
            inputs={},
            node="here",
            created_at=datetime.now(UTC),
        )
        await store.put_run(run).wait()
    print("done", flush=True)


asyncio.run(main(*sys.argv[1:]))
