"""What becomes of effects: unknown outcomes, verification, a person's word, resume, cancel, fork."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from backhaul.errors import RunStateError, UnknownNameError
from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunStatus, StepStatus
from world import Lab, open_lab

pytestmark = pytest.mark.anyio

RING = """
    steps:
      - {id: ring, call: world.ring, with: {name: bell, fail: unknown}, retry: {attempts: 5, delay: 0}}
      - {id: after, call: world.put, with: {name: after}}
    output: ${{ steps.ring }}
"""


async def test_a_once_whose_outcome_is_unknown_is_never_repeated_but_waits_for_a_person(lab: Lab) -> None:
    run = await lab.run(RING)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert run.error is not None
    assert run.error["step"] == "ring"
    assert len(lab.done("ring")) == 1
    with pytest.raises(RunStateError, match="runs resolve"):
        await lab.interventions.reopen(run.run_id)


@pytest.mark.parametrize(
    ("resolution", "rings", "output"),
    [(Resolution.DONE, 1, "it rang"), (Resolution.SKIP, 1, "it rang"), (Resolution.RETRY, 2, None)],
)
async def test_a_persons_word_decides(lab: Lab, resolution: Resolution, rings: int, output: str | None) -> None:
    run = await lab.run(RING)
    await lab.interventions.resolve(run.run_id, "ring", resolution, "it rang")
    run = await lab.executor.execute(run.run_id)
    assert len(lab.done("ring")) == rings
    if resolution is Resolution.RETRY:
        assert run.status is RunStatus.NEEDS_ATTENTION  # the bell's line is cut each time
        assert not lab.done("put")
    else:
        assert run.status is RunStatus.SUCCEEDED
        assert run.output == output
        assert len(lab.done("put")) == 1


async def test_only_an_unknown_step_can_be_resolved(lab: Lab) -> None:
    run = await lab.run(RING)
    with pytest.raises(UnknownNameError, match="ring"):
        await lab.interventions.resolve(run.run_id, "rong", Resolution.DONE)
    await lab.interventions.resolve(run.run_id, "ring", Resolution.DONE)
    with pytest.raises(RunStateError, match="not unknown"):
        await lab.interventions.resolve(run.run_id, "ring", Resolution.DONE)


async def test_a_once_that_was_refused_fails_and_one_that_was_not_sent_is_tried_again(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring, with: {name: a, fail: refused}}]")
    assert run.status is RunStatus.FAILED
    run = await lab.run(
        "steps: [{id: r, call: world.ring, with: {name: a, fail: retry}, retry: {attempts: 3, delay: 0}}]"
    )
    assert run.status is RunStatus.FAILED
    assert len(await lab.store.attempts(run.run_id)) == 3
    assert lab.done("ring") == []


async def test_a_connectors_own_mistake_in_a_once_leaves_the_outcome_unknown(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring, with: {name: a, fail: bug}}]")
    assert run.status is RunStatus.NEEDS_ATTENTION


async def test_verify_finds_out_that_it_was_done(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring_verified, with: {name: a, fail: unknown}}]")
    assert run.status is RunStatus.SUCCEEDED
    assert run.output == "rang a"
    assert len(lab.done("ring")) == 1


async def test_verify_finds_out_that_it_was_not_done_and_it_is_done_then(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring_verified, with: {name: a, fail: not_heard}}]")
    assert run.status is RunStatus.SUCCEEDED
    assert len(lab.done("ring")) == 1
    step = await lab.store.step(run.run_id, "r")
    assert step is not None
    assert step.attempt == 2


async def test_a_time_limit_in_the_middle_of_a_once_leaves_it_unknown(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring_forever, with: {name: a}, timeout: 0.05}]")
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(run) == {"r": "unknown"}


async def test_a_time_limit_around_a_once_leaves_it_unknown_even_if_errors_are_ignored(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            timeout: 0.05
            on_error: continue
            do: [{id: r, call: world.ring_forever, with: {name: a}}]
    """)
    assert run.status is RunStatus.NEEDS_ATTENTION


async def test_a_write_whose_outcome_is_unknown_is_simply_repeated(lab: Lab) -> None:
    run = await lab.run(
        "steps: [{id: p, call: world.put, with: {name: a, fail: unknown}, retry: {attempts: 2, delay: 0}}]"
    )
    assert run.status is RunStatus.FAILED
    assert len(await lab.store.attempts(run.run_id)) == 2


async def test_a_failed_run_resumes_from_the_failed_step(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: before, call: world.put, with: {name: before}}
          - {id: f, call: world.flaky, with: {name: f, failures: 1, kind: refused}}
          - {id: after, call: world.put, with: {name: after}}
    """)
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert [line["name"] for line in lab.done("put")] == ["before", "after"]


async def test_a_failed_each_resumes_with_the_items_that_are_left(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ range(30) }}
            concurrency: 4
            do:
              - {id: put, call: world.put, with: {name: "n${{ item }}"}}
              - id: f
                if: ${{ item == 13 }}
                call: world.flaky
                with: {name: f, failures: 1, kind: refused}
    """)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["step"] == "all[13]/f"
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert sorted(line["name"] for line in lab.done("put")) == sorted(f"n{i}" for i in range(30))


async def test_a_failed_child_is_resumed_with_its_parent(lab: Lab) -> None:
    lab.define("""
        name: child
        steps:
          - {id: put, call: world.put, with: {name: once}}
          - {id: f, call: world.flaky, with: {name: f, failures: 1, kind: refused}}
    """)
    run = await lab.run("steps: [{id: sub, run: child}]")
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.done("put")) == 1
    assert len(await lab.store.children(run.run_id)) == 1


async def test_resolving_a_childs_step_lets_the_parent_go_on(lab: Lab) -> None:
    lab.define("name: child\nsteps: [{id: ring, call: world.ring, with: {name: a, fail: unknown}}]")
    run = await lab.run("steps: [{id: sub, run: child}, {id: after, call: world.put, with: {name: after}}]")
    assert run.status is RunStatus.NEEDS_ATTENTION
    (child,) = await lab.store.children(run.run_id)
    root = await lab.interventions.resolve(child.run_id, "ring", Resolution.DONE, "ok")
    assert root.run_id == run.run_id
    run = await lab.executor.execute(root.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert len(lab.done("put")) == 1


async def test_a_succeeded_run_is_not_resumed(lab: Lab) -> None:
    run = await lab.run("steps: [{id: a, set: {x: 1}}]")
    with pytest.raises(RunStateError, match="fork"):
        await lab.interventions.reopen(run.run_id)


async def test_cancelling_stops_the_run_and_everything_in_it(lab: Lab) -> None:
    workflow = lab.define("""
        steps:
          - {id: put, call: world.put, with: {name: a}}
          - id: all
            each: ${{ range(5) }}
            concurrency: 5
            do: [{id: wait, call: world.wait_forever}]
    """)
    run = await lab.executor.start(workflow, {})
    async with lab.carrying_out(run) as ended:
        while not lab.done("put"):
            await anyio.sleep(0)
        await lab.interventions.cancel(run.run_id)
    (run,) = ended
    assert run.status is RunStatus.CANCELLED
    assert run.finished_at is not None
    assert not await lab.store.is_claimed(run.run_id)


async def test_cancelling_lets_a_call_with_an_effect_come_to_its_end(lab: Lab, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    workflow = lab.define(f"""
        steps:
          - {{id: slow, call: world.put_slowly, with: {{name: a, gate: "{gate}"}}}}
          - {{id: never, call: world.put, with: {{name: never}}}}
    """)
    run = await lab.executor.start(workflow, {})
    async with lab.carrying_out(run) as ended:
        while not lab.done("entered"):
            await anyio.sleep(0)
        await lab.interventions.cancel(run.run_id)
        lab.executor.stop_all()
        gate.touch()
    (run,) = ended
    assert [line["name"] for line in lab.done("put")] == ["a"]
    assert (await lab.steps(run))["slow"] == "succeeded"


async def test_after_the_grace_time_a_hanging_once_is_left_unknown(tmp_path: Path) -> None:
    async with open_lab(f"sqlite:///{tmp_path}/s.db", tmp_path / "w", cancel_grace_s=0.02) as lab:
        workflow = lab.define("steps: [{id: r, call: world.ring_forever, with: {name: a}}]")
        run = await lab.executor.start(workflow, {})
        async with lab.carrying_out(run) as ended:
            while not lab.done("ring"):
                await anyio.sleep(0)
            await lab.interventions.cancel(run.run_id)
        (run,) = ended
        assert run.status is RunStatus.CANCELLED
        assert await lab.steps(run) == {"r": "unknown"}


async def test_a_run_that_nobody_carries_out_is_cancelled_at_once(lab: Lab) -> None:
    run = await lab.executor.start(lab.define("steps: [{id: a, set: {x: 1}}]"), {})
    run = await lab.interventions.cancel(run.run_id)
    assert run.status is RunStatus.CANCELLED
    with pytest.raises(RunStateError):
        await lab.executor.execute(run.run_id)


async def test_a_stopped_run_goes_on_where_it_was(lab: Lab) -> None:
    workflow = lab.define("""
        steps:
          - {id: put, call: world.put, with: {name: a}}
          - {id: f, call: world.flaky, with: {name: f, failures: 1}, retry: {attempts: 2, delay: 1h}}
    """)
    run = await lab.executor.start(workflow, {})
    async with lab.carrying_out(run) as ended:
        while not (step := await lab.store.step(run.run_id, "f")) or step.status is not StepStatus.RETRYING:
            await anyio.sleep(0)
        lab.executor.stop_all()
    (run,) = ended
    assert run.status is RunStatus.RUNNING
    step = await lab.store.step(run.run_id, "f")
    assert step is not None
    assert step.next_attempt_at is not None
    assert (step.next_attempt_at - step.started_at).total_seconds() > 3590


async def test_a_run_is_carried_out_by_one_process_at_a_time(lab: Lab) -> None:
    run = await lab.executor.start(lab.define("steps: [{id: a, set: {x: 1}}]"), {})
    assert await lab.store.claim(run.run_id)
    with pytest.raises(RunStateError, match="another process"):
        await lab.executor.execute(run.run_id)


async def test_a_fork_takes_the_history_before_the_step_and_other_inputs(lab: Lab) -> None:
    workflow = lab.define("""
        inputs: {name: {default: first}}
        steps:
          - {id: things, call: world.things, with: {count: 25}}
          - {id: put, call: world.put, with: {name: "${{ inputs.name }}", value: "${{ steps.things.count }}"}}
          - id: found
            set: {it: '${{ lookup(steps.things, "name", "T24").id }}', put: "${{ steps.put }}"}
    """)
    run = await lab.executor.start(workflow, {})
    run = await lab.executor.execute(run.run_id)
    fork = await lab.interventions.fork(run.run_id, "put", workflow, {"name": "second"})
    fork = await lab.executor.execute(fork.run_id)
    assert fork.status is RunStatus.SUCCEEDED, fork.error
    assert fork.output == {"it": 24, "put": 25}
    assert fork.forked_from == run.run_id
    assert [line["name"] for line in lab.done("put")] == ["first", "second"]
    assert len(lab.done("page")) == 3
    things = await lab.store.step(fork.run_id, "things")
    assert things is not None
    assert things.output == {"$dataset": {"run_id": fork.run_id, "step": "things", "count": 25}}


async def test_a_fork_cannot_begin_inside_an_each(lab: Lab) -> None:
    workflow = lab.define("steps: [{id: e, each: '${{ [1] }}', do: [{id: p, call: world.put, with: {name: a}}]}]")
    run = await lab.executor.execute((await lab.executor.start(workflow, {})).run_id)
    with pytest.raises(RunStateError, match="whole each"):
        await lab.interventions.fork(run.run_id, "e[0]/p", workflow, {})
    with pytest.raises(UnknownNameError):
        await lab.interventions.fork(run.run_id, "nothing", workflow, {})
