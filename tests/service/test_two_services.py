"""Two services with two nodes on one store: every tick and every event starts exactly one run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from backhaul.plugins.events import Event
from backhaul.store.records import RunStatus
from backhaul.store.service_records import Verdict
from backhaul.testing import FakeClock
from service.plant import Plant, make_project, open_plant, until
from world import read_world

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTES = 10
EVENTS = 60
MINUTELY = """
on:
  - cron: "* * * * *"
    overlap: parallel
    catch_up: all
  - cron: "*/2 * * * *"
    overlap: queue
    catch_up: all
steps:
  - id: did
    call: world.ring
    with: {name: "${{ event.id }}"}
"""
NOTE = """
on:
  - event: world.moved
  - event: world.moved
    where: ${{ event.data.number % 2 == 0 }}
steps:
  - id: did
    call: world.ring
    with: {name: "event ${{ event.data.number }}"}
  - id: tell
    emit: {type: told.on, data: {number: "${{ event.data.number }}"}, key: "${{ event.id }}"}
"""
TOLD = """
on:
  - event: told.on
steps:
  - id: did
    call: world.ring
    with: {name: "told ${{ event.data.number }}"}
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest) -> str:
    """The store that both services use."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


async def deliver(plant: Plant) -> None:
    """Deliver every event, in two portions that overlap."""
    events = [Event(type="moved", data={"number": n}, time=NOON, key=str(n)) for n in range(EVENTS)]
    for part in (events[:40], events[20:]):
        await plant.app.intake.take("world", part, received_at=NOON)


async def test_every_tick_and_every_event_starts_exactly_one_run(tmp_path: Path, url: str) -> None:
    clock = FakeClock(NOON)
    workflows = {"minutely.yaml": MINUTELY, "note.yaml": NOTE, "told.yaml": TOLD}
    one_project = make_project(tmp_path / "one", workflows, url=url, file=tmp_path / "world")
    two_project = make_project(tmp_path / "two", workflows, url=url, file=tmp_path / "world", node="there")
    ticks = MINUTES + MINUTES // 2
    async with open_plant(one_project, clock=clock) as one, open_plant(two_project, clock=clock) as two:
        for plant in (one, two):
            await plant.app.dispatcher.recovered.wait()

        async def seen() -> bool:
            return len(await one.app.store.schedules()) == 2

        await until(seen)
        end = NOON + timedelta(minutes=MINUTES)
        async with anyio.create_task_group() as group:
            for plant in (one, two):
                group.start_soon(deliver, plant)

        async def all_decided() -> bool:
            if clock.now() < end:
                await clock.advance(5)
            found = [one for one in await one.decisions() if "/cron/" in one.trigger_id]
            return len(found) >= ticks

        await until(all_decided, seconds=60)

        async def all_ended() -> bool:
            await clock.advance(1)
            runs = await one.runs()
            return all(run.status is RunStatus.SUCCEEDED for run in runs)

        await until(all_ended, seconds=60)
        decisions, runs = await one.decisions(), await one.runs()
    started = [decision for decision in decisions if decision.verdict is Verdict.STARTED]
    # One trigger takes all events and one every second, each of their two kinds of runs emits with the event's key.
    expected = Counter(
        {
            "minutely/cron/1": MINUTES,
            "minutely/cron/2": MINUTES // 2,
            "note/event/1": EVENTS,
            "note/event/2": EVENTS // 2,
        }
    )
    expected["told/event/1"] = EVENTS
    on_time = [one for one in started if one.due_at is None or one.due_at <= end]
    by_trigger = Counter(decision.trigger_id for decision in on_time)
    assert by_trigger == expected
    assert {decision.run_id for decision in started} == {run.run_id for run in runs}
    assert len(runs) == len(started)
    rung = Counter(line["name"] for line in read_world(tmp_path / "world") if line["do"] == "ring")
    assert sum(rung.values()) == len(runs)
    assert {rung[f"told {number}"] for number in range(EVENTS)} == {1}
    assert {run.node for run in runs} <= {"here", "there"}


async def test_a_node_recovers_its_own_runs_and_no_others(tmp_path: Path, url: str) -> None:
    workflows = {"note.yaml": NOTE}
    mine = make_project(tmp_path / "one", workflows, url=url, file=tmp_path / "world")
    other = make_project(tmp_path / "two", workflows, url=url, file=tmp_path / "world", node="there")
    async with open_plant(other, going=False) as theirs:
        await theirs.app.intake.take("world", [Event(type="moved", data={"number": 1}, time=NOON)], received_at=NOON)
    async with open_plant(mine) as plant:
        await plant.app.intake.take("world", [Event(type="moved", data={"number": 3}, time=NOON)], received_at=NOON)

        async def mine_done() -> bool:
            return {run.status for run in await plant.runs() if run.node == "here"} == {RunStatus.SUCCEEDED}

        await until(mine_done)
        assert {run.status for run in await plant.runs() if run.node == "there"} == {RunStatus.QUEUED}
    async with open_plant(other) as theirs:
        await theirs.ended(2)
