"""The events of a connection as its connector reads them, on every store."""

from __future__ import annotations

from datetime import UTC

import pytest

from backhaul.plugins.events import Event
from backhaul.store.connection_events import ConnectionEvents
from backhaul.store.store import Store
from contract.factories import NOON, an_event, at

pytestmark = pytest.mark.anyio


def reader(store: Store, connection: str = "phone") -> ConnectionEvents:
    async def history() -> Store:
        return store

    return ConnectionEvents(history, connection)


async def put(store: Store, number: int, what: str = "call_end", **changes: object) -> None:
    values = {"source": "phone", "type": f"phone.{what}", "dedupe_key": f"k{number}", "received_at": at(number)}
    store.put_event(an_event(f"event{number}", **(values | changes)))
    await store.barrier()


async def test_an_event_is_read_as_the_connector_made_it(store: Store) -> None:
    await put(store, 1, subject="call-1", data={"status": "ANSWER", "billable": 5}, time=at(-3))
    (event,) = await reader(store)(NOON)
    assert event == Event(
        type="call_end", subject="call-1", data={"status": "ANSWER", "billable": 5}, time=at(-3), key="k1"
    )
    assert event.time.tzinfo is UTC


async def test_what_an_event_does_not_tell_is_as_in_a_new_one(store: Store) -> None:
    await put(store, 1, subject=None, data=None, dedupe_key=None)
    (event,) = await reader(store)(NOON)
    assert (event.subject, event.data, event.key) == ("", None, None)


async def test_events_come_in_the_order_in_which_they_were_received(store: Store) -> None:
    for number in (3, 1, 2):
        await put(store, number, time=at(-number))
    assert [event.key for event in await reader(store)(NOON)] == ["k1", "k2", "k3"]


async def test_the_moment_of_receipt_decides_and_belongs_to_it(store: Store) -> None:
    await put(store, 1, time=at(100))
    await put(store, 2, time=at(-100))
    assert [event.key for event in await reader(store)(at(2))] == ["k2"]
    assert [event.key for event in await reader(store)(at(1))] == ["k1", "k2"]
    assert await reader(store)(at(2.000001)) == []


async def test_only_the_wanted_types_are_read_by_the_connector_s_names(store: Store) -> None:
    for number, what in enumerate(["call_end", "call_connected", "call.expired"]):
        await put(store, number, what)
    read = reader(store)
    assert [event.type for event in await read(NOON, ["call.expired", "call_end"])] == ["call_end", "call.expired"]
    assert len(await read(NOON)) == len(await read(NOON, [])) == 3
    assert await read(NOON, ["phone.call_end", "%"]) == []


async def test_the_oldest_come_first_when_there_are_more_than_the_limit(store: Store) -> None:
    for number in range(4):
        await put(store, number)
    assert [event.key for event in await reader(store)(NOON, limit=2)] == ["k0", "k1"]


async def test_events_of_others_are_not_read(store: Store) -> None:
    await put(store, 1, source="phone2", type="phone2.call_end")
    await put(store, 2, source="workflow/ring", type="phone.call_end")
    assert await reader(store)(NOON) == []
    assert [event.type for event in await reader(store, "phone2")(NOON)] == ["call_end"]
