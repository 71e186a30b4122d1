from __future__ import annotations

import base64
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.client import Isp


def insert(isp: Isp, serial: str) -> httpx.Response:
    return isp.erp("POST", "acs_device_grid", {"serial_number": serial, "id_login": "5001"})


def rows(isp: Isp, serial: str) -> list[dict[str, str]]:
    items: list[dict[str, str]] = isp.control("GET", f"provider/devices/{serial}")["items"]
    return items


def raw_insert(isp: Isp, serial: str) -> bytes:
    """Insert over a bare socket and return every byte that came back until the connection closed."""
    parts = urlsplit(isp.base_url)
    assert parts.hostname is not None
    body = json.dumps({"serial_number": serial, "id_login": "5001"}).encode()
    basic = base64.b64encode(isp.erp_token.encode()).decode()
    head = (
        "POST /provider/webservice/v1/acs_device_grid HTTP/1.1\r\nHost: isp\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {basic}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionResetError:
            pass
    return received


def test_cut_before_closes_the_connection_without_an_answer_and_without_an_effect(isp: Isp) -> None:
    isp.fault("cut_before", match={"operation": "acs_device_grid.insert"}, times=1)
    assert raw_insert(isp, "CUTB00000001") == b""
    assert rows(isp, "CUTB00000001") == []
    (entry,) = isp.log("effect=once")
    assert (entry["outcome"], entry["completed"]) == ("cut", False)


def test_cut_after_changes_the_state_logs_it_and_answers_nothing(isp: Isp) -> None:
    isp.fault("cut_after", vendor="provider", match={"method": "POST"}, times=1)
    assert raw_insert(isp, "CUTA00000001") == b""
    assert len(rows(isp, "CUTA00000001")) == 1
    (entry,) = isp.log("effect=once")
    assert (entry["key"], entry["outcome"], entry["completed"]) == ("CUTA00000001", "cut", True)


def test_cut_body_sends_the_head_and_half_of_the_body(isp: Isp) -> None:
    isp.fault("cut_body", times=1)
    head, _, body = raw_insert(isp, "CUTH00000001").partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert 0 < len(body) < length
    assert len(rows(isp, "CUTH00000001")) == 1


def test_a_client_library_sees_a_cut_as_a_transport_error_and_the_next_call_works(isp: Isp) -> None:
    isp.fault("cut_after", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        insert(isp, "CUTC00000001")
    assert insert(isp, "CUTC00000002").json()["type"] == "success"


def test_a_status_fault_refuses_before_acting_unless_it_is_told_to_act(isp: Isp) -> None:
    isp.fault("status", code=504, times=1)
    isp.fault("status", code=504, act=True, times=1)
    for serial, effect in (("STAT00000001", 0), ("STAT00000002", 1)):
        answer = insert(isp, serial)
        assert (answer.status_code, answer.text[:1]) == (504, "<")
        assert len(rows(isp, serial)) == effect
    assert [entry["completed"] for entry in isp.log("effect=once")] == [False, True]
    assert [entry["outcome"] for entry in isp.log("effect=once")] == ["failed", "failed"]


def test_a_status_fault_carries_the_given_body_and_headers(isp: Isp) -> None:
    isp.fault("status", code=503, body='{"message":"busy"}', headers={"Retry-After": "7"})
    answer = isp.token()
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (503, {"message": "busy"}, "7")


@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [
        ("html_200", 200, "<html>"),
        ("latin1_html", 500, "<html>"),
        ("error_200", 200, '{"type": "error"'),
        ("red_div", 200, '<div style="color: red;">'),
        ("refuse_ip", 200, '{"type": "error", "message": "Seu IP'),
    ],
)
def test_answers_that_lie_about_success_change_nothing(isp: Isp, kind: str, status: int, start: str) -> None:
    isp.fault(kind, times=1)
    answer = insert(isp, "LIES00000001")
    assert answer.status_code == status
    assert answer.text.startswith(start)
    assert rows(isp, "LIES00000001") == []
    assert insert(isp, "LIES00000001").json()["type"] == "success"


def test_latin1_html_is_not_valid_utf8(isp: Isp) -> None:
    isp.fault("latin1_html")
    content = isp.token().content
    assert "indisponível" in content.decode("latin-1")
    with pytest.raises(UnicodeDecodeError):
        content.decode()


def test_a_rate_limit_fault_says_when_to_come_back_unless_the_header_is_off(isp: Isp) -> None:
    isp.fault("rate_limit", retry_after_s=3, times=1)
    isp.fault("rate_limit", header=False, times=1)
    first, second = isp.token(), isp.token()
    assert (first.status_code, first.headers["retry-after"]) == (429, "3")
    assert second.status_code == 429
    assert "retry-after" not in second.headers


def test_expired_tokens_need_a_new_one(isp: Isp) -> None:
    assert isp.device_page().status_code == 200
    isp.fault("expire_token")
    assert isp.device_page().status_code == 401
    assert isp.device_page().status_code == 401
    fresh = isp.token().json()["access_token"]
    headers = {"Authorization": f"Bearer {fresh}"}
    assert isp.http.get("/acs/api/v1/devices/views/natural", headers=headers).status_code == 200


def test_truncated_and_empty_lists_look_complete(isp: Isp) -> None:
    isp.fault("truncate_page", times=2)
    assert len(isp.devices(size=50)) == 25
    page = isp.erp_page("radusuarios", "radusuarios.id", ">", "0", rp="20")
    assert (len(page["registros"]), page["total"]) == (10, "10")
    isp.fault("empty_list", times=2)
    assert isp.devices() == []
    assert isp.erp_page("radusuarios", "radusuarios.id", ">", "0") == {"page": "1", "total": "0"}
    assert len(isp.devices()) == 300


def test_latencies_add_up_and_slow_bodies_arrive_whole(isp: Isp) -> None:
    isp.fault("latency", ms=30, times=1)
    isp.fault("latency", ms=30, times=1)
    isp.fault("slow_body", ms=30, times=1)
    answer = insert(isp, "SLOW00000001")
    assert answer.elapsed.total_seconds() >= 0.06
    assert answer.json()["type"] == "success"


def test_a_call_from_before_a_reset_does_nothing_in_the_new_world(isp: Isp) -> None:
    isp.fault("latency", ms=300, times=1)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(raw_insert, isp, "LATE00000001")
        while not isp.control("GET", "faults")["items"][0]["hits"]:
            assert not waiting.done()
        isp.reset()
        assert waiting.result() == b""
    assert (rows(isp, "LATE00000001"), isp.log()) == ([], [])


def test_a_fault_strikes_only_what_it_matches_after_what_it_skips_as_often_as_told(isp: Isp) -> None:
    fault = isp.fault("status", vendor="acs", match={"path_contains": "natural", "method": "get"}, after=2, times=2)
    isp.token()
    assert [isp.device_page().status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]
    (listed,) = isp.control("GET", "faults")["items"]
    assert (listed["id"], listed["hits"], listed["kind"]) == (fault, 2, "status")
    assert listed["seen"] == 4


def test_chances_are_drawn_from_the_seed(isp: Isp) -> None:
    def strikes() -> list[int]:
        isp.reset(seed=5)
        isp.fault("status", probability=0.5)
        return [isp.token().status_code for _ in range(40)]

    first = strikes()
    assert set(first) == {200, 500}
    assert strikes() == first


def test_faults_can_be_taken_back_one_by_one_and_all_at_once(isp: Isp) -> None:
    first, second = isp.fault("status"), isp.fault("status")
    isp.control("DELETE", f"faults/{first}")
    assert [fault["id"] for fault in isp.control("GET", "faults")["items"]] == [second]
    assert isp.token().status_code == 500
    isp.control("DELETE", "faults")
    assert isp.token().status_code == 200


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "status", "cod": 500}, "cod: Extra inputs are not permitted"),
        ({"kind": "status", "vendor": "telex"}, "no vendor telex; there are: acs, provider"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(isp: Isp, fault: dict[str, object], text: str) -> None:
    answer = isp.http.post("/_sandbox/faults", json=fault)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
