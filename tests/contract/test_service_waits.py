"""What the service stores of waits, tokens and the queue, on every store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backhaul.errors import StoreError
from backhaul.store.records import RunStatus
from backhaul.store.service_records import (
    WaitKind,
)
from backhaul.store.store import Store
from contract.factories import NOON, a_run, an_event, at
from contract.service_factories import a_token, a_wait, stored

pytestmark = pytest.mark.anyio


async def test_a_wait_is_kept_with_its_first_deadline_and_ends_once(store: Store) -> None:
    wait = a_wait(event_type="phone.answered", wake_at=at(60), details={"where": "x"})
    store.put_wait(wait)
    await store.put_wait(replace(wait, wake_at=at(600), details=None)).wait()
    assert await store.wait("run1", "answer") == wait
    first = store.settle_wait("run1", "answer", {"timed_out": True}, at(60))
    second = store.settle_wait("run1", "answer", {"event": 1}, at(61))
    await second.wait()
    assert (first.value, second.value) == (1, 0)
    assert await store.wait("run1", "answer") == replace(wait, outcome={"timed_out": True}, settled_at=at(60))


async def test_settling_what_nothing_waits_for_changes_nothing(store: Store) -> None:
    ticket = store.settle_wait("run1", "answer", {}, NOON)
    await ticket.wait()
    assert ticket.value == 0


async def test_the_end_of_a_wait_queues_the_waiting_run_and_those_above_it_and_no_other(store: Store) -> None:
    standing = {
        "run1": RunStatus.WAITING,
        "above": RunStatus.WAITING,
        "other": RunStatus.WAITING,
        "gone": RunStatus.CANCELLED,
    }
    for run_id, status in standing.items():
        store.put_run(a_run(run_id, status=status))
    store.put_wait(a_wait())
    await store.settle_wait("run1", "answer", {"ok": True}, NOON, above=("above", "gone")).wait()
    found = {run_id: run.status for run_id in standing if (run := await store.run(run_id)) is not None}
    assert found == {
        "run1": RunStatus.QUEUED,
        "above": RunStatus.QUEUED,
        "other": RunStatus.WAITING,
        "gone": RunStatus.CANCELLED,
    }


async def test_a_run_whose_wait_has_ended_already_is_queued_instead_of_waiting(store: Store) -> None:
    for key in ("one", "two"):
        store.put_wait(a_wait(key=key))
    waiting = a_run(status=RunStatus.WAITING)
    await store.put_run_end(waiting, (), waits=[("run1", "one"), ("run1", "two")]).wait()
    assert (await stored(store)).status is RunStatus.WAITING
    store.put_run(replace(waiting, status=RunStatus.RUNNING))
    store.settle_wait("run1", "two", {"ok": True}, NOON)
    await store.put_run_end(waiting, (), waits=[("run1", "one"), ("run1", "two")]).wait()
    assert (await stored(store)).status is RunStatus.QUEUED


async def test_unfinished_runs_are_those_of_one_node_that_are_steps_of_no_other(store: Store) -> None:
    standing: dict[str, dict[str, Any]] = {
        "queued": {"status": RunStatus.QUEUED, "created_at": at(2), "slots": [["link:SN1", 1]], "priority": 50},
        "running": {"created_at": at(1)},
        "waiting": {"status": RunStatus.WAITING},
        "elsewhere": {"node": "there"},
        "child": {"parent_run_id": "running", "parent_step": "sub"},
        "ended": {"status": RunStatus.SUCCEEDED},
        "stuck": {"status": RunStatus.NEEDS_ATTENTION},
    }
    for run_id, changes in standing.items():
        store.put_run(a_run(run_id, **changes))
    await store.barrier()
    both = await store.unfinished_runs("here", (RunStatus.QUEUED, RunStatus.RUNNING))
    assert [run.run_id for run in both] == ["running", "queued"]
    assert both[1].slots == [["link:SN1", 1]]
    assert both[1].priority == 50
    assert [run.run_id for run in await store.unfinished_runs("here", (RunStatus.WAITING,))] == ["waiting"]
    assert await store.going_counts() == {RunStatus.QUEUED: 1, RunStatus.RUNNING: 3, RunStatus.WAITING: 1}
    asked = ["queued", "waiting", "ended", "stuck", "nobody"]
    assert {run.run_id for run in await store.going_among(asked)} == {"queued", "waiting"}
    assert await store.going_among([]) == []
    assert len(await store.going_among([*[f"x{number}" for number in range(1200)], "queued"])) == 1


async def test_going_runs_are_found_by_their_trigger(store: Store) -> None:
    standing: dict[str, dict[str, Any]] = {
        "b": {"trigger_id": "w/cron/1", "created_at": at(1), "node": "there"},
        "a": {"trigger_id": "w/cron/1", "status": RunStatus.WAITING},
        "c": {"trigger_id": "w/cron/2", "status": RunStatus.QUEUED},
        "d": {"trigger_id": "w/cron/2", "status": RunStatus.FAILED},
        "e": {},
    }
    for run_id, changes in standing.items():
        store.put_run(a_run(run_id, **changes))
    await store.barrier()
    assert await store.going_by_trigger() == {"w/cron/1": ["a", "b"], "w/cron/2": ["c"]}
    assert await store.going_by_trigger(["w/cron/2"]) == {"w/cron/2": ["c"]}
    assert [run.run_id for run in await store.going_runs("w/cron/1")] == ["a", "b"]


async def test_open_waits_are_found_by_what_ends_them(store: Store) -> None:
    for number in range(3):
        store.put_wait(a_wait(f"run{number}", event_type="phone.answered", wake_at=at(30 - number)))
    store.put_wait(a_wait("run3", kind=WaitKind.APPROVAL, created_at=at(1)))
    store.put_wait(a_wait("run4", event_type="acs.gone"))
    await store.settle_wait("run4", "answer", {}, NOON).wait()
    assert await store.waited_types() == {"phone.answered"}
    assert [one.run_id for one in await store.waits_for_event("phone.answered")] == ["run0", "run1", "run2"]
    assert [one.run_id for one in await store.waits_for_event("phone.answered", after=("run0", "answer"))] == [
        "run1",
        "run2",
    ]
    assert [one.run_id for one in await store.due_waits(at(29))] == ["run2", "run1"]
    assert await store.next_wake() == at(28)
    assert [one.run_id for one in await store.waits(kind=WaitKind.APPROVAL)] == ["run3"]
    assert [one.run_id for one in await store.waits(run_id="run4", open_only=False)] == ["run4"]
    assert await store.waits(run_id="run4") == []
    assert await store.oldest_wait_for_event() == NOON


async def test_events_of_a_type_are_read_page_by_page_in_the_order_in_which_they_came(store: Store) -> None:
    for number in range(5):
        await store.put_event(an_event(f"e{number}", received_at=at(number // 2), time=at(-number))).wait()
    await store.put_event(an_event("other", type="acs.device.gone")).wait()
    first = await store.events_of_type("acs.device.added", at(0), limit=3)
    assert [event.event_id for event in first] == ["e0", "e1", "e2"]
    after = (first[-1].received_at, first[-1].event_id)
    rest = await store.events_of_type("acs.device.added", at(0), after=after, limit=3)
    assert [event.event_id for event in rest] == ["e3", "e4"]
    assert [one.event_id for one in await store.events_of_type("acs.device.added", at(2))] == ["e4"]


async def test_a_token_is_found_by_its_hash_and_changed_by_its_id(store: Store) -> None:
    token = a_token(expires_at=at(60))
    await store.put_token(token).wait()
    assert await store.token_by_hash("hash of t1") == token
    assert await store.token_by_hash("hash of t2") is None
    await store.use_token("t1", at(5)).wait()
    revoked = replace(token, last_used_at=at(5), revoked_at=at(6))
    await store.put_token(revoked).wait()
    assert await store.tokens() == [revoked]


async def test_two_tokens_cannot_have_one_hash(store: Store) -> None:
    await store.put_token(a_token("t1", hash="same")).wait()
    with pytest.raises(StoreError):
        await store.put_token(a_token("t2", hash="same")).wait()
    assert [token.token_id for token in await store.tokens()] == ["t1"]
