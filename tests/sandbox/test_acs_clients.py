"""The generic and the ERP-type API client: each with its own limits, permissions and blocked flag."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from sandbox.client import Isp
from sandbox.test_acs_pairing import exchange

LIST = "/acs/api/v2/devices/views/natural"


def by_erp(isp: Isp, path: str = LIST) -> httpx.Response:
    """Call with a token of the ERP-type client."""
    return isp.http.get(path, headers={"Authorization": f"Bearer {exchange(isp).json()['access_token']}"})


def test_each_client_has_its_own_limits(isp: Isp) -> None:
    now = datetime.fromisoformat(isp.control("GET", "world")["now"])
    isp.pass_time(60 - now.second)
    isp.switch("acs", per_minute=1, erp_client={"per_minute": 2, "per_day": 3})
    assert (isp.device_page().status_code, isp.device_page().status_code) == (200, 429)
    assert [by_erp(isp).status_code for _ in range(3)] == [200, 200, 429]
    assert 0 < float(by_erp(isp).headers["retry-after"]) <= 60


def test_a_limit_of_one_client_is_none_of_the_other(isp: Isp) -> None:
    isp.switch("acs", per_minute=1)
    assert [by_erp(isp).status_code for _ in range(3)] == [200, 200, 200]
    isp.switch("acs", per_minute=None, erp_client={"per_minute": 1})
    assert [isp.device_page().status_code for _ in range(3)] == [200, 200, 200]


def test_each_client_has_its_own_permissions(isp: Isp) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    wifi = f"/devices/{serial}/wifi"
    isp.switch("acs", permissions=["devices"], erp_client={"permissions": ["wifi"]})
    assert (isp.device_page().status_code, isp.acs(wifi).status_code) == (200, 403)
    assert (by_erp(isp).status_code, by_erp(isp, f"/acs/api/v2{wifi}").status_code) == (403, 200)


def test_a_blocked_erp_client_gets_no_token_and_its_old_one_is_worthless(isp: Isp) -> None:
    headers = {"Authorization": f"Bearer {exchange(isp).json()['access_token']}"}
    isp.switch("acs", erp_client={"blocked": True})
    assert exchange(isp).status_code == 403
    assert exchange(isp).json() == {"success": False, "error": "client_blocked"}
    assert isp.http.get(LIST, headers=headers).status_code == 403
    assert isp.device_page().status_code == 200
    isp.switch("acs", erp_client={}, blocked=True)
    assert (isp.device_page().status_code, by_erp(isp).status_code) == (403, 200)


@pytest.mark.parametrize("switches", [{"per_minute": 0}, {"permissions": ["flying"]}, {"colour": "red"}, 5])
def test_switches_of_the_erp_client_that_make_no_sense_are_refused(isp: Isp, switches: object) -> None:
    assert isp.http.post("/_sandbox/settings", json={"acs": {"erp_client": switches}}).status_code == 400
