from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.callback_receiver import CallbackReceiver, receiving
from sandbox.client import Isp

SET = "/phone/centrex/v1/set_callback"


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with receiving() as made:
        yield made


def listen(isp: Isp, url: str) -> None:
    isp.http.get(SET, params={"api_key": "sandbox-axialys-key", "url": url}).raise_for_status()


def whole_call(isp: Isp, receiver: CallbackReceiver, **switches: Any) -> list[str]:
    """One call from the first ring to the end under some switches; returns the events as they arrived."""
    isp.switch("axialys", **switches)
    listen(isp, receiver.url)
    call = isp.control("POST", "axialys/incoming_call", {"index": 1})
    isp.control("POST", f"axialys/calls/{call['call_id']}/connect")
    isp.control("POST", f"axialys/calls/{call['call_id']}/end", {"billable_duration": 73})
    isp.control("GET", "webhooks")
    return receiver.events


def test_events_can_be_lost(isp: Isp, receiver: CallbackReceiver) -> None:
    assert whole_call(isp, receiver, lost=["call_connected"]) == ["incoming_call_start", "call_end"]
    receiver.received.clear()
    assert whole_call(isp, receiver, lost=[], lost_share=1) == []


def test_events_can_come_twice(isp: Isp, receiver: CallbackReceiver) -> None:
    assert (
        whole_call(isp, receiver, copies=2) == ["incoming_call_start"] * 2 + ["call_connected"] * 2 + ["call_end"] * 2
    )


def test_events_can_come_in_another_order(isp: Isp, receiver: CallbackReceiver) -> None:
    assert whole_call(isp, receiver, order="swapped") == ["call_connected", "incoming_call_start", "call_end"]
    receiver.received.clear()
    assert whole_call(isp, receiver, order="reversed") == ["call_end", "call_connected", "incoming_call_start"]


def test_events_can_come_late_by_the_worlds_clock(isp: Isp, receiver: CallbackReceiver) -> None:
    late = {"delay_s": 600, "delayed": ["incoming_call_start"]}
    assert whole_call(isp, receiver, **late) == ["call_connected", "call_end"]
    isp.control("POST", "clock", {"advance_s": 601})
    isp.control("GET", "webhooks")
    assert receiver.events == ["call_connected", "call_end", "incoming_call_start"]


def test_more_parameters_and_unknown_events_may_come(isp: Isp, receiver: CallbackReceiver) -> None:
    events = whole_call(isp, receiver, extra_parameters={"site": "São Paulo & co"}, unknown_event=True)
    assert events == ["incoming_call_start", "call_transferred", "call_connected", "call_end"]
    assert {one.fields["site"] for one in receiver.received} == {"São Paulo & co"}


@pytest.mark.parametrize(("how", "expected"), [("missing", None), ("empty", ""), ("anonymous", "anonymous")])
def test_the_calling_number_may_be_withheld(
    isp: Isp, receiver: CallbackReceiver, how: str, expected: str | None
) -> None:
    whole_call(isp, receiver, calling_number=how)
    assert receiver.received[0].fields.get("calling_number") == expected
    assert receiver.received[0].fields["called_number"] == "551140000001"


@pytest.mark.parametrize(
    ("form", "expected"),
    [("plus", "+551140000001"), ("raw_plus", " 551140000001"), ("national", "1140000001")],
)
def test_numbers_have_several_forms(isp: Isp, receiver: CallbackReceiver, form: str, expected: str) -> None:
    whole_call(isp, receiver, number_form=form)
    assert receiver.received[0].fields["called_number"] == expected


@pytest.mark.parametrize(
    ("form", "expected"), [("decimal", "73.5"), ("clock", "01:13"), ("empty", ""), ("missing", None)]
)
def test_the_duration_may_be_no_number(isp: Isp, receiver: CallbackReceiver, form: str, expected: str | None) -> None:
    whole_call(isp, receiver, duration_form=form)
    assert receiver.received[2].fields.get("billable_duration") == expected


def test_the_call_id_may_come_twice_or_be_used_again(isp: Isp, receiver: CallbackReceiver) -> None:
    whole_call(isp, receiver, doubled_call_id=True)
    assert [name for name, _ in receiver.received[2].items].count("call_id") == 2
    whole_call(isp, receiver, reused_call_id=True)
    assert len({one.fields["call_id"] for one in receiver.received}) == 1
    assert len(receiver.received) == 6


@pytest.mark.parametrize("how", ["post_query", "post_form"])
def test_callbacks_can_be_posted(isp: Isp, receiver: CallbackReceiver, how: str) -> None:
    assert whole_call(isp, receiver, callback_as=how) == ["incoming_call_start", "call_connected", "call_end"]
    assert {one.method for one in receiver.received} == {"POST"}
    assert {bool(one.body) for one in receiver.received} == {how == "post_form"}


def test_parameters_join_the_url_in_three_ways(isp: Isp, receiver: CallbackReceiver) -> None:
    plain = receiver.url
    receiver.url = f"{plain}?secret=1"
    whole_call(isp, receiver)
    assert receiver.received[0].target.startswith("/axialys/secret-path/?secret=1?event=incoming_call_start&")
    receiver.received.clear()
    whole_call(isp, receiver, url_mode="ampersand")
    assert receiver.received[0].target.startswith("/axialys/secret-path/?secret=1&event=incoming_call_start&")
    receiver.received.clear()
    receiver.url = plain + "{event}/?call_id={call_id}&event={event}&who={calling_number}"
    whole_call(isp, receiver, url_mode="placeholders")
    assert receiver.received[1].target.startswith("/axialys/secret-path/call_connected/?call_id=ax-0001-")
    assert receiver.received[1].fields["who"] == ""


def test_any_event_can_be_sent_by_hand(isp: Isp, receiver: CallbackReceiver) -> None:
    listen(isp, receiver.url)
    parameters = {"event": "call_end", "call_id": "never-was", "billable_duration": "-1"}
    assert isp.control("POST", "axialys/events", {"parameters": parameters}) == {"sent_to": 1}
    isp.control("GET", "webhooks")
    assert receiver.received[0].fields == parameters
