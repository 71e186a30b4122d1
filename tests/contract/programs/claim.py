"""Claims the runs named on its command line, says so, and waits to be told to go or to be killed."""

from __future__ import annotations

import asyncio
import sys

from backhaul.clock import SystemClock
from backhaul.store.store import Store


async def main(url: str, *run_ids: str) -> None:
    async with await Store.open(url, clock=SystemClock()) as store:
        print(*[await store.claim(run_id) for run_id in run_ids], flush=True)
        await asyncio.to_thread(sys.stdin.readline)


asyncio.run(main(*sys.argv[1:]))
