"""Callbacks become events, however they are put together; nothing that comes in is an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backhaul.sdk import Event, WebhookRejectedError, WebhookRequest
from backhaul.testing import connection_for
from backhaul_connectors.axialys import Axialys
from backhaul_connectors.axialys.callbacks import Ignored, event_of, whole_seconds
from backhaul_connectors.axialys.settings import AxialysSettings

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": "invented-axialys-key"}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
START = "call_id=ax-1&event=outgoing_call_start&calling_number=33199000100&called_number=33199001234&account_id=acc-501"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def request(query: str = "", *, method: str = "GET", path: str = "/", **more: object) -> WebhookRequest:
    return WebhookRequest(method=method, path=path, query=query, received_at=NOW, **more)  # type: ignore[arg-type]


async def events_of(asked: WebhookRequest, **more: object) -> Sequence[Event]:
    async with connection_for(Axialys, {**SETTINGS, **more}) as phone:
        return await phone.receive(asked)


async def event_from(query: str, **more: object) -> Event:
    (event,) = await events_of(request(query), **more)
    return event


async def test_a_start_becomes_an_event_with_numbers_and_account() -> None:
    event = await event_from(START)
    assert (event.type, event.subject, event.key) == ("outgoing_call_start", "ax-1", "outgoing_call_start:ax-1")
    assert event.data["calling_number"] == "+33199000100"
    assert event.data["called_number"] == "+33199001234"
    assert event.data["account_id"] == "acc-501"


async def test_the_arrival_is_the_time_and_the_pair_is_the_key() -> None:
    """Trap 9: no event id, no time."""
    first, again = await event_from(START), await event_from(START + "&attempt=2")
    assert first.time == NOW
    assert first.key == again.key
    ended = await event_from("call_id=ax-1&event=call_end")
    assert ended.key != first.key


async def test_all_four_events_have_the_same_fields() -> None:
    """Trap 8: connected and end carry no account and no numbers; an expression never misses a field."""
    fields = set()
    for name in ("outgoing_call_start", "incoming_call_start", "call_connected", "call_end"):
        event = await event_from(f"call_id=ax-1&event={name}")
        fields.add(frozenset(event.data))
        assert event.data["account_id"] is None
    assert len(fields) == 1


@pytest.mark.parametrize(
    "asked",
    [
        request(START),
        request(f"?{START}"),
        request(START.replace("&", "?", 1)),
        request(f"call_id={{call_id}}&event={{event}}?{START}"),
        request(f"{START}&call_id={{call_id}}&event={{event}}&account_id="),
        request(START, path=""),
        request("", path=f"/&{START}"),
        request("", path=f"/{START}"),
        request(START, method="POST"),
        request("", method="POST", headers=FORM, body=START.encode()),
        request("", method="POST", body=json.dumps(dict(part.split("=") for part in START.split("&"))).encode()),
        request("event=outgoing_call_start", method="POST", headers=FORM, body=START.encode()),
        request(START.replace("33199000100", "%2B33199000100").replace("33199001234", "+33199001234")),
        request(START.replace("outgoing", "OUTGOING").replace("ax-1", "ax-1%20")),
    ],
)
async def test_it_is_read_however_the_parameters_were_added(asked: WebhookRequest) -> None:
    """Trap 10."""
    (event,) = await events_of(asked)
    assert (event.type, event.subject) == ("outgoing_call_start", "ax-1")
    assert event.data["calling_number"] == "+33199000100"
    assert event.data["called_number"] == "+33199001234"
    assert event.data["account_id"] == "acc-501"


async def test_further_parameters_do_no_harm() -> None:
    event = await event_from(START + "&site=paris&x[]=1&empty=&" + "&".join(f"p{n}=v" for n in range(50)))
    assert event.data["extra"]["site"] == "paris"
    assert len(event.data["extra"]) == 20


@pytest.mark.parametrize(
    "query",
    [
        "",
        "event=call_end",
        "call_id=ax-1",
        "call_id=&event=call_end",
        "call_id={call_id}&event=call_end",
        "call_id=ax-1&event={event}",
        "call_id=ax-1&event=call_transferred",
        f"event=call_end&call_id={'x' * 201}",
        "call_id=%00&event=call_end",
        "%%%=%%&&&===???",
    ],
)
async def test_what_is_no_known_event_is_no_event_and_no_error(query: str) -> None:
    """Trap 12: the platform ignores the answer; it is always a 2xx."""
    assert await events_of(request(query)) == []


async def test_another_customers_account_is_no_event() -> None:
    assert await events_of(request(START), account_ids=["acc-502"]) == []
    assert len(await events_of(request(START), account_ids=["acc-501"])) == 1
    assert len(await events_of(request("call_id=ax-1&event=call_end"), account_ids=["acc-501"])) == 1


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_get_and_post_are_callbacks(method: str) -> None:
    with pytest.raises(WebhookRejectedError) as caught:
        await events_of(request(START, method=method))
    assert caught.value.status == 405


@pytest.mark.parametrize(
    ("client", "taken"),
    [("192.0.2.5", True), ("::ffff:192.0.2.5", True), ("2001:db8::1", True), ("192.0.2.77", False), ("", False)],
)
async def test_the_senders_address_counts_if_addresses_are_named(client: str, taken: bool) -> None:
    networks = {"callback_ips": ["192.0.2.0/28", "2001:db8::1"]}
    if taken:
        assert len(await events_of(request(START, client=client), **networks)) == 1
        return
    with pytest.raises(WebhookRejectedError) as caught:
        await events_of(request(START, client=client), **networks)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "text", ["anonymous", "501", "CLIR", "sip:alice@example.net", "01 99 00 12 34", "12345678901234567"]
)
async def test_a_number_that_cannot_be_read_is_kept_as_it_came(text: str) -> None:
    event = await event_from(f"call_id=ax-1&event=incoming_call_start&calling_number={text}&called_number=33199000100")
    assert (event.data["calling_number"], event.data["calling_number_raw"]) == (None, text)
    assert (event.data["called_number"], event.data["called_number_raw"]) == ("+33199000100", None)


@pytest.mark.parametrize("part", ["", "&calling_number=", "&calling_number={calling_number}"])
async def test_a_missing_number_is_null(part: str) -> None:
    event = await event_from(f"call_id=ax-1&event=incoming_call_start&called_number=33199000100{part}")
    assert (event.data["calling_number"], event.data["calling_number_raw"]) == (None, None)


async def test_national_numbers_are_read_with_a_region() -> None:
    event = await event_from(
        "call_id=ax-1&event=incoming_call_start&calling_number=0199001234&called_number=0033199000100",
        default_region="fr",
    )
    assert event.data["calling_number"] == "+33199001234"
    assert event.data["called_number"] == "+33199000100"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("73", 73), ("0", 0), ("073", 73), ("73.0", 73), (" 73", 73), ("604800", 604_800)],
)
async def test_the_duration_is_text_and_becomes_seconds(text: str, seconds: int) -> None:
    """Trap 11."""
    event = await event_from(f"call_id=ax-1&event=call_end&status=ANSWER&billable_duration={text}")
    assert event.data["billable_duration_s"] == seconds
    assert event.data["billable_duration_raw"] is None


@pytest.mark.parametrize("text", ["73.5", "01:13", "-1", "abc", "604801", "9" * 30, "1e3", "٧٣"])
async def test_a_duration_that_is_no_whole_number_of_seconds_is_kept_as_it_came(text: str) -> None:
    """Trap 11."""
    event = await event_from(f"call_id=ax-1&event=call_end&status=ANSWER&billable_duration={text}")
    assert (event.data["billable_duration_s"], event.data["billable_duration_raw"]) == (None, text)


@pytest.mark.parametrize(("word", "outcome"), [("ANSWER", "answered"), ("noanswer", "no_answer"), ("HANGUP_17", None)])
async def test_the_status_is_an_open_set_with_a_map(word: str, outcome: str | None) -> None:
    """Trap 11."""
    event = await event_from(f"call_id=ax-1&call_id=ax-1&event=call_end&status={word}")
    assert (event.data["status"], event.data["outcome"]) == (word, outcome)
    mine = await event_from(f"call_id=ax-1&event=call_end&status={word}", status_map={"hangup_17": "busy"})
    assert mine.data["outcome"] == ("busy" if word == "HANGUP_17" else None)


async def test_ignored_callbacks_are_logged_without_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """Trap 13."""
    await events_of(request(START.replace("outgoing_call_start", "call_transferred")))
    await events_of(request(START), account_ids=["acc-502"])
    shown = "".join(capsys.readouterr())
    assert "33199001234" not in shown
    assert "ax-1" not in shown


NAMES = st.sampled_from(
    ["event", "call_id", "account_id", "calling_number", "called_number", "status", "billable_duration", "x"]
)
VALUES = st.sampled_from(["call_end", "outgoing_call_start", "call_connected", "ax-1", "{event}"]) | st.text(
    max_size=30
)
QUERIES = st.text() | st.lists(st.tuples(NAMES, VALUES)).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs))
MODEL = AxialysSettings.model_validate({**SETTINGS, "default_region": "FR", "account_ids": ["acc-501", "ax-1"]})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    query=QUERIES,
    path=st.text(max_size=40),
    body=st.binary(max_size=200) | QUERIES.map(lambda text: text.encode("utf-8", "surrogatepass")),
    kind=st.sampled_from(["", "application/x-www-form-urlencoded", "application/json", "x/\ud800"]),
)
def test_whatever_comes_in_is_an_event_or_none(query: str, path: str, body: bytes, kind: str) -> None:
    asked = request(query, path=path, method="POST", headers={"content-type": kind}, body=body, client="?")
    try:
        event = event_of(asked, MODEL)
    except Ignored:
        return
    assert event.key == f"{event.type}:{event.subject}"
    assert 0 < len(event.subject) <= 200
    assert len(json.dumps(event.data).encode()) < 100_000
    assert "\\u0000" not in json.dumps(event.data)


@given(text=st.text())
def test_a_duration_is_a_sane_number_whatever_the_text(text: str) -> None:
    seconds = whole_seconds(text)
    assert seconds is None or 0 <= seconds <= 604_800
