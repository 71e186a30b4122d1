"""What the aiohttp transport must do as httpx does it: bodies, TLS, proxies, timeouts, sizes."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from backhaul.errors import (
    AuthenticationError,
    InputError,
    InvalidAnswerError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.plugins.action import Effect
from backhaul.plugins.calls import calling
from backhaul.plugins.http import QueryValues
from plugins_http.client import call, client_of
from plugins_http.wire import CUT, HANG, answer, serving

pytestmark = pytest.mark.anyio

CERTS = Path(__file__).parent / "certs"


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "test_only_loopback.pem")
    return context


@pytest.mark.parametrize("transport", ["aiohttp", "stock"])
async def test_a_get_with_a_body_arrives_whole(transport: str) -> None:
    stock = httpx.AsyncHTTPTransport() if transport == "stock" else None
    async with serving(lambda _: answer()) as server, client_of(server.url, transport=stock) as client:
        await client.request("GET", "/webservice/v1/acs_device_grid", json={"qtype": "a.b", "rp": "20"})
        received = server.received[0]
        assert (received.method, json.loads(received.body)) == ("GET", {"qtype": "a.b", "rp": "20"})
        assert received.headers["content-type"] == "application/json"


async def test_a_form_and_raw_content_arrive() -> None:
    async with serving(lambda _: answer()) as server, client_of(server.url) as client:
        await client.request("POST", "/token", form={"grant_type": "x y", "scope": "é"})
        await client.request("PUT", "/raw", content="ação", headers={"Content-Type": "text/plain"})
        form, raw = server.received
        assert form.body == b"grant_type=x+y&scope=%C3%A9"
        assert form.headers["content-type"] == "application/x-www-form-urlencoded"
        assert raw.body == "ação".encode()
        assert raw.headers["content-type"] == "text/plain"


async def test_a_request_without_a_body_has_no_content_type() -> None:
    async with serving(lambda _: answer()) as server, client_of(server.url) as client:
        await client.request("POST", "/x")
        await client.request("GET", "/x")
        assert all("content-type" not in received.headers for received in server.received)


async def test_a_cookie_that_an_answer_sets_does_not_go_along_with_the_next_request() -> None:
    async with serving(lambda _: answer(Set_Cookie="session=1; Path=/")) as server, client_of(server.url) as client:
        first = await client.request("GET", "/a")
        await client.request("GET", "/b")
        assert first.headers["set-cookie"] == "session=1; Path=/"
        assert all("cookie" not in received.headers for received in server.received)


async def test_brackets_and_everything_special_in_queries_are_percent_encoded() -> None:
    async with serving(lambda _: answer()) as server, client_of(f"{server.url}/api") as client:
        params: QueryValues = {"filter[name]": "a[b]", "q": "a+b c&d=e/f:é'", "many": [1, 2], "on": True, "none": None}
        await client.request("GET", "/v1/x", params=params)
        await client.request("GET", "/v1/a%2Fb%3A?z=%2F%27")
        first, second = server.received
        assert first.target == (
            "/api/v1/x?filter%5Bname%5D=a%5Bb%5D&q=a%2Bb+c%26d%3De%2Ff%3A%C3%A9%27&many=1&many=2&on=true&none="
        )
        assert second.target == "/api/v1/a%2Fb%3A?z=%2F%27"


async def test_an_absolute_url_is_taken_as_it_is() -> None:
    async with serving(lambda _: answer()) as server, client_of("http://127.0.0.1:9/api") as client:
        assert (await client.request("GET", f"{server.url}/other")).status_code == 200


async def test_redirects_are_answers_unless_asked_for() -> None:
    async with (
        serving(lambda got: answer(302, Location="/b") if got.target == "/a" else answer()) as server,
        client_of(server.url) as client,
    ):
        assert (await client.request("GET", "/a")).status_code == 302
        assert (await client.request("GET", "/a", follow_redirects=True)).status_code == 200


async def test_packed_answers_are_unpacked() -> None:
    text = json.dumps(["é"] * 1000).encode()
    packed = {"gzip": gzip.compress(text), "deflate": zlib.compress(text)}
    async with (
        serving(lambda got: answer(200, packed[got.target[1:]], Content_Encoding=got.target[1:])) as server,
        client_of(server.url) as client,
    ):
        for encoding in packed:
            response = await client.request("GET", f"/{encoding}")
            assert response.json() == ["é"] * 1000


async def test_a_small_answer_that_unpacks_into_a_huge_one_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with serving(lambda _: answer(200, bomb, Content_Encoding="gzip")) as server:
        async with client_of(server.url) as client:
            with pytest.raises(InvalidAnswerError, match="max_response_bytes"):
                await client.request("GET", "/")
            with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError, match="max_response_bytes"):
                await client.request("POST", "/")
        assert len(server.received) == 2


async def test_a_long_answer_is_refused_by_its_stated_length_or_while_it_comes() -> None:
    stated = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + CUT
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000 + CUT
    async with (
        serving(lambda got: stated if got.target == "/stated" else endless) as server,
        client_of(server.url) as client,
    ):
        for path in ("/stated", "/endless"):
            with pytest.raises(InvalidAnswerError, match="max_response_bytes"):
                await client.request("GET", path)


async def test_an_answer_that_is_not_packed_as_it_says_is_an_invalid_one() -> None:
    async with (
        serving(lambda _: answer(200, b"plain", Content_Encoding="gzip")) as server,
        client_of(server.url) as client,
    ):
        with pytest.raises(InvalidAnswerError, match="cannot be read"):
            await client.request("GET", "/")


async def test_chunked_answers_are_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
    async with serving(lambda _: chunked) as server, client_of(server.url) as client:
        assert (await client.request("GET", "/")).json() == [1, 2]


async def test_an_unknown_certificate_is_not_accepted_and_the_text_names_both_settings() -> None:
    async with serving(lambda _: answer(), tls=server_tls()) as server, client_of(server.url) as client:
        with pytest.raises(AuthenticationError, match=r"ca_file.*verify_tls"):
            await client.request("GET", "/")
        assert server.received == []


async def test_an_own_authority_is_accepted_with_its_file() -> None:
    async with (
        serving(lambda _: answer(), tls=server_tls()) as server,
        client_of(server.url, ca_file=CERTS / "test_only_ca.pem") as client,
    ):
        assert (await client.request("GET", "/")).status_code == 200


async def test_the_name_in_the_certificate_must_be_that_of_the_host() -> None:
    async with serving(lambda _: answer(), tls=server_tls(), host="127.0.0.2") as server:
        async with client_of(server.url, ca_file=CERTS / "test_only_ca.pem") as client:
            with pytest.raises(AuthenticationError, match="mismatch"):
                await client.request("GET", "/")
        assert server.received == []


async def test_no_certificate_is_checked_when_the_setting_says_so() -> None:
    async with (
        serving(lambda _: answer(), tls=server_tls()) as server,
        client_of(server.url, verify_tls=False) as client,
    ):
        assert (await client.request("GET", "/")).status_code == 200


async def test_https_spoken_to_an_http_port_was_never_sent() -> None:
    async with shouting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port, client_of(f"https://127.0.0.1:{port}") as client:
        with calling(call(Effect.ONCE)), pytest.raises(RetryableError, match=r"TLS.*nothing was sent.*base_url"):
            await client.request("POST", "/ring")


async def test_an_answer_that_drips_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    async with shouting(head, drip=b"x") as port, client_of(f"http://127.0.0.1:{port}", timeout_s=0.03) as client:
        with pytest.raises(RetryableError, match="no answer in time"):
            await client.request("GET", "/")


async def test_a_request_may_have_its_own_timeout() -> None:
    async with serving(lambda _: HANG) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)), pytest.raises(UnknownOutcomeError):
            await client.request("GET", "/", timeout_s=0.05)
        assert len(server.received) == 1


async def test_plain_requests_go_through_the_proxy() -> None:
    async with serving(lambda _: answer()) as proxy, client_of("http://acs.example", proxy=proxy.url) as client:
        assert (await client.request("GET", "/devices?a=b")).status_code == 200
        assert proxy.received[0].target == "http://acs.example/devices?a=b"


async def test_encrypted_requests_go_through_a_tunnel() -> None:
    async with (
        serving(lambda _: answer(body=b"[7]"), tls=server_tls()) as server,
        tunnelling() as proxy,
        client_of(server.url, proxy=proxy, ca_file=CERTS / "test_only_ca.pem") as client,
    ):
        assert (await client.request("GET", "/")).json() == [7]


async def test_a_proxy_that_refuses_means_that_nothing_was_sent() -> None:
    async with serving(lambda _: answer(403)) as proxy, client_of("https://acs.example", proxy=proxy.url) as client:
        with calling(call(Effect.ONCE)), pytest.raises(RetryableError, match="proxy"):
            await client.request("POST", "/ring")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ação"])
async def test_a_header_that_http_does_not_allow_is_never_sent_nor_shown(value: str) -> None:
    async with serving(lambda _: answer()) as server, client_of(server.url) as client:
        with pytest.raises(InputError) as caught:
            await client.request("GET", "/", headers={"Authorization": value})
        assert value not in str(caught.value)
        assert server.received == []


async def test_a_mock_transport_can_stand_in() -> None:
    mock = httpx.MockTransport(lambda request: httpx.Response(200, json={"path": request.url.path}))
    async with client_of("http://acs.example/api", transport=mock) as client:
        assert (await client.request("GET", "/x")).json() == {"path": "/api/x"}


@asynccontextmanager
async def shouting(words: bytes, *, drip: bytes = b"") -> AsyncIterator[int]:
    """Serve a port that says something to whoever has said anything, and then drips until nobody listens."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(65536)
            writer.write(words)
            while drip and not reader.at_eof():
                writer.write(drip)
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.01)
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    await asyncio.sleep(0)


@asynccontextmanager
async def tunnelling() -> AsyncIterator[str]:
    """Serve an HTTP proxy that knows CONNECT."""
    tasks: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host, port = head.split()[1].split(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    await listener.wait_closed()
    await asyncio.sleep(0)
