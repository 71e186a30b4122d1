from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.client import Isp


def exchange(isp: Isp, *, key: Any = None, algorithm: str = "ES256", **claims: Any) -> httpx.Response:
    known = isp.control("GET", "credentials")["acs"]
    now = int(time.time())
    body = {"iss": known["erp_client_id"], "iat": now, "exp": now + 60, **claims}
    token = jwt.encode(body, key or known["erp_private_key"], algorithm=algorithm)
    return isp.http.get("/acs/api/v1/token", headers={"Authorization": f"Bearer {token}"})


def test_the_erp_type_client_exchanges_a_signed_jwt_for_a_short_token(isp: Isp) -> None:
    body = exchange(isp).json()
    assert (body["token"], body["token_type"], body["expires_in"]) == (body["access_token"], "Bearer", 300)
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    path = "/acs/api/v2/devices/views/natural"
    assert isp.http.get(path, headers=headers).status_code == 200
    isp.pass_time(301)
    assert isp.http.get(path, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("claims", "status", "word"),
    [
        ({"iss": "650000000000000000000001"}, 403, "unknown_client"),
        ({"exp": int(time.time()) - 1}, 401, "jwt_expired"),
        ({"aud": "acs"}, 401, "jwt_invalid"),
        ({"scope": "all"}, 401, "jwt_invalid_claims"),
        ({"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, 401, "jwt_not_yet_valid"),
    ],
)
def test_a_jwt_with_other_claims_is_refused(isp: Isp, claims: dict[str, Any], status: int, word: str) -> None:
    answer = exchange(isp, **claims)
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert answer.json()["error"].startswith(word)


def test_a_jwt_with_another_key_or_algorithm_is_refused(isp: Isp) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())
    assert exchange(isp, key=foreign).json()["error"] == "jwt_invalid"
    assert exchange(isp, key="x" * 32, algorithm="HS256").json()["error"] == "jwt_invalid"
    for headers in ({}, {"Authorization": "Basic abc"}):
        assert isp.http.get("/acs/api/v1/token", headers=headers).json()["error"] == "jwt_missing"
    assert isp.http.get("/acs/api/v1/token", headers={"Authorization": "Bearer abc"}).status_code == 401


def test_a_public_key_pasted_with_a_stray_blank_does_not_work(isp: Isp) -> None:
    key = isp.control("GET", "credentials")["acs"]["erp_public_key"]
    isp.control("POST", "acs/erp_client", {"public_key": key + " "})
    assert exchange(isp).json()["error"] == "jwt_invalid"
    isp.control("POST", "acs/erp_client", {"public_key": key})
    assert exchange(isp).status_code == 200


def test_synchronising_sends_new_devices_with_their_login_and_counts_linked_active_ones(isp: Isp) -> None:
    login = next(row for row in isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S"))
    before = isp.control("POST", "acs/sync")
    assert before["sent"] == 0
    assert before["linked"] <= before["received"] < before["devices_in_erp"], "S1 and S6"
    assert before["devices_in_acs"] == 300
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001", "pppoe_login": login["login"]})
    isp.control("POST", "acs/devices", {"serial": "NEWX00000002", "pppoe_login": "nobody.ppp"})
    after = isp.control("POST", "acs/sync")
    assert (after["sent"], after["sent_with_login"]) == (2, 1)
    assert after["linked"] == before["linked"] + 1
    assert isp.erp_row("NEWX00000001")["id_login"] == login["id"], "S2"
    assert isp.erp_row("NEWX00000002")["id_login"] == "0"
    assert isp.control("POST", "acs/sync")["sent"] == 0


def test_the_synchronisation_runs_daily_at_its_local_time(isp: Isp) -> None:
    local = datetime.fromisoformat(isp.control("GET", "world")["erp_local_now"])
    due = local + timedelta(hours=2)
    isp.switch("acs", daily_sync_at=f"{due:%H:%M}")
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001"})
    isp.pass_time(3600)
    assert isp.control("GET", "acs/sync") is None
    isp.pass_time(3600)
    assert isp.control("GET", "acs/sync")["sent"] == 1
    isp.control("POST", "acs/devices", {"serial": "NEWX00000002"})
    isp.pass_time(86_400)
    assert isp.control("GET", "acs/sync")["sent"] == 1
    isp.switch("acs", daily_sync_at=None)
    isp.control("POST", "acs/devices", {"serial": "NEWX00000003"})
    isp.pass_time(2 * 86_400)
    assert isp.erp_page("acs_device_grid", "acs_device.serial_number", "=", "NEWX00000003")["total"] == "0"


def test_synchronising_tells_the_erp_what_changed_on_a_device_but_never_links_it(isp: Isp) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    isp.erp("POST", "acs_device_grid", {"serial_number": serial, "id_login": "0"})
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova"})
    isp.pass_time(5)
    assert isp.control("POST", "acs/sync")["updated"] > 0
    rows = isp.control("GET", f"provider/devices/{serial}")["items"]
    assert {(row["status"], row["ssid_router_wifi"]) for row in rows} == {("online", "Nova")}
    assert rows[-1]["id_login"] == "0"


def test_the_erp_synchronises_daily_too(isp: Isp) -> None:
    due = datetime.fromisoformat(isp.control("GET", "world")["erp_local_now"]) + timedelta(hours=1)
    isp.switch("provider", daily_sync_at=f"{due:%H:%M}")
    isp.control("POST", "acs/mass_delete", {"share": 0.5})
    rows = isp.control("GET", "world")["counts"]["acs_device"]
    isp.pass_time(3600)
    assert isp.control("GET", "world")["counts"]["acs_device"] < rows
    assert isp.control("POST", "provider/sync")["removed"] == 0


@pytest.mark.parametrize(
    ("pairing", "word"), [("wrong_credentials", "secret"), ("wrong_url", "URL"), ("network", "reached")]
)
def test_a_broken_pairing_says_why(isp: Isp, pairing: str, word: str) -> None:
    isp.switch("acs", pairing=pairing)
    answer = isp.http.post("/_sandbox/acs/sync")
    assert answer.status_code == 409
    assert word in answer.json()["error"]


def test_devices_are_found_by_cpf_name_and_phone_of_the_linked_customer(isp: Isp) -> None:
    serials = {device["serialNumber"] for device in isp.devices()}
    linked = next(
        row
        for row in isp.erp_rows("acs_device_grid", "acs_device.id_login", "!=", "0")
        if row["serial_number"] in serials
    )
    login = isp.erp_page("radusuarios", "radusuarios.id", "=", linked["id_login"])["registros"][0]
    customer = isp.erp_page("cliente", "cliente.id", "=", login["id_cliente"])["registros"][0]
    bare = "".join(c for c in customer["cnpj_cpf"] if c.isdigit())
    searches = [("cpf", customer["cnpj_cpf"]), ("cpf", bare), ("companyName", customer["razao"].upper())]
    searches.append(("phone", customer["telefone_celular"]))
    for column, text in searches:
        found = isp.devices({"search[column]": column, "search[search]": text})
        assert linked["serial_number"] in [device["serialNumber"] for device in found], column
        assert len(found) < 10
    for column in ("cpf", "companyName", "phone"):
        assert isp.devices({"search[column]": column, "search[search]": "999"}) == []
