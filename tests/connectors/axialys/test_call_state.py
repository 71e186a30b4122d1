"""Events are joined by call id into a call's state; a call whose end does not come expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import Event, NotFoundError, PollPage
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.axialys import Axialys, CallState, Progress, join
from backhaul_connectors.axialys.call_state import EXPIRED
from backhaul_connectors.axialys.stored import stored_events
from connector_kit.phone import EventStore

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": "invented-axialys-key", "call_time_limit_s": 3600}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
RANK = [Progress.STARTED, Progress.CONNECTED, Progress.UNKNOWN, Progress.ENDED]


def event(name: str, seconds: float = 0.0, call_id: str = "ax-1", **data: object) -> Event:
    return Event(
        type=name,
        subject=call_id,
        data={"call_id": call_id, "event": name, **data},
        time=NOW + timedelta(seconds=seconds),
        key=f"{name}:{call_id}",
    )


OUT = event("outgoing_call_start", 0, account_id="acc-501", calling_number="+33199000100", called_number="+33199001234")
CONNECTED = event("call_connected", 6.5)
END = event("call_end", 80, status="ANSWER", outcome="answered", billable_duration_s=73)


def state_of(*events: Event) -> CallState:
    (track,) = join(events).values()
    return track.state("ax-1")


def test_a_whole_call() -> None:
    """Trap 8: the end carries no account; it is joined by call id."""
    call = state_of(OUT, CONNECTED, END)
    assert (call.state, call.direction, call.account_id) == ("ended", "outgoing", "acc-501")
    assert (call.calling_number, call.called_number) == ("+33199000100", "+33199001234")
    assert (call.ringing_s, call.talking_s, call.billable_duration_s) == (6.5, 73.5, 73)
    assert (call.answered, call.status, call.outcome) == (True, "ANSWER", "answered")
    assert (call.started_at, call.connected_at, call.ended_at) == (OUT.time, CONNECTED.time, END.time)


def test_an_unknown_call_id_is_a_call_too() -> None:
    """Trap 8: the start was lost."""
    call = state_of(END)
    assert (call.state, call.direction, call.account_id, call.started_at) == ("ended", None, None, None)
    assert (call.answered, call.ringing_s, call.talking_s) == (True, None, None)


@pytest.mark.parametrize(
    ("events", "answered"),
    [
        ([OUT], None),
        ([OUT, CONNECTED], True),
        ([OUT, event("call_end", 9, billable_duration_s=0)], False),
        ([OUT, event("call_end", 9)], None),
        ([OUT, event("call_end", 9, billable_duration_s=5)], True),
        ([OUT, CONNECTED, event("call_end", 9, billable_duration_s=0)], True),
    ],
)
def test_answered_is_connected_or_billable(events: list[Event], answered: bool | None) -> None:
    assert state_of(*events).answered is answered


def test_a_call_between_two_of_our_accounts_is_internal() -> None:
    incoming = event("incoming_call_start", 0.2, account_id="acc-502")
    call = state_of(incoming, OUT)
    assert (call.direction, call.account_id) == ("internal", "acc-501")


def test_a_call_never_goes_back() -> None:
    assert state_of(END, CONNECTED, OUT).state == "ended"
    assert state_of(CONNECTED, OUT).state == "connected"
    assert state_of(event(EXPIRED, 4000), CONNECTED).state == "unknown"
    assert state_of(event(EXPIRED, 4000), OUT, END).state == "ended"


def test_durations_of_events_in_the_wrong_order_are_not_invented() -> None:
    early_end = event("call_end", -3)
    call = state_of(OUT, CONNECTED, early_end)
    assert (call.ringing_s, call.talking_s) == (6.5, None)


EVENTS = st.builds(
    event,
    st.sampled_from(["outgoing_call_start", "incoming_call_start", "call_connected", "call_end", EXPIRED]),
    st.integers(0, 5).map(float),
    account_id=st.sampled_from(["acc-501", None]),
    billable_duration_s=st.sampled_from([None, 0, 7]),
)


@given(events=st.lists(EVENTS, min_size=1, max_size=8), data=st.data())
def test_order_and_repetition_of_events_do_not_count(events: list[Event], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    assert state_of(*shuffled) == state_of(*events)


@given(events=st.lists(EVENTS, min_size=1, max_size=8))
def test_the_rank_never_falls(events: list[Event]) -> None:
    ranks = [RANK.index(state_of(*events[:count]).state) for count in range(1, len(events) + 1)]
    assert ranks == sorted(ranks)


@given(events=st.lists(EVENTS, min_size=1, max_size=8))
def test_joining_in_parts_is_joining_the_whole(events: list[Event]) -> None:
    whole = join(events)["ax-1"]
    assert reduce(lambda track, one: track.with_event(one), reversed(events), join(events[:1])["ax-1"]) == whole


async def poll(store: EventStore, cursor: str | None, at_s: float) -> PollPage:
    clock = FakeClock(NOW + timedelta(seconds=at_s))
    async with connection_for(Axialys, SETTINGS, clock=clock) as phone:
        store.give_to(phone)
        (page,) = [page async for page in phone.expired(cursor=cursor)]
    return page


async def test_a_call_without_end_expires() -> None:
    """Trap 14: never wait for an end without a deadline."""
    store = EventStore()
    cursor = (await poll(store, None, -10)).next
    store.add(OUT, event("call_connected", 5), event("outgoing_call_start", 9, "ax-2"), event("call_end", 50, "ax-2"))
    page = await poll(store, cursor, 3599)
    assert list(page.events) == []
    page = await poll(store, page.next, 3600)
    (expired,) = page.events
    assert (expired.type, expired.subject, expired.key) == ("call.expired", "ax-1", "expired:ax-1")
    assert expired.time == NOW + timedelta(seconds=3600)
    assert (expired.data["state"], expired.data["account_id"]) == ("unknown", "acc-501")
    assert expired.data["called_number"] == "+33199001234"


async def test_a_call_that_has_ended_or_expired_never_expires_however_late_it_is_looked_at() -> None:
    store = EventStore()
    cursor = (await poll(store, None, -10)).next
    store.add(OUT, event("outgoing_call_start", 9, "ax-2"), event("call_end", 50, "ax-2"))
    store.add(event("outgoing_call_start", 9, "ax-3"), event(EXPIRED, 3610, "ax-3"), event("call_end", 60, "ax-4"))
    page = await poll(store, cursor, 9000)
    assert [one.subject for one in page.events] == ["ax-1"]


async def test_an_expired_call_is_not_told_again_once_it_is_stored() -> None:
    store = EventStore()
    cursor = (await poll(store, None, -10)).next
    store.add(OUT, event("outgoing_call_start", 1800, "ax-2"))
    page = await poll(store, cursor, 3700)
    store.add(*page.events)
    again = await poll(store, page.next, 3760)
    assert [one.subject for one in page.events] == ["ax-1"]
    assert list(again.events) == []
    later = await poll(store, again.next, 5500)
    assert [one.subject for one in later.events] == ["ax-2"]


async def test_an_expiry_that_was_not_stored_is_told_again() -> None:
    store = EventStore()
    cursor = (await poll(store, None, -10)).next
    store.add(OUT)
    await poll(store, cursor, 3700)
    assert [one.subject for one in (await poll(store, cursor, 3760)).events] == ["ax-1"]


async def test_a_late_end_ends_an_expired_call() -> None:
    store = EventStore([OUT, event(EXPIRED, 3600)])
    clock = FakeClock(NOW + timedelta(seconds=5000))
    async with connection_for(Axialys, SETTINGS, clock=clock) as phone:
        store.give_to(phone)
        assert (await phone.get_call(call_id="ax-1")).state == "unknown"
        store.add(event("call_end", 4900, billable_duration_s=4890))
        call = await phone.get_call(call_id="ax-1")
        assert (call.state, call.billable_duration_s) == ("ended", 4890)
        with pytest.raises(NotFoundError, match="no event of the call 'ax-9'"):
            await phone.get_call(call_id="ax-9")
        clock.set_time(NOW + timedelta(seconds=4900 + 2 * 3600 + 1))
        with pytest.raises(NotFoundError, match="lately"):
            await phone.get_call(call_id="ax-1")


async def test_the_first_look_brings_no_old_events() -> None:
    store = EventStore([event("outgoing_call_start", -90_000), event("outgoing_call_start", -7200, "ax-2")])
    page = await poll(store, None, 0)
    assert list(page.events) == []
    assert list((await poll(store, page.next, 60)).events) == []


async def test_an_event_that_was_on_its_way_at_a_look_is_not_missed() -> None:
    store = EventStore()
    page = await poll(store, None, 0)
    page = await poll(store, page.next, 100)
    store.add(event("outgoing_call_start", 95))
    page = await poll(store, page.next, 160)
    assert [one.subject for one in (await poll(store, page.next, 3700)).events] == ["ax-1"]


@pytest.mark.parametrize("cursor", ["", "x", "2031-01-10", "{}"])
async def test_a_cursor_of_another_version_begins_anew(cursor: str) -> None:
    page = await poll(EventStore([event("outgoing_call_start", -7200)]), cursor, 0)
    assert list(page.events) == []
    assert page.next is not None


async def silent(store: EventStore, cursor: str | None, at_s: float, **more: object) -> PollPage:
    clock = FakeClock(NOW + timedelta(seconds=at_s))
    async with connection_for(Axialys, {**SETTINGS, **more}, clock=clock) as phone:
        store.give_to(phone)
        (page,) = [page async for page in phone.silent(cursor=cursor)]
    return page


async def test_silence_is_told_once_until_callbacks_come_again() -> None:
    """Trap 3: another environment may have taken the URL."""
    alert = {"silence_alert_s": 600}
    store = EventStore()
    page = await silent(store, None, 0, **alert)
    assert list(page.events) == []
    first = await silent(store, page.next, 600, **alert)
    again = await silent(store, first.next, 900, **alert)
    assert [one.type for one in (*first.events, *again.events)] == ["callbacks.silent"] * 2
    assert first.events[0].key == again.events[0].key
    store.add(event("call_end", 1000))
    page = await silent(store, again.next, 1100, **alert)
    assert list(page.events) == []
    (third,) = (await silent(store, page.next, 1600, **alert)).events
    assert third.key != first.events[0].key
    assert third.data["silent_s"] == 600


async def test_silence_is_nothing_unless_it_is_asked_for() -> None:
    assert await silent(EventStore(), "2031-01-10T00:00:00+00:00", 0) == PollPage(
        events=(), next="2031-01-10T00:00:00+00:00"
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
async def test_stored_events_are_read_whole_whatever_the_batch(count: int) -> None:
    same = [event("call_end", 5, f"ax-{number}") for number in range(count)]
    store = EventStore([event("call_end", 0, "first"), *same, event("call_end", 9, "last")])
    found = [one.subject async for one in stored_events(store, NOW, ("call_end",), batch=2)]
    assert found == ["first", *(one.subject for one in same), "last"]
