"""Who is let in, without a server: networks, the rate at any times, and what the log keeps of a failure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.json_values import dump
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.sdk import Secret, WebhookRequest
from backhaul.testing import FakeClock
from backhaul.web.hook_doors import Door, HookDoors, RateCap
from backhaul.web.hook_excerpt import excerpt_of

NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)


class HandClock(FakeClock):
    """A clock whose monotonic time is set."""

    at_s = 0.0

    def monotonic(self) -> float:
        return self.at_s


def door(*networks: str) -> Door:
    cap = RateCap(60, FakeClock())
    return Door(connection="acs", networks=tuple(map(ip_network, networks)), cap=cap)


@pytest.mark.parametrize(
    ("client", "is_in"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8::7", True),
        ("2001:db8::7%eth0", True),
        ("203.0.114.9", False),
        ("::203.0.113.9", False),
        ("2001:db9::7", False),
        ("", False),
        ("localhost", False),
        ("203.0.113.9, 10.0.0.1", False),
        ("203.0.113.09", False),
    ],
)
def test_an_address_is_in_a_network_or_not_however_it_is_written(client: str, is_in: bool) -> None:
    assert door("203.0.113.0/24", "2001:db8::/32").is_open_to(client) is is_in
    assert door().is_open_to(client)


@given(
    per_minute=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 30) | st.just(0.0), max_size=300),
)
def test_no_minute_sees_more_than_a_full_burst_and_a_minutes_rate(per_minute: int, pauses: list[float]) -> None:
    clock = HandClock()
    cap, admitted = RateCap(per_minute, clock), list[float]()
    for pause in pauses:
        clock.at_s += pause
        wait_s = cap.admit()
        if not wait_s:
            admitted.append(clock.at_s)
            continue
        assert 0 < wait_s <= 60 / per_minute * 1.01
        clock.at_s += wait_s
        assert cap.admit() == 0, "there is room after the wait that was told"
        admitted.append(clock.at_s)
    for start in admitted:
        assert sum(start <= moment < start + 60 for moment in admitted) <= 2 * per_minute + 1


@given(per_minute=st.integers(1, 10_000))
def test_exactly_a_minutes_number_goes_through_at_once(per_minute: int) -> None:
    cap = RateCap(per_minute, HandClock())
    assert sum(cap.admit() == 0 for _ in range(per_minute + 5)) == per_minute


def test_a_name_and_a_secret_cannot_be_cut_elsewhere() -> None:
    one = ConnectionSettings(name="acs", connector="ixc_acs", hook_secrets=(Secret("1secret"),))
    doors = HookDoors([one], per_minute=60, clock=FakeClock())
    assert doors.find(b"acs", b"1secret") is not None
    for name, secret in ((b"acs1", b"secret"), (b"ac", b"s1secret"), (b"", b"acs1secret"), (b"acs", b"")):
        assert doors.find(name, secret) is None
    assert HookDoors([], per_minute=60, clock=FakeClock()).find(b"acs", b"1secret") is None


def test_secrets_of_a_connection_share_its_cap() -> None:
    one = ConnectionSettings(name="acs", connector="ixc_acs", hook_secrets=(Secret("old-secret"), Secret("new-secret")))
    doors = HookDoors([one], per_minute=60, clock=FakeClock())
    assert doors.find(b"acs", b"old-secret") is doors.find(b"acs", b"new-secret")


def request(body: bytes, content_type: str = "application/json", **more: str) -> WebhookRequest:
    headers = {"content-type": content_type, "authorization": "Bearer abcdefgh"}
    return WebhookRequest(method="POST", headers=headers, body=body, received_at=NOW, **more)


def test_the_excerpt_covers_what_names_tell() -> None:
    body = {"event": "x", "pppoeLogin": "casa12", "senha": "wifi-key", "list": [{"customer_name": "Ana"}], "n": 3}
    shown = excerpt_of(request(json.dumps(body).encode()))
    assert json.loads(shown["body"]) == {
        "event": "x",
        "pppoeLogin": "***",
        "senha": "***",
        "list": [{"customer_name": "***"}],
        "n": 3,
    }
    form = excerpt_of(request(b"event=call_end&calling_number=33199000100", "application/x-www-form-urlencoded"))
    assert json.loads(form["parameters"]) == {"event": "call_end", "calling_number": "***"}
    assert "body" not in form


def test_the_excerpt_covers_numbers_where_there_are_no_names() -> None:
    shown = excerpt_of(request(b"{call from 33199000100, 3 times", path="/5511900001234/7"))
    assert (shown["body"], shown["path"]) == ("{call from ***, 3 times", "/***/7")


@given(body=st.binary(max_size=500), kind=st.text(max_size=30), query=st.text(max_size=50))
def test_the_excerpt_is_total_and_bounded(body: bytes, kind: str, query: str) -> None:
    shown = excerpt_of(request(body * 50, kind, query=query * 100))
    assert len(dump(shown)) < 50_000
    assert "abcdefgh" not in dump(shown)
