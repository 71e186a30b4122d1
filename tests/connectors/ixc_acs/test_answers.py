"""Every field that the ACS's answers are known to hold comes out under its name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backhaul.sdk import InvalidAnswerError, Json
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.capabilities import Capabilities, capabilities_of, data_model_of, ppp_of
from backhaul_connectors.ixc_acs.reachability import (
    Hop,
    Neighbor,
    Ping,
    Traceroute,
    neighbor_scan_of,
    ping_of,
    traceroute_of,
)
from backhaul_connectors.ixc_acs.speed_test import SpeedTest, speed_test_of
from connector_kit.sandbox import Sandbox

TOLD: dict[str, Json] = {
    "device": {
        "manufacturer": "ACME",
        "modelName": "AX-1",
        "productClass": "AX",
        "firmwareVersion": "2.3",
        "hardware": "1.0",
        "releaseDate": "2030-02-01",
        "packageVersion": "v3",
        "datamodel": "TR-098",
    },
    "capabilities": {"wifi": True},
    "hasPackage": True,
}


def test_capabilities() -> None:
    known = Capabilities(
        serial="A1",
        manufacturer="ACME",
        model="AX-1",
        product_class="AX",
        software_version="2.3",
        hardware_version="1.0",
        release_date="2030-02-01",
        package_version="v3",
        has_package=True,
        data_model="TR-098",
        capabilities={"wifi": True},
    )
    assert capabilities_of("A1", TOLD) == known
    unknown = known.model_copy(update={"has_package": None, "capabilities": None})
    assert capabilities_of("A1", {"device": TOLD["device"]}) == unknown, "the model has no record"
    with pytest.raises(InvalidAnswerError, match="no object"):
        capabilities_of("A1", [TOLD])


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("TR-098", "TR-098"),
        ("tr098", "TR-098"),
        ("TR98", "TR-098"),
        ("TR-181", "TR-181"),
        ("TR-181i2", "TR-181"),
        ("InternetGatewayDevice.", "TR-098"),
        ("Device.", "TR-181"),
        ("TR-104", None),
        (None, None),
    ],
)
def test_a_data_model_is_read_in_its_spellings(text: str | None, model: str | None) -> None:
    """Trap 12."""
    assert data_model_of(text) == model


@pytest.mark.anyio
async def test_the_odd_devices_of_the_sandbox_are_read(sandbox: Sandbox) -> None:
    fixtures = sandbox.control.get("/acs/fixtures").json()
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        full = await acs.get_capabilities(serial=fixtures["plain"])
        assert (full.data_model, full.package_version, full.has_package) == ("TR-098", "v3", True)
        assert full.capabilities
        for kind in ("no_capabilities", "v2_package"):
            assert (await acs.get_capabilities(serial=fixtures[kind])).capabilities is None
        assert (await acs.get_capabilities(serial=fixtures["tr181"])).data_model == "TR-181"
        assert await acs.get_ppp(serial=fixtures["null_ppp_list"]) == []
        assert await acs.get_ppp(serial=fixtures["empty_ppp_list"]) == []
        assert (await acs.get_ppp(serial=fixtures["plain"]))[0].dns_servers
        assert await acs.get_ipv6(serial=fixtures["no_ipv6"]) is None
        assert {one.band for one in await acs.get_wifi(serial=fixtures["empty_band"])} < {"2.4", "5"}
        assert False in {one.enabled for one in await acs.get_wifi(serial=fixtures["disabled_band"])}
        assert (await acs.get_device(serial=fixtures["no_login"])).pppoe_login is None
        bare = await acs.get_device(serial=fixtures["no_optical_levels"])
        assert (bare.rx_dbm, bare.tx_dbm, bare.optical_suspect) == (None, None, False)
        assert (await acs.get_device(serial=fixtures["optical_levels_as_text"])).rx_dbm is not None


def test_ppp_servers_are_a_list_or_a_text() -> None:
    (one, other) = ppp_of([{"dnsServer": ["192.0.2.53", ""]}, {"dnsServer": "192.0.2.53,"}])
    assert one.dns_servers == other.dns_servers == ("192.0.2.53",)
    with pytest.raises(InvalidAnswerError, match="no list"):
        ppp_of({"dnsServer": "192.0.2.53"})


def test_a_ping() -> None:
    answer = {
        "DiagnosticsState": "Complete",
        "SuccessCount": "3",
        "FailureCount": "1",
        "AverageResponseTime": 12,
        "MinimumResponseTime": 9,
        "MaximumResponseTime": 20,
        "IPAddressUsed": "198.51.100.1",
    }
    assert ping_of("A1", answer) == Ping.model_validate(
        {
            "serial": "A1",
            "state": "finished",
            "word": "Complete",
            "success_count": 3,
            "failure_count": 1,
            "average_ms": 12,
            "minimum_ms": 9,
            "maximum_ms": 20,
            "ip_address": "198.51.100.1",
        }
    )


@pytest.mark.parametrize("prefix", ["", "Hop"])
def test_a_route(prefix: str) -> None:
    hop = {f"{prefix}Host": "hop1", f"{prefix}HostAddress": "198.51.100.1", f"{prefix}ErrorCode": 11}
    answer = {
        "DiagnosticsState": "Complete",
        "ResponseTime": 31,
        "RouteHopsNumberOfEntries": 1,
        "RouteHops": [{**hop, f"{prefix}RTTimes": "3,0"}],
    }
    known = Hop(host="hop1", address="198.51.100.1", error_code=11, rtt_ms=(3, 0))
    assert traceroute_of("A1", answer) == Traceroute.model_validate(
        {"serial": "A1", "state": "finished", "word": "Complete", "response_time_ms": 31, "hops": [known]}
    )


def test_a_neighbour_in_the_words_of_tr_181() -> None:
    entry = {
        "SSID": "Vizinho",
        "BSSID": "02:00:5E:00:00:01",
        "Channel": 6,
        "SignalStrength": -61,
        "OperatingFrequencyBand": "2.4GHz",
        "OperatingChannelBandwidth": "20MHz",
    }
    (found,) = neighbor_scan_of("A1", {"DiagnosticsState": "Completed", "Result": [entry]}).neighbors
    assert found == Neighbor(
        channel=6, signal_dbm=-61.0, bandwidth_mhz=20, ssid="Vizinho", bssid="02:00:5E:00:00:01", band="2.4GHz"
    )


def test_a_speed_test() -> None:
    times = {"BOMTime": "2031-01-10T12:00:00.500Z", "EOMTime": "2031-01-10T12:00:08.500Z"}
    opening = {
        "TCPOpenRequestTime": "2031-01-10T12:00:00.400Z",
        "TCPOpenResponseTime": "2031-01-10T12:00:00.425Z",
    }
    answer = {
        "state": "Completed",
        "server": "http://user:clear@speedtest.example.net/file?key=clear",
        "download": {"DiagnosticsState": "Completed", **times, **opening, "TestBytesReceived": 10**8},
        "upload": {"DiagnosticsState": "Complete", **times, "TestFileLength": 5 * 10**7},
        "contracted": {"download": 100, "upload": 50},
    }
    test = speed_test_of("A1", [answer])
    assert test == SpeedTest.model_validate(
        {
            "serial": "A1",
            "state": "finished",
            "word": "Completed",
            "download_mbps": 100.0,
            "upload_mbps": 50.0,
            "download_word": "Completed",
            "upload_word": "Complete",
            "contracted_download_mbps": 100.0,
            "contracted_upload_mbps": 50.0,
            "tcp_open_ms": 25.0,
            "server": "http://speedtest.example.net/file",
            "ended_at": datetime(2031, 1, 10, 12, 0, 8, 500_000, tzinfo=UTC),
        }
    )
