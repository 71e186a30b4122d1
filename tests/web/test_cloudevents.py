"""CloudEvents in all three modes: the examples of the specification, and everything that is none."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import InputError
from backhaul.store.records import EventRecord
from backhaul.store.service_records import Role
from backhaul.web.cloudevents import read_cloud_events

NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
# CloudEvents specification 1.0.2, section "Example".
EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "type": "com.github.pull_request.opened",
    "source": "https://github.com/cloudevents/spec/pull",
    "subject": "123",
    "id": "A234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
    "datacontenttype": "text/xml",
    "data": '<much wow="xml"/>',
}
# HTTP protocol binding 1.0.2, section 3.1.4, without the placeholder for further attributes.
BINARY = {
    "ce-specversion": "1.0",
    "ce-type": "com.example.someevent",
    "ce-time": "2018-04-05T03:56:24Z",
    "ce-id": "1234-1234-1234",
    "ce-source": "/mycontext/subcontext",
    "content-type": "application/json; charset=utf-8",
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**63), 2**63)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def read(headers: Mapping[str, str], body: bytes | str, *, role: Role = Role.OPERATOR) -> list[EventRecord]:
    raw = body.encode() if isinstance(body, str) else body
    return read_cloud_events(headers, raw, received_at=NOW, connections=["acs", "phone"], role=role)


def one(**changes: Any) -> EventRecord:
    """Read the specification's example with changes; None leaves an attribute out."""
    event = {name: value for name, value in {**EXAMPLE, **changes}.items() if value is not ...}
    (found,) = read(STRUCTURED, json.dumps(event), role=changes.pop("role", Role.OPERATOR))
    return found


def refused(headers: Mapping[str, str], body: bytes | str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        read(headers, body)
    return caught.value.reasons


def refused_event(**changes: Any) -> tuple[str, ...]:
    event = {name: value for name, value in {**EXAMPLE, **changes}.items() if value is not ...}
    return refused(STRUCTURED, json.dumps(event))


def test_the_example_of_the_specification_in_structured_mode() -> None:
    event = one()
    assert event.type == "com.github.pull_request.opened"
    assert (event.source, event.dedupe_key) == ("https://github.com/cloudevents/spec/pull", "A234-1234-1234")
    assert event.subject == "123"
    assert event.data == '<much wow="xml"/>'
    assert event.time == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert event.received_at == NOW
    assert event.event_id != one().event_id


def test_the_example_of_the_http_binding_in_binary_mode() -> None:
    (event,) = read(BINARY, '{"some": "data"}')
    assert (event.type, event.source, event.dedupe_key) == (
        "com.example.someevent",
        "/mycontext/subcontext",
        "1234-1234-1234",
    )
    assert (event.subject, event.data) == (None, {"some": "data"})
    assert event.time == datetime(2018, 4, 5, 3, 56, 24, tzinfo=UTC)


def test_a_batch_is_taken_in_order_and_may_be_empty() -> None:
    batch = [{**EXAMPLE, "id": f"e{number}"} for number in range(3)]
    assert [event.dedupe_key for event in read(BATCH, json.dumps(batch))] == ["e0", "e1", "e2"]
    assert read(BATCH, "[]") == []


def test_one_bad_event_of_a_batch_refuses_all_and_is_named_by_its_place() -> None:
    batch = [EXAMPLE, {**EXAMPLE, "id": ""}, 7, {**EXAMPLE, "type": None}]
    reasons = refused(BATCH, json.dumps(batch))
    assert reasons == (
        "[2]: an event must be an object",
        "[1].id: must be a text that is not empty",
        "[3].type: is missing",
    )
    assert refused(BATCH, json.dumps([EXAMPLE] * 1001)) == (
        "the body of a batch must be a list of at most 1000 events",
    )
    assert refused(STRUCTURED, "[]") == ("the body: an event must be an object",)
    assert refused(BATCH, json.dumps(EXAMPLE)) == ("the body of a batch must be a list of at most 1000 events",)


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("value", [..., None, "", "  ", 7, ["x"], "a\nb", "x" * 1001])
def test_a_required_attribute_that_does_not_fit_is_named(name: str, value: Any) -> None:
    (reason, *more) = refused_event(**{name: value})
    assert reason.startswith(f"{name}: ")
    assert more == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    reasons = refused_event(id=..., specversion="0.3", time="yesterday", subject="")
    assert [reason.partition(":")[0] for reason in reasons] == ["specversion", "subject", "time", "id"]


def test_null_is_the_same_as_absent() -> None:
    event = one(subject=None, time=None, data=None, datacontenttype=None)
    assert (event.subject, event.data, event.time) == (None, None, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-04-05T17:31:00Z", datetime(2018, 4, 5, 17, 31, tzinfo=UTC)),
        ("2018-04-05t17:31:00.25z", datetime(2018, 4, 5, 17, 31, 0, 250000, tzinfo=UTC)),
        ("2018-04-05T17:31:00.123456789+02:00", datetime(2018, 4, 5, 15, 31, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_rfc_3339(text: str, expected: datetime) -> None:
    assert one(time=text).time == expected
    assert one(time=text).time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    ["2018-04-05", "2018-04-05T17:31:00", "2018-W14-4T17:31:00Z", "2018-13-05T17:31:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_any_other_time_is_refused(text: str) -> None:
    assert refused_event(time=text) == (f"time: {text!r} is no time as 2031-01-10T12:00:00Z",)


@pytest.mark.parametrize(
    ("content_type", "data", "expected"),
    [
        ("application/json", b'{"a": [1]}', {"a": [1]}),
        ("application/vnd.acme+json", b'"text"', "text"),
        (..., b"7", 7),
        ("text/plain", "não".encode(), "não"),
        ("text/plain; charset=ISO-8859-1", "não".encode("latin-1"), "não"),
        ('application/xml; charset="utf-16"', "<a/>".encode("utf-16"), "<a/>"),
        ("application/octet-stream", b"\x00\xff", "AP8="),
    ],
)
def test_data_are_read_as_their_content_type_says_in_both_modes(content_type: Any, data: bytes, expected: Any) -> None:
    encoded = base64.b64encode(data).decode()
    assert one(data=..., data_base64=encoded, datacontenttype=content_type).data == expected
    headers = {**BINARY, "content-type": content_type}
    if content_type is ...:
        del headers["content-type"]
    assert read(headers, data)[0].data == expected


def test_data_that_are_not_what_they_say_are_refused() -> None:
    (reason,) = refused(BINARY, "{broken")
    assert reason.startswith("data: is not JSON")
    assert refused({**BINARY, "content-type": "text/plain"}, b"\xff")[0].startswith("data: is not text in utf-8")
    assert refused({**BINARY, "content-type": "text/plain; charset=rot13"}, b"a")[0].startswith(
        "data: is not text in rot13"
    )
    assert refused_event(data=..., data_base64="?") == ("data_base64: must be base64",)
    assert refused_event(data=..., data_base64=7) == ("data_base64: must be base64",)
    (reason,) = refused_event(data="x", data_base64="AP8=", datacontenttype="image/png")
    assert reason.startswith("data: there is data_base64 as well")


def test_a_string_in_structured_mode_is_not_read_once_more() -> None:
    """JSON event format, section 3.1.2."""
    assert one(data='{"a": 1}', datacontenttype="application/json").data == '{"a": 1}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # HTTP protocol binding, section 3.1.3.2.
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%e2%82%ac", "€"),
        ("%41", "A"),
        ('"with \\"quotes\\" and blanks"', 'with "quotes" and blanks'),
        ("%2541", "%41"),
        ("50%", "50%"),
    ],
)
def test_headers_are_unquoted_and_percent_decoded_once(value: str, expected: str) -> None:
    assert read({**BINARY, "ce-subject": value}, "")[0].subject == expected


@pytest.mark.parametrize("value", ["%C0%A0", "%ff", "\xff"])
def test_headers_that_are_not_utf_8_are_refused(value: str) -> None:
    assert refused({**BINARY, "ce-subject": value}, "") == ("subject: the header is not percent-encoded UTF-8",)


@given(
    subject=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Cs", "Co"]), min_size=1, max_size=50)
)
def test_any_text_goes_through_a_header(subject: str) -> None:
    if subject.strip():
        assert read({**BINARY, "ce-subject": quote(subject, safe="")}, "")[0].subject == subject


def test_an_event_without_data_has_none() -> None:
    assert read(BINARY, "")[0].data is None
    assert one(data=...).data is None


def test_the_data_of_binary_mode_are_not_in_headers() -> None:
    assert refused({**BINARY, "ce-data": "x"}, "") == ("data: the data are the body, not a header",)
    assert refused({**BINARY, "ce-datacontenttype": "text/plain"}, "")[0].startswith(
        "datacontenttype: it is the header"
    )


@pytest.mark.parametrize("content_type", ["", "application/json", "text/html"])
def test_what_is_no_cloudevent_is_told_how_to_be_one(content_type: str) -> None:
    reasons = refused({"content-type": content_type}, '{"hello": 1}')
    assert reasons[0].startswith("this is no CloudEvent: send application/cloudevents+json")


@pytest.mark.parametrize(
    "kind", ["application/cloudevents+avro", "application/cloudevents", "application/cloudevents-batch"]
)
def test_another_format_is_refused_by_its_name(kind: str) -> None:
    assert kind in refused({"content-type": kind}, "{}")[0]


@pytest.mark.parametrize("value", ["backhaul.run.failed", "backhaul."])
@pytest.mark.parametrize("role", list(Role))
def test_nobody_sends_events_of_the_engine(value: str, role: Role) -> None:
    with pytest.raises(InputError, match=r"type: .* is reserved"):
        read(STRUCTURED, json.dumps({**EXAMPLE, "type": value}), role=role)
    for source in ("workflow/nightly-sync", "run/abc"):
        with pytest.raises(InputError, match=r"source: .* is reserved"):
            read(STRUCTURED, json.dumps({**EXAMPLE, "source": source}), role=role)


def test_only_an_admin_sends_events_in_the_name_of_a_connection() -> None:
    """Else a token could fake a vendor's event, or keep one out that comes later with the same key."""
    for changes in ({"type": "acs.device.added"}, {"source": "phone"}):
        (reason,) = refused_event(**changes)
        assert "reserved for the connection" in reason
        (event,) = read(STRUCTURED, json.dumps({**EXAMPLE, **changes}), role=Role.ADMIN)
        assert {"type": event.type, "source": event.source}.items() >= changes.items()
    for fine in ("acs", "acsx.device.added", "com.acs.device", "backhaul"):
        assert one(type=fine).type == fine


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["content-type", "ce-id", "ce-type", "ce-source", "ce-specversion", "ce-time", "ce-data", "ce-"]
        ),
        st.sampled_from(["application/cloudevents+json", "application/cloudevents-batch+json", "text/plain", "1.0"])
        | st.text(st.characters(max_codepoint=255), max_size=20),
    ),
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_garbage_is_an_event_or_an_input_error(headers: dict[str, str], body: bytes) -> None:
    events = []
    with suppress(InputError):
        events = read(headers, body)
    assert all(event.type and event.source and event.dedupe_key for event in events)


@given(
    changes=st.dictionaries(st.sampled_from([*EXAMPLE, "data_base64"]), JSON, max_size=4),
)
def test_garbage_in_the_attributes_is_an_event_or_an_input_error(changes: dict[str, Any]) -> None:
    with suppress(InputError):
        (event,) = read(STRUCTURED, json.dumps({**EXAMPLE, **changes}))
        assert event.time.tzinfo is not None
