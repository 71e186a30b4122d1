"""Ping, traceroute and the neighbour scan: what is sent, and where they stand afterwards."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from backhaul.errors import InputError
from backhaul.plugins.action import actions_of
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from connector_kit.sandbox import Sandbox
from connector_kit.script import Script, ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://acs.example.net", "client_id": "6500000000001", "client_secret": "not-secret"}
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})
ACCEPTED = httpx.Response(202, json={})
NOTHING = httpx.Response(200, json=[])
PING: dict[str, Any] = {
    "host": "host.example.net",
    "repetitions": 7,
    "timeout_ms": 900,
    "data_block_size": 1400,
    "dscp": 46,
    "interface": "Device.IP.Interface.1",
    "protocol_version": "IPv6",
}
ROUTE: dict[str, Any] = {
    "host": "host.example.net",
    "tries": 2,
    "timeout_ms": 900,
    "data_block_size": 60,
    "dscp": 46,
    "max_hops": 20,
    "interface": "InternetGatewayDevice.WANDevice.1.",
}
PINGED = {
    "Host": "host.example.net",
    "NumberOfRepetitions": 7,
    "Timeout": 900,
    "DataBlockSize": 1400,
    "DSCP": 46,
    "Interface": "Device.IP.Interface.1",
    "ProtocolVersion": "IPv6",
}
ROUTED = {
    "Host": "host.example.net",
    "NumberOfTries": 2,
    "Timeout": 900,
    "DataBlockSize": 60,
    "DSCP": 46,
    "MaxHopCount": 20,
    "Interface": "InternetGatewayDevice.WANDevice.1.",
}


def bodies_of(vendor: Script) -> list[Any]:
    """The JSON bodies received after the token; None for requests without."""
    return [json.loads(one.content) if one.content else None for one in vendor.requests[1:]]


@pytest.mark.parametrize(
    ("action", "given", "path", "body"),
    [
        ("ping", PING, "ping", PINGED),
        ("ping", {"host": "192.0.2.1"}, "ping", {"Host": "192.0.2.1"}),
        ("traceroute", ROUTE, "traceroute", ROUTED),
        ("traceroute", {"host": "2001:db8::1"}, "traceroute", {"Host": "2001:db8::1"}),
        ("neighbor_scan", {}, "neighbor", {}),
    ],
)
async def test_every_input_is_sent_under_its_name_in_the_data_models(
    script: ScriptMaker, action: str, given: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    result = httpx.Response(200, json=[{"DiagnosticsState": "Complete", "SuccessCount": 7, "channel": 6}])
    vendor = script(TOKEN, ACCEPTED, NOTHING, ACCEPTED, result)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        started = await getattr(acs, f"start_{action}")(serial="A1", **given)
        found = await getattr(acs, f"run_{action}")(serial="A1", **given)
    assert (started.diagnostic, started.accepted, found.state) == (action, True, "finished")
    starts = [(request.url.path, sent) for request, sent in zip(vendor.requests[1:], bodies_of(vendor), strict=True)]
    expected = (f"/api/v2/devices/A1/diagnostics/{path}/start", body)
    assert [one for one in starts if one[1] is not None] == [expected, expected]


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("start_ping", {"repetitions": 0}),
        ("start_ping", {"data_block_size": 65_536}),
        ("start_ping", {"dscp": 64}),
        ("start_ping", {"interface": "eth0"}),
        ("start_ping", {"protocol_version": "IPv5"}),
        ("start_ping", {"host": "a b"}),
        ("start_traceroute", {"tries": 4}),
        ("start_traceroute", {"max_hops": 65}),
    ],
)
def test_an_input_out_of_the_data_models_range_is_refused(action: str, given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        actions_of(IxcAcs)[action].arguments({"serial": "A1", "host": "host.example.net", **given})


@pytest.mark.parametrize(
    ("action", "given"), [("ping", PING), ("traceroute", ROUTE), ("neighbor_scan", {}), ("speed_test", {})]
)
async def test_a_started_one_stands_nowhere_until_it_has_finished(
    sandbox: Sandbox, action: str, given: dict[str, Any]
) -> None:
    """Trap 4: accepted is not finished."""
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serial = (await anext(acs.list_devices(online=True))).items[0].serial
        look = getattr(acs, f"get_{action}")
        assert (await look(serial=serial)).state == "none"
        await getattr(acs, f"start_{action}")(serial=serial, **given)
        assert (await look(serial=serial)).state == "none"
        sandbox.advance(600)
        found = await look(serial=serial)
    assert (found.serial, found.state, found.error) == (serial, "finished", None)
    match action:
        case "ping":
            assert (found.success_count, found.failure_count) == (7, 0)
            assert found.minimum_ms <= found.average_ms <= found.maximum_ms
        case "traceroute":
            assert found.hops
            assert {len(hop.rtt_ms) for hop in found.hops} == {2}
        case "neighbor_scan":
            assert all(one.channel and one.signal_dbm < 0 and one.bandwidth_mhz for one in found.neighbors)
        case _:
            assert found.download_mbps > 0


async def test_a_route_that_is_longer_than_asked_has_the_device_s_own_word(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serial = (await anext(acs.list_devices(online=True))).items[0].serial
        await acs.start_traceroute(serial=serial, host="host.example.net", max_hops=1)
        sandbox.advance(600)
        route = await acs.get_traceroute(serial=serial)
    assert (route.state, route.error) == ("failed", "Error_MaxHopCountExceeded")
