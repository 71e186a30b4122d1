"""The shipped sandbox for the conformance suite: a small fictional ISP in this process, a new one each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.applications import Starlette

from backhaul.sdk import Json
from backhaul.testing import ServedSandbox, serve_app
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.server import build_app
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.world import World

__all__ = ["DEVICES", "Isp", "served"]

DEVICES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Isp:
    """A running sandbox.

    Attributes:
        url: base URL of the whole sandbox; a vendor is at ``/{vendor}``.
        credentials: what a client of the vendor needs, by the names of the sandbox.
        app: the application itself.
    """

    url: str
    credentials: Mapping[str, Json]
    app: Starlette

    @property
    def world(self) -> World:
        """What all vendors' interfaces show."""
        state: SandboxState = self.app.state.sandbox
        return state.world

    def rows(self) -> Json:
        """Return what the ERP's tables hold, without the times of changes."""
        return {
            name: {
                row_id: {column: value for column, value in table.row(row_id).items() if column != table.seeded.stamp}
                for row_id in table.ids
            }
            for name, table in self.world.tables.items()
        }

    async def advance(self, seconds: float) -> None:
        """Move the sandbox's clock, as its connector sleeps, and let happen what is due by then."""
        self.app.state.sandbox.clock.advance(seconds)
        self.world.agenda.run_due()

    async def shown(self, path: str) -> Json:
        """Return what the sandbox's control interface answers."""
        async with _control(self.app) as client:
            return (await client.get(path)).raise_for_status().json()

    async def ask(self, path: str, **parameters: str) -> None:
        """Send a GET to a vendor, as another program of the ISP would."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://127.0.0.1") as client:
            (await client.get(path, params=parameters)).raise_for_status()

    async def change(self, path: str, body: Json) -> Json:
        """Have the sandbox's control interface do something."""
        async with _control(self.app) as client:
            return (await client.post(path, json=body)).raise_for_status().json()


def served(
    vendor: str, sandbox_of: Callable[[Isp], ServedSandbox], prepare: Callable[[Isp], Awaitable[None]] | None = None
) -> Callable[[], AbstractAsyncContextManager[ServedSandbox]]:
    """Return what a case's `serve` is: the ISP as one vendor shows it, after `prepare` has changed it."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[ServedSandbox]:
        app = build_app(WorldOptions(devices=DEVICES, seed=7))
        async with _control(app) as client:
            credentials = (await client.get("/credentials")).raise_for_status().json()[vendor]
        async with serve_app(app) as url:
            isp = Isp(url=url, credentials=credentials, app=app)
            if prepare is not None:
                await prepare(isp)
            yield sandbox_of(isp)

    return serve


def _control(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1/_sandbox")
