from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox.client import ACS_ID, ACS_SECRET, Isp

LIST = "/devices/views/natural"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_token_is_issued_for_a_form_and_for_json(isp: Isp, version: str) -> None:
    fields = {"client_id": ACS_ID, "client_secret": ACS_SECRET, "grant_type": "client_credentials"}
    url = f"/acs/api/{version}/token/oauth"
    for answer in (isp.http.post(url, data=fields), isp.http.post(url, json=fields)):
        assert answer.status_code == 200
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        for other in ("v1", "v2"):
            assert isp.http.get(f"/acs/api/{other}{LIST}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "field", [{"client_secret": ACS_SECRET + " "}, {"client_id": " " + ACS_ID}, {"client_id": "é"}]
)
def test_wrong_and_padded_credentials_are_refused(isp: Isp, field: dict[str, str]) -> None:
    assert isp.token(**field).status_code == 401


def test_the_shape_of_the_token_answer_is_a_switch(isp: Isp) -> None:
    for shape, keys in (
        ("both", {"access_token", "expires_at", "expires_in"}),
        ("expires_at", {"access_token", "expires_at"}),
        ("expires_in", {"access_token", "expires_in"}),
        ("neither", {"access_token"}),
    ):
        isp.switch("acs", token_answer=shape)
        assert set(isp.token().json()) == keys


def test_a_token_dies_when_its_life_is_over(isp: Isp) -> None:
    isp.switch("acs", token_life_s=60)
    assert isp.device_page().status_code == 200
    isp.control("POST", "clock", {"advance_s": 59})
    assert isp.device_page().status_code == 200
    isp.control("POST", "clock", {"advance_s": 2})
    assert isp.device_page().status_code == 401
    isp.switch("acs", unauthorized_status=400)
    assert isp.device_page().status_code == 400


def test_the_limits_per_minute_and_per_day_answer_429_until_their_window_ends(isp: Isp) -> None:
    isp.switch("acs", token_life_s=86_400, per_minute=3, per_day=5)
    now = datetime.fromisoformat(isp.control("GET", "world")["now"])
    isp.control("POST", "clock", {"advance_s": 60 - now.second})
    assert [isp.device_page().status_code for _ in range(4)] == [200, 200, 200, 429]
    retry_after = float(isp.device_page().headers["retry-after"])
    assert 0 < retry_after <= 60
    isp.control("POST", "clock", {"advance_s": retry_after})
    assert [isp.device_page().status_code for _ in range(3)] == [200, 200, 429]
    assert float(isp.device_page().headers["retry-after"]) > 60
    isp.switch("acs", limit_retry_after=False)
    assert "retry-after" not in isp.device_page().headers
    isp.switch("acs", limit_status=503)
    assert isp.device_page().status_code == 503


def test_a_blocked_client_a_missing_permission_and_a_foreign_address_are_forbidden(isp: Isp) -> None:
    isp.switch("acs", permissions=["devices"])
    assert isp.device_page().status_code == 200
    assert isp.acs("/devices/ACME00000000/wifi").status_code == 403
    isp.switch("acs", blocked=True)
    assert isp.device_page().status_code == 403
    isp.switch("acs", blocked=False, allowed_ips=["10.0.0.0/8"])
    assert isp.device_page().status_code == 403
    isp.switch("acs", allowed_ips=["127.0.0.0/8"])
    assert isp.device_page().status_code == 200


def test_paging_by_serial_number_gives_every_device_once_and_no_total(isp: Isp) -> None:
    assert set(isp.device_page().json()) == {"registers", "hasNextPage"}
    serials = [device["serialNumber"] for device in isp.devices(size=37)]
    assert len(serials) == 300
    assert serials == sorted(set(serials))
    backwards = isp.devices({"sorting[sortOrder]": "desc"}, size=41)
    assert [device["serialNumber"] for device in backwards] == serials[::-1]
    assert isp.device_page(page=7, size=50).json() == {"registers": [], "hasNextPage": False}


def test_too_large_pages_are_silently_reduced(isp: Isp) -> None:
    isp.switch("acs", page_size_max=20)
    body = isp.device_page(size=500).json()
    assert (len(body["registers"]), body["hasNextPage"]) == (20, True)


def test_registers_have_the_documented_shape_and_its_holes(isp: Isp) -> None:
    devices = isp.devices()
    for device in devices:
        assert isinstance(device["status"], bool)
        assert datetime.fromisoformat(device["created"]).tzinfo is not None
        assert device["deviceInfo"]["packageVersion"] in ("v2", "v3")
        assert all(mac.startswith("02:00:") for mac in device["macs"])
    infos = [device["deviceInfo"] for device in devices]
    assert {type(info["rx"]) for info in infos if "rx" in info} == {float, str}
    assert any("rx" not in info and "tx" not in info for info in infos)
    assert any(info["ipv6"] == "" for info in infos)
    without = [device for device in devices if "connection" not in device]
    assert len(without) == isp.expected()["reasons"]["no_login"]
    logins = [device["connection"]["pppoeLogin"] for device in devices if "connection" in device]
    assert len(set(logins)) < len(logins), "some devices share a login"


def test_last_inform_follows_the_clock_of_online_devices(isp: Isp) -> None:
    device = next(device for device in isp.devices() if device["status"])
    isp.control("POST", "clock", {"advance_s": 1800})
    search = {"search[column]": "serialNumber", "search[search]": device["serialNumber"]}
    (later,) = isp.devices(search)
    moved = datetime.fromisoformat(later["lastInform"]) - datetime.fromisoformat(device["lastInform"])
    assert abs(moved - timedelta(minutes=30)) <= timedelta(minutes=5)
    assert datetime.fromisoformat(later["lastInform"]) <= datetime.now(UTC) + timedelta(minutes=30)


def test_a_search_is_exact_if_it_can_be_and_else_finds_parts(isp: Isp) -> None:
    devices = isp.devices()
    device = next(d for d in devices if "connection" in d)
    login = device["connection"]["pppoeLogin"]
    for column, text in (("serialNumber", device["serialNumber"]), ("connection.pppoeLogin", login)):
        hits = isp.devices({"search[column]": column, "search[search]": text})
        assert device in [{**hit, "lastInform": device["lastInform"]} for hit in hits]
    parts = {"search[column]": "serialNumber", "search[search]": "acme"}
    assert [d["serialNumber"] for d in isp.devices(parts)] == [
        d["serialNumber"] for d in devices if d["serialNumber"].startswith("ACME")
    ]
    isp.switch("acs", search_mode="exact")
    assert isp.devices(parts) == []


def test_filters_of_a_group_are_anded_and_groups_are_ored(isp: Isp) -> None:
    def condition(group: int, place: int, kind: str, accessor: str, operator: str, value: str) -> dict[str, str]:
        parts = {"type": kind, "accessor": accessor, "operator": operator, "value": value}
        return {f"filters[{group}][{place}][{part}]": text for part, text in parts.items()}

    offline = condition(0, 0, "boolean", "status", "equal", "false")
    acme = condition(0, 1, "string", "serialNumber", "like", "acme")
    devices = isp.devices()
    expected = [d["serialNumber"] for d in devices if not d["status"] and d["serialNumber"].startswith("ACME")]
    assert [d["serialNumber"] for d in isp.devices({**offline, **acme})] == expected
    other = condition(1, 0, "string", "serialNumber", "equal", devices[-1]["serialNumber"])
    assert [d["serialNumber"] for d in isp.devices({**offline, **acme, **other})] == [
        *expected,
        devices[-1]["serialNumber"],
    ]


def test_sorting_by_creation_and_last_inform(isp: Isp) -> None:
    by_creation = [device["created"] for device in isp.devices({"sorting[sortBy]": "created"})]
    assert by_creation == sorted(by_creation)
    informs = [
        d["lastInform"] for d in isp.device_page({"sorting[sortBy]": "lastInform"}, size=1000).json()["registers"]
    ]
    assert len(informs) == 300


@pytest.mark.parametrize(
    "params",
    [
        {"sorting[sortBy]": "colour"},
        {"search[column]": "colour", "search[search]": "red"},
        {"pagination[currentPage]": "0"},
        {"pagination[pageSize]": "many"},
        {"filters[0][0][accessor]": "colour"},
    ],
)
def test_a_query_that_is_not_understood_is_400(isp: Isp, params: dict[str, str]) -> None:
    assert isp.device_page(params).status_code == 400


def test_wifi_ppp_capabilities_and_ipv6_of_one_device(isp: Isp) -> None:
    devices = isp.devices()
    answers: dict[str, list[httpx.Response]] = {"wifi": [], "ppp": [], "capabilities": []}
    for device in devices:
        serial = device["serialNumber"]
        answers["wifi"].append(isp.acs(f"/devices/{serial}/wifi"))
        answers["ppp"].append(isp.acs(f"/devices/{serial}/ethernet/ppp"))
        answers["capabilities"].append(isp.acs("/devices/capabilities", {"sn": serial}, version="v1"))
    assert all(set(answer.json()) == {"2.4", "5.8"} for answer in answers["wifi"])
    assert any(answer.json()["5.8"] == [] for answer in answers["wifi"])
    assert {str(answer.json())[:4] for answer in answers["ppp"]} >= {"None", "[]", "[{'d"}
    packages = {answer.json()["device"]["packageVersion"]: answer.json() for answer in answers["capabilities"]}
    assert "capabilities" in packages["v3"]
    assert set(packages["v2"]) == {"device"}
    view = isp.acs(
        "/devices/views/ipv6", {"search[column]": "serialNumber", "search[search]": devices[0]["serialNumber"]}
    )
    assert view.json()["registers"][0]["deviceInfo"]["ipv6"] == devices[0]["deviceInfo"]["ipv6"]


@pytest.mark.parametrize(
    "path", ["/devices/NOSUCH/wifi", "/devices/NOSUCH/ethernet/ppp", "/devices/capabilities", "/nowhere"]
)
def test_unknown_devices_and_paths_are_404(isp: Isp, path: str) -> None:
    assert isp.acs(path).status_code == 404


def test_a_call_without_or_with_a_foreign_token_is_401(isp: Isp) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}):
        assert isp.http.get(f"/acs/api/v2{LIST}", headers=headers).status_code == 401
