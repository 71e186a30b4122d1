"""What the vendor does not document is a setting: each one reaches the wire or the result."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backhaul.sdk import AttemptInfo, Json, WebhookRequest
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.diagnostics import DiagnosticUnfinishedError
from backhaul_connectors.ixc_acs.parameters import Parameter
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://acs.example.net", "client_id": "6500000000001", "client_secret": "not-secret"}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})
ACCEPTED = httpx.Response(202, json={})
NOTHING = httpx.Response(200, json=[])
PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
Call = Callable[[IxcAcs], Awaitable[Any]]


def ok(body: Json) -> httpx.Response:
    return httpx.Response(200, json=body)


def registers(**register: Json) -> httpx.Response:
    return ok({"registers": [{"serialNumber": "A1", **register}], "hasNextPage": False})


def clock() -> FakeClock:
    return FakeClock(NOW, auto=True)


async def test_where_the_token_comes_from_and_how_long_it_counts(script: ScriptMaker) -> None:
    settings = {
        **SETTINGS,
        "token_path": "/oauth/token",
        "token_version": "v1",
        "token_default_life_s": 100,
        "token_renewal_margin_s": 20,
    }
    time = FakeClock(NOW)
    vendor = script(ok({"access_token": "a"}), NOTHING, NOTHING, ok({"access_token": "b"}), NOTHING)
    async with connection_for(IxcAcs, settings, clock=time, transport=vendor.transport) as acs:
        for seconds in (0, 79, 2):
            await time.advance(seconds)
            await acs.get_ppp(serial="A1")
    assert vendor.requests[0].url.path == "/api/v1/oauth/token"
    assert [request.method for request in vendor.requests] == ["POST", "GET", "GET", "POST", "GET"]


async def test_where_an_erp_type_client_asks_and_how_long_its_request_is_valid(script: ScriptMaker) -> None:
    settings = {
        "base_url": SETTINGS["base_url"],
        "client_id": SETTINGS["client_id"],
        "client_type": "ixc_provider",
        "private_key": PEM,
        "jwt_token_path": "/session",
        "jwt_token_version": "v2",
        "jwt_life_s": 60,
    }
    vendor = script(TOKEN, NOTHING)
    async with connection_for(IxcAcs, settings, clock=clock(), transport=vendor.transport) as acs:
        await acs.get_ppp(serial="A1")
    asked = vendor.requests[0]
    claims = jwt.decode(asked.headers["authorization"].removeprefix("Bearer "), options={"verify_signature": False})
    assert (asked.url.path, claims["exp"] - claims["iat"]) == ("/api/v2/session", 60)


@pytest.mark.parametrize(
    ("route", "call"),
    [
        ("ipv6", lambda acs: acs.get_ipv6(serial="A1")),
        ("wifi", lambda acs: acs.get_wifi(serial="A1")),
        ("ppp", lambda acs: acs.get_ppp(serial="A1")),
        ("capabilities", lambda acs: acs.get_capabilities(serial="A1")),
        ("reboot", lambda acs: acs.reboot(serial="A1")),
        ("reset", lambda acs: acs.factory_reset(serial="A1")),
        ("diagnostic_start", lambda acs: acs.start_neighbor_scan(serial="A1")),
        ("diagnostic_state", lambda acs: acs.get_neighbor_scan(serial="A1")),
        (
            "parameters",
            lambda acs: acs.update_parameters(
                serial="A1", parameters=[Parameter(parameter="Device.X", value=1)], check_data_model=False
            ),
        ),
    ],
)
async def test_every_operation_has_its_own_version_and_path(script: ScriptMaker, route: str, call: Call) -> None:
    """Trap 2."""
    bodies: dict[str, Json] = {"wifi": {"2.4": []}, "capabilities": {}, "ppp": [], "diagnostic_state": []}
    answer = registers() if route == "ipv6" else ok(bodies.get(route, {}))
    vendor = script(TOKEN, answer)
    settings = {**SETTINGS, "routes": {route: "v3/own/{serial}/place"}}
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        await call(acs)
    device = "A1" if route not in ("ipv6", "capabilities") else "{serial}"
    assert [request.url.path for request in vendor.requests[1:]] == [f"/api/v3/own/{device}/place"]


async def test_bands_and_the_path_of_one_interface_are_named(script: ScriptMaker) -> None:
    """Trap 11."""
    read = ok({"2.4": [], "6e": [{"id": "w 6", "enable": True}], "60": [{"id": "w9", "enable": True}]})
    vendor = script(TOKEN, read, read, ACCEPTED)
    settings = {**SETTINGS, "bands": {"6": "6e"}, "routes": {"wifi_interface": "v1/radio/{serial}/{id}"}}
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        assert [(one.id, one.band) for one in await acs.get_wifi(serial="A1")] == [("w 6", "6"), ("w9", "60")]
        await acs.set_wifi(serial="A1", band="6", ssid="Casa")
    assert vendor.requests[-1].url.raw_path.decode() == "/api/v1/radio/A1/w%206"


async def test_what_a_speed_test_is_called_and_how_large_its_files_are(script: ScriptMaker) -> None:
    settings = {
        **SETTINGS,
        "speed_test_kind": "speed-test",
        "speed_test_download_sizes": [1000, 2000],
        "speed_test_upload_sizes": [10, 20],
    }
    vendor = script(TOKEN, ACCEPTED)
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        await acs.start_speed_test(serial="A1")
        await acs.start_speed_test(serial="A1", download=False)
    both, upload = (json.loads(request.content) for request in vendor.requests[1:])
    assert vendor.requests[1].url.path == "/api/v2/devices/A1/diagnostics/speed-test/start"
    assert both == {
        "fileSizes": {"download": {"size1": 1000, "size2": 2000}, "upload": {"size1": 10, "size2": 20}},
        "testTypes": {"download": True, "upload": True},
    }
    assert upload == {
        "fileSizes": {"upload": {"size1": 10, "size2": 20}},
        "testTypes": {"download": False, "upload": True},
    }


@pytest.mark.parametrize("default", [True, False])
async def test_the_default_sizes_are_those_that_a_client_sends(script: ScriptMaker, default: bool) -> None:
    vendor = script(TOKEN, ACCEPTED)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        await acs.start_speed_test(serial="A1", upload=default)
    sizes = json.loads(vendor.requests[-1].content)["fileSizes"]
    assert sizes["download"] == {"size1": 52_428_800, "size2": 524_288_000}
    assert sizes.get("upload") == ({"size1": 10_485_760, "size2": 52_428_800} if default else None)


@pytest.mark.parametrize("kind", ["neighbor", "ping", "traceroute"])
async def test_what_the_other_tests_and_their_inputs_are_called(script: ScriptMaker, kind: str) -> None:
    settings = {
        **SETTINGS,
        f"{kind}_kind": "own",
        "ping_fields": {"host": "target"},
        "traceroute_fields": {"host": "target", "max_hops": "ttl"},
    }
    inputs: dict[str, dict[str, Any]] = {"neighbor": {}, "ping": {"dscp": 1}, "traceroute": {"max_hops": 9, "dscp": 1}}
    sent = {"neighbor": {}, "ping": {"target": "h", "dscp": 1}, "traceroute": {"target": "h", "ttl": 9, "dscp": 1}}
    action = "start_neighbor_scan" if kind == "neighbor" else f"start_{kind}"
    given = inputs[kind] if kind == "neighbor" else {"host": "h", **inputs[kind]}
    vendor = script(TOKEN, ACCEPTED)
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        await getattr(acs, action)(serial="A1", **given)
    assert vendor.requests[1].url.path == "/api/v2/devices/A1/diagnostics/own/start"
    assert json.loads(vendor.requests[1].content) == sent[kind]


@pytest.mark.parametrize(
    ("action", "given", "limit_s"), [("run_speed_test", {}, 12), ("run_ping", {"host": "h"}, 6)], ids=["speed", "ping"]
)
async def test_how_long_and_how_often_a_test_is_waited_for(
    script: ScriptMaker, action: str, given: dict[str, Any], limit_s: int
) -> None:
    settings = {**SETTINGS, "poll_interval_s": 3, "speed_test_deadline_s": 12, "diagnostic_deadline_s": 6}
    vendor = script(TOKEN, NOTHING, ACCEPTED, NOTHING)
    async with connection_for(IxcAcs, settings, clock=clock(), transport=vendor.transport) as acs:
        with pytest.raises(DiagnosticUnfinishedError, match=f"did not end in {limit_s} s"):
            await getattr(acs, action)(serial="A1", **given)
    assert len(vendor.requests) == 3 + limit_s / 3


async def test_which_optical_levels_are_believed(script: ScriptMaker) -> None:
    for lowest, believed in ((-60, -35.0), (-30, None)):
        vendor = script(TOKEN, registers(deviceInfo={"rx": -35}))
        settings = {**SETTINGS, "optical_range_dbm": [lowest, 5]}
        async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
            device = await acs.get_device(serial="A1")
        assert (device.rx_dbm, device.optical_suspect) == (believed, believed is None)


async def test_how_far_the_clocks_may_differ(script: ScriptMaker) -> None:
    came_up = registers(lastInform="2031-01-10T12:10:00Z", deviceInfo={"uptime": 600 + 45})
    attempt = AttemptInfo(started_at=NOW, number=1)
    for tolerance_s, told in ((30, "unknown"), (60, "done")):
        settings = {**SETTINGS, "clock_tolerance_s": tolerance_s}
        async with connection_for(IxcAcs, settings, transport=script(TOKEN, came_up).transport) as acs:
            assert (await acs.verify_reboot(serial="A1", attempt=attempt)).state == told


async def test_where_a_webhook_holds_what() -> None:
    fields = {
        "event": ["what"],
        "words": {"novo": "device.added"},
        "items": ["list"],
        "serial": ["who"],
        "dedupe_window_s": 5,
        "keep_body": False,
    }
    body = json.dumps({"list": [{"what": "Novo", "who": "A1"}, {"what": "other", "who": "A2"}]}).encode()
    async with connection_for(IxcAcs, {**SETTINGS, "webhook_fields": fields}) as acs:
        (first,) = await acs.receive(WebhookRequest(method="POST", body=body, received_at=NOW))
        (same,) = await acs.receive(WebhookRequest(method="POST", body=body, received_at=NOW + timedelta(seconds=4)))
        (later,) = await acs.receive(WebhookRequest(method="POST", body=body, received_at=NOW + timedelta(seconds=6)))
    assert (first.type, first.subject, "body" in first.data) == ("device.added", "A1", False)
    assert first.key == same.key != later.key
