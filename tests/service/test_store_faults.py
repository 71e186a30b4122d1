"""While the store fails the service stands still and says so; afterwards everything goes on, and nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from backhaul.errors import StoreError
from backhaul.plugins.events import Event
from backhaul.store.records import RunStatus
from backhaul.testing import FakeClock
from service.faults import Faults
from service.plant import Plant, make_project, open_plant, until

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTELY = """
on:
  - cron: "* * * * *"
    overlap: parallel
    catch_up: all
steps:
  - id: did
    call: world.put
    with: {name: "${{ event.time }}"}
"""
NOTE = """
on:
  - event: world.moved
steps:
  - id: one
    call: world.put
    with: {name: "${{ event.data.number }}"}
  - id: two
    call: world.ring_verified
    with: {name: "${{ event.data.number }}"}
"""


def moved(number: int) -> Event:
    return Event(type="moved", data={"number": str(number)}, time=NOON, key=str(number))


async def going_on(clock: FakeClock, look: Callable[[], Awaitable[bool] | bool]) -> None:
    """Let the time go on until something is so."""

    async def step() -> bool:
        await clock.advance(1)
        found = look()
        return found if isinstance(found, bool) else await found

    await until(step)


async def ticks(plant: Plant) -> list[str]:
    return [one.occurrence for one in await plant.decisions("minutely/cron/1")]


async def test_ticks_during_a_full_disk_are_decided_when_there_is_room_again(tmp_path: Path) -> None:
    clock, faults = FakeClock(NOON), Faults()
    project = make_project(tmp_path, {"minutely.yaml": MINUTELY})
    async with open_plant(project, clock=clock, write_observer=faults) as plant:

        async def first() -> bool:
            return len(await ticks(plant)) >= 1

        await going_on(clock, first)
        faults.break_disk()
        await going_on(clock, lambda: "schedules" in plant.service.troubles)
        assert "disk of the store is full" in plant.service.troubles["schedules"]
        missed_until = clock.now()
        faults.clear()

        async def all_decided() -> bool:
            found = await ticks(plant)
            return bool(found) and datetime.fromisoformat(found[-1]) > missed_until

        await going_on(clock, all_decided)
        found = await ticks(plant)
        moments = [datetime.fromisoformat(one) for one in found]
        assert all((later - earlier).total_seconds() == 60 for earlier, later in pairwise(moments))
        await going_on(
            clock, lambda: len(plant.done("put")) >= len(found) and "schedules" not in plant.service.troubles
        )
        assert len(await plant.runs()) >= len(found)
        assert len({run.event["id"] for run in await plant.runs() if run.event}) == len(await plant.runs())


async def test_runs_under_way_go_on_after_the_disk_was_full(tmp_path: Path) -> None:
    clock, faults = FakeClock(NOON), Faults()
    async with open_plant(make_project(tmp_path, {"note.yaml": NOTE}), clock=clock, write_observer=faults) as plant:
        await plant.app.dispatcher.recovered.wait()
        await plant.app.intake.take("world", [moved(number) for number in range(20)], received_at=NOON)
        await until(lambda: plant.done("put"))
        faults.break_disk()
        await until(lambda: faults.failed)
        with pytest.raises(StoreError):
            await plant.app.intake.take("world", [moved(99)], received_at=NOON)
        faults.clear()

        async def done() -> bool:
            runs = await plant.runs()
            return all(run.status is RunStatus.SUCCEEDED for run in runs)

        await going_on(clock, done)
        assert len(await plant.runs()) == 20
    rung = [line["name"] for line in plant.done("ring")]
    assert sorted(rung, key=int) == [str(number) for number in range(20)]


async def test_an_event_taken_while_another_process_holds_the_store_is_kept_when_it_lets_go(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"note.yaml": NOTE})) as plant:
        await plant.app.dispatcher.recovered.wait()
        blocker = sqlite3.connect(tmp_path / "history.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as group:

            async def take() -> None:
                (taken,) = await plant.app.intake.take("world", [moved(1)], received_at=NOON)
                assert taken.is_new

            group.start_soon(take)
            await until(lambda: plant.app.store.writer.pending)
            blocker.execute("ROLLBACK")
            blocker.close()
        (run,) = await plant.ended(1)
        assert run.status is RunStatus.SUCCEEDED
