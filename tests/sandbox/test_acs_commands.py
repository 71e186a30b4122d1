from __future__ import annotations

from datetime import datetime

import pytest

from sandbox.client import Isp, Json


def plain(isp: Isp, kind: str = "plain") -> str:
    """The serial number of a device of this kind."""
    serial: str = isp.control("GET", "acs/fixtures")[kind]
    return serial


def really(isp: Isp, serial: str) -> Json:
    return isp.control("GET", f"acs/devices/{serial}")


def register(isp: Isp, serial: str) -> Json:
    (found,) = isp.devices({"search[column]": "serialNumber", "search[search]": serial})
    return found


def test_a_wifi_change_is_accepted_at_once_and_applied_at_the_next_contact(isp: Isp) -> None:
    serial = plain(isp)
    before = isp.acs(f"/devices/{serial}/wifi").json()["2.4"][0]
    answer = isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova rede", "password": "senha-nova"})
    assert answer.is_success
    assert isp.acs(f"/devices/{serial}/wifi").json()["2.4"][0] == before
    isp.pass_time(5)
    after = isp.acs(f"/devices/{serial}/wifi").json()["2.4"][0]
    assert (after["ssid"], after["password"]) == ("Nova rede", ""), "passwords read back empty"
    assert really(isp, serial)["wifi"]["2.4"]["w1"]["password"] == "senha-nova"


def test_a_device_behind_nat_changes_at_its_periodic_inform_and_an_offline_one_when_it_is_back(isp: Isp) -> None:
    hidden, away = plain(isp, "behind_nat"), plain(isp, "offline")
    for serial in (hidden, away):
        assert isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova"}).is_success
    isp.pass_time(301)
    assert really(isp, hidden)["wifi"]["2.4"]["w1"]["ssid"] == "Nova"
    isp.pass_time(86_400)
    assert really(isp, away)["waiting"] == 1
    isp.control("POST", f"acs/devices/{away}/online", {"online": True})
    isp.pass_time(400)
    assert really(isp, away)["wifi"]["2.4"]["w1"]["ssid"] == "Nova"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("wifi/w9", {"ssid": "x"}, 404),
        ("wifi/w1", {}, 400),
        ("wifi/w1", {"ssid": ""}, 400),
        ("wifi/w1", {"ssid": "a" * 33}, 400),
        ("wifi/w1", {"password": "short"}, 400),
        ("wifi/w1", {"colour": "red"}, 400),
    ],
)
def test_a_wifi_change_that_makes_no_sense_is_refused(isp: Isp, path: str, body: Json, status: int) -> None:
    assert isp.acs_command("PATCH", f"/devices/{plain(isp)}/{path}", body).status_code == status
    assert isp.acs_command("PATCH", f"/devices/NOSUCH/{path}", body).status_code == 404


def test_parameters_are_taken_only_in_the_device_s_own_data_model(isp: Isp) -> None:
    old = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1."
    new = "Device.WiFi."
    for serial in (plain(isp), plain(isp, "tr181")):
        isp.control("POST", f"acs/devices/{serial}/online", {"online": True})
        items = [
            {"parameter": f"{old}Channel", "value": 3, "type": "xsd:unsignedInt"},
            {"parameter": f"{new}Radio.1.Channel", "value": 3, "type": "xsd:unsignedInt"},
            {"parameter": f"{old}KeyPassphrase", "value": "senha-velha", "type": "xsd:string"},
            {"parameter": f"{new}AccessPoint.1.Security.KeyPassphrase", "value": "senha-velha", "type": "xsd:string"},
        ]
        assert isp.acs_command("POST", f"/devices/{serial}/parameters/update", items).is_success
        isp.pass_time(400)
        device = really(isp, serial)
        low = device["wifi"]["2.4"]["w1"]
        assert (low["channel"], low["password"]) == (3, "senha-velha")
        root = "Device." if device["datamodel"] == "TR-181" else "InternetGatewayDevice."
        assert [name.startswith(root) for name in device["parameters"]] == [True, True]
        assert [refused["fault"] for refused in device["rejected"]] == ["9005", "9005"]


def test_a_parameter_of_the_wrong_type_is_refused_by_the_device_and_a_malformed_body_by_the_acs(isp: Isp) -> None:
    serial = plain(isp)
    root = {"TR-181": "Device", "TR-098": "InternetGatewayDevice"}[really(isp, serial)["datamodel"]]
    name = f"{root}.ManagementServer.PeriodicInformInterval"
    for value, kind in (("many", "xsd:unsignedInt"), (-1, "xsd:unsignedInt"), ("maybe", "xsd:boolean"), (1, "xsd:odd")):
        item = {"parameter": name, "value": value, "type": kind}
        assert isp.acs_command("POST", f"/devices/{serial}/parameters/update", [item]).is_success
    isp.pass_time(5)
    assert [refused["fault"] for refused in really(isp, serial)["rejected"]] == ["9006", "9007", "9006", "9006"]
    wrong: list[Json] = [[], {}, [{"parameter": name}], [1]]
    for body in wrong:
        assert isp.acs_command("POST", f"/devices/{serial}/parameters/update", body).status_code == 400


def test_a_reboot_takes_the_device_offline_and_it_comes_back_with_a_small_uptime(isp: Isp) -> None:
    serial = plain(isp)
    assert register(isp, serial)["deviceInfo"]["uptime"] >= 600
    assert isp.acs_command("POST", f"/devices/{serial}/reboot").is_success
    assert register(isp, serial)["status"] is True, "accepted is not done"
    isp.pass_time(10)
    assert (register(isp, serial)["status"], register(isp, serial)["deviceInfo"]["uptime"]) == (False, 0)
    isp.pass_time(45)
    back = register(isp, serial)
    assert back["status"] is True
    assert back["deviceInfo"]["uptime"] < 60
    informed = datetime.fromisoformat(back["lastInform"])
    assert 0 <= (datetime.fromisoformat(isp.control("GET", "world")["now"]) - informed).total_seconds() < 60


def test_the_status_filter_follows_a_restart(isp: Isp) -> None:
    serial = plain(isp)
    parts = {"type": "boolean", "accessor": "status", "operator": "equal", "value": "false"}
    offline = {f"filters[0][0][{part}]": text for part, text in parts.items()}
    assert serial not in [device["serialNumber"] for device in isp.devices(offline)]
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.pass_time(5)
    assert serial in [device["serialNumber"] for device in isp.devices(offline)]


def test_a_reset_restores_the_defaults(isp: Isp) -> None:
    serial = plain(isp)
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova"})
    isp.pass_time(5)
    isp.acs_command("POST", f"/devices/{serial}/reset")
    isp.pass_time(60)
    ssid = isp.acs(f"/devices/{serial}/wifi").json()["2.4"][0]["ssid"]
    assert ssid.endswith(f"-{serial[-4:]}")
    isp.switch("acs", reset_loses_pppoe=True)
    isp.acs_command("POST", f"/devices/{serial}/reset")
    isp.pass_time(86_400)
    assert register(isp, serial)["status"] is False, "without its PPPoE login it never returns"


def test_the_undocumented_paths_are_switches(isp: Isp) -> None:
    serial = plain(isp)
    isp.switch("acs", paths={"reboot": "/device/{serial}/commands/restart"})
    assert isp.acs_command("POST", f"/devices/{serial}/reboot").status_code == 404
    assert isp.acs_command("POST", f"/device/{serial}/commands/restart").is_success
    wrong = {"acs": {"paths": {"reset": "/reset"}}}
    assert isp.http.post("/_sandbox/settings", json=wrong).status_code == 400


def test_commands_need_their_permission_and_are_logged_with_their_effect(isp: Isp) -> None:
    serial = plain(isp)
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova"})
    isp.acs_command("POST", f"/devices/{serial}/diagnostics/ping/start", {})
    commands = [entry for entry in isp.log("vendor=acs") if entry["effect"] != "token"]
    logged = [(entry["operation"], entry["effect"], entry["key"]) for entry in commands]
    assert logged == [("reboot", "once", serial), ("set_wifi", "write", serial), ("start_ping", "once", serial)]
    isp.switch("acs", permissions=["devices"])
    for verb, path in (("POST", "reboot"), ("POST", "reset"), ("PATCH", "wifi/w1"), ("POST", "parameters/update")):
        assert isp.acs_command(verb, f"/devices/{serial}/{path}", {}).status_code == 403
