from __future__ import annotations

from datetime import datetime

import pytest

from sandbox.client import Isp, Json

SPEED = {
    "fileSizes": {
        "download": {"size1": 52_428_800, "size2": 524_288_000},
        "upload": {"size1": 10_485_760, "size2": 52_428_800},
    },
    "testTypes": {"download": True, "upload": True},
}
NAMES = ("speedTest", "neighbor", "ping", "traceroute")


def fixture(isp: Isp, kind: str = "plain") -> str:
    serial: str = isp.control("GET", "acs/fixtures")[kind]
    return serial


def start(isp: Isp, serial: str, name: str, body: Json = None) -> int:
    return isp.acs_command("POST", f"/devices/{serial}/diagnostics/{name}/start", body or {}).status_code


def state(isp: Isp, serial: str, name: str) -> Json:
    answer = isp.acs_command("GET", f"/devices/{serial}/diagnostics/{name}/state")
    assert answer.status_code == 200
    return answer.json()


def rate_mbps(figures: Json, size: int) -> float:
    times = (datetime.fromisoformat(figures["EOMTime"]) - datetime.fromisoformat(figures["BOMTime"])).total_seconds()
    return size * 8 / times / 1e6


@pytest.mark.parametrize("name", NAMES)
def test_a_test_has_an_empty_state_until_it_has_finished(isp: Isp, name: str) -> None:
    serial = fixture(isp)
    assert state(isp, serial, name) == []
    assert start(isp, serial, name) == 200
    assert state(isp, serial, name) == []
    isp.pass_time(3)
    assert state(isp, serial, name) == []
    isp.pass_time(15)
    assert state(isp, serial, name) != []


def test_a_speed_test_measures_the_contracted_line_and_shows_it_beside_the_result(isp: Isp) -> None:
    serial = fixture(isp)
    start(isp, serial, "speedTest", SPEED)
    isp.pass_time(20)
    (result,) = state(isp, serial, "speedTest")
    login = isp.control("GET", f"acs/devices/{serial}")["pppoe_login"]
    row = isp.control("GET", f"provider/logins/{login}")
    plan = isp.erp_page("radgrupos", "radgrupos.id", "=", row["id_grupo"])["registros"][0]
    units = {"M": 1.0, "G": 1000.0, "k": 0.001}
    down, up = (float(text[:-1]) * units[text[-1]] for text in (plan["download"], plan["upload"]))
    assert result["contracted"] == {"download": down, "upload": up}
    measured = rate_mbps(result["download"], result["download"]["TestBytesReceived"])
    assert 0.89 * down < measured < 1.03 * down
    sent = result["upload"].get("TestBytesSent", result["upload"]["TestFileLength"])
    assert 0.89 * up < rate_mbps(result["upload"], sent) < 1.03 * up
    assert result["download"]["TotalBytesReceived"] > result["download"]["TestBytesReceived"]


def test_a_bad_line_shows_in_the_speed_test_and_two_runs_differ(isp: Isp) -> None:
    serial = fixture(isp)
    isp.control("POST", f"acs/devices/{serial}/line", {"download_mbps": 20, "upload_mbps": 2})
    rates = []
    for _ in range(2):
        start(isp, serial, "speedTest", {**SPEED, "testTypes": {"download": True, "upload": False}})
        isp.pass_time(20)
        (result,) = state(isp, serial, "speedTest")
        assert "upload" not in result
        rates.append(rate_mbps(result["download"], result["download"]["TestBytesReceived"]))
    assert all(17 < rate < 21 for rate in rates)
    assert rates[0] != rates[1]


def test_a_device_without_a_login_has_no_contracted_speed(isp: Isp) -> None:
    serial = fixture(isp, "no_login")
    isp.control("POST", f"acs/devices/{serial}/online", {"online": True})
    start(isp, serial, "speedTest", SPEED)
    isp.pass_time(400)
    assert state(isp, serial, "speedTest")[0]["contracted"] is None


def test_byte_counters_can_wrap(isp: Isp) -> None:
    serial = fixture(isp)
    isp.switch("acs", counters_wrap=True)
    start(isp, serial, "speedTest", {"fileSizes": {"download": {"size1": 2**32 + 5, "size2": 2**32 + 5}}})
    isp.pass_time(20)
    assert state(isp, serial, "speedTest")[0]["download"]["TestBytesReceived"] == 5


def test_neighbours_ping_and_route_have_their_fields(isp: Isp) -> None:
    serial = fixture(isp)
    start(isp, serial, "neighbor")
    start(isp, serial, "ping", {"Host": "192.0.2.1", "NumberOfRepetitions": 5})
    start(isp, serial, "traceroute", {"Host": "192.0.2.1"})
    isp.pass_time(20)
    neighbours = state(isp, serial, "neighbor")
    assert all({"channel", "rssi", "bandwidth"} <= set(item) and item["rssi"] < 0 for item in neighbours)
    (ping,) = state(isp, serial, "ping")
    assert (ping["DiagnosticsState"], ping["SuccessCount"], ping["FailureCount"]) == ("Complete", 5, 0)
    assert ping["MinimumResponseTime"] <= ping["AverageResponseTime"] <= ping["MaximumResponseTime"]
    (route,) = state(isp, serial, "traceroute")
    assert len(route["RouteHops"]) == route["RouteHopsNumberOfEntries"]
    assert "HopHost" in route["RouteHops"][0], "the names of TR-098"


def test_a_route_has_as_many_tries_and_at_most_as_many_hops_as_asked(isp: Isp) -> None:
    serial = fixture(isp)
    for most in (64, 3, 3, 3, 3, 2):
        start(isp, serial, "traceroute", {"Host": "192.0.2.1", "NumberOfTries": 2, "MaxHopCount": most})
        isp.pass_time(20)
        (route,) = state(isp, serial, "traceroute")
        if most < 3:
            assert route == {"DiagnosticsState": "Error_MaxHopCountExceeded"}
        else:
            assert 3 <= len(route["RouteHops"]) <= most
            assert {len(hop["HopRTTimes"].split(",")) for hop in route["RouteHops"]} == {2}


def test_a_ping_tells_its_address_with_tr_181_only(isp: Isp) -> None:
    for kind in ("plain", "tr181"):
        serial = fixture(isp, kind)
        isp.control("POST", f"acs/devices/{serial}/online", {"online": True})
        start(isp, serial, "ping", {"Host": "192.0.2.1"})
        isp.pass_time(400)
        assert ("IPAddressUsed" in state(isp, serial, "ping")[0]) == (kind == "tr181")


def test_both_finished_spellings_and_error_words_occur(isp: Isp) -> None:
    words = set()
    for serial in (fixture(isp), fixture(isp, "tr181")):
        isp.control("POST", f"acs/devices/{serial}/online", {"online": True})
        start(isp, serial, "speedTest", SPEED)
        isp.pass_time(400)
        words.add(state(isp, serial, "speedTest")[0]["download"]["DiagnosticsState"])
    assert words == {"Complete", "Completed"}
    serial = fixture(isp)
    isp.switch("acs", diagnostic_errors={"speedTest": "Error_Timeout", "neighbor": "Error"}, finished_word="Completed")
    for name, body in (("speedTest", SPEED), ("neighbor", {}), ("ping", {"Host": "no.invalid"}), ("traceroute", {})):
        start(isp, serial, name, body)
    isp.pass_time(20)
    assert state(isp, serial, "speedTest")[0]["download"] == {"DiagnosticsState": "Error_Timeout"}
    assert state(isp, serial, "neighbor") == [{"state": "Error"}]
    assert state(isp, serial, "ping")[0]["DiagnosticsState"] == "Error_CannotResolveHostName"
    assert state(isp, serial, "traceroute")[0]["DiagnosticsState"] == "Completed"


def test_an_offline_device_never_finishes_and_a_restart_loses_the_test(isp: Isp) -> None:
    away, serial = fixture(isp, "offline"), fixture(isp)
    assert start(isp, away, "ping") == 200
    isp.pass_time(7 * 86_400)
    assert state(isp, away, "ping") == []
    start(isp, serial, "ping")
    isp.pass_time(10)
    assert state(isp, serial, "ping") != []
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.pass_time(100)
    assert state(isp, serial, "ping") == []


def test_a_second_start_while_one_runs_is_answered_as_switched(isp: Isp) -> None:
    serial = fixture(isp)
    assert [start(isp, serial, "speedTest", SPEED) for _ in range(2)] == [200, 409]
    assert start(isp, serial, "ping") == 200, "another test may run beside it"
    isp.pass_time(8)
    isp.switch("acs", diagnostic_busy="ignore")
    assert start(isp, serial, "speedTest", SPEED) == 200
    isp.pass_time(5)
    assert state(isp, serial, "speedTest") != [], "the first run ended in its time"
    start(isp, serial, "speedTest", SPEED)
    isp.pass_time(8)
    isp.switch("acs", diagnostic_busy="restart")
    assert start(isp, serial, "speedTest", SPEED) == 200
    isp.pass_time(4)
    assert state(isp, serial, "speedTest") == [], "the run began anew"
    isp.pass_time(10)
    assert state(isp, serial, "speedTest") != []


def test_a_start_that_makes_no_sense_is_refused(isp: Isp) -> None:
    serial = fixture(isp)
    assert isp.acs_command("POST", f"/devices/{serial}/diagnostics/ping/start", [1]).status_code == 400
    assert start(isp, serial, "horoscope") == 404
    assert start(isp, "NOSUCH", "ping") == 404
