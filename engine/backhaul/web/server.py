"""The HTTP server inside the service: its sockets, its start and its orderly end."""

from __future__ import annotations

import contextlib
import errno
import math
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import structlog
import uvicorn

from backhaul.errors import SettingError
from backhaul.web.health import Health, Lag
from backhaul.web.metrics import Counts
from backhaul.web.site import Site

if TYPE_CHECKING:
    from types import TracebackType

    from backhaul.app import App
    from backhaul.server_settings import ServerSettings

__all__ = ["Listener", "listen", "serve_http"]

_log = structlog.get_logger(__name__)

_BACKLOG = 2048
_KEEP_ALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Listener:
    """The sockets of a server; use it as a context manager, or let `serve_http` close it.

    Attributes:
        url: where to find it, with the port that was taken.
    """

    sockets: tuple[socket.socket, ...]
    url: str

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self.sockets:
            one.close()


def listen(settings: ServerSettings) -> Listener:
    """Take the port, so that what stands in the way is found before anything else begins.

    Raises:
        SettingError: there is no such address, or the port is taken or not allowed.
    """
    host = settings.host.strip("[]")
    try:
        taken = _bound(host, settings.port)
    except OSError as error:
        reason = f"cannot listen at {settings.host} port {settings.port}: {error.strerror or error}"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingError("server.host", reason, "Set an address of this machine in [server]") from None
        raise SettingError("server.port", reason, "Is another one running? Set another port in [server]") from None
    shown = f"[{host}]" if ":" in host else host
    return Listener(tuple(taken), f"http://{shown}:{taken[0].getsockname()[1]}")


async def serve_http(
    app: App,
    listener: Listener,
    stopping: anyio.Event,
    *,
    counts: Counts | None = None,
    troubles: Mapping[str, str] | None = None,
    started: anyio.Event | None = None,
) -> None:
    """Serve until `stopping` is set, then let open requests end, for `ServerSettings.grace_s` at most.

    When it is cancelled, open requests are cut off. Signals are left to the caller.

    Args:
        app: the application.
        listener: where to listen; it is closed at the end.
        stopping: ends the server.
        counts: what is counted, shown by ``/metrics``; only webhooks when None.
        troubles: why loops of the service stand still, shown by ``/readyz``.
        started: is set once requests are taken.
    """
    settings = app.project.settings.server
    lag = Lag()
    site = Site(app, Health(app, stopping, {} if troubles is None else troubles), lag, counts or Counts())
    server = _Server(_config(site, settings), started or anyio.Event())
    with listener:
        await _warn(app, settings, listener.url)
        async with anyio.create_task_group() as group:
            group.start_soon(lag.watch)
            group.start_soon(server.serve_shielded, listener)
            try:
                await stopping.wait()
            except BaseException:
                server.force_exit = True
                raise
            finally:
                server.should_exit = True
                with anyio.CancelScope(shield=True):
                    await server.ended.wait()
            group.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """A server that leaves signals to the service, and ends when it is told to, not when it is cancelled."""

    def __init__(self, config: uvicorn.Config, begun: anyio.Event) -> None:
        super().__init__(config)
        self.begun = begun
        self.ended = anyio.Event()

    async def serve_shielded(self, listener: Listener) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self.serve(list(listener.sockets))
        finally:
            self.ended.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(site: Site, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        # Their entries go to our log, and only if they tell of trouble.
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.grace_s),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(one) for one in settings.trusted_proxies],
    )


async def _warn(app: App, settings: ServerSettings, url: str) -> None:
    """Say what is dangerous about the way in which we listen."""
    if settings.is_local:
        return
    if not settings.trusted_proxies:
        _log.warning("tokens and webhooks cross the network unencrypted: put a proxy with TLS in front", url=url)
    if not await app.store.tokens():
        _log.warning("there is no token, so nobody can use the API: backhaul tokens create NAME --role admin", url=url)


def _bound(host: str, port: int) -> tuple[socket.socket, ...]:
    """Return a listening socket for each address of a host, all with the same port."""
    taken: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            one = socket.socket(family, kind, protocol)
            taken.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # With port 0, the first address says which port the others take.
            one.bind((address[0], port, *address[2:]))
            one.listen(_BACKLOG)
            port = one.getsockname()[1]
    except OSError:
        for one in taken:
            one.close()
        raise
    return tuple(taken)
