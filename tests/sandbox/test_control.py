from __future__ import annotations

import json

import pytest

from sandbox.client import Isp
from sandbox.receiver import Receiver


def test_a_device_added_by_hand_is_listed_in_its_place(isp: Isp) -> None:
    isp.control("POST", "acs/devices", {"serial": "BZZZ00000001", "pppoe_login": "casa1.ppp"})
    invented = isp.control("POST", "acs/devices", {})["serial"]
    serials = [device["serialNumber"] for device in isp.devices()]
    assert len(serials) == 302
    assert serials == sorted(serials)
    assert {"BZZZ00000001", invented} <= set(serials)
    assert isp.http.post("/_sandbox/acs/devices", json={"serial": invented}).status_code == 409


def test_a_device_deleted_by_hand_is_dropped_by_the_erp_too_unless_webhooks_are_lost(isp: Isp) -> None:
    registered = {row["serial_number"] for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0")}
    known = [device["serialNumber"] for device in isp.devices() if device["serialNumber"] in registered]
    assert isp.control("DELETE", f"acs/devices/{known[0]}")["erp_rows_dropped"] == 1
    isp.switch("acs", webhook_lost=True)
    assert isp.control("DELETE", f"acs/devices/{known[1]}")["erp_rows_dropped"] == 0
    assert [row["serial_number"] for row in isp.expected()["delete"]].count(known[1]) == 1
    assert not {known[0], known[1]} & {device["serialNumber"] for device in isp.devices()}
    assert isp.http.delete(f"/_sandbox/acs/devices/{known[0]}").status_code == 404


def test_the_erp_alone_can_miss_the_webhook_of_a_removed_device(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url, erp_webhook_lost=True)
    registered = {row["serial_number"] for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0")}
    serial = next(device["serialNumber"] for device in isp.devices() if device["serialNumber"] in registered)
    assert isp.control("DELETE", f"acs/devices/{serial}")["erp_rows_dropped"] == 0
    isp.control("GET", "webhooks")
    assert [(body["event"], body["serialNumber"]) for body in receiver.bodies] == [("device.removed", serial)]
    assert serial in {row["serial_number"] for row in isp.expected()["delete"]}


def test_rows_of_the_erp_are_entered_twice_respelled_and_deleted_by_hand(isp: Isp) -> None:
    login = isp.control("GET", "subscribers/5")["provider"]["login_id"]
    for _ in range(2):
        assert isp.control("POST", "provider/devices", {"serial_number": "NEWX00000001", "id_login": str(login)})["id"]
    assert isp.expected()["reasons"]["duplicate_row"] == 1
    assert isp.control("POST", "provider/devices/NEWX00000001", {"serial_number": "newx-00000001"}) == {"changed": 2}
    rows = isp.control("GET", "provider/devices/newx-00000001")["items"]
    assert [(row["serial_number"], row["id_login"]) for row in rows] == [("newx-00000001", str(login))] * 2
    assert isp.control("DELETE", "provider/devices/newx-00000001") == {"deleted": 2}
    assert isp.control("GET", "provider/devices/newx-00000001") == {"items": []}


@pytest.mark.parametrize("path", ["provider/devices", "provider/devices/NEWX00000001"])
def test_a_row_has_no_columns_of_ones_own(isp: Isp, path: str) -> None:
    refused = isp.http.post(f"/_sandbox/{path}", json={"serial": "NEWX00000001"})
    assert (refused.status_code, "acs_device has no column serial" in refused.text) == (400, True)


def test_a_removed_device_can_come_back(isp: Isp) -> None:
    serial = isp.devices()[10]["serialNumber"]
    isp.control("DELETE", f"acs/devices/{serial}")
    isp.control("POST", "acs/devices", {"serial": serial, "pppoe_login": "casa5.ppp"})
    device = isp.devices()[10]
    assert (device["serialNumber"], device["connection"]["pppoeLogin"]) == (serial, "casa5.ppp")


def test_a_mass_delete_by_serial_number_count_and_share_is_silent(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url)
    serials = [device["serialNumber"] for device in isp.devices()[:3]]
    rows = isp.control("GET", "world")["counts"]["acs_device"]
    assert isp.control("POST", "acs/mass_delete", {"serials": [*serials, "NOSUCH"]})["deleted"] == 3
    assert isp.control("POST", "acs/mass_delete", {"count": 7})["left"] == 290
    assert isp.control("POST", "acs/mass_delete", {"share": 0.5})["left"] == 145
    assert len(isp.devices()) == 145
    assert isp.control("GET", "world")["counts"]["acs_device"] == rows
    assert isp.control("GET", "webhooks")["items"] == []
    assert receiver.bodies == []
    assert isp.http.post("/_sandbox/acs/mass_delete", json={}).status_code == 400


def test_events_go_to_the_configured_address(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url)
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001", "pppoe_login": "casa1.ppp"})
    isp.control("POST", "acs/devices/NEWX00000001/login", {"pppoe_login": None})
    isp.control("DELETE", "acs/devices/NEWX00000001")
    deliveries = isp.control("GET", "webhooks")["items"]
    assert [delivery["status"] for delivery in deliveries] == [204, 204, 204]
    assert sorted(body["event"] for body in receiver.bodies) == [
        "device.added",
        "device.parameters_changed",
        "device.removed",
    ]
    assert {body["serialNumber"] for body in receiver.bodies} == {"NEWX00000001"}
    assert len({body["eventId"] for body in receiver.bodies}) == 3


def test_events_can_be_doubled_or_lost(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url, webhook_copies=2, webhook_delay_ms=1)
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001"})
    isp.control("GET", "webhooks")
    assert [body["eventId"] for body in receiver.bodies] == [receiver.bodies[0]["eventId"]] * 2
    isp.switch("acs", webhook_lost=True)
    isp.control("POST", "acs/devices", {"serial": "NEWX00000002"})
    isp.control("GET", "webhooks")
    assert len(receiver.bodies) == 2


def test_an_event_that_nobody_takes_is_recorded_with_status_zero(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri="http://127.0.0.1:1/hooks")
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001"})
    assert [delivery["status"] for delivery in isp.control("GET", "webhooks")["items"]] == [0]


@pytest.mark.parametrize("uri", ["https://acs.example.net/hook", "http://10.0.0.1/", "ftp://127.0.0.1/", "nonsense"])
def test_webhooks_never_leave_loopback(isp: Isp, uri: str) -> None:
    answer = isp.http.post("/_sandbox/settings", json={"acs": {"webhook_uri": uri}})
    assert answer.status_code == 400
    assert isp.control("GET", "settings")["acs"]["webhook_uri"] is None


def test_the_erp_drops_a_device_when_the_acs_tells_it(isp: Isp) -> None:
    serial = next(isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0"))["serial_number"]
    hook = "/provider/api-module/acs/webhook"
    assert isp.http.post(hook, json={"event": "device.added", "serialNumber": serial}).json()["type"] == "success"
    assert len(isp.control("GET", f"provider/devices/{serial}")["items"]) == 1
    assert isp.http.post(hook, json={"event": "device.removed", "serialNumber": serial}).json()["type"] == "success"
    assert isp.control("GET", f"provider/devices/{serial}")["items"] == []
    assert isp.http.post(hook, content=b"nonsense").json()["type"] == "error"
    assert [entry["completed"] for entry in isp.log("vendor=provider") if entry["operation"] == "acs_webhook"] == [
        False,
        True,
        False,
    ]


def test_a_login_can_be_changed_shown_and_deleted_by_hand(isp: Isp) -> None:
    login = next(isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S"))["login"]
    isp.control("POST", f"provider/logins/{login}", {"ativo": "N", "obs": "moved"})
    row = isp.control("GET", f"provider/logins/{login}")
    assert (row["ativo"], row["obs"]) == ("N", "moved")
    assert isp.http.post(f"/_sandbox/provider/logins/{login}", json={"colour": "red"}).status_code == 400
    isp.control("DELETE", f"provider/logins/{login}")
    assert isp.http.get(f"/_sandbox/provider/logins/{login}").status_code == 404


def test_settings_are_all_or_nothing(isp: Isp) -> None:
    before = isp.control("GET", "settings")
    for body, text in (
        ({"acs": {"token_life_s": 5}, "provider": {"zone": "Mars/Base"}}, "unknown zone Mars/Base"),
        ({"acs": {"token_life_s": 86_401}}, "token_life_s"),
        ({"telex": {}}, "no vendor telex"),
        ({"acs": 1}, "acs: Input should be a valid dictionary"),
    ):
        answer = isp.http.post("/_sandbox/settings", json=body)
        assert answer.status_code == 400
        assert text in answer.json()["error"]
    assert isp.control("GET", "settings") == before


def test_the_log_pages_by_sequence_number_and_filters(isp: Isp) -> None:
    isp.token()
    isp.device_page()
    isp.erp("POST", "acs_device_grid", {"serial_number": "NEWX00000001", "id_login": "5001"})
    everything = isp.log()
    assert [entry["operation"] for entry in everything] == ["token", "token", "list_devices", "acs_device_grid.insert"]
    assert [entry["effect"] for entry in everything] == ["token", "token", "read", "once"]
    first = isp.control("GET", "requests?limit=2")
    assert len(first["items"]) == 2
    assert isp.control("GET", f"requests?since={first['next']}")["items"] == everything[2:]
    assert isp.log("vendor=provider") == everything[3:]
    summary = isp.control("GET", "requests/summary")
    assert summary["total"] == 4
    assert summary["by_vendor"] == {"acs": 3, "provider": 1}
    isp.control("DELETE", "requests")
    assert isp.log() == []
    isp.token()
    assert isp.log()[0]["seq"] == everything[-1]["seq"] + 1


def test_the_log_never_holds_a_secret(isp: Isp) -> None:
    isp.token(client_secret="very-secret-1")
    isp.device_page()
    isp.erp("POST", "radusuarios", {"login": "a.ppp", "senha": "very-secret-2"})
    isp.acs("/devices/views/natural", {"access_token": "very-secret-3"})
    isp.http.get("/provider/webservice/v1/cliente", headers={"Authorization": "Basic very-secret-4"})
    text = json.dumps(isp.control("GET", "requests"))
    assert "secret-" not in text
    assert "sandbox-secret" not in text
    assert isp.erp_token not in text


def test_a_reset_returns_everything_to_the_start(isp: Isp) -> None:
    expected = isp.expected()
    isp.control("POST", "acs/mass_delete", {"share": 0.5})
    isp.fault("status")
    isp.switch("acs", token_life_s=5)
    isp.reset()
    assert isp.expected() == expected
    assert isp.control("GET", "faults")["items"] == []
    assert isp.control("GET", "settings")["acs"]["token_life_s"] == 3600
    assert isp.log() == []
    assert isp.http.post("/_sandbox/reset", json={"shares": {"bogus": 1}}).status_code == 400


def test_control_errors_are_json_with_a_reason(isp: Isp) -> None:
    for method, path, status in (
        ("GET", "requests?since=x", 400),
        ("DELETE", "faults/99", 404),
        ("GET", "acs/devices/NOSUCH", 404),
    ):
        answer = isp.http.request(method, f"/_sandbox/{path}")
        assert answer.status_code == status
        assert answer.json()["error"]
    assert isp.http.post("/_sandbox/faults", content=b"{").json() == {"error": "the body is not JSON"}
    assert isp.http.post("/_sandbox/settings", content=b"{").json() == {"error": "the body is not JSON"}
