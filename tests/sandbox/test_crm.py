from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from sandbox.client import Isp

HEADERS = {"Authorization": "Bearer sandbox-crm-token", "Accept": "application/json"}
READER = {**HEADERS, "Authorization": "Bearer sandbox-crm-reader"}
USERS = "/crm/api/v1/users"


def get(isp: Isp, path: str = USERS, **query: str) -> httpx.Response:
    return isp.http.get(path, params=query, headers=HEADERS)


def create(isp: Isp, body: Any, headers: dict[str, str] = HEADERS) -> httpx.Response:
    return isp.http.post(USERS, json=body, headers=headers)


def test_discovery_leads_to_the_users(isp: Isp) -> None:
    links = get(isp, "/crm/api/v1").json()
    assert links == {"list_users": f"{isp.base_url}/crm/api/v1/users"}
    assert len(get(isp, links["list_users"]).json()["users"]) == 309
    isp.switch("crm", root="users")
    assert len(get(isp, "/crm/api/v1").json()["users"]) == 309
    isp.switch("crm", root="links", foreign_links=True)
    assert get(isp, "/crm/api/v1").json() == {"list_users": "https://elsewhere.example.net/api/v1/users"}


def test_lists_and_details_have_the_fields_of_the_vendor_page_and_share_no_key(isp: Isp) -> None:
    entry = get(isp).json()["users"][7]
    assert {name: type(value) for name, value in entry.items()} == {"id": str, "name": str, "status": str}
    body = get(isp, f"{USERS}/{entry['id']}").json()
    assert list(body) == ["success", "data"]
    assert body["success"] == "true"
    data = body["data"]
    assert list(data) == [
        "username", "customer_id", "status", "expiration", "created_at", "activated_at", "mac", "profile_id",
        "profile_name", "radius_id",
    ]  # fmt: skip
    assert re.fullmatch(r"IZ\d{7}", data["customer_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d 00:00:00", data["expiration"])
    assert (data["mac"], type(data["radius_id"]), data["status"]) == (None, int, entry["status"])
    assert not set(entry) - {"status"} & set(data)
    assert get(isp, f"{USERS}/{data['username']}").json() == body


def test_a_user_is_the_subscriber_that_the_other_systems_know(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/11")
    data = get(isp, f"{USERS}/{known['login']}").json()["data"]
    assert data == known["crm"]
    by_id = {entry["id"]: entry["name"] for entry in get(isp).json()["users"]}
    assert by_id[str(data["radius_id"])] == known["name"]


def test_a_status_follows_from_activation_expiration_and_the_clock(isp: Isp) -> None:
    statuses = {status: len(get(isp, status=status).json()["users"]) for status in ("active", "expired", "new")}
    assert sum(statuses.values()) == 309
    assert min(statuses.values()) > 0
    login = get(isp, f"{USERS}/20").json()["data"]["username"]
    isp.control("POST", "clock", {"advance_s": 40 * 86_400})
    assert get(isp, f"{USERS}/20").json()["data"]["status"] == "expired"
    assert get(isp, status="active").json()["users"] == []
    renewed = isp.control("POST", f"crm/users/{login}/renew", {"days": 30, "profile_id": 11})
    assert (renewed["status"], renewed["profile_name"]) == ("active", "300 Mbps")
    assert [entry["id"] for entry in get(isp, status="active").json()["users"]] == ["20"]
    isp.control("POST", f"crm/users/{login}/expire")
    assert get(isp, f"{USERS}/20").json()["data"]["status"] == "expired"


def test_an_inactive_login_is_an_expired_user(isp: Isp) -> None:
    inactive = next(isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "N"))["login"]
    assert get(isp, f"{USERS}/{inactive}").json()["data"]["status"] == "expired"


def test_a_filter_may_be_ignored(isp: Isp) -> None:
    isp.switch("crm", filter_ignored=True)
    assert len(get(isp, status="new").json()["users"]) == 309


def test_a_missing_token_is_401_for_who_asks_for_json_and_else_a_redirect_to_a_page(isp: Isp) -> None:
    answer = isp.http.get(USERS, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (401, "error")
    answer = isp.http.get(USERS)
    assert answer.status_code == 302
    page = isp.http.get(answer.headers["location"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    isp.switch("crm", unauthenticated="redirect")
    assert isp.http.get(USERS, headers={"Accept": "application/json"}).status_code == 302
    isp.switch("crm", unauthenticated="json_401")
    assert isp.http.get(USERS).status_code == 401


def test_the_other_header_is_accepted_only_by_switch(isp: Isp) -> None:
    headers = {"X-Auth-Token": "sandbox-crm-token", "Accept": "application/json"}
    assert isp.http.get(USERS, headers=headers).status_code == 401
    isp.switch("crm", accept_x_auth_token=True, accept_bearer=False)
    assert isp.http.get(USERS, headers=headers).status_code == 200
    assert get(isp).status_code == 401


def test_v0_and_capital_paths_of_the_vendor_page_exist_only_by_switch(isp: Isp) -> None:
    paths = ("/crm/api/v0/users", "/crm/api/v1/Users", "/crm/api/v0/Users/20", "/crm/api/v2/users")
    assert [get(isp, path).status_code for path in paths] == [404, 404, 404, 404]
    isp.switch("crm", accept_v0=True, accept_capital_path=True)
    assert [get(isp, path).status_code for path in paths] == [200, 200, 200, 404]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("success_false", {"success": "false", "message": "invented text"}),
        ("status_error", {"status": "error", "message": "invented text"}),
        ("empty_null", {"success": "true", "data": None}),
        ("empty_list", {"success": "true", "data": []}),
        ("empty_object", {"success": "true", "data": {}}),
    ],
)
def test_a_detail_may_say_no_with_200(isp: Isp, answer: str, body: object) -> None:
    isp.switch("crm", detail_answer=answer)
    told = get(isp, f"{USERS}/20")
    assert (told.status_code, told.json()) == (200, body)
    isp.switch("crm", detail_answer="data", success_as="bool")
    assert get(isp, f"{USERS}/20").json()["success"] is True


@pytest.mark.parametrize(
    ("envelope", "path"), [("users", ["users"]), ("data_users", ["data", "users"]), ("data", ["data"])]
)
def test_lists_come_in_several_envelopes(isp: Isp, envelope: str, path: list[str]) -> None:
    isp.switch("crm", list_envelope=envelope)
    found = get(isp).json()
    for name in path:
        found = found[name]
    assert len(found) == 309
    isp.switch("crm", list_envelope="bare")
    assert get(isp).json() == found


@pytest.mark.parametrize("paging", ["laravel", "resource"])
def test_paging_appears_only_by_switch_and_leads_through_everything(isp: Isp, paging: str) -> None:
    isp.switch("crm", paging=paging, page_size=100)
    url: str | None = USERS
    ids: list[str] = []
    while url is not None:
        body = (
            get(isp, url.removeprefix(isp.base_url)).json()
            if "?" not in url
            else isp.http.get(url, headers=HEADERS).json()
        )
        ids += [entry["id"] for entry in body["data"]]
        url = body["next_page_url"] if paging == "laravel" else body["links"]["next"]
    assert ids == [str(radius_id) for radius_id in range(20, 329)]


def test_a_created_user_is_new_and_found_by_his_name(isp: Isp) -> None:
    answer = create(isp, {"username": "mira_k", "name": "Mira K", "profile_id": 12, "colour": "red"})
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert (data["status"], data["profile_name"], data["radius_id"]) == ("new", "500 Mbps", 329)
    assert get(isp, f"{USERS}/mira_k").json()["data"] == data
    assert {"id": "329", "name": "Mira K", "status": "new"} in get(isp).json()["users"]
    again = create(isp, {"ID": "mira_k"})
    assert (again.status_code, list(again.json()["errors"])) == (422, ["username"])
    (first, second) = [e for e in isp.log("vendor=crm") if e["effect"] == "once"]
    assert (first["key"], first["record"], first["completed"], second["completed"]) == ("mira_k", "329", True, False)


def test_bad_bodies_are_refused_with_400_or_422(isp: Isp) -> None:
    def post(body: bytes) -> httpx.Response:
        return isp.http.post(USERS, content=body, headers={**HEADERS, "Content-Type": "application/json"})

    sample = post(b'{"ID":"jonmt", "version":"v1", "ID":"zt7633df"}')
    assert (sample.status_code, sample.json()["status"]) == (400, "error")
    assert [post(body).status_code for body in (b"nonsense", b"[]", b"[" * 50_000, b"{}")] == [400, 400, 400, 422]
    assert create(isp, {"username": "a", "profile_id": 999}).status_code == 422
    assert create(isp, {"username": "a", "expiration": "2031-01-01T00:00:00+03:00"}).status_code == 422
    isp.switch("crm", missing_field_status=400)
    assert create(isp, {}).json()["status"] == "error"
    assert create(isp, {"username": "b"}, READER).status_code == 403
    assert isp.http.get(USERS, headers=READER).status_code == 200


@pytest.mark.parametrize(
    ("answer", "status", "content"), [("status", 200, b'{"status": "success"}'), ("empty", 201, b"")]
)
def test_the_answer_of_a_creation_varies(isp: Isp, answer: str, status: int, content: bytes) -> None:
    isp.switch("crm", create_answer=answer, create_status=status)
    told = create(isp, {"username": "mira_k"})
    assert (told.status_code, told.content) == (status, content)
    assert get(isp, f"{USERS}/mira_k").status_code == 200


def test_a_creation_whose_answer_is_cut_has_happened(isp: Isp) -> None:
    isp.fault("cut_after", vendor="crm", match={"operation": "create_user"}, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        create(isp, {"username": "mira_k"})
    assert get(isp, f"{USERS}/mira_k").status_code == 200


def test_laravels_habits_are_faults(isp: Isp) -> None:
    isp.fault("status", vendor="crm", code=419, body='{"message": "CSRF token mismatch."}', times=1)
    isp.fault("rate_limit", vendor="crm", header=False, times=1)
    isp.fault("status", vendor="crm", code=503, times=1)
    isp.fault("error_200", vendor="crm", times=1)
    answers = [get(isp) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [419, 429, 503, 200, 200]
    assert "retry-after" not in answers[1].headers
    assert answers[2].headers["content-type"] == "text/html"
    assert answers[3].json()["status"] == "error"


def test_tokens_are_made_revoked_and_end(isp: Isp) -> None:
    isp.control("POST", "crm/tokens", {"token": "short", "life_s": 60, "may_write": False})
    headers = {**HEADERS, "Authorization": "Bearer short"}
    assert isp.http.get(USERS, headers=headers).status_code == 200
    assert create(isp, {"username": "x"}, headers).status_code == 403
    isp.control("POST", "clock", {"advance_s": 61})
    assert isp.http.get(USERS, headers=headers).status_code == 401
    isp.control("DELETE", "crm/tokens/sandbox-crm-token")
    assert get(isp).status_code == 401
    assert isp.http.delete("/_sandbox/crm/tokens/sandbox-crm-token").status_code == 404
    isp.fault("expire_token", vendor="crm")
    assert isp.http.get(USERS, headers=READER).status_code == 401


def test_dates_are_wall_clock_times_of_the_tenants_zone(isp: Isp) -> None:
    made = []
    for zone in ("America/Sao_Paulo", "Asia/Kolkata"):
        isp.switch("crm", zone=zone)
        made.append(create(isp, {"username": zone}).json()["data"]["created_at"])
    assert made[0] < made[1]
    assert isp.http.post("/_sandbox/settings", json={"crm": {"zone": "Mars/Base"}}).status_code == 400


def test_users_are_changed_and_removed_by_hand(isp: Isp) -> None:
    changed = isp.control("POST", "crm/users/20", {"mac": "02:00:00:00:00:01", "expiration": "2031-02-28 00:00:00"})
    assert (changed["mac"], changed["expiration"]) == ("02:00:00:00:00:01", "2031-02-28 00:00:00")
    assert get(isp, f"{USERS}/20").json()["data"]["mac"] == "02:00:00:00:00:01"
    assert isp.http.post("/_sandbox/crm/users/20", json={"profile_id": 1}).status_code == 400
    assert isp.http.post("/_sandbox/crm/users/20", json={"expiration": "soon"}).status_code == 400
    isp.control("DELETE", "crm/users/20")
    assert get(isp, f"{USERS}/20").status_code == 404
    assert get(isp, f"{USERS}/{changed['username']}").status_code == 404
    assert len(get(isp).json()["users"]) == 308
    assert isp.control("GET", "world")["vendor_counts"]["crm"] == {"users": 308}


def test_other_methods_are_not_offered(isp: Isp) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        assert isp.http.request(method, f"{USERS}/20", headers=HEADERS).status_code == 405
