"""A service that is told to stop lets steps under way end, parks the rest and loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from backhaul.store.records import RunStatus
from service.faults import Faults
from service.plant import make_project, open_plant, until

pytestmark = pytest.mark.anyio

SLOW = """
inputs:
  gate: {type: string}
steps:
  - id: first
    call: world.put_slowly
    with: {name: first, gate: "${{ inputs.gate }}"}
  - id: second
    call: world.put
    with: {name: second}
"""
LONG_READ = """
steps:
  - id: look
    call: world.wait_forever
"""
RINGS_FOR_EVER = """
steps:
  - id: ring
    call: world.ring_forever
    with: {name: x}
"""


async def test_a_step_under_way_ends_and_the_run_goes_on_at_the_next_start(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    project = make_project(tmp_path, {"slow.yaml": SLOW})
    async with open_plant(project) as plant:
        run, _ = await plant.app.dispatcher.start("slow", {"gate": str(gate)}, cause="test")
        waiting, _ = await plant.app.dispatcher.start("slow", {"gate": str(gate)}, cause="test")
        await until(lambda: len(plant.done("entered")) == 2)
        plant.service.stop()
        await anyio.wait_all_tasks_blocked()
        queued, _ = await plant.app.dispatcher.start("slow", {"gate": str(gate)}, cause="test")
        gate.touch()
    assert [line["name"] for line in plant.done("put")] == ["first", "first"]
    async with open_plant(project) as plant:
        ended = await plant.ended(3)
        assert {one.run_id for one in ended} == {run.run_id, waiting.run_id, queued.run_id}
        assert {one.status for one in ended} == {RunStatus.SUCCEEDED}
    assert sorted(line["name"] for line in plant.done("put")) == ["first"] * 3 + ["second"] * 3


async def test_what_only_reads_is_left_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"read.yaml": LONG_READ})
    began = time.monotonic()
    async with open_plant(project) as plant:
        await plant.app.dispatcher.start("read", {}, cause="test")
        await until(lambda: plant.app.dispatcher.queue.under_way)
    assert time.monotonic() - began < 10
    async with open_plant(project, going=False) as plant:
        (run,) = await plant.runs()
        assert run.status in {RunStatus.RUNNING, RunStatus.QUEUED}


async def test_when_the_grace_time_is_over_a_repeatable_step_is_cut_off_and_repeated(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    project = make_project(tmp_path, {"slow.yaml": SLOW}, server="grace_s = 0.2")
    async with open_plant(project) as plant:
        await plant.app.dispatcher.start("slow", {"gate": str(gate)}, cause="test")
        await until(lambda: plant.done("entered"))
    gate.touch()
    async with open_plant(project) as plant:
        (run,) = await plant.ended(1)
        assert run.status is RunStatus.SUCCEEDED
    assert [line["name"] for line in plant.done("put")] == ["first", "second"]


async def test_when_the_grace_time_is_over_a_call_that_must_not_be_repeated_is_in_doubt(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"rings.yaml": RINGS_FOR_EVER}, server="grace_s = 0.2")
    async with open_plant(project) as plant:
        await plant.app.dispatcher.start("rings", {}, cause="test")
        await until(lambda: plant.done("ring"))
    async with open_plant(project) as plant:
        (run,) = await plant.ended(1)
        assert run.status is RunStatus.NEEDS_ATTENTION
    assert len(plant.done("ring")) == 1


async def test_a_service_stops_while_its_store_cannot_be_written(tmp_path: Path) -> None:
    faults = Faults()
    project = make_project(tmp_path, {"read.yaml": LONG_READ}, server="grace_s = 0.2")
    async with open_plant(project, write_observer=faults) as plant:
        await plant.app.dispatcher.start("read", {}, cause="test")
        await until(lambda: plant.app.dispatcher.queue.under_way)
        faults.break_disk()
        with anyio.fail_after(20):
            plant.service.stop()
            await until(lambda: not plant.app.dispatcher.queue.under_way)
    faults.clear()
    async with open_plant(project, going=False) as plant:
        assert len(await plant.runs()) == 1
