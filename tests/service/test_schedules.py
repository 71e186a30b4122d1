"""Cron triggers fire, are caught up with and paused; the ledger says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from structlog.testing import capture_logs

from backhaul.errors import UnknownNameError
from backhaul.service.scheduler import Scheduler
from backhaul.store.records import RunStatus
from backhaul.store.service_records import Verdict
from backhaul.testing import FakeClock
from backhaul.workflows.definition import Workflow
from service.desk import HOURLY, MIDNIGHT, Desk, desk, hourly, hours, nightly
from service.plant import make_project, open_plant, until

pytestmark = pytest.mark.anyio
NEEDY = """
on:
  - cron: "0 * * * *"
inputs:
  town: {type: string}
steps:
  - id: did
    set: {town: "${{ inputs.town }}"}
"""


async def test_a_tick_starts_one_run_and_the_ledger_names_it(tmp_path: Path) -> None:
    clock = FakeClock(MIDNIGHT)
    async with open_plant(make_project(tmp_path, nightly()), clock=clock) as plant:
        await until(lambda: clock.sleepers >= 2)
        await clock.advance(6 * 3600 + 1)
        (run,) = await plant.ended(1)
        assert run.status is RunStatus.SUCCEEDED
        assert run.trigger_id == "nightly/cron/1"
        (decision,) = await plant.decisions()
        assert decision.verdict is Verdict.STARTED
        assert decision.run_id == run.run_id
        assert decision.due_at == datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
    assert [line["name"] for line in plant.done("put")] == ["2026-03-01T06:00:00Z"]


async def test_a_new_schedule_begins_now_and_makes_up_for_nothing_before(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("catch_up: all"), now=hours(5.5)) as it:
        await it.at(hours(5.9))
        assert await it.decided() == []
        await it.at(hours(6))
        assert [one.due_at for one in await it.decided()] == [hours(6)]


@pytest.mark.parametrize(
    ("policy", "verdicts"),
    [
        ("catch_up: none", ["skipped"]),
        ("catch_up: latest", ["skipped", "started"]),
        ("catch_up: all", ["started"] * 5),
        ("catch_up: all\n    max_lateness: 90m", ["late", "started", "started"]),
        ("catch_up: latest\n    max_lateness: 10m", ["late"]),
    ],
)
async def test_ticks_of_an_outage_are_made_up_for_as_the_trigger_says(
    tmp_path: Path, policy: str, verdicts: list[str]
) -> None:
    async with desk(tmp_path, hourly(f"overlap: parallel\n    {policy}")) as it:
        await it.at(hours(0.5))
    # Nobody is there from one to five o'clock.
    async with desk(tmp_path, hourly(f"overlap: parallel\n    {policy}"), now=hours(5.3)) as it:
        await it.app.scheduler.fire_due()
        decided = await it.decided()
        assert [one.verdict.value for one in decided] == verdicts
        skipped = [one for one in decided if one.verdict is not Verdict.STARTED]
        counted = sum((one.details or {}).get("count", 1) for one in skipped) + len(decided) - len(skipped)
        assert counted == 5, "every tick is explained"
        assert all("ticks skipped by" in one.reason for one in skipped if (one.details or {}).get("count", 1) > 1)
        await it.app.scheduler.fire_due()
        await it.at(hours(5.4))
        assert len(await it.decided()) == len(decided)


async def test_a_clock_that_is_set_back_fires_nothing_twice(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel")) as it:
        for number in (1, 2, 3):
            await it.at(hours(number))
        for moment in (1.5, 2.0, 2.5, 3.0):
            await it.at(hours(moment))
        assert [one.due_at for one in await it.decided()] == [hours(1), hours(2), hours(3)]
        await it.at(hours(4))
        assert len(await it.plant.runs()) == 4


async def test_a_restart_with_the_clock_set_back_says_so_and_fires_nothing_twice(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel")) as it:
        for moment in (1, 2, 3):
            await it.at(hours(moment))
    with capture_logs() as logs:
        async with desk(tmp_path, hourly("overlap: parallel"), now=hours(0.5)) as it:
            for moment in (1, 2, 3):
                await it.at(hours(moment))
            assert len(await it.plant.runs()) == 3
            await it.at(hours(4))
            assert len(await it.plant.runs()) == 4
    assert any("clock is behind" in line["event"] for line in logs)


async def test_a_clock_that_jumps_forward_leaves_a_backlog_like_an_outage(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel\n    catch_up: latest")) as it:
        await it.at(hours(1))
        await it.at(hours(24 * 365))
        first, skipped, latest = await it.decided()
        assert [one.verdict.value for one in (first, skipped, latest)] == ["started", "skipped", "started"]
        assert skipped.details == {
            "first": hours(2).isoformat(),
            "last": hours(24 * 365 - 1).isoformat(),
            "count": 24 * 365 - 2,
        }
        assert latest.due_at == hours(24 * 365)


async def test_a_pause_skips_ticks_with_its_note_until_somebody_resumes(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel\n    catch_up: all")) as it:
        (schedule,) = await it.app.schedules.pause("hourly", "vendor migrates")
        assert schedule.paused
        await it.at(hours(1))
        await it.at(hours(3))
        assert [one.reason for one in await it.decided()] == [
            "paused: vendor migrates",
            "2 ticks paused: vendor migrates",
        ]
        assert await it.plant.runs() == []
        (schedule,) = await it.app.schedules.resume("hourly/cron/1")
        assert not schedule.paused
        await it.at(hours(4))
        assert [one.due_at for one in await it.decided() if one.verdict is Verdict.STARTED] == [hours(4)]


async def test_a_second_pause_keeps_since_when_and_its_note_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("overlap: parallel")) as it:
        await it.app.schedules.pause("hourly", "vendor migrates")
        since = it.app.clock.now()
        await it.at(hours(1))
        for note, kept in (("", "vendor migrates"), ("until Monday", "until Monday")):
            (schedule,) = await it.app.schedules.pause("hourly", note)
            assert schedule.record is not None
            assert (schedule.paused, schedule.record.note, schedule.record.paused_at) == (True, kept, since)
        await it.app.schedules.resume("hourly")
        (schedule,) = await it.app.schedules.pause("hourly", "")
        assert schedule.record is not None
        assert (schedule.record.note, schedule.record.paused_at) == ("", it.app.clock.now())


async def test_ticks_of_a_pause_during_an_outage_are_not_made_up_for_either(tmp_path: Path) -> None:
    policy = "overlap: parallel\n    catch_up: all"
    async with desk(tmp_path, hourly(policy)) as it:
        await it.at(hours(1))
        # The service ends here. A person pauses, and resumes three hours later, before it is back.
        await it.app.schedules.pause("hourly", "maintenance")
        it.clock.set_time(hours(4.5))
        await it.app.schedules.resume("hourly")
        decided = await it.decided()
        assert [one.verdict.value for one in decided] == ["started", "skipped"]
        assert decided[1].reason == "3 ticks paused: maintenance"
    async with desk(tmp_path, hourly(policy), now=hours(5)) as it:
        await it.app.scheduler.fire_due()
        assert [one.due_at for one in await it.decided() if one.verdict is Verdict.STARTED] == [hours(1), hours(5)]


async def test_a_pause_before_the_first_service_holds(tmp_path: Path) -> None:
    clock = FakeClock(MIDNIGHT)
    async with open_plant(make_project(tmp_path, hourly()), clock=clock, going=False) as plant:
        await plant.app.schedules.pause("hourly", "")
        await plant.app.scheduler.load()
        await Desk(plant, clock).at(hours(1))
        (decision,) = await plant.decisions()
        assert (decision.verdict, decision.reason) == (Verdict.SKIPPED, "paused")


async def test_pausing_what_is_no_schedule_names_those_that_are(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly()) as it:
        with pytest.raises(UnknownNameError, match="hourly/cron/1"):
            await it.app.schedules.pause("hourly/cron/2", "")


async def test_a_changed_definition_begins_anew(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("catch_up: all")) as it:
        await it.at(hours(1))
    changed = {"hourly.yaml": HOURLY.format(policy="catch_up: all").replace("0 * * * *", "*/5 * * * *")}
    async with desk(tmp_path, changed, now=hours(3.01)) as it:
        await it.app.scheduler.fire_due()
        assert len(await it.decided()) == 1, "nothing is made up for from before it was so"
        await it.at(hours(3 + 5 / 60))
        assert len(await it.decided()) == 2


async def test_a_changed_policy_goes_on_where_it_was(tmp_path: Path) -> None:
    async with desk(tmp_path, hourly("catch_up: none")) as it:
        await it.at(hours(1))
        await it.finish()
    async with desk(tmp_path, hourly("catch_up: all\n    overlap: parallel"), now=hours(3)) as it:
        await it.app.scheduler.fire_due()
        assert await it.verdicts() == ["started"] * 3


async def test_two_processes_give_a_tick_the_same_jitter_and_one_run(tmp_path: Path) -> None:
    project = make_project(tmp_path, hourly("overlap: parallel\n    jitter: 10m"))
    clock = FakeClock(MIDNIGHT)
    async with (
        open_plant(project, clock=clock, going=False) as one,
        open_plant(project, clock=clock, going=False) as two,
    ):
        for plant in (one, two):
            await plant.app.scheduler.load()
        (schedule,) = await one.app.schedules.all()
        due = [plant.app.schedules.next(schedule, 1)[0].due for plant in (one, two)]
        assert due[0] == due[1]
        assert hours(1) < due[0] < hours(1) + timedelta(minutes=10)
        for moment in (due[0] - timedelta(seconds=1), due[0]):
            clock.set_time(moment)
            for plant in (one, two):
                await plant.app.scheduler.fire_due()
            assert len(await one.runs()) == (moment == due[0])
        (decision,) = await one.decisions()
        assert decision.due_at == hours(1)


async def test_required_inputs_without_a_default_are_recorded_as_the_reason(tmp_path: Path) -> None:
    async with desk(tmp_path, {"needy.yaml": NEEDY}) as it:
        await it.at(hours(1))
        (decision,) = await it.decided()
        assert decision.verdict is Verdict.SKIPPED
        assert "town" in decision.reason
        assert await it.plant.runs() == []


async def test_a_reload_that_comes_while_the_schedules_are_read_is_not_lost(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, hourly()), clock=FakeClock(MIDNIGHT), going=False) as plant:
        looks = []

        def workflows() -> Mapping[str, Workflow]:
            looks.append(1)
            if len(looks) == 1:
                scheduler.reload()
            return plant.app.project.catalog.workflows

        async def cancel(run_id: str) -> None:
            raise AssertionError(run_id)

        app = plant.app
        scheduler = Scheduler(app.store, app.clock, workflows, node="here", on_run=app.dispatcher.add, cancel=cancel)
        async with anyio.create_task_group() as group:
            group.start_soon(scheduler.run)
            await until(lambda: len(looks) >= 2)
            group.cancel_scope.cancel()


async def test_ticks_of_many_schedules_at_one_moment_all_start(tmp_path: Path) -> None:
    many = {f"w{number}.yaml": HOURLY.format(policy="overlap: skip") for number in range(120)}
    async with desk(tmp_path, many) as it:
        await it.at(hours(1))
        assert len(await it.plant.runs()) == 120
        assert len({one.trigger_id for one in await it.decided()}) == 120
