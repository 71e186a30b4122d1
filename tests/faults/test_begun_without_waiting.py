"""A run begins before its beginning is on disk: it reads meanwhile, and does nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from backhaul.errors import StoreError
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.statements import Operation
from service.plant import until
from world import Lab, open_lab

pytestmark = pytest.mark.anyio

READS_AND_RINGS = """
steps:
  - {id: look, call: world.look, with: {value: 4}}
  - {id: ring, call: world.ring, with: {name: bell}}
"""


class Disk:
    """A disk that can be made to hang at the next commit, and then to work, or to lose it."""

    def __init__(self) -> None:
        self.hangs = False
        self.loses = False
        self.is_asked = threading.Event()
        self.goes_on = threading.Event()

    def before_commit(self, operations: Sequence[Operation]) -> None:
        if self.hangs:
            self.is_asked.set()
            assert self.goes_on.wait(20)
        if self.loses:
            raise ValueError("the disk lost it")

    def after_commit(self, operations: Sequence[Operation]) -> None:
        pass


async def begun_while_the_disk_hangs(lab: Lab, disk: Disk) -> RunRecord:
    """Return a new run that the next `execute` begins while nothing gets to the disk."""
    run = await lab.executor.start(lab.define(READS_AND_RINGS), {})
    disk.hangs = True
    return run


async def nothing_was_done(lab: Lab, run: RunRecord, disk: Disk) -> None:
    """Check that the run has begun, done nothing, and is not known to have begun."""
    await until(disk.is_asked.is_set)
    for _ in range(100):
        await anyio.lowlevel.checkpoint()
    assert not lab.done("ring")
    on_disk = await lab.store.run(run.run_id)
    assert on_disk is not None
    assert on_disk.status is RunStatus.QUEUED
    assert on_disk.started_at is None


async def test_a_run_reads_before_its_beginning_is_on_disk_and_has_no_effect(tmp_path: Path, sqlite_url: str) -> None:
    disk = Disk()
    async with open_lab(sqlite_url, tmp_path / "world", write_observer=disk) as lab:
        run = await begun_while_the_disk_hangs(lab, disk)
        async with lab.carrying_out(run) as ended:
            await nothing_was_done(lab, run, disk)
            disk.goes_on.set()
        assert ended[0].status is RunStatus.SUCCEEDED
        assert len(lab.done("ring")) == 1


async def test_a_run_whose_beginning_is_lost_stops_without_an_effect_and_is_carried_out_later(
    tmp_path: Path, sqlite_url: str
) -> None:
    disk = Disk()
    async with open_lab(sqlite_url, tmp_path / "world", write_observer=disk) as lab:
        run = await begun_while_the_disk_hangs(lab, disk)
        stopped: list[StoreError] = []
        async with anyio.create_task_group() as group:
            group.start_soon(carry_out, lab, run, stopped)
            await nothing_was_done(lab, run, disk)
            disk.loses = True
            disk.goes_on.set()
        assert stopped
        assert not lab.done("ring")
        disk.loses = disk.hangs = False
        assert not await lab.store.is_claimed(run.run_id)
        run = await lab.executor.execute(run.run_id)
        assert run.status is RunStatus.SUCCEEDED
        assert len(lab.done("ring")) == 1


async def test_what_a_stopped_run_still_writes_is_on_disk_before_another_process_may_take_it(
    tmp_path: Path, sqlite_url: str
) -> None:
    disk = Disk()
    async with open_lab(sqlite_url, tmp_path / "world", write_observer=disk) as lab:
        run = await lab.executor.start(lab.define(READS_AND_RINGS), {})
        await lab.store.put_run(replace(run, digest="a definition that is gone")).wait()
        disk.hangs = True
        stopped: list[StoreError] = []
        async with anyio.create_task_group() as group:
            group.start_soon(carry_out, lab, run, stopped)
            await nothing_was_done(lab, run, disk)
            assert await lab.store.is_claimed(run.run_id), "it was given back while its writes were on their way"
            disk.goes_on.set()
        assert "definition" in str(stopped[0])
        assert not await lab.store.is_claimed(run.run_id)


async def carry_out(lab: Lab, run: RunRecord, stopped: list[StoreError]) -> None:
    """Carry a run out, and keep the failure of the store."""
    try:
        await lab.executor.execute(run.run_id)
    except StoreError as error:
        stopped.append(error)
