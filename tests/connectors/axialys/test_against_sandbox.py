"""Orders and callbacks over real HTTP: the sandbox rings, and its callbacks come in at a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from backhaul.sdk import (
    AttemptInfo,
    AuthenticationError,
    Json,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.axialys import Axialys, CallState, join
from connector_kit.phone import EventStore, Receiver, receiver
from connector_kit.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NUMBER = "+5511900001234"


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def settings_of(sandbox: Sandbox, **more: Json) -> dict[str, Json]:
    api_key = sandbox.credentials["axialys"]["api_key"]
    return {"base_url": f"{sandbox.url}/phone/api", "api_key": api_key, "default_region": "BR", **more}


def account_of(sandbox: Sandbox) -> str:
    return sandbox.credentials["axialys"]["account_id"]


def placed(sandbox: Sandbox) -> list[Json]:
    items: list[Json] = sandbox.control.get("/axialys/calls").json()["items"]
    return items


async def stored(phone: Axialys, inbox: Receiver, count: int) -> EventStore:
    """Receive so many callbacks and return the events that they became."""
    store = EventStore()
    for request in inbox.wait_for(count):
        store.add(*await phone.receive(request))
    return store


async def only_call(phone: Axialys, inbox: Receiver, count: int) -> CallState:
    ((call_id, track),) = join((await stored(phone, inbox, count)).events).items()
    return track.state(call_id)


async def test_a_call_from_the_order_to_its_end(sandbox: Sandbox, inbox: Receiver) -> None:
    account = account_of(sandbox)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.check()
        changed = await phone.set_callback(url=inbox.url)
        order = await phone.call(account_id=account, number=NUMBER)
        inbox.wait_for(1)
        sandbox.advance(1)
        inbox.wait_for(2)
        sandbox.advance(5)
        call = await only_call(phone, inbox, 3)
    assert (changed.enabled, order.accepted) == (True, True)
    assert (call.state, call.direction, call.account_id) == ("ended", "outgoing", account)
    assert (call.called_number, call.answered, call.billable_duration_s) == (NUMBER, True, 5)
    assert [one["called_number"] for one in placed(sandbox)] == [NUMBER[1:]]


async def test_the_accounts_own_telephone_rings_first_then_the_numbers(sandbox: Sandbox, inbox: Receiver) -> None:
    sandbox.switch("axialys", own_ring_s=3)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        assert (placed(sandbox)[0]["state"], placed(sandbox)[0]["destination_rang_at"]) == ("ringing", None)
        sandbox.advance(3)
        assert placed(sandbox)[0]["state"] == "ringing"
        assert placed(sandbox)[0]["destination_rang_at"] is not None
        sandbox.advance(1)
        assert placed(sandbox)[0]["state"] == "connected"
        inbox.wait_for(2)


async def test_nobody_else_is_rung_when_the_own_telephone_is_not_picked_up(sandbox: Sandbox, inbox: Receiver) -> None:
    sandbox.switch("axialys", scenario="own_phone_unanswered", own_ring_s=3)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(60)
        call = await only_call(phone, inbox, 2)
    assert (call.state, call.answered, call.outcome) == ("ended", False, "aborted")
    assert (placed(sandbox)[0]["state"], placed(sandbox)[0]["destination_rang_at"]) == ("ended", None)


@pytest.mark.parametrize("answer", ["json", "ok_text", "empty"])
async def test_every_kind_of_answer_is_a_success(sandbox: Sandbox, inbox: Receiver, answer: str) -> None:
    """Trap 7."""
    sandbox.switch("axialys", answer=answer)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        assert (await phone.set_callback(url=inbox.url)).accepted
        assert (await phone.call(account_id=account_of(sandbox), number=NUMBER)).accepted
        assert (await phone.disable_callback()).accepted


async def test_click_to_call_needs_a_callback_first(sandbox: Sandbox, inbox: Receiver) -> None:
    """Trap 2."""
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        with pytest.raises(RefusedError, match=r"NO_CALLBACK.*has set_callback been called"):
            await phone.call(account_id=account_of(sandbox), number=NUMBER)
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        await phone.disable_callback()
        with pytest.raises(RefusedError, match="set_callback"):
            await phone.call(account_id=account_of(sandbox), number=NUMBER)


async def test_another_url_of_the_same_key_takes_all_events_from_the_first(sandbox: Sandbox, inbox: Receiver) -> None:
    """Trap 3."""
    with receiver() as other:
        async with connection_for(Axialys, settings_of(sandbox)) as phone:
            await phone.set_callback(url=inbox.url)
            await phone.set_callback(url=other.url)
            await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(1)
        sandbox.advance(5)
        other.wait_for(3)
    assert inbox.requests == []


@pytest.mark.parametrize("kind", ["cut_after", "status"])
async def test_a_lost_answer_rings_once_and_the_start_event_proves_it(
    sandbox: Sandbox, inbox: Receiver, kind: str
) -> None:
    """Trap 1."""
    account = account_of(sandbox)
    began = datetime.now(UTC)
    clock = FakeClock(began, auto=True)
    async with connection_for(Axialys, settings_of(sandbox), clock=clock) as phone:
        await phone.set_callback(url=inbox.url)
        more = {"code": 503, "act": True} if kind == "status" else {}
        sandbox.fault(kind, vendor="axialys", match={"operation": "call"}, times=1, **more)
        with pytest.raises(UnknownOutcomeError):
            await phone.call(account_id=account, number=NUMBER)
        store = await stored(phone, inbox, 1)
        store.give_to(phone)
        attempt = AttemptInfo(started_at=began - timedelta(seconds=1), number=1)
        verdict = await phone.verify_call(account_id=account, number=NUMBER, attempt=attempt)
    assert verdict.state == "done"
    assert [verdict.result.call_id] == [one["call_id"] for one in placed(sandbox)]
    assert sandbox.repeated() == []


async def test_an_order_that_never_arrived_stays_unknown(sandbox: Sandbox, inbox: Receiver) -> None:
    account = account_of(sandbox)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        sandbox.fault("cut_before", vendor="axialys", match={"operation": "call"}, times=1)
        with pytest.raises(UnknownOutcomeError):
            await phone.call(account_id=account, number=NUMBER)
        EventStore().give_to(phone)
        attempt = AttemptInfo(started_at=datetime.now(UTC), number=1)
        assert (await phone.verify_call(account_id=account, number=NUMBER, attempt=attempt)).state == "unknown"
        sandbox.clear_faults()
        await phone.call(account_id=account, number=NUMBER)
    assert len(placed(sandbox)) == 1


@pytest.mark.parametrize(
    "switches",
    [
        {"callback_as": "post_query"},
        {"callback_as": "post_form"},
        {"url_mode": "ampersand"},
        {"copies": 3},
        {"order": "reversed"},
        {"order": "swapped"},
        {"delay_s": 20},
        {"delay_s": 20, "delayed": ["outgoing_call_start"]},
        {"extra_parameters": {"queue": "sales", "event2": "x"}},
        {"unknown_event": True},
        {"doubled_call_id": True},
        {"number_form": "plus"},
        {"number_form": "raw_plus"},
        {"number_form": "national"},
    ],
)
async def test_callbacks_are_understood_whatever_the_platform_does(
    sandbox: Sandbox, inbox: Receiver, switches: dict[str, Json]
) -> None:
    """Traps 9 and 10: no ids, no order, no documented way of adding parameters."""
    sandbox.switch("axialys", **switches)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(1)
        sandbox.advance(5)
        sandbox.advance(20)
        expected = 3 * int(switches.get("copies", 1)) + bool(switches.get("unknown_event"))
        call = await only_call(phone, inbox, expected)
    assert (call.state, call.answered, call.billable_duration_s) == ("ended", True, 5)
    assert call.called_number == NUMBER
    assert call.account_id == account_of(sandbox)


async def test_placeholders_in_the_url_are_filled_if_that_is_how_it_is_done(sandbox: Sandbox, inbox: Receiver) -> None:
    """Trap 10."""
    sandbox.switch("axialys", url_mode="placeholders")
    query = "?call_id={call_id}&event={event}&status={status}&billable_duration={billable_duration}"
    async with connection_for(Axialys, settings_of(sandbox, callback_query=query)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(1)
        sandbox.advance(5)
        call = await only_call(phone, inbox, 3)
    assert (call.state, call.billable_duration_s, call.account_id) == ("ended", 5, None)


@pytest.mark.parametrize("how", ["missing", "empty", "anonymous"])
async def test_an_incoming_call_with_a_withheld_number(sandbox: Sandbox, inbox: Receiver, how: str) -> None:
    sandbox.switch("axialys", calling_number=how)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        course = {"scenario": "no_answer", "ring_s": 20}
        sandbox.control.post("/axialys/incoming_call", json=course).raise_for_status()
        sandbox.advance(20)
        call = await only_call(phone, inbox, 2)
    assert (call.state, call.direction, call.answered) == ("ended", "incoming", False)
    assert call.calling_number is None
    assert call.calling_number_raw == ("anonymous" if how == "anonymous" else None)


@pytest.mark.parametrize(("form", "raw"), [("decimal", "5.5"), ("clock", "00:05"), ("empty", None), ("missing", None)])
async def test_a_duration_in_another_form_does_no_harm(
    sandbox: Sandbox, inbox: Receiver, form: str, raw: str | None
) -> None:
    """Trap 11."""
    sandbox.switch("axialys", duration_form=form)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(1)
        sandbox.advance(5)
        store = await stored(phone, inbox, 3)
    (end,) = [event for event in store.events if event.type == "call_end"]
    assert (end.data["billable_duration_s"], end.data["billable_duration_raw"]) == (None, raw)


async def test_a_call_whose_end_is_lost_expires(sandbox: Sandbox, inbox: Receiver) -> None:
    """Trap 14."""
    sandbox.switch("axialys", lost=["call_end"])
    clock = FakeClock(datetime.now(UTC))
    async with connection_for(Axialys, settings_of(sandbox), clock=clock) as phone:
        (page,) = [page async for page in phone.expired(cursor=None)]
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.advance(1)
        sandbox.advance(5)
        (await stored(phone, inbox, 2)).give_to(phone)
        clock.set_time(datetime.now(UTC) + timedelta(hours=4))
        (page,) = [page async for page in phone.expired(cursor=page.next)]
    assert [(event.type, event.data["called_number"]) for event in page.events] == [("call.expired", NUMBER)]


async def test_the_sip_password_of_the_account_is_enough_to_call(sandbox: Sandbox, inbox: Receiver) -> None:
    account = account_of(sandbox)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
    passwords = {account: sandbox.credentials["axialys"]["sip_password"]}
    settings = {"base_url": f"{sandbox.url}/phone/api", "sip_passwords": passwords}
    async with connection_for(Axialys, settings) as phone:
        assert (await phone.call(account_id=account, number=NUMBER)).accepted
    async with connection_for(Axialys, {**settings, "sip_passwords": {account: "wrong-password"}}) as phone:
        with pytest.raises(AuthenticationError) as caught:
            await phone.call(account_id=account, number=NUMBER)
    assert "wrong-password" not in str(caught.value)


@pytest.mark.parametrize("place", ["query", "form"])
async def test_both_functions_by_post(sandbox: Sandbox, inbox: Receiver, place: str) -> None:
    async with connection_for(Axialys, settings_of(sandbox, method="POST", parameters_in=place)) as phone:
        await phone.set_callback(url=inbox.url)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
    assert len(placed(sandbox)) == 1


async def test_refusals_of_the_platform(sandbox: Sandbox, inbox: Receiver) -> None:
    async with connection_for(Axialys, settings_of(sandbox, api_key="wrong-key-7781")) as phone:
        with pytest.raises(AuthenticationError, match="UNAUTHORIZED") as caught:
            await phone.set_callback(url=inbox.url)
        assert "wrong-key-7781" not in str(caught.value)
    async with connection_for(Axialys, settings_of(sandbox)) as phone:
        await phone.set_callback(url=inbox.url)
        with pytest.raises(NotFoundError, match="UNKNOWN_ACCOUNT"):
            await phone.call(account_id="acc-none", number=NUMBER)
        sandbox.switch("axialys", errors_in_200=True)
        with pytest.raises(RefusedError, match="UNKNOWN_ACCOUNT"):
            await phone.call(account_id="acc-none", number=NUMBER)
        sandbox.fault("refuse_ip", vendor="axialys", times=1)
        with pytest.raises((AuthenticationError, RefusedError), match="IP_NOT_ALLOWED"):
            await phone.call(account_id=account_of(sandbox), number=NUMBER)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)


async def test_restricted_access_is_waited_for_or_told(sandbox: Sandbox, inbox: Receiver) -> None:
    clock = FakeClock(auto=True)
    async with connection_for(Axialys, settings_of(sandbox), clock=clock) as phone:
        await phone.set_callback(url=inbox.url)
        sandbox.fault("rate_limit", vendor="axialys", retry_after_s=600)
        with pytest.raises(RetryableError, match="429"):
            await phone.call(account_id=account_of(sandbox), number=NUMBER)
        sandbox.clear_faults()
        await clock.sleep(600)
        await phone.call(account_id=account_of(sandbox), number=NUMBER)
    assert len(placed(sandbox)) == 1
