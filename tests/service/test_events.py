"""Events start runs, once each, and the ledger says why; runs tell of their ends; chains come to an end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backhaul.errors import StoreError, UnknownNameError
from backhaul.plugins.events import Event
from backhaul.service.intake import Taken
from backhaul.store.records import EventRecord, RunStatus
from backhaul.store.service_records import Verdict
from service.faults import Faults
from service.plant import Plant, make_project, open_plant, until

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LINK = """
on:
  - event: world.added
    where: ${{ event.data.serial != "" and event.data.model == "HG8245" }}
steps:
  - id: did
    call: world.ring
    with: {name: "${{ event.data.serial }}"}
"""
NOTE = """
on:
  - event: world.added
steps:
  - id: did
    set: {serial: "${{ event.data.serial }}"}
"""
RINGER = """
on:
  - event: told.again
steps:
  - id: did
    call: world.ring
    with: {name: "${{ event.data.name }}"}
"""
TELLER = """
inputs:
  die: {type: string, default: ""}
steps:
  - id: tell
    emit: {type: told.again, data: {name: SN1}}
  - id: after
    call: world.put
    with: {name: after}
"""
LOOP = """
on:
  - event: round.and_round
steps:
  - id: again
    emit: {type: round.and_round, data: {}}
"""
CHILD_LOOP = {
    "parent.yaml": "on: [{event: round.and_round}]\nsteps: [{id: sub, run: child}]\n",
    "child.yaml": "steps: [{id: again, emit: {type: round.and_round, data: {}}}]\n",
}
ALARM = """
on:
  - event: backhaul.run.failed
    where: ${{ event.data.workflow != "quiet" }}
steps:
  - id: did
    call: world.ring
    with: {name: "${{ event.data.workflow }} ${{ event.data.error.message }}"}
"""
FAILS = "steps: [{id: did, call: world.put, with: {name: x, fail: refused}}]\n"


def added(serial: str = "SN1", *, model: str = "HG8245", key: str | None = None) -> Event:
    return Event(type="added", data={"serial": serial, "model": model}, time=NOON, key=key)


def a_record(event_type: str, event_id: str = "first") -> EventRecord:
    return EventRecord(
        event_id=event_id, type=event_type, source="test", time=NOON, received_at=NOON, dedupe_key=event_id
    )


def data_of(event: EventRecord) -> dict[str, Any]:
    data: dict[str, Any] = event.data or {}
    return data


async def take(plant: Plant, *events: Event) -> list[Taken]:
    return await plant.app.intake.take("world", events, received_at=NOON)


async def test_an_event_starts_a_run_of_each_trigger_that_it_passes(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"link.yaml": LINK, "note.yaml": NOTE})) as plant:
        (taken,) = await take(plant, added())
        assert taken.is_new
        assert len(taken.run_ids) == 2
        runs = await plant.ended(2)
        assert {run.run_id for run in runs} == set(taken.run_ids)
        assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
        assert {run.event_id for run in runs} == {taken.event_id}
        assert {run.trigger_id for run in runs} == {"link/event/1", "note/event/1"}
    assert [line["name"] for line in plant.done("ring")] == ["SN1"]


async def test_a_filtered_event_is_recorded_with_the_clause_and_what_it_saw(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"link.yaml": LINK}), going=False) as plant:
        (taken,) = await take(plant, added(model="X9"))
        assert taken.is_new
        assert taken.run_ids == ()
        (decision,) = await plant.decisions()
        assert decision.verdict is Verdict.FILTERED
        assert decision.reason == "filtered by `event.data.model == \"HG8245\"`: event.data.model is 'X9'"
        assert decision.details == {"clause": 'event.data.model == "HG8245"', "values": {"event.data.model": "'X9'"}}
        assert decision.event_id == taken.event_id


async def test_an_event_delivered_again_names_the_first_one_and_starts_nothing(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"link.yaml": LINK})) as plant:
        (first,) = await take(plant, added(key="k1"))
        again, other = await take(plant, added(key="k1"), added("SN2", key="k2"))
        assert (again.event_id, again.is_new, again.run_ids) == (first.event_id, False, ())
        assert other.is_new
        assert len(await plant.ended(2)) == 2
        (duplicate,) = await plant.decisions("-")
        assert duplicate.verdict is Verdict.DUPLICATE
        assert duplicate.event_id == first.event_id
        assert duplicate.details == {"source": "world", "key": "k1"}
    assert sorted(line["name"] for line in plant.done("ring")) == ["SN1", "SN2"]


async def test_an_event_delivered_a_hundred_times_to_two_processes_starts_one_run(
    tmp_path: Path, store_url: str
) -> None:
    project = make_project(tmp_path, {"link.yaml": LINK}, url=store_url)
    async with open_plant(project) as one, open_plant(project, going=False) as two:
        taken = []
        for number in range(10):
            taken += await take((one, two)[number % 2], *[added(key="k")] * 10)
        assert len({one.event_id for one in taken}) == 1
        assert sum(one.is_new for one in taken) == 1
        await one.ended(1)
        assert len(await one.runs()) == 1
    assert len(one.done("ring")) == 1


async def test_events_without_a_trigger_are_kept_all_the_same(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"note.yaml": NOTE}), going=False) as plant:
        taken = await plant.app.intake.take_record(a_record("unknown.type"))
        assert await plant.app.store.event(taken.event_id) is not None
        assert await plant.decisions() == []


async def test_a_replayed_event_starts_its_runs_once_more(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"link.yaml": LINK})) as plant:
        (first,) = await take(plant, added(key="k1"))
        replayed = await plant.app.intake.replay(first.event_id)
        assert len(replayed.run_ids) == 1
        assert set(replayed.run_ids).isdisjoint(first.run_ids)
        await plant.ended(2)
        first_decision, second = await plant.decisions("link/event/1")
        assert second.reason == "replayed: event world.added"
        assert second.event_id == first_decision.event_id == first.event_id
        with pytest.raises(UnknownNameError):
            await plant.app.intake.replay("nothing")
    assert len(plant.done("ring")) == 2


async def test_an_emitted_event_starts_another_workflow_once(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"teller.yaml": TELLER, "ringer.yaml": RINGER})) as plant:
        await plant.app.dispatcher.start("teller", {}, cause="test")
        runs = await plant.ended(2)
        ringer = next(run for run in runs if run.workflow == "ringer")
        assert (ringer.depth, ringer.trigger_id) == (1, "ringer/event/1")
    assert [line["name"] for line in plant.done("ring")] == ["SN1"]


async def test_an_emitted_event_starts_its_run_once_wherever_the_emitting_run_is_cut_off(tmp_path: Path) -> None:
    """The store fails at every commit of the emitting run in turn; each time the run goes on afterwards."""
    workflows = {"teller.yaml": TELLER, "ringer.yaml": RINGER}
    for number in range(1, 12):
        folder = tmp_path / str(number)
        folder.mkdir()
        faults = Faults()
        async with open_plant(make_project(folder, workflows), write_observer=faults, going=False) as plant:
            run, _ = await plant.app.dispatcher.start("teller", {}, cause="test")
            faults.fail_commit(number)
            try:
                await plant.app.executor.execute(run.run_id)
            except StoreError:
                faults.clear()
                await plant.app.executor.execute(run.run_id)
            faults.clear()
            assert [one.workflow for one in await plant.runs()].count("ringer") == 1, number
            assert (await plant.runs("teller"))[0].status is RunStatus.SUCCEEDED
    assert not faults.failed, "the last round went beyond the last commit"


@pytest.mark.parametrize("workflows", [{"loop.yaml": LOOP}, CHILD_LOOP], ids=["itself", "through a child"])
async def test_runs_that_start_each_other_for_ever_are_stopped(tmp_path: Path, workflows: dict[str, str]) -> None:
    async with open_plant(make_project(tmp_path, workflows)) as plant:
        await plant.app.intake.take_record(a_record("round.and_round"))

        async def stopped() -> bool:
            return any(one.verdict is Verdict.SKIPPED for one in await plant.decisions())

        await until(stopped)
        await plant.ended(10)
        (skipped,) = [one for one in await plant.decisions() if one.verdict is Verdict.SKIPPED]
        assert "10 runs have started each other" in skipped.reason
        assert len([run for run in await plant.runs() if run.parent_run_id is None]) == 10


async def test_a_failed_run_starts_those_who_asked_for_it(tmp_path: Path) -> None:
    workflows = {"fails.yaml": FAILS, "quiet.yaml": FAILS, "alarm.yaml": ALARM}
    async with open_plant(make_project(tmp_path, workflows)) as plant:
        for name in ("fails", "quiet"):
            await plant.app.dispatcher.start(name, {}, cause="test")

        async def told() -> bool:
            return len(await plant.decisions("alarm/event/1")) == 2

        await until(told)
        await plant.ended(3)
        assert {one.verdict for one in await plant.decisions("alarm/event/1")} == {Verdict.STARTED, Verdict.FILTERED}
    assert [line["name"] for line in plant.done("ring")] == ["fails the world says no"]


async def test_a_run_does_not_start_its_own_workflow_by_its_end(tmp_path: Path) -> None:
    failing_alarm = "on: [{event: backhaul.run.failed}]\n" + FAILS
    async with open_plant(make_project(tmp_path, {"alarm.yaml": failing_alarm})) as plant:
        await plant.app.dispatcher.start("alarm", {}, cause="test")

        async def decided() -> bool:
            return bool(await plant.decisions())

        await until(decided)
        (decision,) = await plant.decisions()
        assert (decision.verdict, decision.reason) == (
            Verdict.SKIPPED,
            "a run's end does not start its own workflow",
        )
        assert len(await plant.runs()) == 1


async def test_the_end_of_a_child_is_no_event_of_its_own(tmp_path: Path) -> None:
    workflows = {
        "parent.yaml": "steps: [{id: sub, run: child}]\n",
        "child.yaml": "steps: [{id: x, set: {a: 1}}]\n",
        "seen.yaml": "on: [{event: backhaul.run.finished}]\nsteps: [{id: x, set: {w: '${{ event.data.workflow }}'}}]\n",
    }
    async with open_plant(make_project(tmp_path, workflows)) as plant:
        await plant.app.dispatcher.start("parent", {}, cause="test")
        await plant.ended(3)
        events = (await plant.app.store.events(type="backhaul.run.finished"))[0]
        assert sorted(data_of(event)["workflow"] for event in events) == ["parent", "seen"]


async def test_a_run_cancelled_in_the_queue_tells_of_its_end(tmp_path: Path) -> None:
    workflows = {
        "idle.yaml": "steps: [{id: x, set: {a: 1}}]\n",
        "seen.yaml": "on: [{event: backhaul.run.cancelled}]\nsteps: [{id: x, set: {a: 1}}]\n",
    }
    async with open_plant(make_project(tmp_path, workflows), going=False) as plant:
        run, _ = await plant.app.dispatcher.start("idle", {}, cause="test")
        await plant.app.interventions.cancel(run.run_id)
        (started,) = await plant.runs("seen")
        assert started.event is not None
        assert started.event["data"]["run_id"] == run.run_id


async def test_an_event_that_came_again_is_not_told_to_those_who_wait(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"note.yaml": NOTE}), going=False) as plant:
        told: list[str] = []
        plant.app.intake.on_event = lambda event: told.append(str(event.dedupe_key))
        plant.app.intake.on_run = lambda run: told.append(run.workflow)
        page = [added(key="a"), added(key="b")]
        await plant.app.intake.take_poll_page("world", "changes", "1", page, NOON)
        assert told == ["note", "a", "note", "b"]
        await plant.app.intake.take_poll_page("world", "changes", "2", [*page, added(key="c")], NOON)
        await plant.app.intake.take_poll_page("world", "changes", "3", [added(key="a")], NOON)
        await plant.app.intake.take_poll_page("world", "changes", "4", [], NOON)
        assert told == ["note", "a", "note", "b", "note", "c"]


async def test_events_are_acknowledged_only_when_they_are_on_disk(tmp_path: Path) -> None:
    faults = Faults()
    project = make_project(tmp_path, {"note.yaml": NOTE})
    async with open_plant(project, write_observer=faults, going=False) as plant:
        faults.break_disk()
        with pytest.raises(StoreError):
            await take(plant, added(key="k"))
        faults.clear()
        (taken,) = await take(plant, added(key="k"))
        assert taken.is_new
        assert len(await plant.runs()) == 1
