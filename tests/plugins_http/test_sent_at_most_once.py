"""Nothing that may ring a phone is sent twice, and what was not sent is not called lost."""

from __future__ import annotations

import asyncio

import aiohttp
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport as TransportAsInstalled

from backhaul.errors import RetryableError, UnknownOutcomeError
from backhaul.plugins.action import Effect
from backhaul.plugins.calls import calling
from backhaul.plugins.http_transport import AiohttpTransport, open_client
from backhaul.testing import FakeClock
from plugins_http.client import call, client_of
from plugins_http.wire import CUT, HANG, Received, answer, serving

pytestmark = pytest.mark.anyio


def cut_second_on_a_connection(received: Received) -> bytes:
    return answer() if received.on_connection == 1 else CUT


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_on_a_kept_connection_that_dies_is_sent_once_by_the_transport(method: str) -> None:
    async with serving(cut_second_on_a_connection) as server, open_client() as client:
        await client.request(method, server.url, content=b"x")
        with pytest.raises(httpx.ReadError):
            await client.request(method, server.url, content=b"x")
        assert [received.on_connection for received in server.received] == [1, 2]


async def test_aiohttp_left_alone_would_send_it_twice() -> None:
    """Shows that the test above can fail: the reason why the transport is our own."""
    async with serving(cut_second_on_a_connection) as server, aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.put(server.url) as response:
                assert response.status == 200
        assert len(server.received) == 3


async def test_the_installed_transport_would_call_a_cut_connection_never_connected() -> None:
    async with (
        serving(lambda _: CUT) as server,
        httpx.AsyncClient(transport=TransportAsInstalled()) as client,
    ):
        with pytest.raises(httpx.ConnectTimeout):
            await client.post(server.url)
        assert len(server.received) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_cut_connection_leaves_a_once_action_unknown_after_one_request(method: str) -> None:
    async with serving(lambda _: CUT) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError, match=r"/ring.* may have been carried out"):
            await client.request(method, "/ring")
        assert len(server.received) == 1


@pytest.mark.parametrize("effect", [Effect.READ, Effect.WRITE, Effect.DELETE])
async def test_a_cut_connection_is_tried_again_for_repeatable_actions(effect: Effect) -> None:
    answers = iter([CUT, CUT, answer(body=b"[1]")])
    async with serving(lambda _: next(answers)) as server, client_of(server.url) as client:
        with calling(call(effect)):
            assert (await client.request("POST", "/x")).json() == [1]
        assert len(server.received) == 3


async def test_a_connection_that_stays_cut_is_left_to_the_run() -> None:
    async with serving(lambda _: CUT) as server, client_of(server.url) as client:
        with calling(call(Effect.READ)), pytest.raises(RetryableError, match="connection lost"):
            await client.request("GET", "/x")
        assert len(server.received) == 3


async def test_a_cut_in_the_middle_of_the_answer_is_unknown_for_once() -> None:
    half = answer(body=b"x" * 1000)[:-500] + CUT
    async with serving(lambda _: half) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/ring")
        with calling(call(Effect.READ)), pytest.raises(RetryableError):
            await client.request("GET", "/x")
        assert len(server.received) == 1 + 3


async def test_bytes_that_are_not_http_are_unknown_for_once() -> None:
    async with serving(lambda _: b"SSH-2.0-OpenSSH_9.6\r\n" + CUT) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/ring")
        assert len(server.received) == 1


async def test_silence_is_unknown_for_once_and_retryable_for_a_read() -> None:
    async with serving(lambda _: HANG) as server, client_of(server.url, timeout_s=0.05) as client:
        with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError, match="no answer in time"):
            await client.request("POST", "/ring")
        assert len(server.received) == 1
        with calling(call(Effect.READ)), pytest.raises(RetryableError, match="no answer in time"):
            await client.request("GET", "/x")
        assert len(server.received) == 4


async def test_the_connector_may_say_that_a_request_of_a_once_action_is_repeatable() -> None:
    answers = iter([CUT, answer(503), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)):
            assert (await client.request("POST", "/token", repeatable=True)).status_code == 200
        assert len(server.received) == 3


async def test_the_connector_may_say_that_a_request_of_a_write_action_is_not_repeatable() -> None:
    async with serving(lambda _: CUT) as server, client_of(server.url) as client:
        with calling(call(Effect.WRITE)), pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/insert", repeatable=False)
        assert len(server.received) == 1


async def test_outside_of_actions_only_methods_that_change_nothing_are_repeated() -> None:
    async with serving(lambda _: CUT) as server, client_of(server.url) as client:
        with pytest.raises(UnknownOutcomeError):
            await client.request("POST", "/x")
        with pytest.raises(RetryableError):
            await client.request("GET", "/x")
        assert [received.method for received in server.received] == ["POST", "GET", "GET", "GET"]


async def test_a_refused_connection_was_never_sent_and_may_be_repeated_even_for_once() -> None:
    async with serving(lambda _: answer()) as server:
        gone = server.url
    async with client_of(gone) as client:
        with calling(call(Effect.ONCE)), pytest.raises(RetryableError) as caught:
            await client.request("POST", "/ring")
    assert "nothing was sent" in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
    assert "base_url" in str(caught.value)


async def test_a_host_that_begins_to_listen_while_it_is_tried_is_reached() -> None:
    async with serving(lambda _: answer()) as server:
        port = server.port

    class ListensDuringTheFirstPause(FakeClock):
        listener: asyncio.Server | None = None

        async def sleep(self, seconds: float) -> None:
            self.listener = self.listener or await asyncio.start_server(server.handle, "127.0.0.1", port)
            await super().sleep(seconds)

    clock = ListensDuringTheFirstPause(auto=True)
    async with client_of(f"http://127.0.0.1:{port}", clock=clock) as client:
        with calling(call(Effect.ONCE)):
            assert (await client.request("POST", "/ring")).status_code == 200
    assert clock.listener is not None
    clock.listener.close()
    await clock.listener.wait_closed()


async def test_an_unknown_host_name_is_named() -> None:
    async with client_of("http://acs.invalid") as client:
        with calling(call(Effect.ONCE)), pytest.raises(RetryableError, match=r"acs\.invalid.*check base_url"):
            await client.request("POST", "/ring")


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520])
async def test_a_server_error_leaves_a_once_action_unknown(status: int) -> None:
    async with serving(lambda _: answer(status, b"<h1>oops</h1>", Retry_After="1")) as server:
        async with client_of(server.url) as client:
            with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError, match=f"{status}: oops") as caught:
                await client.request("POST", "/ring")
        assert caught.value.status == status
        assert len(server.received) == 1


ONCE = {"backhaul.repeatable": False}


async def test_a_request_that_may_not_be_repeated_takes_no_connection_that_was_idle_for_long() -> None:
    """The server may just be closing such a connection, and then nobody knows whether the request was read."""
    transport = AiohttpTransport(kept_for_once_s=0.0)
    async with serving(lambda _: answer()) as server, open_client(transport=transport) as client:
        for _ in range(2):
            await client.post(server.url, extensions=ONCE)
        assert server.connections == 2
        for _ in range(2):
            await client.post(server.url)
        assert server.connections == 3


async def test_one_that_was_used_a_moment_ago_is_taken() -> None:
    async with serving(lambda _: answer()) as server, open_client() as client:
        for _ in range(5):
            await client.post(server.url, extensions=ONCE)
        assert server.connections == 1
