"""What the service stores of decisions, schedules, run ends and polls, on every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, delete, text

from backhaul.clock import SystemClock
from backhaul.errors import InputError, StoreError
from backhaul.store.records import RunStatus
from backhaul.store.service_records import (
    Acceptance,
    Verdict,
)
from backhaul.store.store import Store
from backhaul.store.tables import DECISIONS
from contract.factories import NOON, a_run, a_version, an_event, at
from contract.service_factories import a_decision, a_schedule, a_start, run_ids, taken

pytestmark = pytest.mark.anyio


async def test_an_event_its_decisions_and_its_runs_are_stored_together(store: Store) -> None:
    acceptance = taken("event1", "run1", dedupe_key="k")
    filtered = a_decision("event1", trigger_id="link/event/2", verdict=Verdict.FILTERED, reason="no", event_id="event1")
    ticket = store.accept(replace(acceptance, decisions=(*acceptance.decisions, filtered)))
    await ticket.wait()
    assert ticket.value == 1
    assert await store.event("event1") == acceptance.event
    assert (await store.decisions(event_id="event1"))[0] == [filtered, *acceptance.decisions]
    assert await store.run("run1") == acceptance.runs[0].run
    assert await store.workflow_version("d1") == a_version()


async def test_a_decision_and_its_details_come_back_as_they_were(store: Store) -> None:
    decision = a_decision(
        verdict=Verdict.SKIPPED,
        reason="skipped by overlap",
        details={"count": 3, "né": ["\0", None]},
        run_id="run9",
        event_id="event1",
        due_at=at(-3),
    )
    await store.put_decision(decision).wait()
    assert await store.decision("link/event/1", "event1") == decision
    assert await store.decision("link/event/1", "event2") is None


async def test_an_event_with_the_key_of_another_writes_nothing_at_all(store: Store) -> None:
    await store.accept(taken("event1", "run1", dedupe_key="k")).wait()
    again = store.accept(taken("event2", "run2", dedupe_key="k"))
    await again.wait()
    assert again.value == 0
    assert await store.event("event2") is None
    assert await store.decision("link/event/1", "event2") is None
    assert await run_ids(store) == ["run1"]


async def test_an_event_that_is_emitted_again_starts_nothing_not_even_for_a_new_trigger(store: Store) -> None:
    await store.accept(Acceptance(event=an_event("event1"))).wait()
    # The same step after a crash, an hour later; a workflow has got a trigger for it meanwhile.
    again = store.accept(taken("event1", "run2", received_at=at(3600), time=at(3600)))
    await again.wait()
    assert again.value == 0
    assert (await store.decisions())[0] == []
    assert await run_ids(store) == []


async def test_an_event_with_the_same_key_from_another_source_is_another_event(store: Store) -> None:
    await store.accept(taken("event1", "run1", dedupe_key="k")).wait()
    other = store.accept(taken("event2", "run2", dedupe_key="k", source="provider"))
    await other.wait()
    assert other.value == 1
    assert await run_ids(store) == ["run1", "run2"]


async def test_of_the_same_event_taken_at_once_by_many_exactly_one_starts_its_run(store: Store, store_url: str) -> None:
    async with await Store.open(store_url, clock=SystemClock()) as other:
        tickets = [
            (store, other)[number % 2].accept(taken(f"event{number}", f"run{number}", dedupe_key="k"))
            for number in range(40)
        ]
        for ticket in tickets:
            await ticket.wait()
    assert sorted(ticket.value for ticket in tickets) == [0] * 39 + [1]
    (run_id,) = await run_ids(store)
    ((decision,), _) = await store.decisions()
    assert decision.run_id == run_id


async def test_the_first_decision_about_an_occurrence_stays_and_only_its_run_is_stored(store: Store) -> None:
    first = store.put_decision(a_decision("tick", run_id="run1"), a_start("run1"))
    second = store.put_decision(a_decision("tick", run_id="run2"), a_start("run2"))
    await second.wait()
    assert (first.value, second.value) == (1, 0)
    assert await run_ids(store) == ["run1"]
    kept = await store.decision("link/event/1", "tick")
    assert kept is not None
    assert kept.run_id == "run1"


async def test_a_decision_that_skips_because_of_a_run_does_not_bring_one_about(store: Store) -> None:
    skipped = a_decision("tick", verdict=Verdict.SKIPPED, run_id="run1")
    await store.put_decision(skipped).wait()
    late = store.put_decision(a_decision("tick", run_id="run2"), a_start("run2"))
    await late.wait()
    assert late.value == 0
    assert await run_ids(store) == []


async def test_a_cursor_of_decisions_outlives_the_rows_it_was_made_of(store: Store, store_url: str) -> None:
    for number in range(7):
        await store.put_decision(a_decision(f"tick{number}", decided_at=at(number // 2))).wait()
    page, cursor = await store.decisions(limit=3)
    assert [one.occurrence for one in page] == ["tick6", "tick5", "tick4"]
    engine = create_engine(store_url)
    with engine.begin() as db:
        db.execute(delete(DECISIONS).where(DECISIONS.c.occurrence.in_(["tick4", "tick3"])))
    engine.dispose()
    page, cursor = await store.decisions(limit=3, cursor=cursor)
    assert [one.occurrence for one in page] == ["tick2", "tick1", "tick0"]
    assert cursor is None


async def test_decisions_are_found_by_what_they_are_about(store: Store) -> None:
    mine = a_decision("a", trigger_id="w/cron/1", workflow="w", verdict=Verdict.LATE, run_id="r", event_id="e")
    await store.put_decision(mine).wait()
    await store.put_decision(a_decision("b")).wait()
    for wanted in (
        {"trigger_id": "w/cron/1"},
        {"workflow": "w"},
        {"event_id": "e"},
        {"run_id": "r"},
        {"verdict": Verdict.LATE},
        {"trigger_id": "w/cron/1", "run_id": "r"},
    ):
        assert (await store.decisions(**wanted))[0] == [mine]
    assert (await store.decisions(workflow="w", verdict=Verdict.STARTED))[0] == []


@pytest.mark.parametrize("cursor", ["", "x", "WzEsImEiXQ", "é", "bnVsbA", "WzEsMSwxXQ", "WzEsIlx1MDAwMCIsImEiXQ"])
async def test_a_cursor_of_something_else_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        await store.decisions(cursor=cursor)


async def test_a_schedule_is_decided_ever_further_and_never_back(store: Store) -> None:
    store.put_schedule(a_schedule())
    for seconds in (60, 30):
        await store.decide_schedule_until("nightly/cron/1", at(seconds)).wait()
    assert await store.schedules() == [a_schedule(decided_until=at(60))]
    await store.put_decision(a_decision("t", trigger_id="nightly/cron/1"), decided_until=at(90)).wait()
    assert (await store.schedules())[0].decided_until == at(90)


async def test_a_decision_that_is_not_new_still_tells_how_far_the_schedule_is_decided(store: Store) -> None:
    store.put_schedule(a_schedule())
    tick = a_decision("t", trigger_id="nightly/cron/1")
    await store.put_decision(tick).wait()
    ticket = store.put_decision(tick, decided_until=at(5))
    await ticket.wait()
    assert ticket.value == 0
    assert (await store.schedules())[0].decided_until == at(5)


async def test_a_pause_outlives_a_changed_definition(store: Store) -> None:
    store.put_schedule(a_schedule())
    ticket = store.pause_schedule("nightly/cron/1", paused=True, note="vendor down", at=at(1))
    await ticket.wait()
    assert ticket.value == 1
    await store.put_schedule(a_schedule(definition="0 4 * * * UTC", decided_until=at(2))).wait()
    (schedule,) = await store.schedules()
    assert (schedule.definition, schedule.decided_until) == ("0 4 * * * UTC", at(2))
    assert (schedule.paused, schedule.note, schedule.paused_at) == (True, "vendor down", at(1))
    await store.pause_schedule("nightly/cron/1", paused=False, note=None, at=None).wait()
    (schedule,) = await store.schedules()
    assert (schedule.paused, schedule.note, schedule.paused_at) == (False, None, None)


async def test_pausing_a_schedule_that_is_not_there_changes_nothing(store: Store) -> None:
    ticket = store.pause_schedule("nightly/cron/1", paused=True, note=None, at=NOON)
    await ticket.wait()
    assert ticket.value == 0
    assert await store.schedules() == []


async def test_some_schedules_can_be_asked_for(store: Store) -> None:
    for number in range(3):
        await store.put_schedule(a_schedule(f"w{number}/cron/1")).wait()
    assert [one.trigger_id for one in await store.schedules(["w2/cron/1", "w9/cron/1"])] == ["w2/cron/1"]


async def test_the_end_of_a_run_and_the_runs_that_it_starts_are_stored_together(store: Store) -> None:
    ended = a_run(status=RunStatus.FAILED)
    told = [taken("e1", "alarm1", dedupe_key="1"), taken("e2", "alarm2", dedupe_key="2")]
    ticket = store.put_run_end(ended, told)
    await ticket.wait()
    assert ticket.value == (1, 1)
    assert await run_ids(store) == ["alarm1", "alarm2", "run1"]
    again = store.put_run_end(ended, [taken("e3", "alarm3", dedupe_key="2"), taken("e4", "alarm4", dedupe_key="4")])
    await again.wait()
    assert again.value == (0, 1)
    assert await run_ids(store) == ["alarm1", "alarm2", "alarm4", "run1"]


async def test_a_page_of_a_poll_and_its_cursor_are_stored_together(store: Store) -> None:
    assert await store.poll_cursor("crm", "changes") == (None, None)
    ticket = store.put_poll_page("crm", "changes", "c1", NOON, [taken("e1", "run1", dedupe_key="1")])
    await ticket.wait()
    assert ticket.value == 1
    assert await store.poll_cursor("crm", "changes") == ("c1", NOON)
    ticket = store.put_poll_page("crm", "changes", "c2", at(9), [taken("e2", "run2", dedupe_key="1")])
    await ticket.wait()
    assert ticket.value == 0
    assert await store.poll_cursor("crm", "changes") == ("c2", at(9))
    assert await store.poll_cursor("crm", "others") == (None, None)
    assert await run_ids(store) == ["run1"]


async def test_a_page_with_a_row_that_cannot_be_stored_leaves_the_cursor_where_it_was(store: Store) -> None:
    broken = an_event("e2", type=None)
    with pytest.raises(StoreError):
        await store.put_poll_page("crm", "changes", "c1", NOON, [taken("e1", "run1"), Acceptance(event=broken)]).wait()
    assert await store.poll_cursor("crm", "changes") == (None, None)
    assert await store.event("e1") is None
    assert await run_ids(store) == []


async def test_every_query_of_the_loops_uses_an_index(sqlite_url: str) -> None:
    questions = {
        "SELECT * FROM decisions WHERE event_id = 'e' AND event_id IS NOT NULL": "ix_decisions_event_id",
        "SELECT * FROM waits WHERE outcome IS NULL AND wake_at <= 5 ORDER BY wake_at": "ix_waits_open_wake_at",
        "SELECT * FROM waits WHERE outcome IS NULL AND event_type = 'a'": "ix_waits_open_event_type",
        "SELECT * FROM runs WHERE status IN ('queued', 'running', 'waiting') AND node = 'a' AND status = 'queued'": (
            "ix_runs_node_status"
        ),
    }
    engine = create_engine(sqlite_url)
    with engine.connect() as db:
        for question, index in questions.items():
            plan = " ".join(str(row) for row in db.execute(text(f"EXPLAIN QUERY PLAN {question}")))
            assert index in plan, question
    engine.dispose()


async def test_a_second_apart_is_a_second_apart(store: Store) -> None:
    """Times survive to the microsecond, which the order of decisions rests on."""
    await store.put_decision(a_decision(decided_at=NOON + timedelta(microseconds=1))).wait()
    ((decision,), _) = await store.decisions()
    assert decision.decided_at - NOON == timedelta(microseconds=1)
