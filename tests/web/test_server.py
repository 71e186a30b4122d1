"""The server: its port, its start, its end, what it warns of, whom it believes."""

from __future__ import annotations

import io
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
import structlog

from backhaul.app import open_app
from backhaul.errors import SettingError
from backhaul.logs import configure
from backhaul.server_settings import ServerSettings
from backhaul.store.service_records import Role
from backhaul.web.server import listen, serve_http
from backhaul.web.tokens import Tokens
from served import SETTINGS, Served, serving, write_project

pytestmark = pytest.mark.anyio


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("debug", "json", stream=stream)
    yield stream
    structlog.reset_defaults()


def test_port_0_takes_a_free_port_and_says_which() -> None:
    with listen(ServerSettings(port=0)) as one, listen(ServerSettings(port=0)) as other:
        assert one.url != other.url
        assert httpx.URL(one.url).port == one.sockets[0].getsockname()[1]


def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with listen(ServerSettings(port=0)) as taken, pytest.raises(SettingError, match="Address already in use"):
        listen(ServerSettings(port=httpx.URL(taken.url).port or 0))


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "999.1.1.1"])
def test_an_address_that_is_not_ours_is_one_clear_error(host: str) -> None:
    with pytest.raises(
        SettingError, match=r"server\.host: cannot listen at .* Set an address of this machine in \[server\]"
    ):
        listen(ServerSettings(host=host, port=0))


def test_ipv6_is_shown_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    with listen(ServerSettings(host="::1", port=0)) as listener:
        assert listener.url.startswith("http://[::1]:")


async def test_it_ends_when_it_is_told_to_and_gives_the_port_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as served, served.client() as client:
        assert (await client.get("/healthz")).status_code == 200
    with listen(ServerSettings(port=httpx.URL(served.url).port or 0)):
        pass


async def test_an_open_request_comes_to_its_end_before_the_server_does(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    order: list[object] = []
    async with open_app(project, foreground=False) as app:
        _, token = await Tokens(app.store, app.clock).create("me", Role.VIEWER)
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        listener, started, stopping = listen(project.settings.server), anyio.Event(), anyio.Event()

        async def serve() -> None:
            await serve_http(app, listener, stopping, started=started)
            order.append("the server ended")

        async def ask() -> None:
            async with httpx.AsyncClient(base_url=listener.url, headers=headers, trust_env=False) as client:
                order.append((await client.get("/api/v1/runs")).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            await started.wait()
            # The request is held up where it reads the store.
            readers = app.store._readers
            holders = [object() for _ in range(int(readers.total_tokens))]
            for holder in holders:
                await readers.acquire_on_behalf_of(holder)
            group.start_soon(ask)
            with anyio.fail_after(5):
                while not readers.statistics().tasks_waiting:
                    await anyio.lowlevel.checkpoint()
            stopping.set()
            with anyio.fail_after(5):
                while await _is_open(listener.url):
                    await anyio.lowlevel.checkpoint()
            # It has had the time to end, if it would end before the request.
            with anyio.move_on_after(1):
                while not order:
                    await anyio.lowlevel.checkpoint()
            for holder in holders:
                readers.release_on_behalf_of(holder)
    assert order == [200, "the server ended"]


async def _is_open(url: str) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", httpx.URL(url).port or 0)
    except OSError:
        return False
    await stream.aclose()
    return True


async def test_a_cancelled_server_cuts_open_requests_off(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    async with open_app(project, foreground=False) as app:
        started = anyio.Event()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                listener = listen(project.settings.server)

                async def serve() -> None:
                    await serve_http(app, listener, anyio.Event(), started=started)

                group.start_soon(serve)
                await started.wait()
                async with await anyio.connect_tcp("127.0.0.1", httpx.URL(listener.url).port or 0) as stream:
                    await stream.send(b"POST /api/v1/runs HTTP/1.1\r\nContent-Length: 10\r\n")
                    group.cancel_scope.cancel()


@pytest.fixture
def handlers() -> dict[signal.Signals, object]:
    """What the signals do before the server starts."""
    return {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}


async def test_signals_are_left_to_the_service(handlers: dict[signal.Signals, object], served: Served) -> None:
    assert {number: signal.getsignal(number) for number in handlers} == handlers


async def test_beyond_this_machine_it_warns(tmp_path: Path, log: io.StringIO) -> None:
    settings = SETTINGS.replace("port = 0", 'port = 0\nhost = "0.0.0.0"')
    project = write_project(tmp_path, settings)
    async with open_app(project, foreground=False) as app:
        stopping = anyio.Event()
        stopping.set()
        await serve_http(app, listen(project.settings.server), stopping)
    assert "unencrypted" in log.getvalue()
    assert "there is no token" in log.getvalue()


async def test_on_this_machine_it_does_not_warn(tmp_path: Path, log: io.StringIO) -> None:
    async with serving(tmp_path):
        pass
    assert '"level": "warning"' not in log.getvalue()


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [("[]", "127.0.0.1"), ('["10.0.0.0/8"]', "127.0.0.1"), ('["10.0.0.0/8", "127.0.0.1"]', "198.51.100.9")],
)
async def test_only_a_trusted_proxy_says_who_the_client_is(
    tmp_path: Path, log: io.StringIO, proxies: str, seen: str
) -> None:
    settings = SETTINGS.replace("port = 0", f"port = 0\ntrusted_proxies = {proxies}")
    # A webhook from a network that is not allowed is logged with its client.
    hooked = (
        '[connections.hooked]\nconnector = "bell"\nhook_secret = "a-hook-secret"\nallowed_networks = ["192.0.2.1"]\n'
    )
    async with serving(tmp_path, settings + hooked) as served, served.client(None) as client:
        headers = {"X-Forwarded-For": "198.51.100.9"}
        answer = await client.post("/hooks/hooked/a-hook-secret", headers=headers)
    assert answer.status_code == 403
    assert f'"client": "{seen}"' in log.getvalue()
    assert "a-hook-secret" not in log.getvalue()
