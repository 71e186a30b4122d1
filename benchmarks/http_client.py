"""Requests per second through the client that connectors get, against httpx over aiohttp without anything of ours."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from backhaul.plugins.limits import Limits
from backhaul.sdk import Connector, HttpSettings
from backhaul.testing import connection_for
from benchmarks.server import free_port, serve, wait_for

CONCURRENCIES = (1, 20, 100)
REQUESTS = {1: 1_000, 20: 4_000, 100: 4_000}
ROUNDS = 5

Send = Callable[[int], Awaitable[Any]]


class Plain(Connector[HttpSettings]):
    """Nothing but a client."""

    name = "plain"
    Settings = HttpSettings


async def rate(send: Send, requests: int, tasks: int) -> float:
    """Return the requests per second of some tasks."""
    numbers = iter(range(requests))

    async def worker() -> None:
        for number in numbers:
            await send(number)

    began = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(tasks)])
    return requests / (time.perf_counter() - began)


async def pairs(url: str, tasks: int) -> list[tuple[float, float]]:
    """Return pairs of rates, raw and ours, measured in turn."""
    limits = httpx.Limits(max_connections=tasks)
    settings = {"base_url": url}
    async with (
        httpx.AsyncClient(base_url=url, transport=AiohttpTransport(limits=limits)) as raw,
        connection_for(Plain, settings, limits=Limits(concurrency=tasks)) as connector,
    ):

        async def send_raw(number: int) -> None:
            (await raw.get(f"/{number}")).json()

        async def send_ours(number: int) -> None:
            (await connector.http.request("GET", f"/{number}", repeatable=True)).json()

        await rate(send_raw, 200, tasks)
        await rate(send_ours, 200, tasks)
        count = REQUESTS[tasks]
        return [(await rate(send_raw, count, tasks), await rate(send_ours, count, tasks)) for _ in range(ROUNDS)]


def main() -> None:
    """Print medians and ratios for every concurrency."""
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,))
    server.start()
    try:
        wait_for(port)
        for tasks in CONCURRENCIES:
            measured = uvloop.run(pairs(f"http://127.0.0.1:{port}", tasks))
            raw, ours = (statistics.median(column) for column in zip(*measured, strict=True))
            ratio = statistics.median(mine / other for other, mine in measured)
            print(f"  concurrency {tasks:>3}: raw {raw:>6,.0f}/s, ours {ours:>6,.0f}/s, {ratio:4.0%} of raw")
    finally:
        server.terminate()
        server.join()
