"""An ISP's office for tests: a sandbox in a process of its own, the served shipped workflows, the agents' screens."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul.app import App, Project, open_app
from backhaul.plugins.calls import CallContext
from backhaul.store.records import EventRecord, RunRecord, RunStatus
from backhaul.testing import serve_app
from backhaul.web.server import listen, serve_http
from isp import REPOSITORY, Sandbox
from service.plant import until

__all__ = ["Office", "connections_of", "office", "write_project"]

_GOING = {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING}


@dataclass(kw_only=True)
class Office:
    """A served project with the sandbox that it is connected to.

    Attributes:
        posted: the cards that came to the agents' screens, in the order of coming.
        closed: the agents' screens answer 503.
    """

    app: App
    sandbox: Sandbox
    posted: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control interface."""
        return await anyio.to_thread.run_sync(self.sandbox.control, method, path, body)

    async def ring(self, **call: Any) -> str:
        """Let somebody call a desk, and return the call's id."""
        return str((await self.control("POST", "axialys/incoming_call", call))["call_id"])

    async def hang_up(self, call_id: str, **end: Any) -> None:
        """End a call."""
        await self.control("POST", f"axialys/calls/{call_id}/end", end)

    async def call(self, target: str, **params: Any) -> Any:
        """Call an action of a connection beside all runs, as somebody in the office does."""
        connection, _, action = target.partition(".")
        spec = self.app.connections.spec(connection, action)
        opened = await self.app.connections.open(connection)
        return await opened.call(
            action, params, CallContext(effect=spec.effect, connection=connection, action=action, priority=1)
        )

    async def later(self, seconds: float) -> None:
        """Move the world's clock."""
        await self.control("POST", "clock", {"advance_s": seconds})

    async def events(self, event_type: str) -> list[EventRecord]:
        """Return the events of a type, oldest first."""
        return list(reversed((await self.app.store.events(type=event_type, limit=1000))[0]))

    async def cards(self) -> list[dict[str, Any]]:
        """Return all cards, oldest first."""
        return [dict(event.data or {}) for event in await self.events("agent.card")]

    async def card(self, call_id: str, part: str = "lookup") -> dict[str, Any]:
        """Return a card of a call once it is there."""

        async def look() -> Any:
            cards = await self.cards()
            return next((one for one in cards if (one["call_id"], one["part"]) == (call_id, part)), None)

        found: dict[str, Any] = await until(look)
        return found

    async def runs(self, workflow: str) -> list[RunRecord]:
        """Return the runs of a workflow, oldest first."""
        return list(reversed((await self.app.store.runs(workflow=workflow, limit=1000))[0]))

    async def run(self, workflow: str, *statuses: RunStatus) -> RunRecord:
        """Return the newest run of a workflow once it has one of these statuses; by default: once it has ended."""

        async def look() -> RunRecord | None:
            runs = await self.runs(workflow)
            if not runs:
                return None
            fits = runs[-1].status in statuses if statuses else runs[-1].status not in _GOING
            return runs[-1] if fits else None

        found: RunRecord = await until(look)
        return found

    async def ended(self, workflow: str, count: int = 1) -> list[RunRecord]:
        """Return the runs of a workflow once so many have ended and none is going."""

        async def look() -> list[RunRecord] | None:
            runs = await self.runs(workflow)
            return runs if len(runs) >= count and not any(run.status in _GOING for run in runs) else None

        found: list[RunRecord] = await until(look)
        return found

    async def sent(self, vendor: str, operation: str = "") -> list[dict[str, Any]]:
        """Return the calls to a vendor that were completed, in order, those of one operation or all effects."""
        page = await self.control("GET", f"requests?since=0&limit=100000&vendor={vendor}")
        return [
            one
            for one in page["items"]
            if one["completed"]
            and (one["operation"] == operation if operation else one["effect"] not in {"read", "token"})
        ]


def connections_of(url: str) -> dict[str, dict[str, Any]]:
    """Return the settings of connections to all systems of a sandbox."""
    with urllib.request.urlopen(f"{url}/_sandbox/credentials", timeout=30) as response:
        known = json.load(response)
    return {
        "acs": {
            "connector": "ixc_acs",
            "base_url": f"{url}/acs",
            "client_id": known["acs"]["client_id"],
            "client_secret": known["acs"]["client_secret"],
            "hook_secret": "hook-secret-of-the-acs",
        },
        "provider": {"connector": "ixc_provider", "base_url": f"{url}/provider", **known["provider"]},
        "crm": {"connector": "ispcrm", "base_url": f"{url}/crm", "token": known["crm"]["token"]},
        "akixi": {"connector": "akixi", "base_url": f"{url}/akixi", "api_key": known["akixi"]["api_key"]},
        "phone": {
            "connector": "axialys",
            "base_url": f"{url}/phone/api",
            "api_key": known["axialys"]["api_key"],
            "hook_secret": "hook-secret-of-the-phone",
        },
    }


def write_project(folder: Path, workflows: Sequence[str], connections: Mapping[str, Mapping[str, Any]]) -> Project:
    """Write a project with some of the shipped workflows (names of files) and return it."""
    (folder / "workflows").mkdir(parents=True)
    for name in workflows:
        shutil.copy(REPOSITORY / "workflows" / name, folder / "workflows")
    text = ['[server]\nport = 0\nnode = "office"\n']
    for name, values in connections.items():
        text.append(f"[connections.{name}]")
        text += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (folder / "backhaul.toml").write_text("\n".join(text) + "\n")
    return Project(folder)


@asynccontextmanager
async def office(
    folder: Path,
    sandbox: Sandbox,
    workflows: Sequence[str],
    *,
    screens: bool = False,
    webhooks: bool = True,
    edited: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    **settings: Mapping[str, Any],
) -> AsyncIterator[Office]:
    """Serve shipped workflows beside a sandbox whose callbacks come in; end the service afterwards.

    Args:
        workflows: names of files.
        screens: whether there is a connection ``agent`` to the agents' screens.
        webhooks: whether the ACS sends its events.
        edited: texts in the files, and what stands there instead.
        texts: further workflows by name of file.
        settings: further settings of connections.
    """
    found = Office(app=None, sandbox=sandbox)  # type: ignore[arg-type]

    async def show(request: Request) -> JSONResponse:
        if found.closed:
            return JSONResponse({"error": "closed"}, 503)
        found.posted.append(await request.json())
        return JSONResponse({})

    async with serve_app(Starlette(routes=[Route("/cards", show, methods=["POST"])])) as screen_url:
        connections = connections_of(sandbox.url)
        if screens:
            connections["agent"] = {"connector": "http", "base_url": screen_url}
        for name, values in settings.items():
            connections[name] = {**connections[name], **values}
        project = write_project(folder, workflows, connections)
        for name, text in (texts or {}).items():
            (folder / "workflows" / name).write_text(text)
        for file in (folder / "workflows").iterdir():
            text = file.read_text()
            for old, new in (edited or {}).items():
                text = text.replace(old, new)
            file.write_text(text)
        async with open_app(project, foreground=False) as app:
            found.app = app
            service, listener, started = app.service(), listen(project.settings.server), anyio.Event()

            async def face(stopping: anyio.Event) -> None:
                await serve_http(app, listener, stopping, started=started)

            async with anyio.create_task_group() as group:
                group.start_soon(service.run, face)
                await started.wait()
                await app.dispatcher.recovered.wait()
                try:
                    await anyio.to_thread.run_sync(_register, sandbox, listener.url, webhooks)
                    yield found
                finally:
                    app.executor.stop_all()
                    service.stop()


def _register(sandbox: Sandbox, url: str, webhooks: bool) -> None:
    """Have the telephone system and the ACS send their events to a service."""
    known = connections_of(sandbox.url)["phone"]["api_key"]
    callback = f"{url}/hooks/phone/hook-secret-of-the-phone/"
    order = f"{sandbox.url}/phone/api/centrex/v1/set_callback?api_key={known}&url={callback}"
    with urllib.request.urlopen(order, timeout=30) as answer:
        answer.read()
    uri = f"{url}/hooks/acs/hook-secret-of-the-acs" if webhooks else None
    sandbox.control("POST", "settings", {"acs": {"webhook_uri": uri}})
