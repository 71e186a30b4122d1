"""From an Axialys callback to the first request at another system: idle, and while a bulk run is going.

The service is `backhaul serve` in a process of its own. This process sends the callbacks and is the other system: the
time is from writing the callback to the arrival of the request, so it holds both ways through the network, too. A run
that reads first, such as one that looks the caller up, waits for one commit; one whose first request has an effect for
two. The raw limit is a bare server that sends one request onward, without a store, asked in the same way.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop
from httpx_aiohttp import AiohttpTransport

from benchmarks.server import free_port, serve, wait_for

ROUNDS = 3
IDLE = 300
BULK_ITEMS = 100_000
PAUSE_S = 0.02
SECRET = "a-secret-of-the-benchmark"

SETTINGS = """\
[server]
port = {port}
node = "bench"
hook_rate_per_minute = 1000000

[connections.phone]
connector = "axialys"
base_url = "http://127.0.0.1:{vendor}/api"
api_key = "invented"
hook_secret = "{secret}"

[connections.crm]
connector = "local"
base_url = "http://127.0.0.1:{vendor}"

[connections.bulk]
connector = "local"
base_url = "http://127.0.0.1:{bulk}"
limits = {{concurrency = 20}}
"""

CONNECTOR = '''\
from collections.abc import AsyncIterator

from backhaul.sdk import Connector, Effect, HttpSettings, Page, action, json_of


class Local(Connector[HttpSettings]):
    """A server on this machine."""

    name = "local"
    Settings = HttpSettings

    @action(effect=Effect.READ)
    async def customer(self, *, call_id: str) -> int:
        """Look a caller up."""
        return int(json_of(await self.http.request("GET", f"/{call_id}"))["ok"])

    @action(effect=Effect.WRITE)
    async def put(self, *, number: str) -> int:
        """Send a number."""
        return int(json_of(await self.http.request("PUT", f"/{number}"))["ok"])

    @action(effect=Effect.READ)
    async def numbers(self, *, count: int, cursor: str | None = None) -> AsyncIterator[Page[dict[str, int]]]:
        """List the numbers from 0."""
        start = int(cursor or 0)
        while start < count:
            end = min(start + 200, count)
            items = [{"number": number} for number in range(start, end)]
            start = end
            yield Page(items=items, next=str(end) if end < count else None)
'''

WORKFLOWS = {
    "look_up": """
on: [{event: phone.incoming_call_start}]
steps: [{id: customer, call: crm.customer, with: {call_id: "${{ event.data.call_id }}"}}]
""",
    "note": """
on: [{event: phone.outgoing_call_start}]
steps: [{id: noted, call: crm.put, with: {number: "${{ event.data.call_id }}"}}]
""",
    "bulk": f"""
on: [{{event: phone.call_connected}}]
priority: 0
steps:
  - {{id: numbers, call: bulk.numbers, with: {{count: {BULK_ITEMS}}}}}
  - id: all
    each: ${{{{ steps.numbers }}}}
    concurrency: 20
    do: [{{id: put, call: bulk.put, with: {{number: "${{{{ item.number }}}}"}}}}]
  - {{id: told, call: crm.put, with: {{number: "bulk-done-${{{{ steps.all.succeeded }}}}"}}}}
""",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of many probes."""

    p50: float
    p99: float
    worst: float
    count: int

    @classmethod
    def of(cls, took_s: list[float]) -> Figures:
        ordered = sorted(took_s)
        count = len(ordered)
        return cls(
            ordered[count // 2] * 1000, ordered[min(count * 99 // 100, count - 1)] * 1000, ordered[-1] * 1000, count
        )


class OtherSystem:
    """Notes when requests arrive, by the last part of their path."""

    def __init__(self) -> None:
        self._awaited: dict[str, asyncio.Future[float]] = {}

    def expect(self, name: str) -> asyncio.Future[float]:
        """Return what will hold the moment at which the request arrives."""
        future = self._awaited[name] = asyncio.get_running_loop().create_future()
        return future

    def arrived(self, name: str, moment: float) -> None:
        """Note an arrival."""
        awaited = self._awaited.pop(name, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(moment)


class _Answering(asyncio.Protocol):
    """A connection of the other system. Each request comes in one piece: they are small."""

    _ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"ok": 1}'

    def __init__(self, system: OtherSystem) -> None:
        self._system = system

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._transport.write(self._ANSWER)
        path = data.split(b" ", 2)[1].decode()
        self._system.arrived(path.rpartition("/")[2].partition("?")[0], now)


class _Calling(asyncio.Protocol):
    """The connection of the telephone platform."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 204"), data

    def call(self, path: str) -> float:
        """Send a callback; return when."""
        now = time.perf_counter()
        self._transport.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        return now


class Probe:
    """Sends callbacks, one after the other, and measures until the request that follows arrives."""

    def __init__(self, system: OtherSystem, calling: _Calling) -> None:
        self._system = system
        self._calling = calling
        self._number = 0

    async def one(self, event: str) -> float:
        """Return the seconds that one takes."""
        self._number += 1
        call_id = f"c{self._number}"
        arrival = self._system.expect(call_id)
        sent = self._calling.call(callback(event, call_id))
        return await asyncio.wait_for(arrival, 60) - sent

    async def many(self, event: str, count: int) -> Figures:
        """Measure a number of them, with a pause before each."""
        took = []
        for _ in range(count):
            await asyncio.sleep(PAUSE_S)
            took.append(await self.one(event))
        return Figures.of(took)

    async def during_bulk(self, event: str) -> Figures:
        """Measure for as long as a bulk run is going."""
        done = self._system.expect(f"bulk-done-{BULK_ITEMS}")
        began = self._calling.call(callback("call_connected", f"bulk{self._number}"))
        took: list[float] = []
        while not done.done():
            await asyncio.sleep(PAUSE_S)
            took.append(await self.one(event))
        print(f"  the bulk run meanwhile   {BULK_ITEMS / (done.result() - began):,.0f} items/s")
        return Figures.of(took)


def callback(event: str, call_id: str) -> str:
    """Return path and query of a callback."""
    numbers = "calling_number=33199001234&called_number=33199005678&account_id=acc-501"
    return f"/hooks/phone/{SECRET}/?call_id={call_id}&event={event}&{numbers}"


def relay(port: int, vendor: int) -> None:
    """Be the bare server: each request is answered, and one is sent onward."""

    async def run() -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{vendor}", transport=AiohttpTransport()) as client:

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await receive()
                query = scope["query_string"].decode()
                await client.get("/" + query.partition("call_id=")[2].partition("&")[0])
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})

            config = uvicorn.Config(app, port=port, log_level="critical", access_log=False, lifespan="off")
            await uvicorn.Server(config).serve()

    uvloop.run(run())


@contextmanager
def process(target: Any, *arguments: Any) -> Iterator[None]:
    """Run a server in a process of its own."""
    one = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    one.start()
    try:
        wait_for(arguments[0])
        yield
    finally:
        one.terminate()
        one.join()


@contextmanager
def service(folder: Path, port: int, vendor: int, bulk: int) -> Iterator[None]:
    """Run `backhaul serve` on a new project."""
    for name in ("connectors", "workflows"):
        (folder / name).mkdir()
    (folder / "backhaul.toml").write_text(SETTINGS.format(port=port, vendor=vendor, bulk=bulk, secret=SECRET))
    (folder / "connectors" / "local.py").write_text(CONNECTOR)
    for name, text in WORKFLOWS.items():
        (folder / "workflows" / f"{name}.yaml").write_text(text)
    with (folder / "log").open("wb") as log:
        one = subprocess.Popen([sys.executable, "-m", "backhaul", "serve"], cwd=folder, stderr=log)
    try:
        wait_for(port)
        yield
    except BaseException:
        print((folder / "log").read_text())
        raise
    finally:
        one.send_signal(signal.SIGTERM)
        one.wait(60)


async def probe(port: int, system: OtherSystem) -> Probe:
    """Return a probe of whoever listens, warmed up."""
    _, calling = await asyncio.get_running_loop().create_connection(_Calling, "127.0.0.1", port)
    return Probe(system, calling)


async def one_round(folder: Path) -> dict[str, Figures]:
    """Measure everything once."""
    system, loop = OtherSystem(), asyncio.get_running_loop()
    vendor, bulk, bare, port = free_port(), free_port(), free_port(), free_port()
    server = await loop.create_server(lambda: _Answering(system), "127.0.0.1", vendor)
    found: dict[str, Figures] = {}
    async with server:
        with process(relay, bare, vendor):
            raw = await probe(bare, system)
            await raw.many("incoming_call_start", 30)
            found["raw"] = await raw.many("incoming_call_start", IDLE)
        with process(serve, bulk), service(folder, port, vendor, bulk):
            chain = await probe(port, system)
            await chain.many("incoming_call_start", 30)
            found["read"] = await chain.many("incoming_call_start", IDLE)
            found["effect"] = await chain.many("outgoing_call_start", IDLE)
            found["bulk"] = await chain.during_bulk("incoming_call_start")
    return found


def main() -> None:
    """Print medians of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(uvloop.run(one_round(Path(folder))))
    for name, label, goal in (
        ("raw", "bare server, no store", ""),
        ("read", "idle, a read first", "to reach: p50 under 3 ms, p99 under 10 ms"),
        ("effect", "idle, an effect first", ""),
        ("bulk", f"during {BULK_ITEMS:,} items", "to reach: p99 under 50 ms"),
    ):
        found = [one[name] for one in rounds]
        p50, p99, worst = (
            statistics.median(getattr(one, column) for one in found) for column in ("p50", "p99", "worst")
        )
        low = min(one.p99 for one in found)
        print(
            f"  {label:<24} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms (best round {low:.2f})  worst {worst:6.1f} ms  {goal}"
        )
