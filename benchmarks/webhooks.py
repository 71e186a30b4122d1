"""Webhooks per second that are accepted and durable, against the server without a store and the store without a server.

The client is a process of its own: 64 connections that each send the next webhook when the last is answered. The first
limit is the same server with an application that answers at once; the second the rows of events alone, appended by 64
tasks and waited for, through the same writer on the same disk. `synchronous=FULL` everywhere.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from backhaul.clock import SystemClock
from backhaul.ids import new_id
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.sdk import Connector, Event, Secret, WebhookRequest, webhook
from backhaul.service.event_triggers import EventTriggers
from backhaul.service.intake import Intake
from backhaul.store.records import EventRecord
from backhaul.store.service_records import Acceptance
from backhaul.store.store import Store
from backhaul.web.hooks import HookReceiver
from benchmarks.server import free_port, wait_for

CONCURRENCY = 64
WEBHOOKS = 20_000
ROUNDS = 5
SECRET = "a-secret-of-the-benchmark"
BODY = b'{"event": "device.added", "serialNumber": "SN%08d", "pppoeLogin": "casa12.ppp", "family": "devices"}'


class Sender(Connector):
    """Sends webhooks, one event each."""

    name = "sender"

    @webhook
    async def receive(self, request: WebhookRequest) -> Sequence[Event]:
        """Read the event from the body."""
        body = request.json()
        serial = body["serialNumber"]
        return [Event(type=body["event"], subject=serial, data=body, time=request.received_at, key=serial)]


async def answer_at_once(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer 204."""
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": [(b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": b""})


async def listen(app: Any, port: int) -> None:
    """Serve until the process is ended."""
    config = uvicorn.Config(app, port=port, log_level="critical", access_log=False, lifespan="off", proxy_headers=False)
    await uvicorn.Server(config).serve()


async def serve_hooks(folder: Path, port: int) -> None:
    """Serve a receiver with a store behind it."""
    loaded = LoadedConnector(
        name="sender", cls=Sender, actions=actions_of(Sender), source="benchmarks", version="", webhook="receive"
    )
    settings = [ConnectionSettings(name="sender", connector="sender", hook_secrets=(Secret(SECRET),))]
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store,
        Connections(settings, PluginRegistry(connectors={"sender": loaded}), clock=store.clock) as connections,
    ):
        triggers = EventTriggers({}, "benchmark")
        intake = Intake(store, store.clock, node="benchmark", triggers=lambda: triggers)
        receiver = HookReceiver(connections, intake, store.clock, body_limit=1024 * 1024, per_minute=10_000_000)
        # As `backhaul serve` does: going through all that was imported halts the process for a tenth of a second.
        gc.collect()
        gc.freeze()
        await listen(receiver, port)


def server_process(folder: str, port: int) -> None:
    """Be the server: with a store when there is a folder for it."""
    uvloop.run(serve_hooks(Path(folder), port) if folder else listen(answer_at_once, port))


class _Sending(asyncio.Protocol):
    """One connection that sends the next webhook when the last is answered."""

    def __init__(self, numbers: Any, took_s: list[float], done: asyncio.Future[None]) -> None:
        self._numbers = numbers
        self._took_s = took_s
        self._done = done

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 204"), data
        self._took_s.append(time.perf_counter() - self._began)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server hung up"))

    def _next(self) -> None:
        number = next(self._numbers, None)
        if number is None:
            self._done.set_result(None)
            self._transport.close()
            return
        body = BODY % number
        head = b"POST /hooks/sender/%s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" % SECRET.encode()
        self._began = time.perf_counter()
        self._transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body))


async def send_all(port: int, first: int, count: int) -> tuple[float, float, float]:
    """Return webhooks per second, and the median and the 99th percentile of the milliseconds until the answer."""
    loop = asyncio.get_running_loop()
    numbers, took_s = iter(range(first, first + count)), list[float]()
    endings = [loop.create_future() for _ in range(CONCURRENCY)]
    began = time.perf_counter()
    for done in endings:
        await loop.create_connection(lambda done=done: _Sending(numbers, took_s, done), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*endings)
    per_second = count / (time.perf_counter() - began)
    took_s.sort()
    return per_second, took_s[count // 2] * 1000, took_s[count * 99 // 100] * 1000


def client_process(pipe: Pipe, port: int) -> None:
    """Be the client: a little to warm up, then the measurement."""
    uvloop.run(send_all(port, 0, 2000))
    pipe.send(uvloop.run(send_all(port, 2000, WEBHOOKS)))


def measured(folder: str) -> tuple[float, float, float]:
    """Measure a server from another process."""
    spawn = multiprocessing.get_context("spawn")
    port = free_port()
    server = spawn.Process(target=server_process, args=(folder, port))
    server.start()
    try:
        wait_for(port)
        mine, theirs = spawn.Pipe()
        client = spawn.Process(target=client_process, args=(theirs, port))
        client.start()
        theirs.close()
        figures: tuple[float, float, float] = mine.recv()
        client.join()
        return figures
    finally:
        server.terminate()
        server.join()


async def rows_alone(folder: str) -> float:
    """Return the events per second that the store's writer makes durable for 64 tasks."""
    async with await Store.open(f"sqlite:///{folder}/rows.db", clock=SystemClock()) as store:
        numbers, now = iter(range(WEBHOOKS)), store.clock.now()

        async def work() -> None:
            for number in numbers:
                event = EventRecord(
                    event_id=new_id(),
                    type="sender.device.added",
                    source="sender",
                    subject=f"SN{number:08d}",
                    data={"event": "device.added", "serialNumber": f"SN{number:08d}", "pppoeLogin": "casa12.ppp"},
                    time=now,
                    received_at=now,
                    dedupe_key=f"SN{number:08d}",
                )
                await store.accept(Acceptance(event=event)).wait()

        began = time.perf_counter()
        await asyncio.gather(*[work() for _ in range(CONCURRENCY)])
        return WEBHOOKS / (time.perf_counter() - began)


def one_round() -> tuple[tuple[float, float, float], float, tuple[float, float, float]]:
    """Measure the limits and the receiver, one after the other, on new stores."""
    with tempfile.TemporaryDirectory() as folder:
        return measured(""), uvloop.run(rows_alone(folder)), measured(folder)


def main() -> None:
    """Print medians and ratios."""
    rounds = [one_round() for _ in range(ROUNDS)]
    at_once, median_ms, tail_ms = (statistics.median(one[0][place] for one in rounds) for place in range(3))
    rows = statistics.median(one[1] for one in rounds)
    durable, durable_ms, durable_tail_ms = (statistics.median(one[2][place] for one in rounds) for place in range(3))
    # One process does both for each webhook, and Python one thing at a time.
    both = [1 / (1 / one[0][0] + 1 / one[1]) for one in rounds]
    ratio = statistics.median(one[2][0] / limit for one, limit in zip(rounds, both, strict=True))
    print(f"  {CONCURRENCY} connections, {WEBHOOKS:,} webhooks, {os.cpu_count()} cores, client in another process")
    print(f"  server that answers at once    {at_once:>7,.0f}/s  p50 {median_ms:4.1f} ms  p99 {tail_ms:5.1f} ms")
    print(f"  rows of events alone           {rows:>7,.0f}/s")
    print(f"  one after the other            {statistics.median(both):>7,.0f}/s")
    print(
        f"  accepted and durable           {durable:>7,.0f}/s  p50 {durable_ms:4.1f} ms  p99 {durable_tail_ms:5.1f} ms"
        f"  {ratio:4.0%} of both limits together"
    )
    print("  (to reach: 10,000/s, p99 under 20 ms)")
