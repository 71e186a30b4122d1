"""Queued runs are carried out in order of urgency, within their limits, and what stands in the store counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from structlog.testing import capture_logs

from backhaul.errors import InputError, RunStateError, UnknownNameError
from backhaul.runs.interventions import Interventions
from backhaul.runs.progress import RunObserver
from backhaul.store.records import EventRecord, RunRecord, RunStatus
from backhaul.store.store import Store
from service.plant import Plant, make_project, open_plant, until

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMED = """
inputs:
  name: {{type: string, default: x}}
{more}
steps:
  - id: did
    call: world.put
    with: {{name: "${{{{ inputs.name }}}}"}}
"""
SLOW = """
inputs:
  name: {{type: string, default: x}}
  gate: {{type: string}}
{more}
steps:
  - id: did
    call: world.put_slowly
    with: {{name: "${{{{ inputs.name }}}}", gate: "${{{{ inputs.gate }}}}"}}
"""
WAITS = """
concurrency: {limit: 1}
steps:
  - id: w
    wait: {event: go.on, timeout: 1d}
  - id: did
    call: world.put
    with: {name: "${{ run.id }}"}
"""


def named(more: str = "") -> str:
    return NAMED.format(more=more)


def slow(more: str = "") -> str:
    return SLOW.format(more=more)


async def start(plant: Plant, workflow: str, priority: int | None = None, **inputs: str) -> str:
    run, _ = await plant.app.dispatcher.start(workflow, inputs, cause="test", priority=priority)
    return run.run_id


async def entered(plant: Plant, count: int) -> None:
    await until(lambda: len(plant.done("entered")) >= count)


async def stands(plant: Plant, run_id: str, *statuses: RunStatus) -> RunStatus:
    async def look() -> RunStatus | None:
        run = await plant.app.store.run(run_id)
        return run.status if run is not None and run.status in statuses else None

    found: RunStatus = await until(look)
    return found


async def test_an_urgent_run_does_not_wait_behind_bulk_ones(tmp_path: Path) -> None:
    gate = str(tmp_path / "gate")
    project = make_project(tmp_path, {"bulk.yaml": slow(), "phone.yaml": named()}, server="max_runs = 5")
    async with open_plant(project) as plant:
        for number in range(8):
            await start(plant, "bulk", 0, name=str(number), gate=gate)
        await entered(plant, 4)
        await start(plant, "phone", 50, name="ring")
        await plant.ended(0, "phone")
        assert plant.done("put") == [{"do": "put", "name": "ring", "value": 0}]
        assert len(plant.done("entered")) == 4, "a fifth of the places was kept for it"
        Path(gate).touch()
        await plant.ended(9)


async def test_runs_begin_in_the_order_of_their_priority(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"one.yaml": named()}, server="max_runs = 1")
    async with open_plant(project, going=False) as plant:
        for priority in (0, 90, 20):
            await start(plant, "one", priority, name=str(priority))
        async with anyio.create_task_group() as group:
            group.start_soon(plant.app.dispatcher.run)
            await plant.ended(3)
            plant.app.dispatcher.close(5)
    assert [line["name"] for line in plant.done("put")] == ["90", "20", "0"]


async def test_a_limit_with_a_key_lets_one_run_of_each_key_go_at_a_time(tmp_path: Path) -> None:
    gate = str(tmp_path / "gate")
    concurrency = 'concurrency: {limit: 1, key: "${{ inputs.name }}"}'
    async with open_plant(make_project(tmp_path, {"link.yaml": slow(concurrency)})) as plant:
        for number in range(6):
            await start(plant, "link", name=f"SN{number % 2}", gate=gate)
        await entered(plant, 2)
        await start(plant, "link", name="SN9", gate=gate)
        await entered(plant, 3)
        assert sorted(line["name"] for line in plant.done("entered")) == ["SN0", "SN1", "SN9"]
        Path(gate).touch()
        await plant.ended(7)


async def test_a_waiting_run_keeps_its_slot_until_it_ends(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"waits.yaml": WAITS})) as plant:
        first = await start(plant, "waits")
        await stands(plant, first, RunStatus.WAITING)
        second = await start(plant, "waits")
        await plant.app.intake.take_record(
            EventRecord(event_id="e", type="go.on", source="test", time=NOON, received_at=plant.app.clock.now())
        )
        await stands(plant, first, RunStatus.SUCCEEDED)
        await stands(plant, second, RunStatus.WAITING)
        assert [line["name"] for line in plant.done("put")] == [first]


async def test_a_waiting_run_that_is_cancelled_lets_the_next_one_go(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"waits.yaml": WAITS})) as plant:
        first = await start(plant, "waits")
        await stands(plant, first, RunStatus.WAITING)
        second = await start(plant, "waits")
        await plant.app.interventions.cancel(first)
        await stands(plant, second, RunStatus.WAITING)


async def test_waiting_runs_hold_their_slots_through_a_restart(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"waits.yaml": WAITS})
    async with open_plant(project) as plant:
        first = await start(plant, "waits")
        await stands(plant, first, RunStatus.WAITING)
    async with open_plant(project) as plant:
        await plant.app.dispatcher.recovered.wait()
        await start(plant, "waits")
        assert plant.app.dispatcher.queue.holders() == [first]
        assert plant.app.dispatcher.queue.take() is None
        await plant.app.interventions.cancel(first)
        await until(lambda: first not in plant.app.dispatcher.queue.holders())


async def test_a_start_with_the_same_key_gives_the_first_run(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"one.yaml": named()})) as plant:
        dispatcher = plant.app.dispatcher
        first, is_new = await dispatcher.start("one", {"name": "a"}, cause="api", idempotency_key="k")
        again, again_new = await dispatcher.start("one", {"name": "a"}, cause="api", idempotency_key="k")
        assert (is_new, again_new) == (True, False)
        assert again.run_id == first.run_id
        with pytest.raises(RunStateError, match="'k'"):
            await dispatcher.start("one", {"name": "b"}, cause="api", idempotency_key="k")
        other, other_new = await dispatcher.start("one", {"name": "a"}, cause="api", idempotency_key="k2")
        assert other_new
        assert other.run_id != first.run_id
        assert len(await plant.ended(2)) == 2


async def test_many_starts_at_once_with_one_key_make_one_run(tmp_path: Path, store_url: str) -> None:
    project = make_project(tmp_path, {"one.yaml": named()}, url=store_url)
    async with open_plant(project) as one, open_plant(project, going=False) as two:
        found: list[tuple[str, bool]] = []

        async def begin(plant: Plant) -> None:
            run, is_new = await plant.app.dispatcher.start("one", {}, cause="api", idempotency_key="k")
            found.append((run.run_id, is_new))

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(begin, (one, two)[number % 2])
        assert len({run_id for run_id, _ in found}) == 1
        assert sum(is_new for _, is_new in found) == 1
        assert len(await one.ended(1)) == 1


async def test_a_start_that_cannot_be_leaves_nothing(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"one.yaml": named()}), going=False) as plant:
        with pytest.raises(UnknownNameError):
            await plant.app.dispatcher.start("two", {}, cause="test")
        with pytest.raises(InputError):
            await plant.app.dispatcher.start("one", {"nmae": "a"}, cause="test")
        assert await plant.runs() == []


async def test_a_run_queued_by_another_process_is_found(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"one.yaml": named()})
    async with open_plant(project) as plant, open_plant(project, going=False) as other:
        await plant.app.dispatcher.recovered.wait()
        await other.app.dispatcher.start("one", {}, cause="test")
        (run,) = await plant.ended(1)
        assert run.status is RunStatus.SUCCEEDED


async def test_runs_of_another_node_are_left_alone(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"one.yaml": named()}), going=False) as plant:
        mine, _ = await plant.app.dispatcher.start("one", {}, cause="test")
        theirs = replace(mine, run_id="theirs", node="there")
        terminal = replace(mine, run_id="terminal", node="here/terminal", status=RunStatus.RUNNING)
        for run in (theirs, terminal):
            await plant.app.store.put_run(run).wait()
        async with anyio.create_task_group() as group:
            group.start_soon(plant.app.dispatcher.run)
            await stands(plant, mine.run_id, RunStatus.SUCCEEDED)
            plant.app.dispatcher.notice("theirs")
            plant.app.dispatcher.notice("nothing")
            await start(plant, "one", name="last")
            await until(lambda: len(plant.done("put")) == 2)
            plant.app.dispatcher.close(5)
        found = {run.run_id: run.status for run in await plant.runs()}
        assert (found["theirs"], found["terminal"]) == (RunStatus.QUEUED, RunStatus.RUNNING)


async def test_a_run_that_another_process_carries_out_is_not_carried_out_twice(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    project = make_project(tmp_path, {"one.yaml": slow()})
    async with open_plant(project) as plant, open_plant(project, going=False) as other:
        run_id = await start(plant, "one", gate=str(gate))
        await entered(plant, 1)
        with pytest.raises(RunStateError, match="another process"):
            await other.app.executor.execute(run_id)
        gate.touch()
        await plant.ended(1)
        with pytest.raises(RunStateError, match="succeeded"):
            await other.app.executor.execute(run_id)
    assert len(plant.done("entered")) == 1


async def test_a_run_that_waits_for_a_person_is_not_begun_again_by_a_stale_notice(tmp_path: Path) -> None:
    ring = "steps: [{id: did, call: world.ring, with: {name: x, fail: unknown}}]\n"
    async with open_plant(make_project(tmp_path, {"ring.yaml": ring})) as plant:
        run_id = await start(plant, "ring")
        await stands(plant, run_id, RunStatus.NEEDS_ATTENTION)
        await until(lambda: not plant.app.dispatcher.queue.under_way)
        with pytest.raises(RunStateError, match="needs_attention"):
            await plant.app.executor.execute(run_id, only=(RunStatus.QUEUED, RunStatus.RUNNING))
    assert len(plant.done("ring")) == 1


class Late:
    """A store; right after the first look at a run, something else happens."""

    def __init__(self, store: Store, then: Callable[[], Awaitable[object]]) -> None:
        self._store = store
        self._then: list[Callable[[], Awaitable[object]]] = [then]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def run(self, run_id: str) -> RunRecord | None:
        found = await self._store.run(run_id)
        while self._then:
            await self._then.pop()()
        return found


async def test_cancelling_a_run_that_ends_at_the_same_moment_leaves_its_end_as_it_is(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"one.yaml": named()}), going=False) as plant:
        run_id = await start(plant, "one")
        late = cast("Store", Late(plant.app.store, lambda: plant.app.executor.execute(run_id)))
        with pytest.raises(RunStateError, match="succeeded"):
            await Interventions(late, plant.app.clock).cancel(run_id)
        assert await stands(plant, run_id, RunStatus.SUCCEEDED, RunStatus.CANCELLED) is RunStatus.SUCCEEDED


async def test_a_run_whose_definition_cannot_be_read_any_more_fails_and_says_so(tmp_path: Path) -> None:
    async with open_plant(make_project(tmp_path, {"one.yaml": named()}), going=False) as plant:
        run, _ = await plant.app.dispatcher.start("one", {}, cause="test")
        version = await plant.app.store.workflow_version(run.digest)
        assert version is not None
        await plant.app.store.put_workflow_version(
            replace(version, digest="old", source="steps: [{id: x, gone: {}}]")
        ).wait()
        await plant.app.store.put_run(replace(run, digest="old")).wait()
        ended = await plant.app.executor.execute(run.run_id)
        assert ended.status is RunStatus.FAILED
        assert "DefinitionError" in str(ended.error)


async def test_a_run_that_was_stopped_because_its_claim_was_lost_is_taken_up_again(tmp_path: Path) -> None:
    workflow = "steps: [{id: look, call: world.wait_forever}]\n"
    begun: list[str] = []

    class Watcher(RunObserver):
        def run_started(self, run_id: str, workflow: str) -> None:
            begun.append(run_id)

    async with open_plant(make_project(tmp_path, {"one.yaml": workflow}), observer=Watcher()) as plant:
        run_id = await start(plant, "one")
        await until(lambda: begun)
        # As when another process was faster to renew the claim.
        plant.app.executor.stop(run_id)
        await until(lambda: len(begun) == 2)
        await plant.app.interventions.cancel(run_id)
        await stands(plant, run_id, RunStatus.CANCELLED)


async def test_the_log_warns_of_a_run_that_failed_without_quoting_its_error(tmp_path: Path) -> None:
    files = {"told.yaml": "steps:\n  - id: no\n    fail: no customer of +5581999990000\n", "fine.yaml": named()}
    async with open_plant(make_project(tmp_path, files)) as plant:
        with capture_logs() as logs:
            failed, succeeded = await start(plant, "told"), await start(plant, "fine")
            await stands(plant, failed, RunStatus.FAILED)
            await stands(plant, succeeded, RunStatus.SUCCEEDED)
            await until(lambda: any(one["event"] == "run failed" for one in logs))
    (told,) = [one for one in logs if one["log_level"] == "warning"]
    assert (told["run_id"], told["workflow"], told["step"]) == (failed, "told", "no")
    assert "+5581999990000" not in str(logs)
