from __future__ import annotations

import httpx
import pytest

from sandbox.client import Isp

API = "/akixi/CCS/API/v1"
LIST = f"{API}/admin/telsys/-1/partition/-1/device/UnknownNoneOrAll/integratorClient"
RIGHT = ("sandbox", "sandbox-secret")


def start(isp: Isp) -> dict[str, str]:
    """The cookie header of a new session."""
    answer = isp.http.post(f"{API}/session")
    isp.http.cookies.clear()
    session_id = answer.json()["SessionID"]
    assert f"JSESSIONID={session_id};" in answer.headers["set-cookie"]
    assert len(answer.json()["Nonce"]) == len(session_id) == 32
    return {"cookie": f"JSESSIONID={session_id}"}


def login(isp: Isp, cookie: dict[str, str], auth: tuple[str, str] = RIGHT) -> httpx.Response:
    return isp.http.get(f"{API}/login", params={"locale": "en_GB"}, headers=cookie, auth=auth)


def status(isp: Isp, headers: dict[str, str]) -> int:
    return isp.http.get(LIST, headers=headers).status_code


def test_neither_key_nor_session_is_refused(isp: Isp) -> None:
    assert [status(isp, {}), status(isp, {"x-api-key": "wrong"}), status(isp, start(isp))] == [401, 401, 401]
    isp.switch("akixi", unauthorized_status=400)
    assert isp.http.get(LIST).json() == {"Message": "You are not signed in"}
    isp.switch("akixi", keys_accepted=False)
    assert status(isp, {"x-api-key": "sandbox-akixi-key"}) == 400


def test_a_session_is_signed_in_in_three_steps_and_ends_with_a_logout(isp: Isp) -> None:
    cookie = start(isp)
    assert login(isp, cookie).status_code == 200
    assert status(isp, cookie) == 200
    assert isp.http.get(f"{API}/logout", headers=cookie).status_code == 200
    assert status(isp, cookie) == 401


def test_a_second_login_evicts_the_first_and_says_so_with_400_although_it_is_usable(isp: Isp) -> None:
    first, second = start(isp), start(isp)
    assert login(isp, first).status_code == 200
    answer = login(isp, second)
    assert answer.status_code == 400
    assert answer.json()["Message"].startswith("There were other browser sessions active for")
    assert [status(isp, first), status(isp, second)] == [401, 200]
    isp.switch("akixi", evicting_login="quiet_200")
    assert login(isp, start(isp)).status_code == 200
    isp.switch("akixi", sessions_per_user=2)
    third = start(isp)
    assert login(isp, third).status_code == 200
    assert isp.control("GET", "world")["vendor_counts"]["akixi"]["sessions"] == 2


def test_logging_in_again_on_the_same_session_evicts_nobody(isp: Isp) -> None:
    cookie = start(isp)
    assert [login(isp, cookie).status_code, login(isp, cookie).status_code] == [200, 200]


def test_a_failed_login_destroys_its_session_and_five_lock_the_user_out(isp: Isp) -> None:
    cookie = start(isp)
    assert login(isp, cookie, ("sandbox", "wrong")).status_code == 401
    assert login(isp, cookie).json() == {"Message": "The session is unknown or over"}
    for _ in range(4):
        login(isp, start(isp), ("sandbox", "wrong"))
    assert login(isp, start(isp)).json() == {"Message": "The account is locked out"}
    assert login(isp, start(isp), ("sunshine", "sunshine-secret")).status_code == 200


@pytest.mark.parametrize(
    ("switch", "text"),
    [
        ({"locked_users": ["sandbox"]}, "The account is locked out"),
        ({"password_change_required": True}, "The password must be changed"),
        ({"mfa_required": True}, "A second factor is required"),
    ],
)
def test_an_account_can_be_closed_to_logins(isp: Isp, switch: dict[str, object], text: str) -> None:
    isp.switch("akixi", failed_login_status=400, **switch)
    answer = login(isp, start(isp))
    assert (answer.status_code, answer.json()["Message"]) == (400, text)


def test_a_key_of_a_locked_account_is_good_for_nothing(isp: Isp) -> None:
    key = {"x-api-key": "sandbox-akixi-key"}
    assert isp.http.get("/akixi/CCS/API/v1/report", headers=key).status_code == 200
    isp.switch("akixi", locked_users=["sandbox"])
    assert isp.http.get("/akixi/CCS/API/v1/report", headers=key).status_code == 401


def test_a_session_ends_when_nobody_uses_it_and_lives_on_while_it_is_used(isp: Isp) -> None:
    cookie = start(isp)
    login(isp, cookie)
    for _ in range(3):
        isp.control("POST", "clock", {"advance_s": 1200})
        assert status(isp, cookie) == 200
    isp.control("POST", "clock", {"advance_s": 1801})
    assert status(isp, cookie) == 401


def test_sessions_can_be_ended_by_a_fault_and_by_hand(isp: Isp) -> None:
    cookie = start(isp)
    login(isp, cookie)
    isp.fault("expire_token", vendor="akixi")
    assert [status(isp, cookie), status(isp, {"x-api-key": "sandbox-akixi-key"})] == [401, 200]
    again = start(isp)
    assert login(isp, again).status_code == 200
    assert isp.control("DELETE", "akixi/sessions") == {"ended": 1}
    assert status(isp, again) == 401


def test_calls_over_the_limit_are_told_to_wait(isp: Isp) -> None:
    isp.switch("akixi", per_minute=2)
    headers = {"x-api-key": "sandbox-akixi-key"}
    isp.control("POST", "clock", {"advance_s": 0})
    answers = [isp.http.get(LIST, headers=headers) for _ in range(5)]
    assert 429 in [answer.status_code for answer in answers]
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


def test_the_log_holds_neither_key_nor_password_nor_session(isp: Isp) -> None:
    cookie = start(isp)
    login(isp, cookie)
    status(isp, {"x-api-key": "sandbox-akixi-key"})
    text = isp.http.get("/_sandbox/requests").text
    assert "akixi-key" not in text
    assert "secret" not in text
    assert cookie["cookie"].partition("=")[2] not in text
