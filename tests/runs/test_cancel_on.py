"""`cancel_on`: an event that makes a run pointless ends it, whatever the run is doing; on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from backhaul.json_values import Json
from backhaul.runs.cancelling import Cancelling
from backhaul.runs.interventions import Interventions
from backhaul.runs.wait_board import WaitBoard
from backhaul.store.records import RunRecord, RunStatus
from runs.waiting_lab import WaitingLab, open_waiting_lab

pytestmark = pytest.mark.anyio

RULE = """
cancel_on:
  - event: phone.call_end
    where: ${{ event.data.call_id == trigger.data.call_id }}
"""
RESTS = (
    RULE
    + """
steps:
  - {id: before, call: world.put, with: {name: before}}
  - {id: rest, wait: {for: 2h}}
  - {id: after, call: world.put, with: {name: after}}
"""
)
LONG = RULE + "steps: [{id: reading, call: world.wait_forever}]\n"
SHORT = RULE + "steps: [{id: before, call: world.put, with: {name: before}}]\n"


@pytest.fixture
async def lab(store_url: str, tmp_path: Path) -> AsyncIterator[WaitingLab]:
    async with open_waiting_lab(store_url, tmp_path) as opened:
        yield opened


def ring(call_id: str = "c1") -> Json:
    return {"type": "phone.incoming_call_start", "id": "ring", "data": {"call_id": call_id}}


async def begun(lab: WaitingLab, text: str, *, event: Json = None, **inputs: Any) -> RunRecord:
    """Make a run that an event started; nothing is carried out yet."""
    return await lab.lab.executor.start(lab.lab.define(text), inputs, event=event or ring())


async def end(lab: WaitingLab, call_id: str = "c1", *, offered: bool = True) -> None:
    await lab.event("phone.call_end", {"call_id": call_id}, offered=offered)


async def test_a_waiting_run_is_woken_by_the_event_and_ends(lab: WaitingLab) -> None:
    run = await lab.go_on(await begun(lab, RESTS))
    assert run.status is RunStatus.WAITING
    await end(lab)
    assert lab.noticed == [run.run_id]
    run = await lab.go_on(run)
    assert run.status is RunStatus.CANCELLED
    assert run.error == {"type": "Cancelled", "message": "cancelled by event phone.call_end (event1)", "step": None}
    assert [line["name"] for line in lab.lab.done("put")] == ["before"]
    assert await lab.waits(run) == []
    assert run.step_counts == {"cancelled": 1, "succeeded": 1}


async def test_an_event_that_came_before_the_first_step_leaves_nothing_done(lab: WaitingLab) -> None:
    run = await begun(lab, RESTS)
    await end(lab, offered=False)
    run = await lab.go_on(run)
    assert run.status is RunStatus.CANCELLED
    assert lab.lab.done() == []
    assert await lab.waits(run) == []


async def test_an_event_that_came_before_anybody_could_know_of_the_wait_is_found(lab: WaitingLab) -> None:
    run, store, clock = await begun(lab, RESTS), lab.lab.store, lab.clock
    rule = lab.lab.define(RESTS).cancel_on
    cancelling, reasons = Cancelling(run, store, clock, WaitBoard(), ()), list[str]()
    assert await cancelling.begin(rule, {}) is None
    await end(lab, offered=False)
    with anyio.fail_after(10):
        await cancelling.watch(reasons.append)
    assert reasons == ["event phone.call_end (event1)"]


async def test_an_event_from_before_the_run_was_made_does_not_count(lab: WaitingLab) -> None:
    await end(lab, offered=False)
    await lab.after(1)
    run = await lab.go_on(await begun(lab, RESTS))
    assert run.status is RunStatus.WAITING
    await lab.waker.look()
    assert await lab.status(run) == "waiting"


async def test_a_run_that_is_under_way_stops_at_once(lab: WaitingLab) -> None:
    run = await begun(lab, LONG)
    with anyio.fail_after(20):
        async with lab.lab.carrying_out(run) as ended:
            while not await lab.waits(run):
                await anyio.lowlevel.checkpoint()
            await end(lab, "another")
            await end(lab)
    assert ended[0].status is RunStatus.CANCELLED
    assert await lab.lab.steps(run) in ({}, {"reading": "running"})


async def test_the_event_of_another_call_changes_nothing(lab: WaitingLab) -> None:
    run = await lab.go_on(await begun(lab, RESTS))
    await end(lab, "another")
    assert lab.noticed == []
    await lab.after(7200)
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED


async def test_a_run_that_has_ended_stays_as_it_is_and_waits_for_nothing(lab: WaitingLab) -> None:
    run = await lab.go_on(await begun(lab, SHORT))
    assert run.status is RunStatus.SUCCEEDED
    assert await lab.waits(run) == []
    await end(lab)
    assert await lab.status(run) == "succeeded"
    assert lab.noticed == []


async def test_a_failed_run_that_is_tried_again_can_be_cancelled_again(lab: WaitingLab) -> None:
    text = RULE + "steps: [{id: rest, wait: {for: 1h}}, {id: look, call: world.look, with: {fail: refused}}]\n"
    run = await lab.go_on(await begun(lab, text))
    await lab.after(3600)
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED
    assert await lab.waits(run) == []
    await Interventions(lab.lab.store, lab.clock).reopen(run.run_id)
    await end(lab, offered=False)
    run = await lab.go_on(run)
    assert run.status is RunStatus.CANCELLED
    assert await lab.waits(run) == []


async def test_a_run_that_no_event_started_has_no_trigger_and_goes_on(lab: WaitingLab) -> None:
    run = await lab.run(RESTS)
    assert run.status is RunStatus.WAITING
    await end(lab)
    assert await lab.status(run) == "waiting"


async def test_without_a_condition_every_event_of_the_type_counts_and_inputs_can_be_compared(lab: WaitingLab) -> None:
    text = "cancel_on: {event: line.up}\nsteps: [{id: rest, wait: {for: 1h}}]\n"
    run = await lab.run(text)
    await lab.event("line.up")
    assert (await lab.go_on(run)).status is RunStatus.CANCELLED
    text = """
inputs: {line: {type: string}}
cancel_on: [{event: line.down}, {event: line.up, where: "${{ event.data == inputs.line }}"}]
steps: [{id: rest, wait: {for: 1h}}]
"""
    run = await lab.run(text, line="L7")
    await lab.event("line.up", "L8")
    assert await lab.status(run) == "waiting"
    await lab.event("line.up", "L7")
    assert (await lab.go_on(run)).status is RunStatus.CANCELLED
    assert await lab.waits(run) == []


async def test_a_cancelled_child_fails_the_step_that_runs_it(lab: WaitingLab) -> None:
    lab.lab.define("name: child\ncancel_on: {event: line.up}\nsteps: [{id: rest, wait: {for: 1h}}]\n", name="child")
    run = await lab.run("steps: [{id: sub, run: child, on_error: continue}, {set: {why: '${{ errors.sub.message }}'}}]")
    assert run.status is RunStatus.WAITING
    await lab.event("line.up")
    assert run.run_id in lab.noticed
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED
    assert "cancelled by event line.up" in str(run.output)


async def test_a_condition_that_reads_too_much_fails_the_run_with_its_reason(lab: WaitingLab) -> None:
    text = """
inputs: {much: {type: string}}
cancel_on: [{event: line.up, where: "${{ event.data == inputs.much }}"}]
steps: [{set: {a: 1}}]
"""
    run = await lab.run(text, much="x" * 70_000)
    error: Json = run.error
    assert (run.status, error["type"]) == (RunStatus.FAILED, "InputError")


PYTHON = """
from backhaul import Run, cancel_on, workflow
from world import World

@workflow(name="test", cancel_on=[cancel_on("phone.call_end", where="event.data.call_id == trigger.data.call_id")])
async def rests(run: Run, world: World) -> None:
    await world.put(name="before")
    await run.sleep("2h")
    await world.put(name="after")
"""


async def test_a_python_workflow_is_cancelled_in_the_same_way(lab: WaitingLab) -> None:
    run = await lab.lab.executor.start(lab.lab.define(PYTHON, kind="python"), {}, event=ring())
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING
    await end(lab, "another")
    assert await lab.status(run) == "waiting"
    await end(lab)
    assert (await lab.go_on(run)).status is RunStatus.CANCELLED
    assert [line["name"] for line in lab.lab.done("put")] == ["before"]
