"""Waits and the runs that they wake, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backhaul.store.records import RunStatus
from backhaul.store.service_records import WaitKind, WaitRecord
from backhaul.store.store import Store
from contract.factories import NOON, a_run, an_event

pytestmark = pytest.mark.anyio


def a_wait(run_id: str = "run1", key: str = "rest") -> WaitRecord:
    return WaitRecord(run_id=run_id, key=key, kind=WaitKind.TIME, wake_at=NOON + timedelta(hours=1), created_at=NOON)


async def status(store: Store, run_id: str) -> RunStatus:
    run = await store.run(run_id)
    assert run is not None
    return run.status


async def test_the_end_of_a_wait_queues_its_run_and_those_above_it_if_they_wait(store: Store) -> None:
    store.put_run(a_run("run1", status=RunStatus.WAITING))
    store.put_run(a_run("parent", status=RunStatus.WAITING))
    store.put_run(a_run("busy", status=RunStatus.RUNNING))
    store.put_wait(a_wait())
    ticket = store.settle_wait("run1", "rest", {"until": "x"}, NOON, above=("parent", "busy"))
    again = store.settle_wait("run1", "rest", {"until": "y"}, NOON)
    await again.wait()
    assert (ticket.value, again.value) == (1, 0)
    assert [await status(store, one) for one in ("run1", "parent", "busy")] == ["queued", "queued", "running"]
    wait = await store.wait("run1", "rest")
    assert wait is not None
    assert wait.outcome == {"until": "x"}


@pytest.mark.parametrize("settled", [False, True])
async def test_a_run_begins_to_wait_only_for_what_has_not_come(store: Store, settled: bool) -> None:
    store.put_run(a_run("run1", status=RunStatus.RUNNING))
    store.put_wait(a_wait(key="first"))
    store.put_wait(a_wait(key="second"))
    if settled:
        store.settle_wait("run1", "first", {"until": "x"}, NOON)
    waits = [("run1", "first"), ("run1", "second")]
    await store.put_run_end(a_run("run1", status=RunStatus.WAITING), (), waits=waits).wait()
    assert await status(store, "run1") == ("queued" if settled else "waiting")


async def test_a_waiting_run_can_be_queued_and_no_other_one(store: Store) -> None:
    store.put_run(a_run("run1", status=RunStatus.WAITING))
    store.put_run(a_run("run2", status=RunStatus.CANCELLED))
    store.wake_run("run1")
    await store.wake_run("run2").wait()
    assert [await status(store, one) for one in ("run1", "run2")] == ["queued", "cancelled"]


async def test_events_of_a_type_come_oldest_first_page_by_page(store: Store) -> None:
    for number, minutes in enumerate((3, 1, 2, 2), start=1):
        store.put_event(an_event(f"event{number}", received_at=NOON + timedelta(minutes=minutes)))
    await store.put_event(an_event("other", type="acs.other", received_at=NOON + timedelta(minutes=2))).wait()
    since = NOON + timedelta(minutes=2)
    first = await store.events_of_type("acs.device.added", since, limit=2)
    assert [event.event_id for event in first] == ["event3", "event4"]
    rest = await store.events_of_type("acs.device.added", since, after=(first[-1].received_at, first[-1].event_id))
    assert [event.event_id for event in rest] == ["event1"]


async def test_the_oldest_wait_for_an_event_is_known(store: Store) -> None:
    assert await store.oldest_wait_for_event() is None
    store.put_wait(a_wait(key="time"))
    event = WaitRecord(
        run_id="run1", key="event", kind=WaitKind.EVENT, event_type="a.b", created_at=NOON + timedelta(hours=2)
    )
    await store.put_wait(event).wait()
    assert await store.oldest_wait_for_event() == NOON + timedelta(hours=2)
