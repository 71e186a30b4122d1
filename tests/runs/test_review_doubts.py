"""Nothing makes the engine forget that it does not know what became of a call."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from backhaul.clock import SystemClock
from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus
from world import SECRET, Lab

pytestmark = pytest.mark.anyio


async def crashed(lab: Lab, text: str, *keys: str, verb: str = "call", **params: str) -> RunRecord:
    """Return a run whose process died an hour ago during the call of the last key, inside the steps of the others."""
    run = await lab.executor.start(lab.define(text), {})
    ago = SystemClock().now() - timedelta(hours=1)
    await lab.store.put_run(
        RunRecord(**{**{f: getattr(run, f) for f in run.__slots__}, "status": RunStatus.RUNNING, "started_at": ago})
    ).wait()
    for seq, key in enumerate(keys, 1):
        last = key == keys[-1]
        record = StepRecord(
            run_id=run.run_id,
            key=key,
            seq=seq,
            verb="call" if last else verb,
            action="world.ring_asked" if last else None,
            effect="once" if last else None,
            params=params if last else None,
            status=StepStatus.RUNNING,
            started_at=ago,
        )
        await lab.store.put_step(record).wait()
    return run


@pytest.mark.parametrize("answer", ["bug", "refused", "retry", "secret"])
async def test_a_failing_verification_leaves_the_doubt(lab: Lab, answer: str) -> None:
    run = await lab.run(f"""
        steps:
          - id: r
            call: world.ring_asked
            with: {{name: a, fail: unknown, answer: {answer}}}
            on_error: continue
    """)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert run.error is not None
    assert run.error["step"] == "r"
    assert "the line was cut" in run.error["message"]
    assert SECRET.reveal() not in run.error["message"]
    assert await lab.steps(run) == {"r": "unknown"}


@pytest.mark.parametrize("answer", ["bug", "refused"])
async def test_a_failing_verification_after_a_crash_leaves_the_doubt(lab: Lab, answer: str) -> None:
    text = f"steps: [{{id: r, call: world.ring_asked, with: {{name: a, answer: {answer}}}, on_error: continue}}]"
    run = await crashed(lab, text, "r", name="a", answer=answer)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(run) == {"r": "unknown"}
    await lab.interventions.resolve(run.run_id, "r", Resolution.DONE, "ok")
    assert (await lab.executor.execute(run.run_id)).status is RunStatus.SUCCEEDED
    assert lab.done("ring") == []


async def test_parameters_that_no_longer_fit_after_a_crash_leave_the_doubt(lab: Lab) -> None:
    text = "steps: [{id: r, call: world.ring_asked, with: {name: a}, on_error: continue}]"
    run = await crashed(lab, text, "r", former_name="a")
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(run) == {"r": "unknown"}


async def test_a_call_with_a_time_limit_that_a_crash_interrupted_is_verified_and_not_given_up(lab: Lab) -> None:
    text = "steps: [{id: r, call: world.ring_asked, with: {name: a, answer: heard}, timeout: 1m, on_error: continue}]"
    run = await crashed(lab, text, "r", name="a", answer="")
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert run.output == "heard"


@pytest.mark.parametrize(
    ("head", "keys", "verb"),
    [("do", ("g", "g/r"), "do"), ("each: [1]\n            do", ("g", "g[0]/r"), "each")],
)
async def test_a_crash_inside_a_step_whose_time_is_over_leaves_the_doubt(
    lab: Lab, head: str, keys: tuple[str, ...], verb: str
) -> None:
    run = await crashed(
        lab,
        f"""
        steps:
          - id: g
            timeout: 1m
            on_error: continue
            {head}:
              - {{id: l, set: {{x: "${{{{ now }}}}"}}}}
              - {{id: w, call: world.wait_forever}}
              - {{id: r, call: world.ring, with: {{name: a}}}}
        """,
        *keys,
        verb=verb,
        name="a",
    )
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert (await lab.steps(run))[keys[-1]] == "unknown"
    assert lab.done("ring") == []


async def test_a_crash_during_a_call_in_a_run_whose_time_is_over_leaves_the_doubt(lab: Lab) -> None:
    text = "timeout: 1m\nsteps: [{id: w, call: world.wait_forever}, {id: r, call: world.ring, with: {name: a}}]"
    run = await crashed(lab, text, "r", name="a")
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert (await lab.steps(run))["r"] == "unknown"


async def test_an_answer_that_the_history_cannot_hold_leaves_the_doubt(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring_oddly, with: {name: a}, on_error: continue}]")
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(run) == {"r": "unknown"}
    assert len(lab.done("ring")) == 1


async def test_an_error_text_that_the_history_cannot_hold_leaves_the_doubt(lab: Lab) -> None:
    run = await lab.run("steps: [{id: r, call: world.ring_oddly, with: {name: a, fail: true}, on_error: continue}]")
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(run) == {"r": "unknown"}


@pytest.mark.parametrize("around", ["", "group"])
async def test_a_time_limit_around_another_workflow_does_not_lose_its_doubt(lab: Lab, around: str) -> None:
    lab.define("name: child\nsteps: [{id: r, call: world.ring_forever, with: {name: a}}]")
    limit = "timeout: 0.4, on_error: continue"
    step = f"{{id: g, {limit}, do: [{{id: sub, run: child}}]}}" if around else f"{{id: sub, run: child, {limit}}}"
    run = await lab.run(f"steps: [{step}]")
    assert run.status is RunStatus.NEEDS_ATTENTION
    (child,) = await lab.store.children(run.run_id)
    assert child.status is RunStatus.NEEDS_ATTENTION
    assert await lab.steps(child) == {"r": "unknown"}
    root = await lab.interventions.resolve(child.run_id, "r", Resolution.DONE)
    assert root.run_id == run.run_id
    run = await lab.executor.execute(root.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error


async def test_what_was_not_done_is_tried_as_often_as_the_policy_says(lab: Lab) -> None:
    with anyio.fail_after(5):
        run = await lab.run("""
            steps:
              - id: r
                call: world.ring_asked
                with: {name: a, fail: unknown}
                retry: {attempts: 3, delay: 0}
        """)
    assert run.status is RunStatus.FAILED
    assert len(lab.done("ring")) == 3
    assert len(await lab.store.attempts(run.run_id)) == 3


async def test_a_time_limit_holds_also_when_it_was_not_done(lab: Lab) -> None:
    with anyio.fail_after(5):
        run = await lab.run("""
            steps: [{id: r, call: world.hang_asked, with: {name: a}, timeout: 0.05}]
        """)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"
    assert len(lab.done("ring")) == 1


async def test_one_doubt_of_two_resolved_still_waits_for_the_other(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ range(2) }}
            concurrency: 2
            do: [{id: r, call: world.ring_slowly, with: {name: "n${{ item }}", of: 2}}]
    """)
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert (await lab.steps(run)) == {"all": "running", "all[0]/r": "unknown", "all[1]/r": "unknown"}
    await lab.interventions.resolve(run.run_id, "all[0]/r", Resolution.SKIP)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.NEEDS_ATTENTION
    await lab.interventions.resolve(run.run_id, "all[1]/r", Resolution.DONE)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert len(lab.done("ring")) == 2


async def test_what_a_person_gives_for_a_skipped_step_is_its_output_everywhere(lab: Lab) -> None:
    run = await lab.run("steps: [{id: g, do: [{id: r, call: world.ring, with: {name: a, fail: unknown}}]}]")
    await lab.interventions.resolve(run.run_id, "g/r", Resolution.SKIP, "given")
    run = await lab.executor.execute(run.run_id)
    assert run.output == "given"
