"""Builds the sandbox's application and serves it on loopback."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from backhaul_connectors.sandbox.address import AddressError, listening_sockets
from backhaul_connectors.sandbox.akixi.face import AkixiFace
from backhaul_connectors.sandbox.axialys.face import AxialysFace
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.control import control_app
from backhaul_connectors.sandbox.ispcrm.face import CrmFace
from backhaul_connectors.sandbox.ixc_acs.face import AcsFace
from backhaul_connectors.sandbox.ixc_provider.face import ProviderFace
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.page import page_routes
from backhaul_connectors.sandbox.request_log import LOG_LIMIT
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.tls import make_certificate

__all__ = ["build_app", "main", "serve"]

VENDORS = (AcsFace, ProviderFace, AkixiFace, CrmFace, AxialysFace)
"""The vendors that are served, each under its prefix: one entry mounts one vendor."""

_CLOSE_WITHIN_S = 2
_TICK_S = 0.2


def build_app(
    options: WorldOptions | None = None, *, clock: WorldClock | None = None, log_limit: int = LOG_LIMIT
) -> Starlette:
    """Return an application with its own world. ``app.state.sandbox`` is its SandboxState."""
    state = SandboxState(options or WorldOptions(), clock, log_limit=log_limit)
    faces = [vendor(state) for vendor in VENDORS]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_keep_time(state))
        yield
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await state.webhooks.close()

    mounts = [Mount(f"/{face.prefix or face.vendor}", app=face) for face in faces]
    control = Mount("/_sandbox", app=control_app(state, faces))
    app = Starlette(routes=[*mounts, control, *page_routes()], lifespan=lifespan)
    app.state.sandbox = state
    return app


async def _keep_time(state: SandboxState) -> None:
    """Let things happen when they are due, also while nobody calls."""
    while True:
        state.world.agenda.run_due()
        await asyncio.sleep(max(state.world.agenda.wait_s(at_most=_TICK_S), 0.005))


class _Server(uvicorn.Server):
    """Announces the real address once it accepts, and ends with exit code 0 on SIGTERM and SIGINT."""

    def __init__(self, config: uvicorn.Config, options: WorldOptions, ready_file: Path | None) -> None:
        super().__init__(config)
        self._options = options
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say where."""
        await super().startup(sockets=sockets)
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        scheme = "https" if self.config.is_ssl else "http"
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        if self._ready_file is not None:
            partial = self._ready_file.with_name(f"{self._ready_file.name}.{os.getpid()}")
            partial.write_text(url + "\n", encoding="utf-8")
            partial.replace(self._ready_file)
        line = f"sandbox ready at {url} ({self._options.devices} devices, seed {self._options.seed})\n"
        sys.stderr.write(line)
        sys.stderr.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on the usual signals without raising them again; outside the main thread leave signals alone."""
        loop = asyncio.get_running_loop()
        in_main_thread = threading.current_thread() is threading.main_thread()
        numbers = (signal.SIGINT, signal.SIGTERM) if in_main_thread else ()
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


def serve(
    *,
    devices: int = 2_000,
    seed: int = 1,
    port: int = 8900,
    host: str = "127.0.0.1",
    options: WorldOptions | None = None,
    ready_file: Path | None = None,
    log_limit: int = LOG_LIMIT,
    tls_certificate: Path | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        devices: how many devices the ACS knows; ignored if ``options`` is given, like ``seed``.
        seed: the same seed gives the same ISP.
        port: 0 picks a free one; the real one is announced on stderr.
        host: keep it on loopback: the credentials are public.
        options: the whole shape of the ISP.
        ready_file: gets the base URL, in one step, when the sandbox accepts calls.
        log_limit: how many calls the request log keeps.
        tls_certificate: serve https only, with a certificate made now; this file gets it, so that clients can
            trust it.

    Raises:
        AddressError: the port is taken, or there is no such address.
    """
    chosen = options or WorldOptions(devices=devices, seed=seed)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(one) for one in listening_sockets(host, port)]
        tls: dict[str, Path] = {}
        if tls_certificate is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backhaul-sandbox-")))
            certificate, tls["ssl_keyfile"] = make_certificate(folder)
            tls_certificate.write_bytes(certificate.read_bytes())
            tls["ssl_certfile"] = certificate
        _run(build_app(chosen, log_limit=log_limit), chosen, sockets, ready_file, tls)


def _run(
    app: Starlette,
    options: WorldOptions,
    sockets: list[socket.socket],
    ready_file: Path | None,
    tls: Mapping[str, Path],
) -> None:
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=_CLOSE_WITHIN_S,
        ssl_certfile=tls.get("ssl_certfile"),
        ssl_keyfile=tls.get("ssl_keyfile"),
    )
    gc.collect()
    gc.freeze()
    _Server(config, options, ready_file).run(sockets)


def main(argv: Sequence[str] | None = None) -> None:
    """Run ``backhaul sandbox``."""
    args = _parser().parse_args(argv)
    try:
        options = _options(args)
    except ValueError as error:
        _parser().error(str(error))
    try:
        serve(
            options=options,
            port=args.port,
            host=args.host,
            ready_file=args.ready_file,
            log_limit=args.log_limit,
            tls_certificate=args.tls,
        )
    except AddressError as error:
        _parser().exit(2, f"error: {error}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backhaul sandbox", description="Serve the vendors' systems of one fictional ISP on loopback."
    )
    parser.add_argument("--devices", type=int, default=2_000, help="devices in the ACS (default 2000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same ISP (default 1)")
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free port (default 8900)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--fresh", action="store_true", help="the ERP knows no device yet; every login is active")
    parser.add_argument(
        "--share",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change a share of the ISP's shape, such as gone=0.05; names: {', '.join(WorldOptions.share_names())}",
    )
    parser.add_argument("--zone", default="America/Sao_Paulo", help="time zone of the ERP's server")
    parser.add_argument(
        "--log-limit", type=int, default=LOG_LIMIT, help=f"calls that the log keeps (default {LOG_LIMIT})"
    )
    parser.add_argument(
        "--tls", type=Path, metavar="FILE", help="serve https with a self-signed certificate; FILE gets it (PEM)"
    )
    parser.add_argument("--ready-file", type=Path, help="gets the base URL when the sandbox accepts calls")
    return parser


def _options(args: argparse.Namespace) -> WorldOptions:
    """Return the ISP's shape. Raises ValueError with a text for the user."""
    shares: dict[str, float] = {}
    for text in args.share:
        name, _, value = text.partition("=")
        shares[name] = float(value)
    shape = WorldOptions.fresh if args.fresh else WorldOptions
    return shape(devices=args.devices, seed=args.seed, zone=args.zone).with_shares(shares)
