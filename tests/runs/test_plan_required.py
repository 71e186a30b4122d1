"""``plan: required``: every run is a plan first, which a person approves or is small enough."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backhaul.errors import DefinitionError
from backhaul.store.records import RunRecord, RunStatus
from backhaul.workflows.plan_policy import policy_of
from runs.waiting_lab import WaitingLab, open_waiting_lab

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lab(store_url: str, tmp_path: Path) -> AsyncIterator[WaitingLab]:
    async with open_waiting_lab(store_url, tmp_path) as opened:
        yield opened


WIPE = """
plan: {policy}
timeout: 1h
steps:
  - {{id: gone, call: world.remove, with: {{name: a}}}}
  - {{id: put, call: world.put, with: {{name: b}}}}
output: done
"""
REQUIRED = WIPE.format(policy="required")

PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test", plan="required")
async def test(run: Run, world: World) -> str:
    await world.remove(name="a")
    await world.put(name="b")
    return "done"
"""


async def effects(lab: WaitingLab) -> list[str]:
    return [line["do"] for line in lab.lab.done()]


async def question(lab: WaitingLab, run: RunRecord) -> str:
    (wait,) = await lab.waits(run)
    assert wait.key == "$plan"
    assert wait.details is not None
    return str(wait.details["message"])


@pytest.mark.parametrize(("kind", "text"), [("yaml", REQUIRED), ("python", PYTHON)])
async def test_a_run_waits_for_a_yes_to_its_plan_and_then_does_it(lab: WaitingLab, kind: str, text: str) -> None:
    run = await lab.run(text, kind=kind)
    assert run.status is RunStatus.WAITING, run.error
    assert await effects(lab) == []
    assert (await question(lab, run)).startswith(
        "the plan of test has 2 effects (delete 1, write 1): backhaul runs show"
    )
    await lab.approvals.decide(run.run_id, approved=True, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == "done"
    assert await effects(lab) == ["remove", "put"]
    applied = await lab.lab.store.step(run.run_id, "$applied")
    assert applied is not None
    assert applied.output == {"planned": 2, "done": 2, "not_done": 0, "not_done_steps": []}


async def test_a_no_ends_the_run_and_nothing_is_done(lab: WaitingLab) -> None:
    run = await lab.run(REQUIRED)
    await lab.approvals.decide(run.run_id, approved=False, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "RejectedError"
    assert await effects(lab) == []


async def test_the_time_that_a_person_takes_is_not_the_runs(lab: WaitingLab) -> None:
    run = await lab.run(REQUIRED)
    await lab.after(5 * 3600)
    await lab.approvals.decide(run.run_id, approved=True, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error


async def test_what_changed_while_a_person_thought_is_drift(lab: WaitingLab) -> None:
    run = await lab.run(REQUIRED)
    await lab.lab.run("steps: [{id: put, call: world.put, with: {name: b, value: 7}}]")
    await lab.approvals.decide(run.run_id, approved=True, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert (run.error["type"], run.error["step"]) == ("DriftError", "$check")
    assert await effects(lab) == ["put"]


@pytest.mark.parametrize(
    ("policy", "at_once"),
    [
        ("{auto_apply_below: {total: 3}}", True),
        ("{auto_apply_below: {total: 2}}", False),
        ("{auto_apply_below: {delete: 2, total: 200}}", True),
        ("{auto_apply_below: {delete: 1, total: 200}}", False),
    ],
)
async def test_small_plans_are_applied_at_once(lab: WaitingLab, policy: str, at_once: bool) -> None:
    run = await lab.run(WIPE.format(policy=policy))
    assert run.status is (RunStatus.SUCCEEDED if at_once else RunStatus.WAITING), run.error
    assert await effects(lab) == (["remove", "put"] if at_once else [])


async def test_a_plan_with_parts_that_are_not_known_is_never_small(lab: WaitingLab) -> None:
    run = await lab.run("""
        plan: {auto_apply_below: {total: 100}}
        steps:
          - {id: ring, call: world.ring, with: {name: a}}
          - {id: maybe, if: "${{ steps.ring }}", call: world.put, with: {name: b}}
    """)
    assert run.status is RunStatus.WAITING
    assert "1 parts are known after apply and not in it" in await question(lab, run)


async def test_a_plan_without_effects_asks_nobody(lab: WaitingLab) -> None:
    run = await lab.run(
        "plan: required\nsteps: [{id: look, call: world.look, with: {value: 4}}]\noutput: '${{ steps.look }}'"
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == 4


async def test_a_run_whose_plan_fails_has_done_nothing(lab: WaitingLab) -> None:
    run = await lab.run("""
        plan: required
        steps:
          - {id: put, call: world.put, with: {name: b}}
          - {id: bad, fail: broken}
    """)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["message"] == "no plan could be made, and nothing was done: broken"
    assert await effects(lab) == []


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("sometimes", "write 'required' or"),
        ("{auto_apply: {total: 3}}", "did you mean 'auto_apply_below'?"),
        ("{auto_apply_below: {deletes: 3}}", "did you mean 'delete'?"),
        ("{auto_apply_below: {total: -1}}", "a whole number from 0 is needed, not -1"),
        ("{auto_apply_below: {}}", "auto_apply_below needs numbers"),
    ],
)
async def test_what_is_wrong_with_plan_is_said_with_its_place(lab: WaitingLab, value: str, says: str) -> None:
    with pytest.raises(DefinitionError) as problem:
        lab.lab.define(f"plan: {value}\nsteps: [{{id: a, set: 1}}]")
    assert "workflows/test.yaml:1:7" in str(problem.value)
    assert says in str(problem.value)


def test_python_workflows_say_the_same() -> None:
    assert policy_of({"auto_apply_below": {"delete": 10}}).applies_at_once({"delete": 9}, undetermined=0)
    with pytest.raises(ValueError, match="write 'required'"):
        policy_of(True)
