"""Serving an ASGI application on loopback while a test runs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["serve_app"]

_CLOSE_WITHIN_S = 1
# Turns of the loop in which the server notices that its clients have gone.
_TURNS = 10


class _Server(uvicorn.Server):
    """Leaves the signals of the process alone, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.enough = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        # uvicorn's own loop and its shutdown sleep a tenth of a second: a long time for a suite that starts hundreds.
        await self.on_tick(0)
        await self.enough.wait()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            await server.wait_closed()
        await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve_app(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an ASGI application (Starlette, FastAPI) over real HTTP and give its base URL.

    Example::

        async with serve_app(sandbox_app()) as url, connection_for(Weather, {"base_url": url}) as weather:
            ...

    Raises:
        RuntimeError: the application does not start.
    """
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, timeout_graceful_shutdown=_CLOSE_WITHIN_S
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve())
    ready = asyncio.ensure_future(server.ready.wait())
    try:
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if not server.started:
            raise RuntimeError("the application does not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        ready.cancel()
        server.enough.set()
        await asyncio.gather(serving, ready, return_exceptions=True)
