"""What is too old is removed, in small transactions, and nothing that is still needed, on every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from backhaul.errors import RunStateError, StoreError
from backhaul.runs.interventions import Interventions
from backhaul.service.retention import Pruned, Retention
from backhaul.store.records import RunRecord, RunStatus, StepStatus
from backhaul.store.retention import ROWS_AT_ONCE
from backhaul.store.service_records import DecisionRecord, Verdict, WaitKind, WaitRecord
from backhaul.store.statements import Operation
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from backhaul.workflows.catalog import load_source
from backhaul.workflows.definition import Workflow
from backhaul.workflows.retention import HistoryBounds
from contract.factories import NOON, a_page, a_run, a_step, a_version, an_attempt, an_event

pytestmark = pytest.mark.anyio

NOW = NOON + timedelta(days=200)
OLD = NOON
NEW = NOW - timedelta(days=1)


def a_retention(store: Store, workflows: Mapping[str, Workflow] | None = None, **bounds: Any) -> Retention:
    """Prune at `NOW`, with a bound of 90 days unless told otherwise."""
    kept = HistoryBounds(**bounds)
    return Retention(store, FakeClock(NOW, auto=True), lambda: kept, lambda: workflows or {})


def kept_by(name: str, history: str) -> Workflow:
    return load_source("yaml", f"workflows/{name}.yaml", f"history: {{{history}}}\nsteps: [{{set: {{a: 1}}}}]")


async def put_run(store: Store, run_id: str, at: datetime = OLD, steps: int = 1, **changes: Any) -> RunRecord:
    """Store a run with everything that a run leaves behind."""
    values: dict[str, Any] = {"status": RunStatus.SUCCEEDED, "created_at": at, "finished_at": at, "digest": run_id}
    run = a_run(run_id, **(values | changes))
    store.put_workflow_version(a_version(run.digest, name=run.workflow, created_at=at))
    store.put_steps(a_step(f"all[{n}]", n + 1, run_id) for n in range(steps))
    store.put_attempt(an_attempt("all[0]", 1, run_id))
    store.put_page(a_page(run_id=run_id))
    wait = WaitRecord(run_id=run_id, key="pause", kind=WaitKind.TIME, created_at=at, details={}, outcome={"at": 1})
    store.put_wait(replace(wait, settled_at=at))
    await store.put_run(run).wait()
    return run


def a_decision(occurrence: str, at: datetime = OLD, **changes: Any) -> DecisionRecord:
    values: dict[str, Any] = {
        "trigger_id": "nightly-sync/event/1",
        "verdict": Verdict.FILTERED,
        "reason": "",
        "node": "here",
    }
    return DecisionRecord(occurrence=occurrence, decided_at=at, **(values | changes))


async def rows(store: Store) -> dict[str, int]:
    """Return the number of rows of each table that has any."""
    return {one.table: one.rows for one in await store.stats() if one.rows}


async def run_ids(store: Store) -> set[str]:
    return {run.run_id for run in (await store.runs(limit=1000))[0]}


async def test_an_old_run_goes_with_everything_that_is_stored_of_it(store: Store) -> None:
    await put_run(store, "old", steps=30)
    await store.put_decision(a_decision("tick", run_id="old", verdict=Verdict.STARTED)).wait()
    assert len(await rows(store)) == 7
    assert await a_retention(store).prune() == Pruned(runs=1, workflow_versions=1)
    assert await rows(store) == {}


async def test_a_run_that_is_young_enough_stays_whole(store: Store) -> None:
    await put_run(store, "new", NEW, steps=3)
    before = await rows(store)
    assert await a_retention(store).prune() == Pruned()
    assert await rows(store) == before


async def test_what_counts_is_when_a_run_ended(store: Store) -> None:
    await put_run(store, "long", OLD, finished_at=NEW)
    await a_retention(store).prune()
    assert await run_ids(store) == {"long"}


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.NEEDS_ATTENTION])
async def test_a_run_that_has_not_ended_stays_however_old(store: Store, status: RunStatus) -> None:
    await put_run(store, "going", status=status)
    before = await rows(store)
    assert await a_retention(store, max_bytes=1).prune() == Pruned()
    assert await rows(store) == before


async def test_a_run_that_somebody_holds_stays(store: Store) -> None:
    await put_run(store, "held")
    await store.claim("held")
    assert await a_retention(store).prune() == Pruned()
    await store.release("held")
    assert await a_retention(store).prune() == Pruned(runs=1, workflow_versions=1)


async def test_runs_that_are_steps_go_with_the_run_at_the_top(store: Store) -> None:
    await put_run(store, "top")
    await put_run(store, "middle", parent_run_id="top", parent_step="a")
    await put_run(store, "bottom", parent_run_id="middle", parent_step="b")
    await put_run(store, "lives", NEW)
    await put_run(store, "its_step", parent_run_id="lives", parent_step="a")
    assert (await a_retention(store).prune() or Pruned()).runs == 1
    assert await run_ids(store) == {"lives", "its_step"}
    assert (await rows(store))["steps"] == 2


async def test_a_run_stays_while_one_below_it_needs_attention(store: Store) -> None:
    await put_run(store, "top", status=RunStatus.CANCELLED)
    await put_run(store, "below", parent_run_id="top", status=RunStatus.NEEDS_ATTENTION)
    assert await a_retention(store).prune() == Pruned()


async def test_a_run_stays_as_long_as_one_that_was_forked_from_it(store: Store) -> None:
    await put_run(store, "origin")
    await put_run(store, "child", parent_run_id="origin")
    await put_run(store, "fork", NEW, forked_from="child")
    assert await a_retention(store).prune() == Pruned()
    await put_run(store, "fork", OLD, forked_from="child")
    await a_retention(store).prune()
    await a_retention(store).prune()
    assert await run_ids(store) == set()


async def test_a_workflow_keeps_its_runs_for_as_long_as_it_says(store: Store) -> None:
    for name in ("shorter", "longer", "usual"):
        await put_run(store, f"{name}-old", OLD, workflow=name)
        await put_run(store, f"{name}-new", NOW - timedelta(days=60), workflow=name)
    workflows = {"shorter": kept_by("shorter", "max_age: 30d"), "longer": kept_by("longer", "max_age: 300d")}
    await a_retention(store, workflows).prune()
    assert await run_ids(store) == {"longer-old", "longer-new", "usual-new"}


async def test_a_workflow_keeps_its_newest_runs_in_the_number_that_it_says(store: Store) -> None:
    for n in range(5):
        await put_run(store, f"run{n}", NEW + timedelta(minutes=n), workflow="few")
    await put_run(store, "going", NEW, workflow="few", status=RunStatus.RUNNING)
    await a_retention(store, {"few": kept_by("few", "max_runs: 2")}).prune()
    assert await run_ids(store) == {"run3", "run4", "going"}


async def test_old_events_and_decisions_go_but_for_those_that_a_kept_run_refers_to(store: Store) -> None:
    await put_run(store, "kept", status=RunStatus.WAITING)
    for name in ("started", "filtered"):
        await store.put_event(an_event(name)).wait()
    store.put_decision(a_decision("started", event_id="started", run_id="kept", verdict=Verdict.STARTED))
    store.put_decision(a_decision("filtered", event_id="filtered"))
    store.put_event(an_event("emitted", run_id="kept", step_key="tell", type="told"))
    store.put_event(an_event("emitted_before", run_id="gone", step_key="tell", type="told"))
    await store.put_event(an_event("new", received_at=NEW, time=OLD)).wait()
    assert await a_retention(store).prune() == Pruned(events=2, decisions=1)
    assert {event.event_id for event in (await store.events())[0]} == {"started", "emitted", "new"}
    assert [decision.occurrence for decision in (await store.decisions())[0]] == ["started"]


async def test_the_events_of_a_run_that_goes_go_with_it(store: Store) -> None:
    await put_run(store, "old")
    await store.put_event(an_event("why")).wait()
    await store.put_decision(a_decision("why", event_id="why", run_id="old", verdict=Verdict.STARTED)).wait()
    assert await a_retention(store).prune() == Pruned(runs=1, events=1, workflow_versions=1)


async def test_an_event_that_is_kept_is_still_known_when_it_is_delivered_again(store: Store) -> None:
    await store.put_event(an_event("first", received_at=NEW, dedupe_key="k")).wait()
    await a_retention(store).prune()
    again = store.put_event(an_event("again", dedupe_key="k"))
    await again.wait()
    assert again.value == 0


async def test_versions_that_runs_use_or_the_project_has_stay(store: Store) -> None:
    present = kept_by("present", "max_age: 30d")
    for version in (a_version("unused"), a_version(present.digest, name="present"), a_version("new", created_at=NEW)):
        store.put_workflow_version(version)
    await put_run(store, "used", NEW, digest="used")
    await put_run(store, "gone", workflow="present", digest="gone")
    await a_retention(store, {"present": present}).prune()
    for digest, is_kept in {"unused": False, present.digest: True, "new": True, "used": True, "gone": False}.items():
        assert (await store.workflow_version(digest) is not None) == is_kept, digest


async def test_day_counts_of_long_ago_go(store: Store) -> None:
    for days in (10, 399, 401, 900):
        await store.reserve_usage("acs", (NOW - timedelta(days=days)).date())
    assert await a_retention(store).prune() == Pruned(usage=2)
    assert await store.usage("acs", (NOW - timedelta(days=399)).date()) == 1


async def test_a_forecast_says_what_would_go_and_removes_nothing(store: Store) -> None:
    await put_run(store, "old")
    await put_run(store, "new", NEW)
    store.put_event(an_event("unseen"))
    await store.put_decision(a_decision("filtered")).wait()
    before = await rows(store)
    assert await a_retention(store).forecast() == Pruned(runs=1, events=1, decisions=1)
    assert (await a_retention(store).forecast(older_than_s=3600)).runs == 2
    assert await rows(store) == before


async def test_what_a_person_asks_for_goes_before_what_workflows_say(store: Store) -> None:
    await put_run(store, "run", NOW - timedelta(days=20), workflow="longer")
    retention = a_retention(store, {"longer": kept_by("longer", "max_age: 300d")})
    assert (await retention.prune(older_than_s=30 * 86_400) or Pruned()).runs == 0
    assert (await retention.prune(older_than_s=10 * 86_400) or Pruned()).runs == 1


async def test_the_oldest_go_until_the_store_fits(store: Store) -> None:
    for day in range(40):
        run_id = f"run{day:02}"
        await put_run(store, run_id, NOW - timedelta(days=45 - day))
        text = "".join(chr(33 + (day * 7 + n * n) % 90) for n in range(40_000))
        await store.put_page(a_page("large", run_id=run_id, items=(text, text[::-1]))).wait()
    whole = await store.used_bytes()
    most = whole // 2
    pruned = await a_retention(store, max_bytes=most).prune()
    assert pruned is not None
    assert await store.used_bytes() <= most
    left = sorted(await run_ids(store))
    assert left == [f"run{day:02}" for day in range(pruned.runs, 40)]
    assert 15 <= pruned.runs <= 30


async def test_what_is_of_the_last_day_stays_however_large_the_store(store: Store) -> None:
    await put_run(store, "today", NOW - timedelta(hours=20))
    await put_run(store, "before", NOW - timedelta(hours=50))
    await a_retention(store, max_bytes=1).prune()
    assert await run_ids(store) == {"today"}
    await a_retention(store, max_bytes=1).prune()
    assert await run_ids(store) == {"today"}


class Counted:
    """Counts what each transaction holds."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def before_commit(self, operations: Sequence[Operation]) -> None:
        self.rows.append(sum(len(operation) for operation in operations))

    def after_commit(self, operations: Sequence[Operation]) -> None:
        pass


async def test_a_run_of_many_steps_goes_in_small_transactions(store_url: str) -> None:
    counted = Counted()
    async with await Store.open(store_url, clock=FakeClock(NOW), observer=counted) as store:
        await put_run(store, "large", steps=3000)
        for n in range(60):
            store.put_page(a_page(number=n, run_id="large"))
        await store.barrier()
        counted.rows.clear()
        await a_retention(store).prune()
        assert await rows(store) == {}
    assert len(counted.rows) >= 6
    assert max(counted.rows) <= ROWS_AT_ONCE


class Stopper:
    """Lets the n-th commit and every later one fail, before it or after it, as if the process had ended there."""

    def __init__(self, at: int, *, committed: bool) -> None:
        self.at = at
        self.committed = committed
        self.commits = 0

    def before_commit(self, operations: Sequence[Operation]) -> None:
        self.commits += 1
        if self.commits >= self.at and not self.committed:
            raise StopError

    def after_commit(self, operations: Sequence[Operation]) -> None:
        if self.commits >= self.at and self.committed:
            raise StopError


class StopError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("committed", [False, True])
async def test_pruning_that_breaks_off_at_any_write_shows_no_half_runs_and_goes_on(
    store_url: str, committed: bool
) -> None:
    clock = FakeClock(NOW)
    finished = False
    at = 0
    while not finished:
        at += 1
        async with await Store.open(store_url, clock=clock) as store:
            await put_run(store, "top", steps=1200)
            await put_run(store, "below", steps=30, parent_run_id="top")
            await put_run(store, "other", steps=40)
            await put_run(store, "kept", NEW, steps=3)
            await store.put_event(an_event("why")).wait()
            decision = a_decision("why", event_id="why", run_id="top", verdict=Verdict.STARTED)
            await store.put_decision(decision).wait()
        stopper = Stopper(at, committed=committed)
        async with await Store.open(store_url, clock=clock, observer=stopper) as store:
            with suppress(StoreError):
                await a_retention(store).prune()
                finished = stopper.commits < at
        async with await Store.open(store_url, clock=clock) as store:
            await check_whole_runs(store)
            await a_retention(store).prune()
            assert await run_ids(store) == {"kept"}
            left = await rows(store)
            assert left == {"runs": 1, "steps": 3, "attempts": 1, "pages": 1, "waits": 1, "workflow_versions": 1}
    assert at >= 7


async def check_whole_runs(store: Store) -> None:
    """Every run that is there has all of its steps."""
    expected = {"top": 1200, "below": 30, "other": 40, "kept": 3}
    for run_id in await run_ids(store):
        counts = await store.step_counts(run_id)
        assert counts == {StepStatus.SUCCEEDED: expected[run_id]}, run_id


async def test_only_one_process_prunes_at_a_time(store: Store) -> None:
    await store.claim("retention")
    assert await a_retention(store).prune() is None


async def test_a_run_is_not_resumed_or_forked_while_it_is_removed(store: Store) -> None:
    await put_run(store, "old", status=RunStatus.FAILED, steps=2)
    await put_run(store, "below", parent_run_id="old", status=RunStatus.FAILED)
    interventions = Interventions(store, FakeClock(NOW))
    await store.claim("old")
    with pytest.raises(RunStateError, match="another process"):
        await interventions.reopen("below")
    with pytest.raises(RunStateError, match="another process"):
        await interventions.fork("old", "all", kept_by("x", "max_runs: 1"), {})
