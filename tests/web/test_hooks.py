"""The receiver of webhooks over real HTTP: who is let in, what is stored, what is answered."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from random import Random
from urllib.parse import quote, urlsplit

import httpx
import pytest
import structlog

from backhaul.logs import configure
from backhaul.testing import FakeClock
from hook_server import SECRET, Hooks, connection, serving_hooks

pytestmark = pytest.mark.anyio

BROKEN = {"base_url": "no URL", "client_id": "6500000000001", "client_secret": "not-secret"}


@pytest.fixture
async def hooks(store_url: str) -> AsyncIterator[Hooks]:
    async with serving_hooks(store_url, connection("odd"), connection("other", "odd", "other-secret-1")) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as opened:
        yield opened


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("debug", "json", stream=stream)
    yield stream
    structlog.reset_defaults()


def plain(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all of an answer but the moment of it."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
    return answer.status_code, headers, answer.content


async def test_an_event_is_durable_when_its_webhook_is_answered(hooks: Hooks, client: httpx.AsyncClient) -> None:
    answer = await client.post(hooks.at("odd"), content=b"hello")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    (event,) = await hooks.events()
    assert (event.type, event.source, event.subject, event.dedupe_key) == ("odd.seen", "odd", "hello", "hello")
    assert event.received_at.tzinfo is not None


async def test_the_connector_sees_the_request_as_it_came(hooks: Hooks, client: httpx.AsyncClient) -> None:
    target = hooks.at("odd", rest="/a%20b/c%2Fd?x=1?y=%20")
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"):
        answer = await client.request(
            method, target, headers=[(b"X-Kind", "Çelik".encode("latin-1"))], content=b"\xff\x00"
        )
        assert answer.status_code == 204
    for seen in (await hooks.connector("odd")).seen:
        assert (seen.path, seen.query, seen.body) == ("/a b/c/d", "x=1?y=%20", b"\xff\x00")
        assert (seen.client, seen.headers["x-kind"]) == ("127.0.0.1", "Çelik")
    assert [seen.method for seen in (await hooks.connector("odd")).seen][-1] == "REPORT"
    for rest, path in (("", ""), ("/", "/"), ("/?a=1", "/"), ("?a=1", ""), ("//x", "//x")):
        await client.get(hooks.at("odd", rest=rest))
        assert (await hooks.connector("odd")).seen[-1].path == path


async def test_the_same_event_twice_at_the_same_time_is_stored_once(hooks: Hooks, client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*[client.post(hooks.at("odd"), content=b"again") for _ in range(20)])
    assert {answer.status_code for answer in answers} == {204}
    assert len(await hooks.events()) == 1
    counts = hooks.receiver.counts
    assert (counts.answers["odd", 204], counts.events["odd"], counts.repeated["odd"]) == (20, 1, 19)
    await client.post(hooks.at("other", "other-secret-1"), content=b"again")
    assert len(await hooks.events()) == 2, "keys are of one connection"


async def test_several_events_in_one_webhook_are_all_taken(hooks: Hooks, client: httpx.AsyncClient) -> None:
    assert (await client.post(hooks.at("odd"), content=b"twins")).status_code == 204
    assert sorted(event.dedupe_key or "" for event in await hooks.events()) == ["a", "b"]
    assert (hooks.receiver.counts.events["odd"], hooks.receiver.counts.repeated["odd"]) == (2, 1)


@pytest.mark.parametrize("length", [0, 20_000])
async def test_an_event_of_unlikely_texts_is_stored_once_like_any_other(
    hooks: Hooks, client: httpx.AsyncClient, length: int
) -> None:
    """Else it would be answered 503, and be sent again for days: no text of PostgreSQL holds the character 0."""
    body = b"a\0b" + "".join(map(chr, Random(7).choices(range(0x400, 0x2000), k=length))).encode()
    for _ in range(2):
        assert (await client.post(hooks.at("odd"), content=body)).status_code == 204
    assert (await client.post(hooks.at("odd"), content=body + b"c")).status_code == 204
    assert len({event.dedupe_key for event in await hooks.events()}) == 2
    assert hooks.receiver.counts.repeated["odd"] == 1


async def test_a_webhook_without_events_is_a_success(hooks: Hooks, client: httpx.AsyncClient) -> None:
    assert (await client.post(hooks.at("odd"), content=b"nothing")).status_code == 204
    assert await hooks.events() == []


async def test_who_knows_no_secret_learns_nothing(store_url: str, client: httpx.AsyncClient) -> None:
    """Also not that a network is not allowed, a limit is reached, or a connection is broken."""
    closed = connection("closed", "odd", "closed-secret-1", allowed_networks=(ip_network("192.0.2.0/24"),))
    none = connection("none", "odd")
    settings = [connection("odd"), closed, connection("deaf", "deaf"), connection("acs", "ixc_acs", raw=BROKEN)]
    async with serving_hooks(store_url, *settings, body_limit=1024) as hooks:
        targets = [
            hooks.at(name, secret, rest)
            for name in ("odd", "closed", "deaf", "acs", "unknown", none.name, "ODD", "%6fdd", "")
            for secret in ("wrong", "", SECRET[:-1], SECRET + "x", SECRET.upper(), "other-secret-1")
            for rest in ("", "/x")
        ]
        targets += [f"{hooks.url}/hooks{rest}" for rest in ("", "/", "/odd", f"/{SECRET}/odd")]
        answers = [plain(await client.post(target, content=b"x" * 5000)) for target in targets]
        assert answers == [(404, answers[0][1], b"")] * len(targets)
        assert hooks.receiver.counts.answers == {("", 404): len(targets)}


async def test_every_secret_of_a_rotation_is_good_and_a_dropped_one_no_more(
    store_url: str, client: httpx.AsyncClient
) -> None:
    odd = "ü/ secret? with # signs +%41"
    async with serving_hooks(store_url, connection("odd", "odd", "old-secret", odd)) as hooks:
        for secret in ("old-secret", quote(odd, safe="")):
            assert (await client.post(hooks.at("odd", secret), content=secret.encode())).status_code == 204
        assert (await client.post(hooks.at("odd", quote(odd)), content=b"x")).status_code == 404
        hooks.receiver.use(
            type(hooks.connections)([connection("odd", "odd", "new-secret")], hooks.connections._registry)
        )
        assert (await client.post(hooks.at("odd", "old-secret"), content=b"y")).status_code == 404
        assert (await client.post(hooks.at("odd", "new-secret"), content=b"z")).status_code == 204


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        (["127.0.0.0/8"], 204),
        (["192.0.2.0/24", "127.0.0.1/32"], 204),
        (["192.0.2.0/24"], 403),
        (["2001:db8::/32"], 403),
    ],
)
async def test_only_allowed_networks_are_let_in(
    sqlite_url: str, client: httpx.AsyncClient, networks: list[str], status: int
) -> None:
    allowed = tuple(map(ip_network, networks))
    async with serving_hooks(sqlite_url, connection("odd", allowed_networks=allowed)) as hooks:
        assert (await client.post(hooks.at("odd"), content=b"x")).status_code == status
        assert len(await hooks.events()) == (status == 204)
        assert hooks.receiver.counts.answers == {("odd", status): 1}


async def test_a_body_beyond_the_limit_is_refused_with_and_without_its_length(
    sqlite_url: str, client: httpx.AsyncClient
) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 512

    async with serving_hooks(sqlite_url, connection("odd"), body_limit=1024) as hooks:
        assert (await client.post(hooks.at("odd"), content=b"x" * 1024)).status_code == 204
        assert (await client.post(hooks.at("odd"), content=pieces(2))).status_code == 204
        for content in (b"x" * 1025, pieces(3)):
            answer = await client.post(hooks.at("odd"), content=content)
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert len((await hooks.connector("odd")).seen) == 2
        assert (await client.post(hooks.at("odd"), content=b"small")).status_code == 204


async def test_a_body_that_is_announced_too_long_is_not_waited_for(sqlite_url: str) -> None:
    async with serving_hooks(sqlite_url, connection("odd"), body_limit=1024) as hooks:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hooks.url).port)
        target = hooks.at("odd").removeprefix(hooks.url)
        writer.write(f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n".encode())
        first = await asyncio.wait_for(reader.readline(), 10)
        # The server's own parser may refuse such a number first.
        assert first.split()[1] in {b"413", b"400"}
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hooks.url).port)
        writer.write(f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1025\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.startswith(b"HTTP/1.1 413")
        writer.close()


async def test_a_sender_that_breaks_off_leaves_nothing(sqlite_url: str, client: httpx.AsyncClient) -> None:
    async with serving_hooks(sqlite_url, connection("odd")) as hooks:
        _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hooks.url).port)
        target = hooks.at("odd").removeprefix(hooks.url)
        writer.write(f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await client.post(hooks.at("odd"), content=b"whole")).status_code == 204
        assert [event.subject for event in await hooks.events()] == ["whole"]


async def test_beyond_the_rate_senders_are_told_when_to_come_again(sqlite_url: str, client: httpx.AsyncClient) -> None:
    clock = FakeClock(datetime.now(UTC))
    async with serving_hooks(
        sqlite_url, connection("odd"), connection("other", "odd"), clock=clock, per_minute=30
    ) as hooks:

        async def statuses(name: str, count: int) -> list[int]:
            return [(await client.post(hooks.at(name), content=b"nothing")).status_code for _ in range(count)]

        assert await statuses("odd", 31) == [204] * 30 + [429]
        assert (await client.post(hooks.at("odd"), content=b"x")).headers["retry-after"] == "2"
        assert await statuses("other", 1) == [204], "each connection has a cap of its own"
        assert (await client.post(hooks.at("odd", "wrong"))).status_code == 404
        await clock.advance(2)
        assert await statuses("odd", 2) == [204, 429]
        await clock.advance(3600)
        assert await statuses("odd", 31) == [204] * 30 + [429]
        assert hooks.receiver.counts.answers["odd", 429] == 4


async def test_what_a_connector_rejects_has_the_connectors_status(
    hooks: Hooks, client: httpx.AsyncClient, log: io.StringIO
) -> None:
    for status, answered in ((401, 401), (405, 405), (422, 422), (200, 400), (503, 400)):
        answer = await client.post(hooks.at("odd"), content=f"reject {status} {SECRET}".encode())
        assert (answer.status_code, answer.content) == (answered, b"")
    assert '"reason": "rejected because of 401 ***"' in log.getvalue()
    assert SECRET not in log.getvalue()


async def test_a_connectors_mistake_is_not_acknowledged_and_kept_in_the_log_without_what_is_personal(
    hooks: Hooks, client: httpx.AsyncClient, log: io.StringIO
) -> None:
    target = hooks.at("odd", rest=f"/{SECRET}?phone=5511912345678&n=7&password=hunter2hunter2")
    answer = await client.post(target, content=b'break {"x": 1} 5511912345678 ' + SECRET.encode() + b"z" * 9000)
    assert (answer.status_code, answer.content) == (500, b"")
    answer = await client.post(hooks.at("odd"), content=b"wrong", headers={"authorization": "Bearer tops3cret"})
    assert answer.status_code == 500
    text = log.getvalue()
    assert text.count("Traceback") == 2
    assert "a connector's own mistake" in text
    for secret in (SECRET, "5511912345678", "hunter2hunter2", "tops3cret"):
        assert secret not in text
    assert r"{\"phone\":\"***\",\"n\":\"7\",\"password\":\"***\"}" in text
    assert r"break {\"x\": 1} *** ***zz" in text
    assert len(text) < 20_000
    assert await hooks.events() == []
    assert (await client.post(hooks.at("odd"), content=b"fine")).status_code == 204


@pytest.mark.parametrize(
    ("name", "connector", "raw"), [("acs", "ixc_acs", BROKEN), ("deaf", "deaf", {}), ("x", "gone", {})]
)
async def test_a_connection_that_is_not_in_order_asks_to_send_it_again(
    sqlite_url: str, client: httpx.AsyncClient, log: io.StringIO, name: str, connector: str, raw: dict[str, str]
) -> None:
    async with serving_hooks(sqlite_url, connection(name, connector, raw=raw)) as hooks:
        answer = await client.post(hooks.at(name), content=b"{}")
        assert (answer.status_code, answer.headers["retry-after"], answer.content) == (503, "60", b"")
    assert "mend the connection" in log.getvalue()
    assert SECRET not in log.getvalue()


async def test_a_locked_store_asks_to_send_it_again_and_then_takes_it(
    tmp_path: Path, sqlite_url: str, client: httpx.AsyncClient
) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    async with serving_hooks(sqlite_url, connection("odd"), busy_s=0.05) as hooks:
        assert (await client.post(hooks.at("odd"), content=b"before")).status_code == 204
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await client.post(hooks.at("odd"), content=b"meanwhile")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            other.execute("ROLLBACK")
        assert [event.subject for event in await hooks.events()] == ["before"]
        assert (await client.post(hooks.at("odd"), content=b"meanwhile")).status_code == 204
        assert [event.subject for event in await hooks.events()] == ["before", "meanwhile"]
        assert hooks.receiver.counts.answers == {("odd", 204): 2, ("odd", 503): 1}


async def test_the_time_of_arrival_is_the_clocks(sqlite_url: str, client: httpx.AsyncClient) -> None:
    clock = FakeClock(datetime(2031, 1, 10, 12, 0, tzinfo=UTC))
    async with serving_hooks(sqlite_url, connection("odd"), clock=clock) as hooks:
        await client.post(hooks.at("odd"), content=b"x")
        await clock.advance(7)
        await client.post(hooks.at("odd"), content=b"y")
        first, second = await hooks.events()
        assert second.received_at - first.received_at == timedelta(seconds=7)
        assert first.received_at == datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
