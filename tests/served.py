"""A project that is served: the whole service with its HTTP face on loopback, for tests of that face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from backhaul.app import App, Project, open_app
from backhaul.service.service import Service
from backhaul.store.records import RunRecord
from backhaul.store.service_records import Role
from backhaul.web.metrics import Counts
from backhaul.web.server import listen, serve_http
from backhaul.web.tokens import Tokens

__all__ = ["BELL", "GREET", "RING", "SETTINGS", "Served", "serving"]

SETTINGS = """\
[server]
port = 0
node = "here"

[connections.bell]
connector = "bell"
limits = {per_day = 100}

[connections.broken]
connector = "bell"
fault = "refused"

[connections.wrong]
connector = "bell"
falt = "refused"
"""

BELL = """\
from backhaul.sdk import (
    AuthenticationError, Connector, ConnectorSettings, Effect, Event,
    UnknownOutcomeError, WebhookRequest, action, webhook,
)


class BellSettings(ConnectorSettings):
    fault: str = ""


class Bell(Connector[BellSettings]):
    \"\"\"A bell.\"\"\"

    name = "bell"
    Settings = BellSettings

    @action(effect=Effect.ONCE)
    async def ring(self, *, phone: str = "") -> str:
        \"\"\"Ring, and lose the line.\"\"\"
        raise UnknownOutcomeError("the line was cut")

    @action(effect=Effect.READ)
    async def forever(self) -> str:
        \"\"\"Never answer.\"\"\"
        import anyio

        await anyio.sleep_forever()
        return ""

    @webhook
    async def receive(self, request: WebhookRequest) -> list[Event]:
        return [Event(type="rang", time=request.received_at, data=request.json(), key=request.parameters().get("id"))]

    async def check(self) -> None:
        if self.settings.fault:
            raise AuthenticationError("the bell does not know this key")
"""

GREET = """\
name: greet
description: Say good morning.
on:
  - cron: "0 3 * * *"
    timezone: America/Sao_Paulo
  - event: door.opened
    where: ${{ event.data.wide }}
inputs:
  town: {type: string, default: Recife}
  phone: {type: string, default: ""}
steps:
  - id: said
    set: {text: "${{ inputs.town }}", phone: "${{ inputs.phone }}"}
  - id: each_one
    each: [1, 2, 3]
    do:
      - id: inner
        set: {n: "${{ item }}"}
output: ${{ steps.said }}
"""

RING = """\
name: ring
steps:
  - id: call
    call: bell.ring
  - id: after
    set: {ok: true}
"""

LONG = """\
name: long
steps:
  - id: hang
    call: bell.forever
"""

BAD = """\
name: bad
steps:
  - id: one
    sett: {}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A project that is served.

    Attributes:
        tokens: one for each role.
    """

    app: App
    service: Service
    url: str
    tokens: dict[Role, str]
    counts: Counts

    def client(self, role: Role | None = Role.ADMIN, **options: Any) -> httpx.AsyncClient:
        """Return a client that uses the token of a role, or none."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=30, **options)

    async def until(self, run_id: str, *statuses: str) -> RunRecord:
        """Return a run once it has one of these statuses."""
        with anyio.fail_after(20):
            while True:
                run = await self.app.store.run(run_id)
                if run is not None and run.status.value in statuses:
                    return run
                # Each look at the store is a turn of its own; there is nothing to be told by.
                await anyio.lowlevel.checkpoint()


def write_project(folder: Path, settings: str = SETTINGS) -> Project:
    """Write a project with a few workflows and a connector."""
    (folder / "backhaul.toml").write_text(settings)
    for kind, files in {
        "workflows": {"greet.yaml": GREET, "ring.yaml": RING, "long.yaml": LONG, "bad.yaml": BAD},
        "connectors": {"bell.py": BELL},
    }.items():
        (folder / kind).mkdir()
        for name, text in files.items():
            (folder / kind / name).write_text(text)
    return Project(folder)


@asynccontextmanager
async def serving(folder: Path, settings: str = SETTINGS) -> AsyncIterator[Served]:
    """Serve a new project in a folder; end the service afterwards."""
    project = write_project(folder, settings)
    counts = Counts()
    async with open_app(project, foreground=False, observer=counts.runs, write_observer=counts.commits) as app:
        known = Tokens(app.store, app.clock)
        tokens = {role: (await known.create(f"a {role.value}", role))[1].reveal() for role in Role}
        service, listener, started = app.service(), listen(project.settings.server), anyio.Event()

        async def face(stopping: anyio.Event) -> None:
            await serve_http(app, listener, stopping, counts=counts, troubles=service.troubles, started=started)

        async with anyio.create_task_group() as group:
            group.start_soon(service.run, face)
            await started.wait()
            await app.dispatcher.recovered.wait()
            try:
                yield Served(app, service, listener.url, tokens, counts)
            finally:
                app.executor.stop_all()
                service.stop()
