from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sandbox.client import Isp

KEY = {"x-api-key": "sandbox-akixi-key"}
SUNSHINE = {"x-api-key": "sunshine-akixi-key"}
ANNE = {"x-api-key": "anne-akixi-key"}
API = "/akixi/CCS/API/v1"
ALL = (-1, -1, "UnknownNoneOrAll")
DESK = (426, 1, "+442046034983")
BOTH = {"IntegratorClientFields": "[Policies,Settings]"}
ENVIRONMENT = "d6d6c5a5f0f90d60:-15617a00:169f533f6d5:5613"
CONFIG = {"Description": "desk", "CMEnvironmentID": ENVIRONMENT, "Policies": {"core::a": True}, "Settings": {"i::b": 1}}
Scope = tuple[int, int, str]


def root(scope: Scope) -> str:
    telsys, partition, device = scope
    return f"{API}/admin/telsys/{telsys}/partition/{partition}/device/{quote(device, safe='')}/integratorClient"


def listed(isp: Isp, scope: Scope = ALL, headers: dict[str, str] = KEY, **query: str) -> Any:
    return isp.http.get(root(scope), params=query, headers=headers).json()["Data"]


def add(isp: Isp, scope: Scope = DESK, body: Any = CONFIG, headers: dict[str, str] = KEY) -> httpx.Response:
    return isp.http.post(root(scope) + "/", params=BOTH, json=body, headers=headers)


def added(isp: Isp, scope: Scope = DESK, body: Any = CONFIG) -> str:
    """The id of a new entry, found by listing."""
    before = {item["ID"] for item in listed(isp, scope)["Items"]}
    assert add(isp, scope, body).json() == {"Result": "Success"}
    (new,) = {item["ID"] for item in listed(isp, scope)["Items"]} - before
    return str(new)


def at(scope: Scope, client_id: str) -> str:
    return f"{root(scope)}/{quote(client_id, safe='')}"


def code(answer: httpx.Response) -> int:
    return int(answer.json()["ErrorCode"])


def test_the_list_holds_the_fifteen_entries_of_the_vendor_page_in_its_order(isp: Isp) -> None:
    labels = "'[TelSysDescription,PartitionDescription,DeviceDescription]'"
    data = listed(isp, limit="25", offset="0", sort="['DESC','ASC']", IntegratorClientFields=labels)
    assert (data["Total"], data["Offset"], len(data["Items"])) == (15, 0, 15)
    first, last = listed(isp, IntegratorClientFields=labels)["Items"][0::14]
    assert first == {
        "TelSysID": 389,
        "DeviceDescription": "None",
        "DeviceNumber": "UnknownNoneOrAll",
        "Description": "Child Test",
        "TelSysDescription": None,
        "ID": "174546f958aa15f1:2744ca9:19889c3e648:-2229",
        "PartitionID": -3,
        "PartitionDescription": None,
    }
    assert last == {
        "TelSysID": 417,
        "DeviceDescription": "Anne Hunter",
        "DeviceNumber": "01234567120",
        "Description": "Config Access Allowed",
        "TelSysDescription": "Sunshine Insurance",
        "ID": "a21abf960a398ee2:7b73f31a:198d18707a9:6e88",
        "PartitionID": 1,
        "PartitionDescription": "Sunshine Insurance",
    }
    plain = listed(isp)["Items"]
    assert {item["Description"] for item in plain if item["PartitionID"] == -1} == {
        "test-123",
        "123",
        "Regression-Test-1",
    }
    assert set(plain[0]) == {"ID", "Description", "TelSysID", "PartitionID", "DeviceNumber"}


def test_paging_walks_the_whole_list_and_an_offset_beyond_it_is_empty(isp: Isp) -> None:
    pages = [listed(isp, limit="4", offset=str(offset)) for offset in range(0, 20, 4)]
    assert [len(page["Items"]) for page in pages] == [4, 4, 4, 3, 0]
    assert [page["Offset"] for page in pages] == [0, 4, 8, 12, 16]
    assert [item for page in pages for item in page["Items"]] == listed(isp)["Items"]
    isp.switch("akixi", limit_max=5, total_drift=2)
    assert [listed(isp, limit="100")["Total"] for _ in range(3)] == [15, 17, 19]
    assert len(listed(isp, limit="100")["Items"]) == 5


def test_the_order_can_be_asked_for(isp: Isp) -> None:
    ids = [item["ID"] for item in listed(isp)["Items"]]
    assert [item["ID"] for item in listed(isp, sort="DESC")["Items"]] == ids[::-1]
    assert [item["ID"] for item in listed(isp, sort="ASC")["Items"]] == ids


def test_an_entry_is_added_without_an_id_read_changed_and_deleted(isp: Isp) -> None:
    client_id = added(isp)
    assert re.fullmatch(r"[0-9a-f]{16}:-?[0-9a-f]{1,8}:[0-9a-f]{1,12}:-?[0-9a-f]{1,4}", client_id)
    everything = {"IntegratorClientFields": "[TelSysDescription,DeviceDescription,Policies,Settings,DateTimeCreated]"}
    entry = isp.http.get(at(DESK, client_id), params=everything, headers=KEY).json()["Data"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", entry.pop("DateTimeCreated"))
    assert entry == {
        "ID": client_id,
        "Description": "desk",
        "TelSysID": "426",
        "PartitionID": "1",
        "DeviceNumber": "+442046034983",
        "CMEnvironmentID": ENVIRONMENT,
        "TelSysDescription": "MST Dev Tenant",
        "DeviceDescription": "User04 A4MTTest",
        "Policies": {"core::a": True},
        "Settings": {"i::b": 1},
    }
    changed = isp.http.put(at(DESK, client_id), params=BOTH, json={"Description": "new"}, headers=KEY)
    assert (changed.status_code, changed.content) == (204, b"")
    shown = isp.control("GET", f"akixi/clients/{client_id}")
    assert (shown["Description"], shown["Policies"], shown["CMEnvironmentID"]) == ("new", {}, None)
    gone = isp.http.delete(at(DESK, client_id), headers=KEY)
    assert (gone.status_code, gone.content) == (204, b"")
    assert code(isp.http.delete(at(DESK, client_id), headers=KEY)) == 30003
    effects = [(e["operation"], e["effect"], e["completed"]) for e in isp.log("vendor=akixi") if e["effect"] != "read"]
    assert effects == [
        ("add_client", "once", True),
        ("change_client", "write", True),
        ("delete_client", "delete", True),
        ("delete_client", "delete", False),
    ]


def test_a_change_is_dated_and_signed_by_who_made_it(isp: Isp) -> None:
    anne = {"x-api-key": "anne-akixi-key"}
    place = "417/partition/1/device/01234567120"
    client_id = "a21abf960a398ee2:7b73f31a:198d18707a9:6e88"
    before = isp.control("GET", f"akixi/clients/{client_id}")
    url = f"/akixi/CCS/API/v1/admin/telsys/{place}/integratorClient/{client_id}"
    assert isp.http.put(url, params=BOTH, json={"Description": "new"}, headers=anne).status_code == 204
    after = isp.control("GET", f"akixi/clients/{client_id}")
    assert [after[name] for name in ("DateTimeCreated", "UserIDCreatedBy")] == [
        before[name] for name in ("DateTimeCreated", "UserIDCreatedBy")
    ]
    assert after["DateTimeUpdated"] > before["DateTimeUpdated"]
    assert after["UserIDUpdatedBy"] != before["UserIDUpdatedBy"]


def test_a_put_that_merges_keeps_what_it_leaves_out(isp: Isp) -> None:
    client_id = added(isp)
    isp.switch("akixi", put_mode="merge")
    isp.http.put(at(DESK, client_id), params=BOTH, json={"Settings": {"i::c": False}}, headers=KEY)
    shown = isp.control("GET", f"akixi/clients/{client_id}")
    assert (shown["Description"], shown["Policies"], shown["Settings"]) == ("desk", {"core::a": True}, {"i::c": False})


def test_policies_and_settings_that_the_query_does_not_name_are_dropped(isp: Isp) -> None:
    answer = isp.http.post(root(DESK) + "/", json=CONFIG, headers=KEY, params={"IntegratorClientFields": "[Policies]"})
    assert answer.status_code == 200
    (entry,) = listed(isp, DESK)["Items"]
    shown = isp.control("GET", f"akixi/clients/{entry['ID']}")
    assert (shown["Policies"], shown["Settings"]) == ({"core::a": True}, {})
    isp.switch("akixi", strict_fields=False)
    isp.http.put(at(DESK, entry["ID"]), json=CONFIG, headers=KEY)
    assert isp.control("GET", f"akixi/clients/{entry['ID']}")["Settings"] == {"i::b": 1}


@pytest.mark.parametrize("form", ["%2B442046034983", "+442046034983"])
def test_numbers_and_ids_are_read_encoded_and_raw_but_not_twice_encoded(isp: Isp, form: str) -> None:
    client_id = added(isp)
    path = root(DESK).replace("%2B442046034983", form)
    for text in (client_id, quote(client_id, safe="")):
        assert isp.http.get(f"{path}/{text}", headers=KEY).json()["Data"]["ID"] == client_id
    twice = root(DESK).replace("%2B", "%252B")
    assert code(isp.http.post(twice + "/", json=CONFIG, headers=KEY)) == 30004


def test_every_error_of_the_vendor_page_has_a_real_cause(isp: Isp) -> None:
    client_id = added(isp)
    assert code(add(isp, (417, 1, "UnknownNoneOrAll"), headers=ANNE)) == 30000
    assert code(add(isp, (426, 1, "+442046034982"), {})) == 30001
    for junk in (b"nonsense", b"[" * 50_000, b'{"Description": "\\ud800"}'):
        assert code(isp.http.put(at(DESK, client_id), content=junk, headers=KEY)) == 30001
    assert code(isp.http.delete(root(DESK), headers=KEY)) == 30002
    assert code(isp.http.put(root(DESK) + "/", json=CONFIG, headers=KEY)) == 30002
    assert code(isp.http.get(at(DESK, "0f1e2d3c4b5a6978:1:1:1"), headers=KEY)) == 30003
    assert code(isp.http.get(at((417, 1, "01234567102"), client_id), headers=KEY)) == 30003
    assert code(add(isp, (426, 1, "+442046039999"))) == 30004
    assert code(add(isp, (9999, 1, "UnknownNoneOrAll"))) == 30004
    assert code(add(isp)) == 30005
    assert code(add(isp, (426, 1, "+442046034982"), {**CONFIG, "ID": client_id})) == 30006
    assert code(add(isp, (426, 1, "+442046034982"), {**CONFIG, "CMEnvironmentID": "nonsense"})) == 30007
    assert code(add(isp, (426, 1, "+442046034982"), {**CONFIG, "Settings": []})) == 30007
    assert code(add(isp, (-1, -1, "UnknownNoneOrAll"), headers=SUNSHINE)) == 30008
    assert code(add(isp, (417, -1, "UnknownNoneOrAll"), headers=SUNSHINE)) == 30009
    isp.switch("akixi", wrong_scope=30004, unique_scope=False, environments=["0f1e2d3c4b5a6978:1:1:1"])
    assert code(isp.http.get(at((417, 1, "01234567102"), client_id), headers=KEY)) == 30004
    assert code(add(isp)) == 30007
    assert add(isp, body={"Description": "second"}).status_code == 200


@pytest.mark.parametrize(
    ("status", "shape", "expected", "body"),
    [
        ("semantic", "full", 404, {"Result": "Failure", "ErrorCode": 30003, "Message": "INTEGRATOR_CLIENT_NOT_FOUND"}),
        ("always_400", "code_only", 400, {"Result": "Failure", "ErrorCode": "30003"}),
        ("always_200", "name_only", 200, {"Result": "Failure", "ErrorDescription": "INTEGRATOR_CLIENT_NOT_FOUND"}),
        ("always_200", "nested", 200, {"Error": {"Code": 30003, "Description": "INTEGRATOR_CLIENT_NOT_FOUND"}}),
    ],
)
def test_errors_come_in_every_shape_that_is_possible(
    isp: Isp, status: str, shape: str, expected: int, body: dict[str, Any]
) -> None:
    isp.switch("akixi", error_status=status, error_shape=shape)
    answer = isp.http.delete(at(DESK, "0f1e2d3c4b5a6978:1:1:1"), headers=KEY)
    assert (answer.status_code, answer.json()) == (expected, body)
    assert isp.log("vendor=akixi")[-1]["outcome"] == "refused"


def test_a_general_error_answers_everything_until_it_is_switched_off(isp: Isp) -> None:
    isp.switch("akixi", trouble=10105)
    answer = isp.http.get(root(ALL), headers=KEY)
    assert (answer.status_code, code(answer)) == (503, 10105)
    isp.switch("akixi", trouble=None)
    assert listed(isp)["Total"] == 15


def test_a_limited_user_sees_and_changes_only_what_is_his(isp: Isp) -> None:
    assert {item["TelSysID"] for item in listed(isp, headers=SUNSHINE)["Items"]} == {417}
    (own,) = listed(isp, headers=ANNE)["Items"]
    assert own["Description"] == "Config Access Allowed"
    path = at((417, 1, "01234567120"), own["ID"])
    assert isp.http.put(path, json={"Description": "mine"}, headers=ANNE).status_code == 204
    assert code(isp.http.delete(path, headers=ANNE)) == 30000
    other = listed(isp)["Items"][0]["ID"]
    assert code(isp.http.get(at(ALL, other), headers=ANNE)) == 30003
    isp.switch("akixi", denied=["delete"])
    assert code(isp.http.delete(path, headers=KEY)) == 30000


def test_every_subscriber_has_a_device_that_an_entry_can_be_made_for(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/7")
    akixi = known["akixi"]
    scope = (akixi["tel_sys_id"], akixi["partition_id"], akixi["device_number"])
    client_id = added(isp, scope)
    entry = isp.http.get(at(scope, client_id), params={"IntegratorClientFields": "[DeviceDescription]"}, headers=KEY)
    assert entry.json()["Data"]["DeviceDescription"] == known["name"]
    assert isp.control("GET", "subscribers/7")["akixi"]["integrator_clients"] == [client_id]


def test_paths_are_strict_about_the_slash_if_that_is_switched_on(isp: Isp) -> None:
    assert isp.http.get(root(ALL) + "/", headers=KEY).status_code == 200
    isp.switch("akixi", strict_slash=True)
    assert isp.http.get(root(ALL) + "/", headers=KEY).status_code == 404
    assert isp.http.post(root(DESK), json=CONFIG, headers=KEY).status_code == 404
    assert add(isp).status_code == 200


def test_names_may_hold_non_breaking_spaces(isp: Isp) -> None:
    isp.switch("akixi", nbsp=True)
    assert listed(isp)["Items"][0]["Description"] == "Child\xa0Test"


def test_an_add_whose_answer_is_cut_has_happened(isp: Isp) -> None:
    isp.fault("cut_after", vendor="akixi", match={"operation": "add_client"}, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        add(isp)
    assert len(listed(isp, DESK)["Items"]) == 1
    assert code(add(isp)) == 30005


def test_an_error_can_come_with_status_200_and_a_lone_message(isp: Isp) -> None:
    isp.fault("error_200", vendor="akixi", times=1)
    answer = isp.http.get(root(ALL), headers=KEY)
    assert (answer.status_code, list(answer.json())) == (200, ["Message"])


def test_lists_can_be_cut_short_by_a_fault(isp: Isp) -> None:
    isp.fault("truncate_page", vendor="akixi", times=1)
    isp.fault("empty_list", vendor="akixi", times=1)
    assert [listed(isp)["Total"], listed(isp)["Total"], listed(isp)["Total"]] == [7, 0, 15]


def test_telephony_servers_and_partitions_are_listed(isp: Isp) -> None:
    servers = isp.http.get(f"{API}/admin/telsys", headers=KEY).json()["Data"]["Items"]
    assert {"TelSysID": 417, "Description": "Sunshine Insurance"} in servers
    partitions = isp.http.get(f"{API}/admin/telsys/500/partition", headers=KEY).json()["Data"]["Items"]
    assert [part["PartitionID"] for part in partitions] == [1, 2]
    assert len(isp.http.get(f"{API}/admin/telsys", headers=SUNSHINE).json()["Data"]["Items"]) == 1


def test_reports_wait_then_answer_within_the_vendors_limits(isp: Isp) -> None:
    reports = isp.http.get(f"{API}/report", headers=KEY).json()
    assert {"ID", "Type", "Description", "IsLicensed", "IsBinned"} == set(reports[0])

    def run(report: str) -> Any:
        return isp.http.get(f"{API}/report/{report}/exec", headers=KEY).json()

    assert [run("rep-1").get("ExecutionStatus") for _ in range(3)] == ["WAITING", "WAITING", "COMPLETED"]
    assert "Message" in run("rep-1")
    isp.switch("akixi", report_waits=0)
    assert [run(f"rep-{n}").get("ExecutionStatus") for n in (2, 3, 4)] == ["COMPLETED", "COMPLETED", None]
    isp.control("POST", "clock", {"advance_s": 600})
    assert run("rep-4")["Rows"]
    assert "Message" in run("rep-6")
    assert "Message" in run("nothing")
    assert "Message" in isp.http.get(f"{API}/report", headers=SUNSHINE).json()


def test_entries_are_made_and_changed_by_hand(isp: Isp) -> None:
    made = isp.control("POST", "akixi/clients", {"index": 3, "description": "by hand"})
    assert made["DeviceNumber"] == isp.control("GET", "subscribers/3")["akixi"]["device_number"]
    changed = isp.control(
        "POST", f"akixi/clients/{made['ID']}", {"policies": {"core::x": True}, "description": "again"}
    )
    assert (changed["Description"], changed["Policies"]) == ("again", {"core::x": True})
    assert len(isp.control("GET", "akixi/clients")["items"]) == 16
    isp.control("DELETE", f"akixi/clients/{made['ID']}")
    assert isp.http.get(f"/_sandbox/akixi/clients/{made['ID']}").status_code == 404


def test_unknown_paths_and_junk_are_answered_with_a_message(isp: Isp) -> None:
    for method, path in (
        ("GET", f"{API}/nothing"),
        ("POST", f"{API}/admin/telsys/x/partition/1/device/1/integratorClient/"),
        ("PATCH", root(DESK)),
        ("GET", "/akixi/CCS/App/"),
    ):
        answer = isp.http.request(method, path, headers=KEY)
        assert (answer.status_code, list(json.loads(answer.content))) == (404, ["Message"])
