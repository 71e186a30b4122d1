"""What is on disk is taken as it is, and what failed can be tried again, whatever stands around it."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from backhaul.clock import SystemClock
from backhaul.runs.datasets import StoredDataset
from backhaul.store.records import PageRecord, RunRecord, RunStatus, StepRecord, StepStatus
from world import Lab

pytestmark = pytest.mark.anyio


async def again(lab: Lab, run: RunRecord) -> RunRecord:
    await lab.interventions.reopen(run.run_id)
    return await lab.executor.execute(run.run_id)


async def test_a_group_that_failed_and_was_handled_is_not_tried_again_by_a_resume(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            retry: {attempts: 2, delay: 0}
            on_error: continue
            do:
              - {id: one, call: world.look, with: {value: 1}}
              - {id: f, call: world.flaky, with: {name: f, failures: 3, kind: refused}}
          - {id: seen, call: world.put, with: {name: "${{ status.group }} ${{ status.f }} ${{ steps.one }}"}}
          - {id: g, call: world.flaky, with: {name: g, failures: 1, kind: refused}}
          - {id: after, set: {state: "${{ status.group }} ${{ status.f }} ${{ steps.one }}", e: "${{ errors.group }}"}}
    """)
    assert run.status is RunStatus.FAILED
    run = await again(lab, run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len([line for line in lab.done("flaky") if line["name"] == "f"]) == 2
    assert run.output is not None
    assert run.output["state"] == "failed failed 1"
    assert run.output["e"]["step"] == "group/f"
    assert (await lab.steps(run))["group"] == "failed"


async def test_a_group_whose_time_was_over_is_not_gone_on_with_by_a_resume(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: [1]
            do:
              - id: group
                timeout: 0.3
                on_error: continue
                do:
                  - {id: one, set: {x: 1}}
                  - {id: f, call: world.wait_forever}
                  - {id: never, call: world.put, with: {name: never}}
              - {id: g, call: world.flaky, with: {name: g, failures: 1, kind: refused}}
              - {id: after, set: {states: "${{ [status.group, status.f, status.never, steps.one.x] }}"}}
        output: ${{ steps.all.results | list }}
    """)
    assert run.status is RunStatus.FAILED
    with anyio.fail_after(5):
        run = await again(lab, run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == [{"states": ["failed", "skipped", "skipped", 1]}]
    assert lab.done("put") == []


@pytest.mark.parametrize(
    "text",
    [
        "timeout: 0.5\nsteps: [{id: f, call: world.flaky, with: {name: f, failures: 1, kind: refused}}]",
        "steps: [{id: f, timeout: 0.5, call: world.flaky, with: {name: f, failures: 1, kind: refused}}]",
        "steps: [{id: g, timeout: 0.5, do: [{id: f, call: world.flaky, with: {name: f, failures: 1, kind: refused}}]}]",
    ],
    ids=["run", "step", "group"],
)
async def test_a_resume_has_all_the_time_again(lab: Lab, text: str) -> None:
    run = await lab.run(text)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "RefusedError"
    await anyio.sleep(0.6)  # the time of the first execution has to be over
    run = await again(lab, run)
    assert run.status is RunStatus.SUCCEEDED, run.error


async def test_another_workflow_is_tried_again_as_often_as_the_step_says(lab: Lab) -> None:
    lab.define("""
        name: child
        steps:
          - {id: put, call: world.put, with: {name: once}}
          - {id: f, call: world.flaky, with: {name: f, failures: 2, kind: refused}}
    """)
    run = await lab.run("""
        steps:
          - id: group
            retry: {attempts: 2, delay: 0}
            do: [{id: sub, run: child, retry: {attempts: 2, delay: 0}}]
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.done("put")) == 1
    assert len(await lab.store.children(run.run_id)) == 1


async def test_attempts_left_survive_a_crash(lab: Lab) -> None:
    workflow = lab.define(
        "steps: [{id: p, call: world.put, with: {name: a, fail: retry}, retry: {attempts: 4, delay: 0}}]"
    )
    run = await lab.executor.start(workflow, {})
    await lab.store.put_step(
        StepRecord(
            run_id=run.run_id,
            key="p",
            seq=1,
            verb="call",
            action="world.put",
            effect="write",
            status=StepStatus.RUNNING,
            attempt=7,
            params={"name": "a", "fail": "retry"},
            progress={"failed_attempts": 1},
            started_at=SystemClock().now(),
        )
    ).wait()
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.FAILED
    assert [one.number for one in await lab.store.attempts(run.run_id)] == [8, 9, 10]


async def test_the_attempts_of_an_each_survive_a_crash(lab: Lab) -> None:
    workflow = lab.define("""
        steps:
          - id: all
            retry: {attempts: 3, delay: 0}
            each: ${{ range(3) }}
            do: [{id: f, if: "${{ item == 2 }}", call: world.look, with: {fail: refused}}]
    """)
    run = await lab.executor.start(workflow, {})
    await lab.store.put_step(
        StepRecord(
            run_id=run.run_id,
            key="all",
            seq=1,
            verb="each",
            status=StepStatus.RUNNING,
            progress={"failed_attempts": 1},
            started_at=SystemClock().now(),
        )
    ).wait()
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.FAILED
    assert [one.number for one in await lab.store.attempts(run.run_id, "all")] == [2]


async def interrupted_listing(lab: Lab, *, count: int) -> RunRecord:
    run = await lab.executor.start(lab.define(f"steps: [{{id: t, call: world.things, with: {{count: {count}}}}}]"), {})
    record = StepRecord(
        run_id=run.run_id,
        key="t",
        seq=1,
        verb="call",
        action="world.things",
        effect="read",
        status=StepStatus.RUNNING,
        params={"count": count},
        started_at=SystemClock().now(),
    )
    await lab.store.put_step(record).wait()
    return run


def page(run: RunRecord, number: int, following: str | None) -> PageRecord:
    items = [{"id": index, "name": f"T{index}"} for index in range(number * 10, number * 10 + 10)]
    return PageRecord(
        run_id=run.run_id, key="t", number=number, first_index=number * 10, count=10, items=items, next=following
    )


async def test_a_listing_that_a_crash_interrupted_goes_on_at_its_cursor(lab: Lab) -> None:
    run = await interrupted_listing(lab, count=30)
    await lab.store.put_page(page(run, 0, "10")).wait()
    await lab.store.put_page(page(run, 1, "20")).wait()
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert [line["start"] for line in lab.done("page")] == [20]
    assert run.output is not None
    assert run.output["$dataset"]["count"] == 30


async def test_a_listing_whose_last_page_is_stored_is_not_asked_for_again(lab: Lab) -> None:
    run = await interrupted_listing(lab, count=20)
    await lab.store.put_page(page(run, 0, "10")).wait()
    await lab.store.put_page(page(run, 1, None)).wait()
    run = await lab.executor.execute(run.run_id)
    assert lab.done("page") == []
    assert run.output is not None
    assert run.output["$dataset"]["count"] == 20


async def test_a_listing_without_cursors_is_not_taken_for_complete_after_a_crash(lab: Lab) -> None:
    run = await interrupted_listing(lab, count=15)
    for number in range(3):
        await lab.store.put_page(page(run, number, None)).wait()
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output is not None
    assert run.output["$dataset"]["count"] == 15
    stored = StoredDataset(lab.store, run.run_id, "t", 15)
    assert [item["id"] async for _, items in stored.pages() for item in items] == list(range(15))


async def test_an_interrupted_listing_has_a_record_of_its_beginning(lab: Lab) -> None:
    workflow = lab.define("steps: [{id: t, call: world.things, with: {count: 30, break_at: 20}, retry: {attempts: 1}}]")
    run = await lab.executor.start(workflow, {})
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.FAILED
    run = await again(lab, run)
    assert run.status is RunStatus.SUCCEEDED
    assert [line["start"] for line in lab.done("page")] == [0, 10, 20, 20]


async def test_a_dataset_that_was_lost_is_not_taken_for_an_empty_one(lab: Lab) -> None:
    first = await lab.run("steps: [{id: t, call: world.things, with: {count: 20}}]")
    assert first.output is not None
    assert first.output["$dataset"]["count"] == 20
    reference = {"$dataset": {"run_id": "gone", "step": "t", "count": 20}}
    run = await lab.run(
        """
        inputs: {things: {type: object}}
        steps:
          - {id: found, set: {it: '${{ lookup(inputs.things, "name", "T1") }}'}}
        """,
        things=reference,
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "not complete" in run.error["message"]


async def test_keys_of_items_may_be_any_text_and_never_meet(lab: Lab) -> None:
    keys = ["a", "a~2", "a", "", "", "a/b", "a%2Fb", "x]/y[", "nul\0", "half\ud800", "é" * 300]
    run = await lab.run(
        """
        inputs: {keys: {type: list}}
        steps:
          - id: all
            each: ${{ inputs.keys }}
            key: ${{ item }}
            do: [{id: put, call: world.put, with: {name: "n${{ index }}"}}]
        """,
        keys=keys[:-2] + keys[-1:],
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    steps = await lab.steps(run)
    assert len(steps) == len(keys)
    assert not any("\0" in key for key in steps)


async def test_the_time_that_a_crash_took_is_the_steps_own(lab: Lab) -> None:
    run = await lab.executor.start(lab.define("timeout: 1m\nsteps: [{id: w, call: world.wait_forever}]"), {})
    ago = SystemClock().now() - timedelta(hours=1)
    fields = {name: getattr(run, name) for name in run.__slots__}
    await lab.store.put_run(RunRecord(**{**fields, "status": RunStatus.RUNNING, "started_at": ago})).wait()
    run = await lab.executor.execute(run.run_id)
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"


async def test_cancelling_a_run_cancels_what_its_steps_started_also_when_it_hangs(lab: Lab) -> None:
    lab.define("name: child\nsteps: [{id: r, call: world.ring_forever, with: {name: a}}]")
    lab.executor._cancel_grace_s = 0.02
    run = await lab.executor.start(lab.define("steps: [{id: sub, run: child}]"), {})
    async with anyio.create_task_group() as group:

        async def carry_out() -> None:
            nonlocal run
            run = await lab.executor.execute(run.run_id)

        group.start_soon(carry_out)
        while not lab.done("ring"):
            await anyio.sleep(0)
        await lab.interventions.cancel(run.run_id)
    (child,) = await lab.store.children(run.run_id)
    assert (run.status, child.status) == (RunStatus.CANCELLED, RunStatus.CANCELLED)
    assert await lab.steps(child) == {"r": "unknown"}
    assert not await lab.store.is_claimed(child.run_id)
