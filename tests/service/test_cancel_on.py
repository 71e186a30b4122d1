"""`cancel_on` in a service: a newer event takes the place of an older one, and the event that starts never ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from backhaul.clock import SystemClock
from backhaul.plugins.events import Event
from backhaul.store.records import RunRecord, RunStatus
from service.plant import Plant, make_project, open_plant, until

pytestmark = pytest.mark.anyio

LATEST = """
name: latest
on: [{event: world.changed}]
cancel_on:
  - event: world.changed
    where: ${{ event.data.serial == trigger.data.serial }}
steps:
  - {id: rest, wait: {for: 1h}}
"""


async def change(plant: Plant, serial: str, key: str) -> str:
    """Take in that a thing has changed; return the run that it starts."""
    now = SystemClock().now()
    event = Event(type="changed", subject=serial, data={"serial": serial}, time=now, key=key)
    (taken,) = await plant.app.intake.take("world", [event], received_at=now)
    return taken.run_ids[0]


async def test_the_newest_run_of_a_thing_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"latest.yaml": LATEST})) as plant:
        first = await change(plant, "SN1", "a")

        async def status(run_id: str, wanted: RunStatus) -> RunRecord | None:
            run = await plant.app.store.run(run_id)
            return run if run is not None and run.status is wanted else None

        await until(lambda: status(first, RunStatus.WAITING))
        other = await change(plant, "SN2", "b")
        second = await change(plant, "SN1", "c")
        await until(lambda: status(first, RunStatus.CANCELLED))
        # The event that started a run is offered to the waits, too, and is of the type that cancels.
        await until(lambda: status(second, RunStatus.WAITING))
        await until(lambda: status(other, RunStatus.WAITING))
        third = await change(plant, "SN1", "d")
        await until(lambda: status(second, RunStatus.CANCELLED))
        await until(lambda: status(third, RunStatus.WAITING))
        assert {run.run_id: run.status for run in await plant.runs("latest")} == {
            first: RunStatus.CANCELLED,
            other: RunStatus.WAITING,
            second: RunStatus.CANCELLED,
            third: RunStatus.WAITING,
        }
