"""JSON that is nested too deep for anybody: refused by every route of the ACS, and harmless where it was taken."""

from __future__ import annotations

import pytest

from sandbox.client import Isp

DEEP = 50_000
CORES = [b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * DEEP, b"[" * 900 + b"]" * 900]
AROUND = ["%s", '{"client_id":%s}', '[{"parameter":"Device.X","type":"xsd:int","value":%s}]', '{"Host":%s}']
ROUTES = [
    ("POST", "/acs/api/v1/token/oauth"),
    ("POST", "/acs/api/v2/token/oauth"),
    ("PATCH", "/acs/api/v2/devices/{serial}/wifi/w1"),
    ("POST", "/acs/api/v2/devices/{serial}/parameters/update"),
    *(("POST", f"/acs/api/v2/devices/{{serial}}/diagnostics/{name}/start") for name in ("speedTest", "ping")),
    *(("POST", f"/acs/api/v2/devices/{{serial}}/diagnostics/{name}/start") for name in ("neighbor", "traceroute")),
    ("POST", "/acs/api/v1/nowhere"),
    ("POST", "/_sandbox/acs/devices"),
    ("POST", "/_sandbox/acs/mass_delete"),
    ("POST", "/_sandbox/acs/erp_client"),
    ("POST", "/_sandbox/acs/devices/{serial}/online"),
    ("POST", "/_sandbox/acs/devices/{serial}/line"),
    ("POST", "/_sandbox/acs/devices/{serial}/login"),
    ("POST", "/_sandbox/settings"),
]
IGNORED = [
    ("GET", "/acs/api/v2/devices/views/natural"),
    ("GET", "/acs/api/v2/devices/{serial}/wifi"),
    ("POST", "/acs/api/v2/devices/{serial}/reboot"),
    ("POST", "/acs/api/v2/devices/{serial}/reset"),
]


def bodies() -> list[bytes]:
    return [around.encode().replace(b"%s", core) for core in CORES for around in AROUND]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_json_that_is_nested_too_deep_is_refused(isp: Isp, method: str, path: str) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    headers = {"Authorization": f"Bearer {isp.token().json()['access_token']}", "Content-Type": "application/json"}
    for body in bodies():
        answer = isp.http.request(method, path.replace("{serial}", serial), content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (body[:60], answer.text[:200])
    isp.pass_time(1000)
    assert isp.devices()


@pytest.mark.parametrize(("method", "path"), IGNORED)
def test_a_body_that_nobody_reads_may_be_anything(isp: Isp, method: str, path: str) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    headers = {"Authorization": f"Bearer {isp.token().json()['access_token']}", "Content-Type": "application/json"}
    answer = isp.http.request(method, path.replace("{serial}", serial), content=CORES[0], headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("levels", [51, 400, 900])
def test_a_webhook_template_that_is_nested_too_deep_is_refused(isp: Isp, levels: int) -> None:
    nested = b"[" * (levels - 1) + b"]" * (levels - 1)
    body = b'{"acs": {"webhook_template": {"a": ' + nested + b"}}}"
    answer = isp.http.post("/_sandbox/settings", content=body)
    assert answer.status_code == 400
    assert "webhook_template" in answer.json()["error"]
    assert isp.control("GET", "settings")["acs"]["webhook_template"] is None
