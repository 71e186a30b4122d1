"""Webhooks that the sandbox's vendors really send, proxies before us, signatures, and whatever else may come in."""

from __future__ import annotations

import hashlib
import hmac
import json
import string
from collections.abc import AsyncIterator, Iterator, Sequence
from ipaddress import ip_network
from urllib.parse import unquote

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hook_server
from backhaul.json_values import dump
from backhaul.sdk import (
    Connector,
    ConnectorSettings,
    Credential,
    Event,
    GitHubSignature,
    Json,
    WebhookRequest,
    webhook,
)
from hook_server import SECRET, connection, serving_hooks
from isp import sandbox as serving_sandbox

pytestmark = pytest.mark.anyio

ACS_ID = {"client_id": "6500000000001", "client_secret": "not-secret", "base_url": "https://acs.example.net"}
PHONE = {"base_url": "https://phone.example.net/api", "api_key": "invented-axialys-key"}


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", "50", "--seed", "7") as opened:
        yield opened.url


@pytest.fixture
async def world(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The control interface of a sandbox in its initial state."""
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_sandbox", trust_env=False, timeout=30) as opened:
        (await opened.post("/reset", json={})).raise_for_status()
        yield opened


async def control(world: httpx.AsyncClient, path: str, **body: Json) -> None:
    answer = await world.post(path, json=body)
    assert answer.is_success, answer.text


async def test_a_call_from_its_order_to_its_end_comes_in_as_events(world: httpx.AsyncClient, sqlite_url: str) -> None:
    known = (await world.get("/credentials")).json()["axialys"]
    base_url = str(world.base_url).removesuffix("/_sandbox/") + "/phone/api"
    raw = {"base_url": base_url, "api_key": known["api_key"], "default_region": "BR"}
    async with serving_hooks(sqlite_url, connection("phone", "axialys", raw=raw)) as hooks:
        phone = await hooks.connector("phone")
        await phone.set_callback(url=hooks.at("phone", rest="/"))
        await phone.call(account_id=known["account_id"], number="+5511900001234")
        found = await hooks.next(1)
        await control(world, "/clock", advance_s=1)
        found += await hooks.next(1)
        await control(world, "/clock", advance_s=5)
        found += await hooks.next(1)
        stored = await hooks.events()
    assert [event.type for event in found] == ["phone.outgoing_call_start", "phone.call_connected", "phone.call_end"]
    assert [event.event_id for event in stored] == [event.event_id for event in found]
    assert {event.source for event in found} == {"phone"}
    assert json.loads(dump(found[0].data))["called_number"] == "+5511900001234"
    assert len({event.subject for event in found}) == 1


async def test_callbacks_sent_three_times_over_are_stored_once(world: httpx.AsyncClient, sqlite_url: str) -> None:
    known = (await world.get("/credentials")).json()["axialys"]
    base_url = str(world.base_url).removesuffix("/_sandbox/") + "/phone/api"
    raw = {"base_url": base_url, "api_key": known["api_key"], "default_region": "BR"}
    await control(world, "/settings", axialys={"copies": 3, "order": "reversed", "callback_as": "post_form"})
    async with serving_hooks(sqlite_url, connection("phone", "axialys", raw=raw)) as hooks:
        phone = await hooks.connector("phone")
        await phone.set_callback(url=hooks.at("phone", rest="/"))
        await phone.call(account_id=known["account_id"], number="+5511900001234")
        await control(world, "/clock", advance_s=1)
        await control(world, "/clock", advance_s=5)
        await hooks.next(3)
        counts = hooks.receiver.counts
        assert len(await hooks.events()) == counts.events["phone"] == 3


async def test_the_acs_tells_of_devices_and_commands(world: httpx.AsyncClient, sqlite_url: str) -> None:
    known = (await world.get("/credentials")).json()["acs"]
    raw = {name: known[name] for name in ("client_id", "client_secret")}
    raw["base_url"] = str(world.base_url).removesuffix("/_sandbox/") + "/acs"
    async with serving_hooks(sqlite_url, connection("acs", "ixc_acs", raw=raw)) as hooks:
        await control(world, "/settings", acs={"webhook_uri": hooks.at("acs")})
        await control(world, "/acs/devices", serial="ACME00C0FFEE")
        await world.get("/webhooks")
        added = (await hooks.next(1))[0]
        stored = await hooks.events()
    assert (added.type, added.source, added.subject) == ("acs.device.added", "acs", "ACME00C0FFEE")
    assert [event.event_id for event in stored] == [added.event_id]
    assert SECRET not in json.dumps(added.data)


async def test_only_a_trusted_proxy_may_say_for_whom_it_speaks(sqlite_url: str) -> None:
    """The server trusts 127.0.0.1; the second client comes from 127.0.0.2."""
    allowed = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
    proxy = httpx.AsyncHTTPTransport()
    stranger = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with (
        serving_hooks(sqlite_url, connection("odd", allowed_networks=allowed)) as hooks,
        httpx.AsyncClient(transport=proxy) as through_proxy,
        httpx.AsyncClient(transport=stranger) as direct,
    ):

        async def status(client: httpx.AsyncClient, forwarded: str) -> int:
            headers = {"x-forwarded-for": forwarded}
            return (await client.post(hooks.at("odd"), content=b"nothing", headers=headers)).status_code

        for fine in ("203.0.113.9", "203.0.113.9:4711", "2001:db8::1", "[2001:db8::1]:4711", "10.0.0.1, 203.0.113.9"):
            assert await status(through_proxy, fine) == 204, fine
            assert await status(direct, fine) == 403, fine
        for bad in ("203.0.113.9, 198.51.100.1", "2001:db9::1", "unknown", "", "203.0.113.9.evil", "'"):
            assert await status(through_proxy, bad) == 403, bad
        assert [seen.client for seen in (await hooks.connector("odd")).seen][:2] == ["203.0.113.9", "203.0.113.9"]


class SignedSettings(ConnectorSettings):
    """Secrets of a sender that signs."""

    signing_secrets: tuple[Credential, ...]


class Signed(Connector[SignedSettings]):
    """Takes webhooks signed as GitHub signs them."""

    name = "signed"
    Settings = SignedSettings

    @webhook
    async def receive(self, request: WebhookRequest) -> Sequence[Event]:
        """Check first, then read."""
        GitHubSignature().verify(request, self.settings.signing_secrets)
        return [Event(type="pushed", time=request.received_at, key=request.headers["x-github-delivery"])]


async def test_a_connector_checks_signatures_with_one_call(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hook_server.CONNECTORS, "signed", Signed)
    body, url = b'{"zen": "ok"}', sqlite_url
    good = connection("git", "signed", raw={"signing_secrets": ["new-signing-secret", "old-signing-secret"]})
    empty = connection("empty", "signed", raw={"signing_secrets": []})
    async with serving_hooks(url, good, empty) as hooks, httpx.AsyncClient(trust_env=False) as client:

        async def status(name: str, key: str) -> int:
            mac = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
            headers = {"x-hub-signature-256": f"sha256={mac}", "x-github-delivery": key}
            return (await client.post(hooks.at(name), content=body, headers=headers)).status_code

        assert [await status("git", key) for key in ("new-signing-secret", "old-signing-secret", "guess")] == [
            204,
            204,
            401,
        ]
        assert await status("empty", "") == 503, "without a secret to check with nothing is taken, nor lost"
        assert [event.dedupe_key for event in await hooks.events()] == ["new-signing-secret", "old-signing-secret"]


BODIES = (
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["event", "serialNumber", "date", "eventId", "events"]) | st.text(), inner, max_size=4
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
    | st.dictionaries(
        st.sampled_from(["call_id", "event", "account_id", "calling_number", "billable_duration"]),
        st.sampled_from(["call_end", "ax-1", "33199000100", "-1", "%00", "%ff"]),
        max_size=5,
    ).map(lambda fields: "&".join(f"{name}={value}" for name, value in fields.items()).encode())
)
TEXT = st.text(string.ascii_letters + string.digits + '%&=?/.;:+-_~{}[]|^`<>"\\', max_size=40)


def test_whatever_comes_in_is_answered_and_the_receiver_lives_on(sqlite_url: str) -> None:
    """Never a 5xx: garbage is a stranger's mistake, not ours."""
    kinds = st.sampled_from(
        [
            "",
            "application/json",
            "application/x-www-form-urlencoded",
            "text/plain; charset=klingon",
            "multipart/form-data",
        ]
    )
    connections = (
        connection("phone", "axialys", raw=PHONE),
        connection("acs", "ixc_acs", raw=ACS_ID),
        connection("odd"),
    )
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serving_hooks(sqlite_url, *connections)) as hooks,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):

        @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
        @given(
            method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "PURGE"]),
            name=st.sampled_from(["phone", "acs"]),
            rest=TEXT.map(lambda text: f"/{text}") | st.just(""),
            kind=kinds,
            body=BODIES,
        )
        def ask(method: str, name: str, rest: str, kind: str, body: bytes) -> None:
            url = httpx.URL(hooks.url, raw_path=f"/hooks/{name}/{SECRET}{rest}".encode())
            answer = client.request(method, url, content=body, headers={"content-type": kind})
            assert answer.status_code in {204, 400, 405}, (method, name, rest, kind, body)
            assert answer.content == b""

        ask()
        assert client.post(hooks.at("odd"), content=b"still here").status_code == 204


def test_nothing_but_the_right_secret_opens(sqlite_url: str) -> None:
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(serving_hooks(sqlite_url, connection("odd"))) as hooks,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        part = st.sampled_from(["odd", "%6fdd", SECRET, "%68" + SECRET[1:], SECRET[:-1], "", "x"]) | TEXT

        @settings(max_examples=300)
        @given(tail=st.lists(part, max_size=4).map("/".join))
        def ask(tail: str) -> None:
            url = httpx.URL(hooks.url, raw_path=f"/hooks/{tail}".encode())
            name, secret = [*tail.partition("?")[0].split("/"), ""][:2]
            expected = 204 if name == "odd" and unquote(secret) == SECRET else 404
            assert client.post(url, content=b"nothing").status_code == expected

        ask()
        assert {status for _, status in hooks.receiver.counts.answers} == {204, 404}
