"""Runs, events and workflow versions, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backhaul.errors import InputError, UnknownNameError
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from contract.factories import NOON, a_run, a_version, an_event, at

pytestmark = pytest.mark.anyio


async def test_a_run_comes_back_as_it_was_written(store: Store) -> None:
    run = a_run(
        event={"type": "acs.device.added", "data": {"name": "João \x00 ☃", "z": 1, "a": [None, True, 1.5]}},
        output={"created": 2},
        error={"type": "StepError", "message": "no"},
        parent_run_id="parent",
        parent_step="call[1]",
        forked_from="older",
        priority=-3,
        started_at=at(1),
        finished_at=at(2.000001),
        step_counts={"succeeded": 3},
    )
    await store.put_run(run).wait()
    assert await store.run("run1") == run
    assert await store.run("run2") is None


async def test_times_come_back_aware_in_utc_to_the_microsecond(store: Store) -> None:
    in_sao_paulo = datetime(2026, 3, 1, 9, 0, 0, 999999, tzinfo=timezone(timedelta(hours=-3)))
    await store.put_run(a_run(created_at=in_sao_paulo, started_at=datetime(1969, 12, 31, tzinfo=UTC))).wait()
    found = await store.run("run1")
    assert found is not None
    assert found.created_at == in_sao_paulo
    assert found.created_at.tzinfo is UTC
    assert found.started_at == datetime(1969, 12, 31, tzinfo=UTC)


async def test_inputs_that_are_null_come_back_as_none(store: Store) -> None:
    await store.put_run(a_run(inputs=None)).wait()
    found = await store.run("run1")
    assert found is not None
    assert found.inputs is None


async def test_a_naive_time_is_refused_at_once(store: Store) -> None:
    with pytest.raises(TypeError):
        store.put_run(a_run(created_at=datetime(2026, 3, 1)))
    assert store.writer.pending == 0


async def test_writing_a_run_again_replaces_it(store: Store) -> None:
    store.put_run(a_run())
    await store.put_run(a_run(status=RunStatus.SUCCEEDED, finished_at=at(5), output=[1])).wait()
    assert await store.run("run1") == a_run(status=RunStatus.SUCCEEDED, finished_at=at(5), output=[1])


async def test_writing_a_run_never_takes_a_cancel_request_back(store: Store) -> None:
    store.put_run(a_run())
    request = store.request_cancel("run1")
    await store.put_run(a_run(status=RunStatus.WAITING, cancel_requested=False)).wait()
    assert request.value == 1
    assert await store.cancel_requested("run1")
    assert await store.run("run1") == a_run(status=RunStatus.WAITING, cancel_requested=True)


async def test_cancelling_a_run_that_is_not_there_is_told(store: Store) -> None:
    request = store.request_cancel("nobody")
    await request.wait()
    assert request.value == 0
    assert not await store.cancel_requested("nobody")


async def test_a_run_is_found_by_a_unique_beginning_of_its_id(store: Store) -> None:
    for run_id in ("0abc", "0abd", "0ab", "1%_x"):
        store.put_run(a_run(run_id))
    await store.barrier()
    assert (await store.find_run("0abc")).run_id == "0abc"
    assert (await store.find_run("1")).run_id == "1%_x"
    assert (await store.find_run("0ab")).run_id == "0ab", "a whole id names its own run"


@pytest.mark.parametrize("prefix", ["", "%", "_", "0AB", "2", "0abcc"])
async def test_what_no_run_begins_with_is_an_unknown_name(store: Store, prefix: str) -> None:
    await store.put_run(a_run("0abc")).wait()
    with pytest.raises(UnknownNameError):
        await store.find_run(prefix)


async def test_an_ambiguous_beginning_is_refused_with_the_candidates(store: Store) -> None:
    store.put_run(a_run("0abc"))
    await store.put_run(a_run("0abd")).wait()
    with pytest.raises(InputError, match="0abc, 0abd"):
        await store.find_run("0a")


async def test_runs_are_listed_newest_first_page_by_page(store: Store) -> None:
    # Two at each moment: the cursor must not lose or repeat what shares a time.
    for number in range(10):
        store.put_run(a_run(f"run{number}", created_at=at(number // 2)))
    await store.barrier()
    listed: list[str] = []
    cursor = None
    while True:
        page, cursor = await store.runs(limit=3, cursor=cursor)
        assert len(page) <= 3
        listed += [run.run_id for run in page]
        if cursor is None:
            break
    assert listed == [f"run{number}" for number in reversed(range(10))]


async def test_the_last_page_has_no_cursor_even_when_it_is_full(store: Store) -> None:
    store.put_run(a_run("run1"))
    await store.put_run(a_run("run2")).wait()
    page, cursor = await store.runs(limit=2)
    assert (len(page), cursor) == (2, None)


async def test_runs_are_filtered_by_workflow_and_status(store: Store) -> None:
    store.put_run(a_run("run1", workflow="a", status=RunStatus.QUEUED))
    store.put_run(a_run("run2", workflow="b", status=RunStatus.QUEUED))
    await store.put_run(a_run("run3", workflow="a", status=RunStatus.FAILED)).wait()

    async def ids(**filters: object) -> set[str]:
        page, _ = await store.runs(**filters)  # type: ignore[arg-type]
        return {run.run_id for run in page}

    assert await ids(workflow="a") == {"run1", "run3"}
    assert await ids(status=RunStatus.QUEUED) == {"run1", "run2"}
    assert await ids(status=[RunStatus.QUEUED, RunStatus.FAILED], workflow="a") == {"run1", "run3"}
    assert await ids(status=[]) == set()
    assert await ids(workflow="c") == set()


@pytest.mark.parametrize("cursor", ["", "x", "12", "12.", ".a", "-1.a"])
async def test_a_cursor_that_no_listing_gave_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InputError):
        await store.runs(cursor=cursor)


async def test_children_are_the_runs_that_a_runs_steps_started(store: Store) -> None:
    store.put_run(a_run("parent"))
    store.put_run(a_run("second", parent_run_id="parent", parent_step="b", created_at=at(2)))
    store.put_run(a_run("first", parent_run_id="parent", parent_step="a", created_at=at(1)))
    await store.put_run(a_run("other", parent_run_id="somebody")).wait()
    assert [run.run_id for run in await store.children("parent")] == ["first", "second"]


async def test_a_workflow_version_is_written_once(store: Store) -> None:
    store.put_workflow_version(a_version())
    await store.put_workflow_version(a_version(source="changed: true")).wait()
    assert await store.workflow_version("d1") == a_version()
    assert await store.workflow_version("d2") is None


async def test_an_event_comes_back_as_it_was_written(store: Store) -> None:
    event = an_event(subject="SN001", data={"serial": "SN001"}, dedupe_key="k", run_id="run1", step_key="tell")
    await store.put_event(event).wait()
    assert await store.event("event1") == event
    assert await store.event_by_dedupe_key("acs", "k") == event
    assert await store.event("event2") is None


async def test_an_event_delivered_twice_is_kept_once_and_the_second_ticket_says_so(store: Store) -> None:
    first = store.put_event(an_event("event1", dedupe_key="k", data=1))
    again = store.put_event(an_event("event2", dedupe_key="k", data=2))
    same_id = store.put_event(an_event("event1", dedupe_key="other"))
    elsewhere = store.put_event(an_event("event3", dedupe_key="k", source="crm"))
    await store.barrier()
    assert [ticket.value for ticket in (first, again, same_id, elsewhere)] == [1, 0, 0, 1]
    kept, _ = await store.events(source="acs")
    assert [(event.event_id, event.data) for event in kept] == [("event1", 1)]


async def test_events_without_dedupe_key_are_all_kept(store: Store) -> None:
    for number in range(3):
        store.put_event(an_event(f"event{number}", time=at(number)))
    await store.put_event(an_event("other", type="acs.device.gone", time=NOON)).wait()
    page, cursor = await store.events(type="acs.device.added", limit=2)
    assert [event.event_id for event in page] == ["event2", "event1"]
    page, cursor = await store.events(type="acs.device.added", limit=2, cursor=cursor)
    assert ([event.event_id for event in page], cursor) == (["event0"], None)
