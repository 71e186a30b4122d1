from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.callback_receiver import receiving
from sandbox.client import Isp

KEY = "sandbox-axialys-key"
CALL = "/phone/api/centrex/v1/call"
SET = "/phone/api/centrex/v1/set_callback"
NUMBER = "33199001234"


def click(isp: Isp, **changes: str | None) -> httpx.Response:
    wanted = {"account_id": "desk-1", "number": NUMBER, "api_key": KEY, **changes}
    return isp.http.get(CALL, params={name: value for name, value in wanted.items() if value is not None})


def listen(isp: Isp, url: str, key: str = KEY) -> None:
    assert isp.http.get(SET, params={"api_key": key, "url": url}).json() == {"result": "success"}


def newest(isp: Isp) -> dict[str, Any]:
    call: dict[str, Any] = isp.control("GET", "axialys/calls?limit=1")["items"][0]
    return call


def pass_by(isp: Isp, seconds: float) -> None:
    """Let world time pass, and wait for the callbacks."""
    isp.control("POST", "clock", {"advance_s": seconds})
    isp.control("GET", "webhooks")


def test_a_click_to_call_needs_a_callback_first(isp: Isp) -> None:
    assert click(isp).json() == {"result": "error", "code": "NO_CALLBACK_CONFIGURED"}
    with receiving() as receiver:
        listen(isp, receiver.url)
        assert click(isp).json() == {"result": "success"}
        listen(isp, "")
        assert click(isp).status_code == 409


def test_an_answered_call_sends_start_connected_and_end_by_the_worlds_clock(isp: Isp) -> None:
    isp.switch("axialys", ring_s=60, talk_s=73)
    with receiving() as receiver:
        listen(isp, receiver.url)
        click(isp)
        pass_by(isp, 0)
        assert receiver.events == ["outgoing_call_start"]
        pass_by(isp, 61)
        assert receiver.events == ["outgoing_call_start", "call_connected"]
        pass_by(isp, 74)
    start, connected, end = [one.fields for one in receiver.received]
    call_id = start["call_id"]
    assert start == {
        "event": "outgoing_call_start",
        "call_id": call_id,
        "calling_number": "551140000001",
        "called_number": NUMBER,
        "account_id": "desk-1",
    }
    assert connected == {"event": "call_connected", "call_id": call_id}
    assert end == {"event": "call_end", "call_id": call_id, "status": "ANSWER", "billable_duration": "73"}
    assert {one.method for one in receiver.received} == {"GET"}
    assert (newest(isp)["state"], newest(isp)["billable_duration"]) == ("ended", 73)


@pytest.mark.parametrize(
    ("scenario", "status"),
    [("busy", "BUSY"), ("no_answer", "NOANSWER"), ("own_phone_unanswered", "ABORT"), ("cancelled", "CANCEL")],
)
def test_a_call_that_nobody_takes_ends_without_being_connected(isp: Isp, scenario: str, status: str) -> None:
    isp.switch("axialys", scenario=scenario, ring_s=60)
    with receiving() as receiver:
        listen(isp, receiver.url)
        click(isp)
        pass_by(isp, 61)
        assert receiver.events == ["outgoing_call_start", "call_end"]
        assert receiver.received[1].fields["status"] == status
        assert receiver.received[1].fields["billable_duration"] == "0"


def test_what_is_wrong_with_a_call_is_told(isp: Isp) -> None:
    with receiving() as receiver:
        listen(isp, receiver.url)
        assert click(isp, number=None, api_key=None).json()["fields"] == ["number", "api_key"]
        assert click(isp, api_key="wrong").status_code == 401
        assert click(isp, account_id="acc-9").json()["code"] == "UNKNOWN_ACCOUNT"
        assert click(isp, number="12x").json()["fields"] == ["number"]
        raw = isp.http.get(f"{CALL}?account_id=desk-1&api_key={KEY}&number=+{NUMBER}")
        assert raw.json()["fields"] == ["number"]
        assert click(isp, number=f"+{NUMBER}").status_code == 200
        isp.switch("axialys", plus_number="refused", unauthorized_status=403)
        assert click(isp, number=f"+{NUMBER}").status_code == 400
        assert click(isp, api_key="wrong").status_code == 403
        isp.switch("axialys", errors_in_200=True)
        assert (click(isp, number="1").status_code, click(isp, number="1").json()["result"]) == (200, "error")


def test_an_account_calls_with_its_own_sip_password(isp: Isp) -> None:
    credentials = isp.control("GET", "credentials")["axialys"]
    subscriber = isp.control("GET", "subscribers/4")["axialys"]
    with receiving() as receiver:
        listen(isp, receiver.url)
        password = credentials["sip_password"]
        assert click(isp, api_key=None, password=password).status_code == 200
        assert click(isp, account_id=subscriber["account_id"], api_key=None, password=password).status_code == 401
        own = subscriber["sip_password"]
        assert click(isp, account_id=subscriber["account_id"], api_key=None, password=own).status_code == 200
    assert newest(isp)["calling_number"] == subscriber["number"]


def test_each_key_has_one_url_which_a_new_one_replaces(isp: Isp) -> None:
    with receiving() as first, receiving() as second, receiving() as third:
        listen(isp, first.url)
        listen(isp, second.url)
        listen(isp, third.url, "sandbox-axialys-key-2")
        isp.control("POST", "axialys/incoming_call", {"index": 1})
        pass_by(isp, 0)
        assert (first.events, second.events, third.events) == ([], ["incoming_call_start"], ["incoming_call_start"])
    servers = [item["server"] for item in isp.control("GET", "axialys/callbacks")["items"]]
    assert all(server.startswith("127.0.0.1:") for server in servers)
    assert (
        "secret-path" not in isp.http.get("/_sandbox/axialys/callbacks").text + isp.http.get("/_sandbox/requests").text
    )
    listen(isp, "")
    assert click(isp).json()["code"] == "NO_CALLBACK_CONFIGURED", "the other key's URL is not this one's"


@pytest.mark.parametrize("url", ["https://hooks.example.net/", "http://10.0.0.1/", "nonsense"])
def test_callbacks_never_leave_loopback(isp: Isp, url: str) -> None:
    answer = isp.http.get(SET, params={"api_key": KEY, "url": url})
    assert (answer.status_code, answer.json()["fields"]) == (400, ["url"])


def test_a_url_that_is_not_given_is_not_an_empty_one(isp: Isp) -> None:
    assert isp.http.get(SET, params={"api_key": KEY}).json()["fields"] == ["url"]
    assert isp.http.get(SET, params={"url": ""}).json()["fields"] == ["api_key"]


def test_both_functions_take_post_too(isp: Isp) -> None:
    with receiving() as receiver:
        assert isp.http.post(SET, data={"api_key": KEY, "url": receiver.url}).status_code == 200
        wanted = {"account_id": "desk-1", "number": NUMBER, "api_key": KEY}
        assert isp.http.post(CALL, params=wanted).status_code == 200
        isp.switch("axialys", post_accepted=False)
        assert isp.http.post(CALL, params=wanted).status_code == 404


@pytest.mark.parametrize(("mode", "content"), [("ok_text", b"OK"), ("empty", b"")])
def test_the_undefined_result_has_several_forms(isp: Isp, mode: str, content: bytes) -> None:
    with receiving() as receiver:
        listen(isp, receiver.url)
        isp.switch("axialys", answer=mode)
        assert (click(isp).status_code, click(isp).content) == (200, content)
        isp.switch("axialys", answer="json", answer_call_id=True)
        assert click(isp).json()["call_id"] == newest(isp)["call_id"]


def test_a_call_whose_answer_is_lost_rings_nevertheless(isp: Isp) -> None:
    with receiving() as receiver:
        listen(isp, receiver.url)
        isp.fault("cut_after", vendor="axialys", match={"operation": "call"}, times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            click(isp)
        isp.fault("status", vendor="axialys", code=502, act=True, times=1)
        assert click(isp).status_code == 502
        pass_by(isp, 0)
        assert receiver.events.count("outgoing_call_start") == 2
    entries = [e for e in isp.log("vendor=axialys") if e["operation"] == "call"]
    assert [(e["effect"], e["key"], e["completed"]) for e in entries] == [("once", f"desk-1>{NUMBER}", True)] * 2
    assert isp.control("GET", "requests/repeated")["items"][0]["times"] == 2


def test_access_can_be_restricted_by_rate_and_address(isp: Isp) -> None:
    isp.switch("axialys", per_day=1)
    assert [click(isp).status_code for _ in range(2)] == [409, 429]
    isp.switch("axialys", per_day=None, allowed_ips=["10.0.0.0/8"])
    assert click(isp).json() == {"result": "error", "code": "IP_NOT_ALLOWED"}


def test_the_log_holds_no_key_and_no_password(isp: Isp) -> None:
    click(isp)
    click(isp, api_key=None, password="sip-very-secret")
    text = isp.http.get("/_sandbox/requests").text
    assert KEY not in text
    assert "very-secret" not in text


def test_a_subscriber_rings_a_desk_and_people_connect_and_end_the_call(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/5")
    with receiving() as receiver:
        listen(isp, receiver.url)
        call = isp.control("POST", "axialys/incoming_call", {"index": 5, "account_id": "desk-2"})
        assert call["calling_number"] == known["numbers"][0]
        assert isp.control("POST", f"axialys/calls/{call['call_id']}/connect")["state"] == "connected"
        assert isp.http.post(f"/_sandbox/axialys/calls/{call['call_id']}/connect").status_code == 409
        ended = isp.control("POST", f"axialys/calls/{call['call_id']}/end", {"status": "SIP", "billable_duration": 9})
        assert (ended["status"], ended["billable_duration"]) == ("SIP", 9)
        assert isp.http.post(f"/_sandbox/axialys/calls/{call['call_id']}/end").status_code == 409
        pass_by(isp, 0)
    assert receiver.events == ["incoming_call_start", "call_connected", "call_end"]
    start = receiver.received[0].fields
    assert (start["account_id"], start["called_number"]) == ("desk-2", "551140000002")
    assert isp.http.post("/_sandbox/axialys/calls/ax-9/end").status_code == 404


def test_a_whole_call_goes_by_the_worlds_clock(isp: Isp) -> None:
    with receiving() as receiver:
        listen(isp, receiver.url)
        wanted = {"from": "+33 1 99 00 12 34", "to_index": 2, "scenario": "answered", "ring_s": 50, "talk_s": 100}
        call = isp.control("POST", "axialys/incoming_call", wanted)
        assert (call["calling_number"], call["account_id"]) == ("33199001234", "acc-1003")
        pass_by(isp, 155)
    assert receiver.events == ["incoming_call_start", "call_connected", "call_end"]
    assert receiver.received[2].fields["billable_duration"] == "100"


def test_people_also_dial_by_hand(isp: Isp) -> None:
    call = isp.control("POST", "axialys/outgoing_call", {"index": 2, "to_index": 3})
    assert call["called_number"] == isp.control("GET", "subscribers/3")["numbers"][0]
    assert isp.http.post("/_sandbox/axialys/incoming_call", json={"index": 10**6}).status_code == 404
    assert isp.http.post("/_sandbox/axialys/incoming_call", json={"account_id": "x"}).status_code == 404
    assert isp.control("GET", "axialys/accounts/desk-1")["number"] == "551140000001"
    assert isp.control("GET", "world")["vendor_counts"]["axialys"]["calls_now"] == 1


def test_who_dials_by_hand_holds_the_telephone_already(isp: Isp) -> None:
    isp.switch("axialys", own_ring_s=30)
    by_hand = isp.control("POST", "axialys/outgoing_call", {"index": 2, "to_index": 3})
    assert by_hand["destination_rang_at"] == by_hand["started_at"]
    with receiving() as receiver:
        listen(isp, receiver.url)
        click(isp)
    assert newest(isp)["destination_rang_at"] is None
    called = isp.control("POST", f"axialys/calls/{newest(isp)['call_id']}/end")
    pass_by(isp, 31)
    assert (called["status"], newest(isp)["destination_rang_at"]) == ("NOANSWER", None)


def test_call_ids_are_the_same_for_the_same_seed(isp: Isp) -> None:
    first = isp.control("POST", "axialys/incoming_call", {"index": 1})["call_id"]
    isp.reset(seed=1)
    assert isp.control("POST", "axialys/incoming_call", {"index": 1})["call_id"] == first
    assert isp.control("POST", "axialys/incoming_call", {"index": 1})["call_id"] != first


def test_a_receiver_that_is_gone_or_redirects_is_called_once_only(isp: Isp) -> None:
    with receiving(302) as receiver:
        listen(isp, receiver.url)
        isp.control("POST", "axialys/incoming_call", {"index": 1})
        assert [d["status"] for d in isp.control("GET", "webhooks")["items"]] == [302]
        assert len(receiver.received) == 1
    isp.control("POST", "axialys/incoming_call", {"index": 1})
    assert isp.control("GET", "webhooks")["items"][-1]["status"] == 0
