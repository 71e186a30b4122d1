"""Plans of reconciles: every change with its fields before and after, applied as listed."""

from __future__ import annotations

import pytest

from backhaul.json_values import Json, dump
from backhaul.store.records import RunStatus
from backhaul.views.plan import read_plan
from backhaul.views.screen import Screen
from reconciling import approve
from runs.planning import apply, effects_of, make_plan, planned
from world import Lab, seed, want

pytestmark = pytest.mark.anyio

SYNC = """
steps:
  - {id: wanted, call: world.wanted}
  - {id: stock, call: world.stock}
  - id: sync
    reconcile:
      source: ${{ steps.wanted }}
      target: ${{ steps.stock }}
      key: {source: name, target: name}
      compare: {value: value}
      create: {call: world.put, with: {name: "${{ item.name }}", value: "${{ item.value }}"}}
      update: {call: world.put, with: {name: "${{ target.name }}", value: "${{ item.value }}"}}
      delete: {call: world.remove, with: {name: "${{ target.name }}"}}
      guard: {max_delete: "50%", min_source: 1}
  - {id: told, emit: {type: a.b, data: {created: "${{ steps.sync.created }}", source: "${{ steps.sync.source }}"}}}
"""


async def test_a_reconcile_is_planned_with_before_and_after_and_applied(lab: Lab) -> None:
    seed(lab.file, [{"name": name, "value": 1} for name in "abcd"])
    want(
        lab.file,
        [{"name": "a", "value": 1}, {"name": "b", "value": 2}, {"name": "e", "value": 5}, {"name": "d", "value": 1}],
    )
    plan = await planned(lab, SYNC)
    by_step = {effect["step"]: effect for effect in plan["effects"]}
    assert effects_of(plan) == {
        "sync/create[e]": ("world.put", {"name": "e", "value": 5}),
        "sync/update[b]": ("world.put", {"name": "b", "value": 2}),
        "sync/delete[c]": ("world.remove", {"name": "c"}),
        "told": ("emit", by_step["told"]["params"]),
    }
    assert (by_step["sync/update[b]"]["before"], by_step["sync/update[b]"]["after"]) == ({"value": 1}, {"value": 2})
    assert by_step["told"]["params"]["data"] == {"created": {"$known_after_apply": "sync"}, "source": 4}
    assert not {line["do"] for line in lab.done()} & {"put", "remove"}
    run = await apply(lab, SYNC, plan)
    assert run.status is RunStatus.SUCCEEDED, run.error
    done = [{key: line[key] for key in ("do", "name")} for line in lab.done() if line["do"] in {"put", "remove"}]
    assert sorted(map(dump, done)) == sorted(
        map(dump, [{"do": "put", "name": "e"}, {"do": "put", "name": "b"}, {"do": "remove", "name": "c"}])
    )


async def test_a_side_that_depends_on_an_effect_is_undetermined(lab: Lab) -> None:
    text = SYNC.replace("steps:\n", "steps:\n  - {id: ring, call: world.ring, with: {name: a}}\n")
    plan = await planned(lab, text)
    assert list(effects_of(plan)) == ["ring", "told"]
    undetermined = {one["step"]: one["may_change"] for one in plan["undetermined"]}
    assert undetermined == {"wanted": [], "stock": [], "sync": ["world"]}


GUARDED = SYNC.replace("      guard:", "      on_item_error: {on_item_error}\n      guard:").replace(
    'created: "${{ steps.sync.created }}"',
    'created: "${{ steps.sync.created }}", deleted: "${{ steps.sync.deleted }}", held: "${{ steps.sync.held }}",'
    ' same: "${{ steps.sync.same }}", guard: "${{ steps.sync.guard }}", explained: "${{ steps.sync.explained }}"',
)
PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def keep(run: Run, world: World) -> dict:
    async def remove(there: dict) -> None:
        await world.remove(name=there["name"])
        await run.run_workflow("child", name=there["name"])

    async def put(one: dict) -> None:
        await world.put(name=one["name"], value=one["value"])

    found = await run.reconcile(
        world.wanted(), world.stock(), key="name", create=put, delete=remove, max_delete="50%", name="sync"
    )
    return {"created": found["created"], "deleted": found["deleted"], "held": found["held"]}
"""
CHILD = """
name: child
inputs: {name: {type: string}}
steps:
  - {id: inner, call: world.put, with: {name: "gone ${{ inputs.name }}"}}
"""
DELETES = {f"sync/delete[{name}]" for name in "bcd"}
UNKNOWN = {"$known_after_apply": "sync"}


def shrunken(lab: Lab) -> None:
    """Let one of four records stay and another one come, so that the guard objects."""
    seed(lab.file, [{"name": name, "value": 1} for name in "abcd"])
    want(lab.file, [{"name": "a", "value": 1}, {"name": "e", "value": 1}])


def changes(lab: Lab) -> set[tuple[str, str]]:
    return {(line["do"], line["name"]) for line in lab.done() if line["do"] in {"put", "remove"}}


@pytest.mark.parametrize("on_item_error", ["continue", "stop"])
async def test_deletes_to_which_the_guard_objects_are_listed_as_only_after_a_yes(lab: Lab, on_item_error: str) -> None:
    shrunken(lab)
    plan = await planned(lab, GUARDED.replace("{on_item_error}", on_item_error))
    assert {one["step"]: one.get("only_if") for one in plan["effects"]} == {
        "sync/create[e]": None,
        **dict.fromkeys(DELETES, "sync/guard"),
        "told": None,
    }
    (wait,) = plan["waits"]
    assert wait["step"] == "sync/guard"
    assert wait["for"]["approval"]["message"].startswith("would delete 3 of 4 records of world.stock (75 %)")
    assert plan["summary"]["only_if"] == {"sync/guard": 3}
    told = plan["effects"][-1]["params"]["data"]
    assert (told["deleted"], told["held"], told["same"]) == (UNKNOWN, UNKNOWN, 1)
    assert told["created"] == (UNKNOWN if on_item_error == "continue" else 1)
    assert (told["guard"]["tripped"], told["guard"]["approved"], told["guard"]["by"]) == (True, UNKNOWN, UNKNOWN)
    assert (told["explained"]["difference"], told["explained"]["reasons"]) == (-2, UNKNOWN)
    record = await lab.store.step(plan["run_id"], "sync")
    assert record is not None
    assert record.output is not None
    assert (record.output["held"], record.output["deleted"]) == (UNKNOWN, UNKNOWN)
    assert changes(lab) == set()


@pytest.mark.parametrize("yes", [True, False], ids=["approved", "rejected"])
async def test_apply_asks_as_the_plan_said_and_does_the_listed_deletes_only_after_a_yes(lab: Lab, yes: bool) -> None:
    shrunken(lab)
    text = GUARDED.replace("{on_item_error}", "continue")
    plan = await planned(lab, text)
    run = await apply(lab, text, plan)
    assert run.status is RunStatus.WAITING
    (wait,) = await lab.store.waits(run_id=run.run_id)
    assert wait.details is not None
    assert wait.details["message"] == plan["waits"][0]["for"]["approval"]["message"]
    assert changes(lab) == {("put", "e")}
    run = await approve(lab, run, yes=yes)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert changes(lab) == {("put", "e")} | ({("remove", name) for name in "bcd"} if yes else set())
    applied = await lab.store.step(run.run_id, "$applied")
    assert applied is not None
    left = sorted(set() if yes else DELETES)
    assert applied.output == {"planned": 5, "done": 5 - len(left), "not_done": len(left), "not_done_steps": left}


async def test_a_guard_that_objects_since_the_plan_was_made_is_drift(lab: Lab) -> None:
    seed(lab.file, [{"name": name, "value": 1} for name in "abcd"])
    want(lab.file, [{"name": name, "value": 1} for name in "abc"])
    plan = await planned(lab, SYNC)
    assert plan["summary"]["only_if"] == {}
    want(lab.file, [{"name": name, "value": 1} for name in "a"])
    seed(lab.file, [{"name": name, "value": 1} for name in "ef"])
    run = await apply(lab, SYNC, plan)
    assert run.status is RunStatus.FAILED
    check = await lab.store.step(run.run_id, "$check")
    assert check is not None
    assert check.output is not None
    (changed,) = [one for one in check.output["drift"] if one["kind"] == "changed" and one["step"] != "told"]
    assert (changed["step"], "only_if" in changed["planned"], changed["now"]["only_if"]) == (
        "sync/delete[d]",
        False,
        "sync/guard",
    )
    assert changes(lab) == set()


@pytest.mark.parametrize("yes", [True, False], ids=["approved", "rejected"])
async def test_what_functions_and_their_runs_do_after_a_yes_is_listed_so_and_done_so(lab: Lab, yes: bool) -> None:
    shrunken(lab)
    lab.define(CHILD, name="child")
    plan = await planned(lab, PYTHON, kind="python")
    listed = {one["action"] + " " + one["params"]["name"]: one.get("only_if") for one in plan["effects"]}
    after = [f"world.remove {name}" for name in "bcd"] + [f"world.put gone {name}" for name in "bcd"]
    assert listed == {"world.put e": None, **dict.fromkeys(after, "sync/guard")}
    planned_run = await lab.store.run(plan["run_id"])
    assert planned_run is not None
    assert planned_run.output == {"created": UNKNOWN, "deleted": UNKNOWN, "held": UNKNOWN}
    run = await apply(lab, PYTHON, plan, kind="python")
    assert run.status is RunStatus.WAITING
    run = await approve(lab, run, yes=yes)
    assert run.output == {"created": 1, "deleted": 3 if yes else 0, "held": 0 if yes else 3}
    assert len(changes(lab)) == (7 if yes else 1)
    applied = await lab.store.step(run.run_id, "$applied")
    assert applied is not None
    assert applied.output is not None
    assert (applied.output["done"], applied.output["not_done"]) == ((7, 0) if yes else (1, 6))


async def test_a_plan_that_must_be_approved_says_that_some_of_it_needs_a_further_yes(lab: Lab) -> None:
    shrunken(lab)
    run = await lab.run("plan: required\n" + SYNC)
    assert run.status is RunStatus.WAITING
    (wait,) = await lab.store.waits(run_id=run.run_id)
    assert wait.details is not None
    assert "5 effects (delete 3, emit 1, write 1), 3 of them only after a further yes" in wait.details["message"]
    assert changes(lab) == set()
    run = await approve(lab, run)
    assert (run.status, changes(lab)) == (RunStatus.WAITING, {("put", "e")})
    run = await approve(lab, run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert changes(lab) == {("put", "e"), ("remove", "b"), ("remove", "c"), ("remove", "d")}


async def test_the_question_of_a_run_that_is_a_step_is_named_as_its_effects_are(lab: Lab) -> None:
    shrunken(lab)
    lab.define(SYNC, name="child")
    text = "steps:\n  - {id: sub, run: child}\n"
    plan = await planned(lab, text)
    assert {one["only_if"] for one in plan["effects"] if "only_if" in one} == {"sub > sync/guard"}
    assert [one["step"] for one in plan["waits"]] == ["sub > sync/guard"]
    run = await approve(lab, await apply(lab, text, plan))
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert changes(lab) == {("put", "e"), ("remove", "b"), ("remove", "c"), ("remove", "d")}


BY_NUMBER = """
steps:
  - {id: wanted, call: world.wanted}
  - {id: stock, call: world.stock}
  - id: all
    each: ["+5511999990000"]
    key: ${{ item }}
    do:
      - id: sync
        reconcile:
          source: ${{ steps.wanted }}
          target: ${{ steps.stock }}
          key: name
          delete: {call: world.remove, with: {name: "${{ target.name }}"}}
"""


async def test_labels_of_items_stand_on_no_screen_in_questions_and_what_hangs_on_them(lab: Lab) -> None:
    seed(lab.file, [{"name": name, "value": 1} for name in "abcd"])
    want(lab.file, [{"name": "a", "value": 1}])
    run = await make_plan(lab, lab.define(BY_NUMBER))
    for screen, is_shown in ((None, True), (Screen(dict), False)):
        effects: list[Json] = []
        view = await read_plan(lab.store, run, {}, lab.store.clock.now(), screen=screen, each=effects.append)
        hanging = [effect["only_if"] for effect in effects]
        assert len(hanging) == 3
        assert ("+5511999990000" in dump([view.waits, hanging])) is is_shown
        assert "+5511999990000" not in dump(view.tail()["summary"])
