"""Opens and uses a store, and names the heavy modules that this imported."""

from __future__ import annotations

import asyncio
import sys

from backhaul.clock import SystemClock
from backhaul.store.store import Store

HEAVY = ("alembic", "mako", "psycopg", "httpx", "starlette", "rich")


async def main(url: str) -> None:
    async with await Store.open(url, clock=SystemClock()) as store:
        await store.runs()
    print("imported", *[name for name in HEAVY if name in sys.modules], flush=True)


asyncio.run(main(*sys.argv[1:]))
