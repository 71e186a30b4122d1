"""Applying plans: exactly the listed effects, checked first, under the normal journal."""

from __future__ import annotations

from typing import Any

import pytest

from backhaul.json_values import dump, load
from backhaul.store.records import RunRecord, RunStatus
from crash_scenario import CHILD
from runs.planning import apply, planned
from runs.test_plan import EVERYTHING
from world import Lab

pytestmark = pytest.mark.anyio

PUTS = """
inputs: {names: {type: list, default: [a, b]}}
steps:
  - {id: things, call: world.stock}
  - id: all
    each: ${{ inputs.names }}
    key: ${{ item }}
    do: [{id: put, call: world.put, with: {name: "${{ item }}", value: "${{ len(steps.things) }}"}}]
"""

SHORT_EVERYTHING = EVERYTHING.replace("2h", "0s")


async def balance(lab: Lab, run: RunRecord) -> Any:
    step = await lab.store.step(run.run_id, "$applied")
    assert step is not None
    return step.output


async def test_apply_does_what_the_plan_lists_and_the_same_as_a_run_without_plan(lab: Lab) -> None:
    lab.define(CHILD, name="child")
    plan = await planned(lab, SHORT_EVERYTHING)
    run = await apply(lab, SHORT_EVERYTHING, load(dump(plan)))
    assert run.status is RunStatus.SUCCEEDED, run.error
    applied = [line for line in lab.done() if line["do"] != "page"]
    assert await balance(lab, run) == {"planned": 13, "done": 13, "not_done": 0, "not_done_steps": []}
    lab.file.unlink()
    run = await lab.run(SHORT_EVERYTHING)
    assert run.status is RunStatus.SUCCEEDED
    unplanned = [line for line in lab.done() if line["do"] != "page"]
    assert sorted(map(dump, applied)) == sorted(map(dump, unplanned))
    assert len(applied) == len(plan["effects"]) - 1  # the event is none of the world's
    assert len((await lab.store.events())[0]) == 2


async def test_drift_is_listed_item_by_item_and_nothing_is_done(lab: Lab) -> None:
    plan = await planned(lab, PUTS)
    await lab.run("steps: [{id: put, call: world.put, with: {name: new}}]")
    before = lab.done("put")
    run = await apply(lab, PUTS, plan)
    assert run.status is RunStatus.FAILED
    assert run.error == {
        "type": "DriftError",
        "message": "the plan does not hold any more, and nothing was done: since it was made 2 effects have changed. "
        "Make a new plan",
        "step": "$check",
    }
    assert lab.done("put") == before
    check = await lab.store.step(run.run_id, "$check")
    assert check is not None
    assert check.output is not None
    assert check.output["counts"] == {"changed": 2}
    first = check.output["drift"][0]
    assert (first["kind"], first["step"], first["planned"]["params"], first["now"]["params"]) == (
        "changed",
        "all[a]/put",
        {"name": "a", "value": 0},
        {"name": "a", "value": 1},
    )


async def test_effects_that_came_or_went_are_drift(lab: Lab) -> None:
    text = """
    steps:
      - {id: things, call: world.stock}
      - id: all
        each: ${{ steps.things }}
        key: ${{ item.name }}
        do: [{id: go, call: world.remove, with: {name: "${{ item.name }}"}}]
    """
    await lab.run("steps: [{id: a, call: world.put, with: {name: a}}, {id: b, call: world.put, with: {name: b}}]")
    plan = await planned(lab, text)
    await lab.run("steps: [{id: a, call: world.remove, with: {name: a}}, {id: c, call: world.put, with: {name: c}}]")
    run = await apply(lab, text, plan)
    check = await lab.store.step(run.run_id, "$check")
    assert check is not None
    assert check.output is not None
    assert {(one["kind"], one["step"]) for one in check.output["drift"]} == {
        ("added", "all[c]/go"),
        ("gone", "all[a]/go"),
    }
    assert run.error is not None
    assert ": since it was made 1 effect has come, 1 effect is gone. Make" in run.error["message"]
    assert [line["name"] for line in lab.done("remove")] == ["a"]


async def test_what_a_description_was_based_on_is_checked_too(lab: Lab) -> None:
    text = "steps: [{id: put, call: world.put, with: {name: a, value: 5}}]"
    plan = await planned(lab, text)
    await lab.run("steps: [{id: put, call: world.put, with: {name: a, value: 9}}]")
    run = await apply(lab, text, plan)
    assert run.error is not None
    assert run.error["type"] == "DriftError"
    assert [line["value"] for line in lab.done("put")] == [9]


UNDETERMINED = """
steps:
  - {id: ring, call: world.ring, with: {name: bell}}
  - id: maybe
    if: ${{ steps.ring == "rang bell" }}
    call: world.put
    with: {name: maybe}
    on_error: continue
  - {id: after, call: world.remove, with: {name: after}}
"""


async def test_an_effect_that_is_not_listed_stops_the_run_whatever_on_error_says(lab: Lab) -> None:
    plan = await planned(lab, UNDETERMINED)
    run = await apply(lab, UNDETERMINED, plan)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert (run.error["type"], run.error["step"]) == ("NotPlannedError", "maybe")
    assert "world.put of step maybe is not in the plan" in run.error["message"]
    assert [line["do"] for line in lab.done()] == ["ring"]
    assert (await balance(lab, run))["not_done_steps"] == ["after"]


async def test_resuming_a_run_that_was_stopped_so_does_not_let_it_pass(lab: Lab) -> None:
    run = await apply(lab, UNDETERMINED, await planned(lab, UNDETERMINED))
    again = await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(again.run_id)
    assert run.error is not None
    assert run.error["type"] == "NotPlannedError"
    assert [line["do"] for line in lab.done()] == ["ring"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"params": {"name": "bell", "fail": "x"}}, "has other parameters than in the plan (fail)"),
        ({"action": "world.remove"}, "would do world.ring, and the plan says world.remove"),
        ({"step": "other"}, "world.ring of step ring is not in the plan"),
    ],
)
async def test_the_journal_matches_strictly(lab: Lab, changed: dict[str, Any], says: str) -> None:
    from backhaul.runs.planning.approved import ApprovedPlan, NotPlanned, store_effects

    effect = {"step": "ring", "action": "world.ring", "effect": "once", "params": {"name": "bell"}, **changed}

    async def effects() -> Any:
        yield effect

    await store_effects(lab.store, "r1", effects())
    plan = await ApprovedPlan.load(lab.store, "r1")
    with pytest.raises(NotPlanned) as refused:
        plan.require("ring", "ring", "world.ring", {"name": "bell"})
    assert says in refused.value.reason


async def test_a_child_that_meets_what_is_not_listed_stops_the_whole(lab: Lab) -> None:
    lab.define(
        "name: child\nsteps:\n  - {id: ring, call: world.ring, with: {name: a}}\n"
        "  - {id: more, if: \"${{ steps.ring == 'rang a' }}\", call: world.put, with: {name: a}}",
        name="child",
    )
    text = "steps: [{id: sub, run: child, on_error: continue}, {id: put, call: world.remove, with: {name: b}}]"
    run = await apply(lab, text, await planned(lab, text))
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "NotPlannedError"
    assert [line["do"] for line in lab.done()] == ["ring"]


async def test_an_event_that_is_not_listed_is_not_emitted(lab: Lab) -> None:
    text = """
    steps:
      - {id: ring, call: world.ring, with: {name: bell}}
      - {id: told, if: "${{ steps.ring == 'rang bell' }}", emit: {type: a.b, data: 1}}
    """
    run = await apply(lab, text, await planned(lab, text))
    assert run.error is not None
    assert (run.error["type"], run.error["step"]) == ("NotPlannedError", "told")
    assert (await lab.store.events())[0] == []


async def test_now_is_the_plans_time(lab: Lab) -> None:
    text = "steps: [{id: put, call: world.put, with: {name: 'at ${{ now }}'}}]"
    plan = await planned(lab, text)
    run = await apply(lab, text, plan)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert lab.done("put")[0]["name"] == f"at {plan['created_at']}"


async def test_a_failing_effect_leaves_the_others_of_the_plan_named(lab: Lab) -> None:
    text = """
    steps:
      - {id: ring, call: world.ring, with: {name: a, fail: refused}}
      - {id: put, call: world.put, with: {name: b}}
    """
    run = await apply(lab, text, await planned(lab, text))
    assert run.status is RunStatus.FAILED
    assert await balance(lab, run) == {"planned": 2, "done": 0, "not_done": 2, "not_done_steps": ["ring", "put"]}
