"""Waits beside other work: branches, items, runs inside of runs, time limits, cancellation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from backhaul.store.records import RunStatus, StepStatus
from backhaul.testing.clock import FakeClock
from runs.waiting_lab import WaitingLab, open_waiting_lab

pytestmark = pytest.mark.anyio

HOUR = 3600.0


@pytest.fixture
async def lab(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WaitingLab]:
    async with open_waiting_lab(sqlite_url, tmp_path) as opened:
        yield opened


async def until_waiting(lab: WaitingLab, run_id: str, key: str) -> None:
    """Return when a step waits."""
    with anyio.fail_after(10):
        while await lab.lab.store.wait(run_id, key) is None:
            await anyio.lowlevel.checkpoint()
        await lab.clock.settle()


BRANCHES = """
inputs: {{gate: {{type: string}}}}
steps:
  - id: both
    parallel:
      - id: rests
        do:
          - {{id: rest, wait: {{for: 2h}}}}
          - {{id: woken, call: world.put, with: {{name: woken}}}}
      - id: works
        do:
          - {{id: slow, call: world.put_slowly, with: {{name: slow, gate: "${{{{ inputs.gate }}}}"}}}}
          - {more}
"""


async def test_a_branch_at_work_keeps_the_run_in_memory_until_it_waits_too(lab: WaitingLab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    workflow = lab.lab.define(BRANCHES.format(more="{id: rest_too, wait: {for: 3h}}"))
    run = await lab.lab.executor.start(workflow, {"gate": str(gate)})
    async with lab.lab.carrying_out(run) as ended:
        await until_waiting(lab, run.run_id, "both/rests/rest")
        await lab.clock.advance(60)
        assert await lab.status(run) == "running"
        gate.touch()
    assert ended[0].status is RunStatus.WAITING
    await lab.after(2 * HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING
    assert [line["name"] for line in lab.lab.done("put")] == ["slow", "woken"]
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.lab.done("put")) == 2


async def test_a_wait_held_in_memory_is_woken_there(lab: WaitingLab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    workflow = lab.lab.define(BRANCHES.format(more="{set: {x: 1}}"))
    run = await lab.lab.executor.start(workflow, {"gate": str(gate)})
    async with lab.lab.carrying_out(run) as ended:
        await until_waiting(lab, run.run_id, "both/rests/rest")
        await lab.after(2 * HOUR)
        with anyio.fail_after(10):
            while not any(line["name"] == "woken" for line in lab.lab.done("put")):
                await anyio.lowlevel.checkpoint()
        gate.touch()
    assert ended[0].status is RunStatus.SUCCEEDED, ended[0].error


async def test_a_branch_that_fails_ends_the_wait_beside_it(lab: WaitingLab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    workflow = lab.lab.define(BRANCHES.format(more="{fail: no}"))
    run = await lab.lab.executor.start(workflow, {"gate": str(gate)})
    async with lab.lab.carrying_out(run) as ended:
        await until_waiting(lab, run.run_id, "both/rests/rest")
        gate.touch()
    assert ended[0].status is RunStatus.FAILED
    assert await lab.waits(run) == []
    await lab.lab.interventions.reopen(run.run_id)
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED


async def test_waits_inside_each_stay_in_memory(sqlite_url: str, tmp_path: Path) -> None:
    async with open_waiting_lab(sqlite_url, tmp_path) as lab:
        workflow = lab.lab.define(
            """
steps:
  - id: all
    each: ${{ [1, 2, 3] }}
    concurrency: 2
    do:
      - {id: rest, wait: {for: 1h}}
      - {id: put, call: world.put, with: {name: "${{ item }}"}}
"""
        )
        run = await lab.lab.executor.start(workflow, {})
        async with lab.lab.carrying_out(run) as ended:
            for keys in (("all[0]/rest", "all[1]/rest"), ("all[2]/rest",)):
                for key in keys:
                    await until_waiting(lab, run.run_id, key)
                assert await lab.status(run) == "running"
                await lab.after(HOUR)
        assert ended[0].status is RunStatus.SUCCEEDED, ended[0].error
        assert len(lab.lab.done("put")) == 3


CHILD = """
name: child
steps:
  - {id: rest, wait: {for: 1h}}
  - {id: ask, wait: {approval: {message: Sure?}}}
output: done
"""


@pytest.mark.parametrize("how", ["yaml", "python"])
async def test_a_run_waits_for_a_run_that_waits(lab: WaitingLab, how: str) -> None:
    lab.lab.define(CHILD, name="child")
    lab.lab.define("name: middle\nsteps: [{id: inner, run: child}]", name="middle")
    if how == "yaml":
        run = await lab.run("steps: [{id: sub, run: middle}]")
    else:
        text = "from backhaul import Run, workflow\n@workflow()\nasync def outer(run: Run) -> str:\n"
        run = await lab.run(text + "    return await run.run_workflow('middle')\n", kind="python")
    assert run.status is RunStatus.WAITING, run.error
    (middle,) = await lab.lab.store.children(run.run_id)
    (child,) = await lab.lab.store.children(middle.run_id)
    assert {middle.status, child.status} == {RunStatus.WAITING}
    await lab.after(HOUR)
    assert lab.noticed == [run.run_id]
    assert await lab.status(run) == "queued"
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING
    await lab.approvals.decide(run.run_id, approved=True, by="ana")
    assert lab.noticed == [run.run_id, run.run_id]
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == "done"
    assert len(await lab.lab.store.children(run.run_id)) == 1


async def test_a_run_inside_each_that_waits_stays_in_memory(lab: WaitingLab) -> None:
    lab.lab.define(CHILD, name="child")
    workflow = lab.lab.define("steps: [{id: all, each: '${{ [1] }}', do: [{id: sub, run: child}]}]")
    run = await lab.lab.executor.start(workflow, {})
    async with lab.lab.carrying_out(run) as ended:
        with anyio.fail_after(10):
            while not (children := await lab.lab.store.children(run.run_id)):
                await anyio.lowlevel.checkpoint()
        await until_waiting(lab, children[0].run_id, "rest")
        await lab.after(HOUR)
        await until_waiting(lab, children[0].run_id, "ask")
        assert await lab.status(run) == "running"
        await lab.approvals.decide(run.run_id, approved=True, by="ana")
    assert ended[0].status is RunStatus.SUCCEEDED, ended[0].error


async def test_what_is_done_about_a_failure_may_wait(lab: WaitingLab) -> None:
    run = await lab.run(
        """
steps:
  - id: broken
    call: world.look
    with: {fail: refused}
    on_error: {do: [{id: rest, wait: {for: 1h}}, {id: put, call: world.put, with: {name: mended}}]}
"""
    )
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.lab.done("put")) == 1


async def test_the_time_of_a_run_goes_on_while_it_waits(lab: WaitingLab) -> None:
    run = await lab.run("timeout: 1h\nsteps: [{id: a, wait: {for: 30m}}, {id: b, wait: {event: a.b}}]")
    assert run.status is RunStatus.WAITING
    await lab.after(HOUR / 2)
    assert (await lab.go_on(run)).status is RunStatus.WAITING
    await lab.after(HOUR / 2 - 1)
    assert await lab.status(run) == "waiting"
    await lab.after(1)
    assert await lab.status(run) == "queued"
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"


async def test_the_time_of_a_step_goes_on_while_it_waits(lab: WaitingLab) -> None:
    run = await lab.run(
        """
steps:
  - id: group
    timeout: 1h
    do: [{id: ask, wait: {approval: {message: Sure?, timeout: 2h}}}]
    on_error: continue
  - {id: own, timeout: 1h, wait: {event: a.b}, on_error: continue}
output: ["${{ errors.group.type }}", "${{ errors.own.type }}"]
"""
    )
    for _ in range(2):
        assert run.status is RunStatus.WAITING
        await lab.after(HOUR)
        run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == ["TimeoutError", "TimeoutError"]


async def test_a_waiting_run_is_cancelled_without_any_process(lab: WaitingLab) -> None:
    lab.lab.define(CHILD, name="child")
    run = await lab.run("steps: [{id: sub, run: child}]")
    run = await lab.lab.interventions.cancel(run.run_id)
    assert run.status is RunStatus.CANCELLED
    (child,) = await lab.lab.store.children(run.run_id)
    assert child.status is RunStatus.CANCELLED
    assert await lab.waits(child) == []
    steps = [*await lab.lab.store.steps(run.run_id), *await lab.lab.store.steps(child.run_id)]
    assert {step.status for step in steps} == {StepStatus.CANCELLED}
    await lab.after(HOUR)
    assert lab.noticed == []


async def test_a_step_tried_again_waits_anew(lab: WaitingLab) -> None:
    run = await lab.run(
        """
steps:
  - id: group
    retry: {attempts: 3, delay: 0}
    do:
      - {id: rest, wait: {for: 1h}}
      - {id: flaky, call: world.flaky, with: {name: f, failures: 1}, retry: {attempts: 1}}
  - {id: ask, wait: {approval: {message: Sure?, timeout: 1h}}, retry: {attempts: 2, delay: 0}}
"""
    )
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING, run.error
    assert [wait.key for wait in await lab.waits(run)] == ["ask#2"]
    await lab.approvals.decide(run.run_id, key="ask", approved=True, by="ana")
    assert (await lab.go_on(run)).status is RunStatus.SUCCEEDED


async def test_a_stopped_run_goes_on_waiting_where_it_was(lab: WaitingLab, tmp_path: Path) -> None:
    workflow = lab.lab.define("steps: [{id: all, each: '${{ [1] }}', do: [{id: rest, wait: {for: 1h}}]}]")
    run = await lab.lab.executor.start(workflow, {})
    async with lab.lab.carrying_out(run) as ended:
        await until_waiting(lab, run.run_id, "all[0]/rest")
        lab.lab.executor.stop_all()
    assert ended[0].status is RunStatus.RUNNING
    (wait,) = await lab.waits(run)
    assert wait.wake_at == FakeClock().now() + timedelta(hours=1)
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
