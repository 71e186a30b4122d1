"""Reconciling: what is made of every key, what fails, what is told apart, and what a second run does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backhaul.json_values import Json
from backhaul.runs.planning.effects import effect_view, planned_steps
from backhaul.runs.planning.modes import PLAN
from backhaul.runs.progress import RunObserver
from backhaul.store.records import RunRecord, RunStatus
from reconciling import error, make, output, prepare, records, stock, things
from world import Lab, open_lab, seed, want

pytestmark = pytest.mark.anyio


async def by_key(lab: Lab, run: RunRecord) -> dict[str | None, Json]:
    return {record["key"]: record for record in await records(lab, run)}


async def test_the_target_becomes_what_the_source_is(lab: Lab) -> None:
    prepare(lab, {"new": 1, "same": 2, "other": 3}, {"same": 2, "other": 9, "gone": 4})
    run = await lab.run(make())
    assert stock(lab) == {"new": 1, "same": 2, "other": 3}
    counts = output(run)
    assert {name: counts[name] for name in ("source", "target", "total")} == {"source": 3, "target": 3, "total": 4}
    assert {name: counts[name] for name in ("same", "created", "updated", "deleted", "failed", "held")} == {
        **dict.fromkeys(("same", "created", "updated", "deleted"), 1),
        **dict.fromkeys(("failed", "held"), 0),
    }
    assert [step for step in await lab.steps(run) if "[" in step] == [
        "sync/create[new]",
        "sync/update[other]",
        "sync/delete[gone]",
    ]


async def test_the_records_say_what_became_of_every_key(lab: Lab) -> None:
    prepare(lab, {"new": 1, "same": 2, "other": 3}, {"same": 2, "other": 9, "gone": 4})
    found = await by_key(lab, await lab.run(make()))
    assert found["same"] == {"key": "same", "outcome": "same", "reason": None}
    assert found["other"]["before"] == {"value": 9}
    assert found["other"]["after"] == {"value": 3}
    assert (found["new"]["before"], found["new"]["after"]) == (None, {"value": 1})
    assert (found["gone"]["outcome"], found["gone"]["side"]) == ("deleted", "target")


async def test_a_second_run_does_nothing(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, {"b": 3, "c": 4})
    await lab.run(make())
    before = lab.done()
    counts = output(await lab.run(make()))
    assert counts["same"] == counts["total"] == 2
    assert lab.done() == before


async def test_changes_are_made_kind_after_kind_in_the_order_that_is_written(lab: Lab) -> None:
    prepare(lab, {f"new{n}": 1 for n in range(9)}, {f"gone{n}": 1 for n in range(9)})
    output(await lab.run(make(more="order: [delete, update, create]\n      guard: {max_delete: '100%'}")))
    assert [line["do"] for line in lab.done() if line["do"] != "seed"] == ["remove"] * 9 + ["put"] * 9


async def test_two_records_with_one_key_are_told_and_left_alone(lab: Lab) -> None:
    want(lab.file, things({"a": 1}) * 2 + things({"b": 5, "c": 1}))
    seed(lab.file, things({"a": 9}) + things({"b": 1}) * 3 + things({"d": 1}) * 2)
    run = await lab.run(make())
    found = await by_key(lab, run)
    assert output(run)["duplicates"] == 3
    assert (found["a"]["source_positions"], found["a"]["target_positions"]) == ([0, 1], [0])
    assert (found["b"]["source_positions"], found["b"]["target_positions"]) == ([2], [1, 2, 3])
    assert (found["d"]["source_positions"], found["d"]["target_positions"]) == ([], [4, 5])
    assert [line for line in lab.done() if line["do"] != "seed"] == [{"do": "put", "name": "c", "value": 1}]


async def test_a_record_without_a_key_is_told_and_left_alone(lab: Lab) -> None:
    want(lab.file, [{"name": " ", "value": 1}, {"value": 2}, {"name": None, "value": 3}, {"name": [], "value": 4}])
    seed(lab.file, [{"name": "", "value": 5}])
    run = await lab.run(make(key="{source: name, target: name, normalize: [trim]}"))
    assert output(run)["no_key"] == output(run)["total"] == 5
    assert [record["source_positions"] for record in await records(lab, run)] == [[0], [1], [2], [3], []]
    assert not lab.done("put")


async def test_keys_are_compared_as_the_normalisers_make_them(lab: Lab) -> None:
    prepare(lab, {"ACME00A1B2C3": 1, "ACME-00a1b2c4": 2}, {"41434D4500A1B2C3": 1, "acme00a1b2c4": 2, "acme9": 3})
    run = await lab.run(make(key="{source: name, target: name, normalize: [serial]}"))
    assert (output(run)["same"], output(run)["deleted"]) == (2, 1)


async def test_a_change_that_is_not_wanted_is_skipped(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, {"c": 3})
    text = make().replace("create: {", 'create: {if: "${{ item.value > 1 }}", ')
    run = await lab.run(text.replace("delete: {", 'delete: {if: "${{ target.value > 3 }}", '))
    assert (output(run)["created"], output(run)["skipped"], output(run)["deleted"]) == (1, 2, 0)
    assert stock(lab) == {"b": 2, "c": 3}


async def test_failures_are_collected_and_the_rest_is_done(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2, "c": 3}, {})
    run = await lab.run(make(fails="\"${{ 'refused' if item.name == 'b' else '' }}\""))
    found = await by_key(lab, run)
    assert (output(run)["created"], output(run)["failed"]) == (2, 1)
    assert found["b"]["error"] == {
        "type": "RefusedError",
        "message": "the world says no",
        "step": "sync/create[b]",
    }
    assert stock(lab) == {"a": 1, "c": 3}


async def test_an_expression_that_fails_for_one_key_fails_that_key(lab: Lab) -> None:
    want(lab.file, [{"name": "a", "value": 1}, {"name": "b"}])
    run = await lab.run(make())
    assert (await by_key(lab, run))["b"]["error"]["type"] == "EvaluationError"
    assert stock(lab) == {"a": 1}


async def test_too_many_failures_end_the_step_and_a_resume_goes_on(lab: Lab) -> None:
    prepare(lab, {f"n{n}": n for n in range(10)}, {})
    more = "max_failures: 2\n      on_item_error: continue"
    run = await lab.run(make(more=more, fails="\"${{ 'refused' if item.value < 4 else '' }}\"").replace("y: 3", "y: 1"))
    assert run.status is RunStatus.FAILED
    assert error(run) == {
        "type": "TooManyFailures",
        "message": "3 keys failed, and at most 2 may; the last one: the world says no",
        "step": "sync",
    }
    assert not stock(lab)
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert (output(run)["failed"], output(run)["created"]) == (4, 6)


async def test_a_failure_ends_the_step_when_it_says_so(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, {})
    run = await lab.run(make(more="on_item_error: stop", fails="refused"))
    assert run.status is RunStatus.FAILED
    assert error(run)["type"] == "RefusedError"


async def test_the_calls_are_tried_again_as_the_step_says(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {})
    run = await lab.run(make(modifiers="retry: {attempts: 4, delay: 0}", fails="retry"))
    assert output(run)["failed"] == 1
    assert len(await lab.store.attempts(run.run_id, "sync/create[a]")) == 4


async def test_a_person_says_what_became_of_a_call_with_an_unknown_outcome(lab: Lab) -> None:
    from backhaul.runs.interventions import Resolution

    prepare(lab, {"a": 1}, {})
    text = make().replace("create: {call: world.put", "create: {call: world.ring")
    text = text.replace('value: "${{ item.value }}"}}\n      update', "fail: unknown}}\n      update")
    run = await lab.run(text)
    assert run.status is RunStatus.NEEDS_ATTENTION
    await lab.interventions.resolve(run.run_id, "sync/create[a]", Resolution.SKIP)
    run = await lab.executor.execute(run.run_id)
    assert (output(run)["skipped"], output(run)["created"], len(lab.done("ring"))) == (1, 0, 1)


RECHECK = "guard: {max_delete: '100%', recheck: {call: world.shelf, with: {name: '${{ target.name }}'}}}"


async def test_a_record_that_changed_since_it_was_read_is_not_deleted(lab: Lab) -> None:
    prepare(lab, {"keep": 1}, {"keep": 1, "gone": 4, "away": 5, "stays": 6})
    text = make(more=RECHECK).replace(
        "  - id: sync",
        "  - {id: later, call: world.put, with: {name: gone, value: 5}}\n"
        "  - {id: too, call: world.remove, with: {name: away}}\n  - id: sync",
    )
    run = await lab.run(text)
    found = await by_key(lab, run)
    assert (output(run)["changed"], output(run)["deleted"]) == (2, 1)
    assert found["gone"]["note"] == "it has changed since it was read"
    assert found["away"]["note"] == "it is gone since it was read"
    assert stock(lab) == {"keep": 1, "gone": 5}


async def test_records_are_deleted_once_two_runs_in_a_row_did_not_find_them(lab: Lab) -> None:
    more = "confirm_runs: 2\n      guard: {max_delete: '100%'}"
    prepare(lab, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3})
    counts = [output(await lab.run(make(more=more)))]
    want(lab.file, things({"a": 1, "c": 3}))
    counts.append(output(await lab.run(make(more=more))))  # c is back, b has gone
    want(lab.file, things({"a": 1}))
    counts.append(output(await lab.run(make(more=more))))
    assert [(one["deleted"], one["unconfirmed"]) for one in counts] == [(0, 1), (0, 1), (1, 1)]
    assert stock(lab) == {"a": 1, "c": 3}


async def test_reasons_see_what_became_of_a_key_the_last_time(lab: Lab) -> None:
    rules = """explain:
        - {reason: failed last time, when: "${{ last is not none and last.outcome == 'failed' }}"}
        - {reason: new, side: source, when: "${{ last is none }}"}"""
    text = make(more=rules, fails="\"${{ 'refused' if item.name == 'bad' else '' }}\"")
    prepare(lab, {"bad": 1}, {})
    await lab.run(text)
    want(lab.file, things({"bad": 1, "fresh": 2}))
    assert output(await lab.run(text))["explained"]["reasons"] == [
        {"reason": "failed last time", "side": "source", "count": 1},
        {"reason": "new", "side": "source", "count": 1},
    ]


async def test_reasons_add_up_to_the_difference(lab: Lab) -> None:
    rules = """guard: {max_delete: '100%'}
      explain:
        - {reason: large, side: source, when: "${{ item.value > 5 }}"}
        - {reason: never, when: "${{ outcome == 'held' }}"}
        - {reason: broken, side: target, when: "${{ target.nothing }}"}"""
    want(lab.file, things({"a": 9, "b": 8, "c": 1}) + things({"d": 1}) * 2)
    seed(lab.file, things({"x": 1}))
    explained = output(await lab.run(make(more=rules)))["explained"]
    assert explained == {
        "source": 5,
        "source_name": "world.wanted",
        "target": 1,
        "target_name": "world.stock",
        "difference": 4,
        "only_in_source": 5,
        "only_in_target": 1,
        "reasons": [
            {"reason": "duplicate key", "side": "source", "count": 2},
            {"reason": "large", "side": "source", "count": 2},
            {"reason": "unexplained", "side": "source", "count": 1},
            {"reason": "unexplained", "side": "target", "count": 1},
        ],
        "problems": {"broken": "'target.nothing' is missing in ${{ target.nothing }}"},
    }


async def test_what_is_no_list_is_refused(lab: Lab) -> None:
    text = make().replace("source: ${{ steps.wanted }}", "source: ${{ inputs.x }}")
    run = await lab.run(f"inputs: {{x: {{type: object, default: {{}}}}}}\n{text}", x={"a": 1})
    assert run.status is RunStatus.FAILED
    assert error(run)["message"] == "source of step sync: needs a list or a dataset, not dict"


async def test_large_sides_come_out_as_small_ones_do(store_url: str, tmp_path: Any) -> None:
    """More than one page of everything: of the work, of what is the same, of the listings."""
    async with open_lab(store_url, tmp_path / "world") as lab:
        wanted = {f"s{n}": n for n in range(2300)} | {f"n{n}": n for n in range(450)}
        there = {f"s{n}": n if n >= 300 else -1 for n in range(2300)} | {f"g{n}": 1 for n in range(250)}
        want(lab.file, things(wanted))
        seed(lab.file, things(there))
        text = make().replace("break_at: -1", "page: 500").replace("world.put", "world.look")
        text = text.replace("world.remove", "world.look").replace('name: "${{ item.name }}", ', "")
        text = text.replace('name: "${{ target.name }}", ', "").replace('{name: "${{ target.name }}"}', "{}")
        run = await lab.run(text)
        counts = output(run)
        assert (counts["same"], counts["created"], counts["updated"], counts["deleted"]) == (2000, 450, 300, 250)
        found = await records(lab, run)
        assert len(found) == 3000
        assert [record["outcome"] for record in found[:1000]] == ["created"] * 450 + ["updated"] * 300 + [
            "deleted"
        ] * 250
        assert {record["key"] for record in found} == wanted.keys() | there.keys()


async def plan_of(lab: Lab, text: str) -> list[tuple[str, Json]]:
    """Return what a plan lists: the steps' names, and the effects."""
    planned = await lab.executor.start(lab.define(text), {}, mode=PLAN)
    planned = await lab.executor.execute(planned.run_id)
    assert planned.status is RunStatus.SUCCEEDED, planned.error
    return [(name, effect_view(name, step)) async for name, step in planned_steps(lab.store, planned.run_id)]


async def test_a_plan_lists_every_change_with_before_and_after_and_makes_none(lab: Lab) -> None:
    prepare(lab, {"new": 1, "same": 2, "other": 3}, {"same": 2, "other": 9, "gone": 4})
    listed = await plan_of(lab, make(more="guard: {max_delete: '1%'}"))
    assert [name for name, _ in listed] == ["sync/create[new]", "sync/update[other]", "sync/guard", "sync/delete[gone]"]
    changes = [(effect.get("before"), effect.get("after")) for _, effect in listed if effect]
    assert changes == [(None, {"value": 1}), ({"value": 9}, {"value": 3}), ({"value": 4}, None)]
    assert not [line for line in lab.done() if line["do"] != "seed"]


async def test_a_plan_confirms_no_delete(lab: Lab) -> None:
    more = "confirm_runs: 2\n      guard: {max_delete: '100%'}"
    prepare(lab, {"a": 1}, {"a": 1, "c": 3})
    assert await plan_of(lab, make(more=more)) == []
    assert output(await lab.run(make(more=more)))["unconfirmed"] == 1
    assert [name for name, _ in await plan_of(lab, make(more=more))] == ["sync/delete[c]"]


class StopsInTheMiddle(RunObserver):
    """Stops the run when 400 of 700 are done: records read, the first time, and keys, the second time."""

    def __init__(self, time: int) -> None:
        self._left = time
        self.stop: Callable[[], None] = lambda: None

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        if (key, done, total) == ("sync", 400, 700):
            self._left -= 1
            if self._left == 0:
                self.stop()


@pytest.mark.parametrize(("time", "made"), [(1, range(1)), (2, range(400, 450))], ids=["reading", "applying"])
async def test_a_run_that_stops_in_the_middle_goes_on_behind_what_is_done(
    sqlite_url: str, tmp_path: Path, time: int, made: range
) -> None:
    observer = StopsInTheMiddle(time)
    async with open_lab(sqlite_url, tmp_path / "world", observer=observer) as lab:
        prepare(lab, {f"n{n:03}": n for n in range(500)}, {f"g{n:03}": n for n in range(200)})
        run = await lab.executor.start(lab.define(make().replace("break_at: -1", "page: 200")), {})
        observer.stop = lambda: lab.executor.stop(run.run_id)
        run = await lab.executor.execute(run.run_id)
        assert run.status is RunStatus.RUNNING
        assert len(lab.done("put")) in made
        run = await lab.executor.execute(run.run_id)
        assert (output(run)["created"], output(run)["deleted"]) == (500, 200)
        assert len(lab.done("put")) == 500
        assert len(lab.done("remove")) == 200
        found = await records(lab, run)
        assert len({record["key"] for record in found}) == len(found) == 700
