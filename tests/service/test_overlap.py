"""What a tick does while earlier runs of its trigger are still going."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from backhaul.service.scheduler import Scheduler
from backhaul.store.records import RunStatus
from backhaul.store.service_records import Verdict
from backhaul.store.store import Store
from service.desk import Late, desk, hourly, hours

pytestmark = pytest.mark.anyio


async def test_overlap_skip_names_the_run_that_is_in_the_way(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: skip")) as it:
        await it.at(hours(1))
        await it.at(hours(2))
        first, second = await it.decided()
        assert (first.verdict, second.verdict) == (Verdict.STARTED, Verdict.SKIPPED)
        assert second.reason == f"skipped by overlap: run {first.run_id} is still going"
        assert second.run_id == first.run_id
        await it.finish()
        await it.at(hours(3))
        assert await it.verdicts() == ["started", "skipped", "started"]


async def test_overlap_skip_counts_a_waiting_run(tmp_path: Path) -> None:
    waiting = {"hourly.yaml": 'on: [{cron: "0 * * * *"}]\nsteps: [{id: w, wait: {event: never.comes, timeout: 3h}}]\n'}
    async with desk(tmp_path, waiting) as it:
        await it.at(hours(1))
        await it.finish()
        (run,) = await it.plant.runs()
        assert run.status is RunStatus.WAITING
        await it.at(hours(2))
        assert await it.verdicts() == ["started", "skipped"]


async def test_overlap_queue_lets_one_run_go_after_the_other(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: queue")) as it:
        for number in (1, 2, 3):
            await it.at(hours(number))
        assert await it.verdicts() == ["started"] * 3
        queue = it.app.dispatcher.queue
        begun = [queue.take(), queue.take()]
        assert begun[0] is not None
        assert begun[1] is None
        queue.leave(begun[0].run_id, keeps_slots=False)
        following = queue.take()
        assert following is not None
        assert [begun[0].run_id, following.run_id] == [run.run_id for run in (await it.plant.runs())[:2]]


async def test_overlap_parallel_lets_all_go_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel")) as it:
        for number in (1, 2, 3):
            await it.at(hours(number))
        queue = it.app.dispatcher.queue
        assert len({run.run_id for run in (queue.take(), queue.take(), queue.take()) if run}) == 3


async def test_overlap_cancel_running_ends_the_run_before(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: cancel_running")) as it:
        await it.at(hours(1))
        await it.at(hours(2))
        first, second = await it.plant.runs()
        assert (first.status, second.status) == (RunStatus.CANCELLED, RunStatus.QUEUED)
        assert await it.verdicts() == ["started", "started"]


async def test_cancel_running_after_an_outage_lets_only_the_last_tick_go_on(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: cancel_running\n    catch_up: all")) as it:
        await it.at(hours(4))
        assert await it.verdicts() == ["started"] * 4
        statuses = [
            run.status.value for run in sorted(await it.plant.runs(), key=lambda run: str((run.event or {})["time"]))
        ]
        assert statuses == ["cancelled", "cancelled", "cancelled", "queued"]


async def test_a_tick_that_another_process_starts_at_the_same_moment_is_not_cancelled(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: cancel_running")) as it:
        late = Late(it.app.store)
        other = Scheduler(
            cast("Store", late),
            it.clock,
            lambda: it.app.project.catalog.workflows,
            node="there",
            on_run=it.app.dispatcher.add,
            cancel=it.app.interventions.cancel,
        )
        await other.load()
        it.clock.set_time(hours(1))
        late.then.append(it.app.scheduler.fire_due)
        await other.fire_due()
        (run,) = await it.plant.runs()
        assert run.status is RunStatus.QUEUED
        assert await it.verdicts() == ["started"]
