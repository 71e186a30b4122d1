"""Plans of reconciles: every change with its fields before and after, applied as listed."""

from __future__ import annotations

import pytest

from backhaul.json_values import dump
from backhaul.store.records import RunStatus
from runs.planning import apply, effects_of, planned
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


async def test_a_guard_that_objects_is_listed_as_a_wait_and_the_deletes_as_after_a_yes(lab: Lab) -> None:
    seed(lab.file, [{"name": name, "value": 1} for name in "abcd"])
    want(lab.file, [{"name": "a", "value": 1}])
    plan = await planned(lab, SYNC)
    assert {"sync/delete[b]", "sync/delete[c]", "sync/delete[d]"} <= set(effects_of(plan))
    assert [one["step"] for one in plan["waits"]] == ["sync/guard"]
