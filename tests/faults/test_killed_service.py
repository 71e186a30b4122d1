"""Ten thousand webhooks at a service that is killed three times: each is stored once, and done once."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import anyio.to_thread
import pytest

from isp import wait_until

pytestmark = pytest.mark.anyio

WEBHOOKS = 10_000
CONCURRENCY = 64
KILLED_AT = (2_000, 5_000, 8_000)
MAX_RUNS = 100
SECRET = "secret-of-the-tests"

SETTINGS = f"""\
[server]
port = 0
node = "here"
max_runs = {MAX_RUNS}
hook_rate_per_minute = 10000000

[connections.phone]
connector = "axialys"
base_url = "http://127.0.0.1:9/api"
api_key = "invented"
hook_secret = "{SECRET}"

[connections.bell]
connector = "bell"
file = "effects"
"""

CONNECTOR = '''\
import os
from pathlib import Path

from backhaul.sdk import AttemptInfo, Connector, ConnectorSettings, Effect, Verdict, action


class BellSettings(ConnectorSettings):
    """Where what was done is kept."""

    file: Path


class Bell(Connector[BellSettings]):
    """Every effect is a line in a file."""

    name = "bell"
    Settings = BellSettings

    def _append(self, line: str) -> None:
        file = os.open(self.settings.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{line}\\n".encode())
        os.close(file)

    @action(effect=Effect.WRITE)
    async def note(self, *, call_id: str) -> None:
        """Note a call; again is the same."""
        self._append(f"note {call_id}")

    @action(effect=Effect.ONCE, verify="has_rung")
    async def ring(self, *, call_id: str) -> None:
        """Ring for a call; again is heard again."""
        self._append(f"ring {call_id}")

    async def has_rung(self, *, call_id: str, attempt: AttemptInfo) -> Verdict:
        """Tell whether it rang."""
        self._append(f"asked {call_id}")
        rang = f"ring {call_id}" in self.settings.file.read_text().splitlines()
        return Verdict.done() if rang else Verdict.not_done()
'''

WORKFLOW = """\
name: screen-pop
on:
  - event: phone.incoming_call_start
steps:
  - {id: note, call: bell.note, with: {call_id: "${{ event.data.call_id }}"}}
  - {id: ring, call: bell.ring, with: {call_id: "${{ event.data.call_id }}"}}
"""


class Killed:
    """A project whose service is started again whenever it was killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.up = anyio.Event()
        """Replaced before a kill, set when the next process listens."""
        self._process: subprocess.Popen[bytes] | None = None
        for name, text in {
            "backhaul.toml": SETTINGS,
            "connectors/bell.py": CONNECTOR,
            "workflows/screen_pop.yaml": WORKFLOW,
        }.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    async def start(self) -> None:
        """Start a process; return when it listens."""
        said = self.folder / "said"
        with said.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backhaul", "serve"], cwd=self.folder, stdout=file, stderr=file
            )
        process = self._process

        def listens() -> bool:
            assert process.poll() is None, said.read_text()
            found = re.search(r"listening at http://127.0.0.1:(\d+)", said.read_text())
            self.port = int(found[1]) if found else 0
            return found is not None

        await anyio.to_thread.run_sync(wait_until, listens)
        self.up.set()

    async def kill(self) -> int:
        """End the process without a farewell; return how many runs it leaves unfinished."""
        assert self._process is not None
        self.up = anyio.Event()
        self._process.send_signal(signal.SIGKILL)
        await anyio.to_thread.run_sync(self._process.wait)
        return int(self.ask("select count(*) from runs where status in ('queued', 'running')")[0][0])

    async def until_done(self, count: int) -> None:
        """Return when so many runs have ended."""
        done = f"select count(*) >= {count} from runs where status = 'succeeded'"
        await anyio.to_thread.run_sync(wait_until, lambda: self.ask(done) == [(1,)])

    async def stop(self) -> int:
        """End the process as an operator does; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await anyio.to_thread.run_sync(self._process.wait)

    def end(self) -> None:
        """Leave no process behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, straight from the file."""
        path = self.folder / ".backhaul" / "backhaul.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()


class Sender:
    """Sends each webhook again and again until it is acknowledged."""

    def __init__(self, service: Killed) -> None:
        self._service = service
        self.acknowledged = 0
        self.sent = 0
        self._reached: dict[int, anyio.Event] = {}

    def reached(self, count: int) -> anyio.Event:
        """Return what is set once so many are acknowledged."""
        return self._reached.setdefault(count, anyio.Event())

    async def send_all(self) -> None:
        """Send all of them over `CONCURRENCY` connections."""
        numbers = iter(range(WEBHOOKS))
        async with anyio.create_task_group() as group:
            for _ in range(CONCURRENCY):
                group.start_soon(self._send_some, numbers)

    async def _send_some(self, numbers: Iterator[int]) -> None:
        waiting: int | None = None
        while True:
            await self._service.up.wait()
            # The line breaks when the service is killed, and then the last webhook is sent again.
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._service.port)
                try:
                    while (waiting := next(numbers, None) if waiting is None else waiting) is not None:
                        waiting = None if await self._send(reader, writer, waiting) else waiting
                    return
                finally:
                    writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        """Send one, and return whether it was acknowledged."""
        self.sent += 1
        writer.write(webhook(number))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            return False
        self.acknowledged += 1
        if self.acknowledged in self._reached:
            self._reached[self.acknowledged].set()
        return True


def webhook(number: int) -> bytes:
    """Return the request of a callback: by turns with a query and with a form."""
    data = urlencode(
        {
            "event": "incoming_call_start",
            "call_id": f"ax-{number}",
            "calling_number": "33199001234",
            "called_number": "33199005678",
            "account_id": "acc-501",
        }
    )
    head = "HTTP/1.1\r\nHost: localhost\r\n"
    if number % 2:
        return f"GET /hooks/phone/{SECRET}/?{data} {head}\r\n".encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    return f"POST /hooks/phone/{SECRET}/ {head}{kind}\r\nContent-Length: {len(data)}\r\n\r\n{data}".encode()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_webhooks_at_a_service_that_is_killed_three_times_are_stored_once_and_done_once(tmp_path: Path) -> None:
    service = Killed(tmp_path)
    sender = Sender(service)
    left: list[int] = []

    async def kill_and_restart() -> None:
        for count in KILLED_AT:
            await reached[count].wait()
            left.append(await service.kill())
            await service.start()

    reached = {count: sender.reached(count) for count in KILLED_AT}
    try:
        await service.start()
        async with anyio.create_task_group() as group:
            group.start_soon(kill_and_restart)
            await sender.send_all()
        for count in range(1_000, WEBHOOKS + 1, 1_000):
            await service.until_done(count)
        assert await service.stop() == 0
    finally:
        service.end()

    assert len(left) == len(KILLED_AT)
    assert all(left), "a kill came when nothing was under way"
    assert sender.sent > WEBHOOKS, "nothing had to be sent again"
    assert service.ask("select count(*), count(distinct subject) from events") == [(WEBHOOKS, WEBHOOKS)]
    assert service.ask("select status, count(*), count(distinct event_id) from runs group by status") == [
        ("succeeded", WEBHOOKS, WEBHOOKS)
    ]
    verdicts: dict[str, int] = dict(service.ask("select verdict, count(*) from decisions group by verdict"))
    assert verdicts.pop("started") == WEBHOOKS
    assert set(verdicts) <= {"duplicate"}
    check_effects(Counter((tmp_path / "effects").read_text().splitlines()))


def check_effects(effects: Counter[str]) -> None:
    """Check that a `once` was never repeated, and a `write` only when it was under way at a kill."""
    calls = [f"ax-{number}" for number in range(WEBHOOKS)]
    assert {effects[f"ring {call}"] for call in calls} == {1}
    notes = [effects[f"note {call}"] for call in calls]
    assert min(notes) == 1
    assert sum(notes) - WEBHOOKS <= len(KILLED_AT) * MAX_RUNS
