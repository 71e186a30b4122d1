"""Webhooks of the ACS: every family, any body, never twice."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import Event, WebhookRejectedError, WebhookRequest
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.hook_settings import EVENT_TYPES, HookFields
from backhaul_connectors.ixc_acs.hooks import events_of

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://acs.example.net", "client_id": "6500000000001", "client_secret": "not-secret"}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
BODY = {
    "eventId": "evt-1",
    "event": "device.rebooted",
    "family": "restart",
    "serialNumber": "acme-00a1b2c3",
    "pppoeLogin": "casa12.ppp",
    "date": "2031-01-10T08:59:00-03:00",
    "wifi": {"ssid": "Casa", "KeyPassphrase": "clear", "senha": "clear"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["event", "serialNumber", "date", "eventId"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def request(body: bytes, method: str = "POST") -> WebhookRequest:
    return WebhookRequest(method=method, body=body, received_at=NOW)


def one(body: object, fields: HookFields | None = None, at: datetime = NOW) -> Event:
    (event,) = events_of(body, fields or HookFields(), at)
    return event


async def test_a_webhook_becomes_an_event() -> None:
    async with connection_for(IxcAcs, SETTINGS) as acs:
        (event,) = await acs.receive(request(json.dumps(BODY).encode()))
    assert (event.type, event.subject, event.time) == ("device.rebooted", "acme-00a1b2c3", NOW - timedelta(minutes=1))
    assert event.data["serial"] == "acme-00a1b2c3"
    assert event.data["serial_key"] == "ACME00A1B2C3"
    assert event.data["pppoe_login"] == "casa12.ppp"
    assert event.data["body"]["wifi"] == {"ssid": "Casa"}
    assert "clear" not in json.dumps(event.data)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_family_has_its_event(kind: str) -> None:
    assert one({"event": kind.upper().replace(".", "_"), "sn": "A1"}).type == kind


def test_the_mapping_is_a_setting() -> None:
    fields = HookFields.model_validate(
        {"event": ["what.code"], "words": {"17": "diagnostic.finished"}, "serial": ["who"], "keep_body": False}
    )
    event = one({"what": {"code": 17}, "who": "A1", "diagnostic": "ping", "state": "Complete"}, fields)
    assert event.data == {
        "serial": "A1",
        "serial_key": "A1",
        "pppoe_login": None,
        "family": None,
        "diagnostic": "ping",
        "state": "Complete",
    }


def test_the_same_delivery_has_the_same_key_and_another_event_another() -> None:
    """Trap 16."""
    later = NOW + timedelta(days=3)
    assert one(BODY).key == one(BODY, at=later).key
    assert one({**BODY, "eventId": "evt-2"}).key != one(BODY).key
    assert one({**BODY, "attempt": 2, "date": None}).key == one(BODY).key, (
        "the ACS's own id counts, whatever else differs"
    )
    plain = {"event": "reboot", "serialNumber": "A1"}
    assert one(plain).key == one(dict(reversed(plain.items())), at=NOW + timedelta(seconds=5)).key
    assert one(plain).key != one(plain, at=later).key, "the reboot of another day is another reboot"
    assert one(plain).key != one({**plain, "serialNumber": "A2"}).key
    timed = {**plain, "date": "2031-01-10T12:00:00Z"}
    assert one(timed).key == one(timed, at=later).key


def test_several_events_in_one_body_are_all_taken() -> None:
    bodies = [{**BODY, "eventId": f"evt-{number}"} for number in range(3)]
    assert len(events_of(bodies, HookFields(), NOW)) == len(events_of({"events": bodies}, HookFields(), NOW)) == 3


@pytest.mark.parametrize("value", [1925812740, 1925812740000, "2031-01-10T11:59:00Z"])
def test_a_time_is_iso_or_a_number(value: object) -> None:
    assert one({**BODY, "date": value}).time == NOW - timedelta(minutes=1)


async def test_what_is_no_webhook_of_the_acs_is_rejected_or_ignored() -> None:
    async with connection_for(IxcAcs, SETTINGS) as acs:
        with pytest.raises(WebhookRejectedError):
            await acs.receive(request(b"\xff{"))
        with pytest.raises(WebhookRejectedError) as caught:
            await acs.receive(request(b"{}", "GET"))
        assert caught.value.status == 405
        assert await acs.receive(request(b'{"event": "unheard.of"}')) == []


@given(JSON)
def test_events_are_total_over_garbage(body: object) -> None:
    for event in events_of(body, HookFields(), NOW):
        assert event.type in EVENT_TYPES
        assert event.time.tzinfo is not None


@given(st.binary(max_size=200))
def test_bytes_give_events_or_a_rejection(body: bytes) -> None:
    with suppress(WebhookRejectedError):
        assert all(event.subject is not None for event in events_of(request(body).json(), HookFields(), NOW))
