"""What became of a call order without an answer is read from the events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from backhaul.sdk import AttemptInfo, Event, UnknownOutcomeError, Verdict
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.axialys import Axialys, CallAccepted
from connector_kit.phone import EventStore
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": "invented-axialys-key"}
NUMBER = "+33199001234"
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
OK = httpx.Response(200, json={"result": "success"})


def start(seconds: float, *, number: str | None = NUMBER, account: str = "acc-501", call_id: str = "ax-1") -> Event:
    return Event(
        type="outgoing_call_start",
        subject=call_id,
        data={"call_id": call_id, "account_id": account, "called_number": number},
        time=NOW + timedelta(seconds=seconds),
        key=f"outgoing_call_start:{call_id}",
    )


async def verdict_of(store: EventStore, clock: FakeClock | None = None, **settings: object) -> Verdict:
    time = clock or FakeClock(NOW, auto=True)
    async with connection_for(Axialys, {**SETTINGS, **settings}, clock=time) as phone:
        store.give_to(phone)
        attempt = AttemptInfo(started_at=NOW, number=1)
        return await phone.verify_call(account_id="acc-501", number="33199001234", attempt=attempt)


async def test_the_start_event_of_the_call_proves_it() -> None:
    verdict = await verdict_of(EventStore([start(2.5, call_id="ax-7")]))
    assert verdict.state == "done"
    assert isinstance(verdict.result, CallAccepted)
    assert (verdict.result.call_id, verdict.result.number) == ("ax-7", NUMBER)


async def test_it_waits_for_the_start_event_as_long_as_the_window() -> None:
    class Later(EventStore):
        async def __call__(self, since: datetime, types: object = (), *, limit: int = 1000) -> list[Event]:
            self.reads += 1
            return [start(20)] if self.reads == 20 else []

    store, clock = Later(), FakeClock(NOW, auto=True)
    assert (await verdict_of(store, clock)).state == "done"
    assert 18 <= clock.slept_s <= 20


@pytest.mark.parametrize(
    "other",
    [
        start(-5),
        start(61),
        start(2, number="+33199009999"),
        start(2, number=None),
        start(2, account="acc-502"),
        Event(type="outgoing_call_start", subject="x", data=None, time=NOW, key="x"),
        Event(type="call_connected", subject="ax-1", data={"call_id": "ax-1"}, time=NOW, key="y"),
    ],
)
async def test_no_start_event_is_no_proof(other: Event) -> None:
    """Trap 14: missing events are normal."""
    clock = FakeClock(NOW, auto=True)
    verdict = await verdict_of(EventStore([other]), clock)
    assert verdict.state == "unknown"
    assert "proves nothing" in verdict.reason
    assert "99001234" not in verdict.reason
    assert 60 <= clock.slept_s < 61


async def test_no_start_event_is_a_proof_only_by_setting() -> None:
    assert (await verdict_of(EventStore(), no_event_means_no_call=True)).state == "not_done"


async def test_long_after_a_crash_it_answers_at_once() -> None:
    clock = FakeClock(NOW + timedelta(hours=3), auto=True)
    assert (await verdict_of(EventStore([start(4)]), clock)).state == "done"
    assert (await verdict_of(EventStore(), clock)).state == "unknown"
    assert clock.slept_s == 0


async def test_one_start_event_does_not_prove_two_orders(script: ScriptMaker) -> None:
    clock = FakeClock(NOW, auto=True)
    vendor = script(OK, httpx.Response(500), httpx.Response(200))
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport, clock=clock) as phone:
        store = EventStore()
        store.give_to(phone)
        await phone.call(account_id="acc-501", number=NUMBER)
        await clock.sleep(5)
        attempt = AttemptInfo(started_at=clock.now(), number=1)
        with pytest.raises(UnknownOutcomeError):
            await phone.call(account_id="acc-501", number=NUMBER)
        store.add(start(6, call_id="ax-1"))
        verdict = await phone.verify_call(account_id="acc-501", number=NUMBER, attempt=attempt)
        assert verdict.state == "unknown"
        assert "2 times" in verdict.reason
        store.add(start(7, call_id="ax-2"))
        verdict = await phone.verify_call(account_id="acc-501", number=NUMBER, attempt=attempt)
        assert (verdict.state, verdict.result.call_id) == ("done", "ax-2")
