"""What could make a reconcile delete, skip or fail too much: odd values, broken runs, rechecks, wrong numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from backhaul.json_values import Json
from backhaul.runs.planning.modes import PLAN
from backhaul.runs.progress import RunObserver
from backhaul.runs.reconciling.guard import Limits, Sizes, objection
from backhaul.service.retention import Retention
from backhaul.store.records import RunStatus
from backhaul.workflows.retention import HistoryBounds
from reconciling import error, make, output, prepare, records, stock, things
from runs.waiting_lab import open_waiting_lab
from world import Lab, open_lab, seed, want

pytestmark = pytest.mark.anyio

ALL = "guard: {max_delete: '100%'}"
CONFIRMED = f"confirm_runs: 2\n      {ALL}"


async def test_an_if_that_cannot_be_evaluated_fails_its_key_alone(lab: Lab) -> None:
    want(lab.file, [{"name": "a"}, {"name": "b", "value": 3}, {"name": "c", "value": 0}])
    seed(lab.file, [{"name": "x"}, {"name": "y", "value": 4}])
    text = make().replace("create: {", 'create: {if: "${{ item.value > 1 }}", ')
    run = await lab.run(text.replace("delete: {", 'delete: {if: "${{ target.value + 1 > 1 }}", '))
    found = {record["key"]: record for record in await records(lab, run)}
    assert {name: output(run)[name] for name in ("created", "skipped", "deleted", "failed")} == {
        **dict.fromkeys(("created", "skipped", "deleted"), 1),
        "failed": 2,
    }
    assert found["a"]["error"]["message"] == "'item.value' is missing in ${{ item.value > 1 }}"
    assert (found["x"]["outcome"], found["x"]["error"]["type"]) == ("failed", "EvaluationError")
    assert [thing["name"] for thing in lab.done("remove")] == ["y"]


async def test_an_if_that_cannot_be_evaluated_ends_the_step_when_it_says_so(lab: Lab) -> None:
    want(lab.file, [{"name": "a"}])
    text = make(more="on_item_error: stop").replace("create: {", 'create: {if: "${{ item.value > 1 }}", ')
    assert error(await lab.run(text))["type"] == "EvaluationError"


async def test_values_that_would_run_together_are_told_apart(lab: Lab) -> None:
    want(lab.file, [{"name": "a", "value": "x\x1f", "more": "y"}, {"name": "b", "value": "1:", "more": ""}])
    lines = [{"name": "a", "value": "x", "more": "\x1fy"}, {"name": "b", "value": "", "more": "1:"}]
    text = (
        make()
        .replace("{value: value}", "{value: value, more: more}")
        .replace("call: world.stock", "set: {there: THERE}")
    )
    text = text.replace(", with: {break_at: -1}, on_error: continue}\n  - id: sync", "}\n  - id: sync")
    text = text.replace("${{ steps.stock }}", "${{ steps.stock.there }}").replace("THERE", json.dumps(lines))
    run = await lab.run(text.replace("world.put", "world.ring").replace(', value: "${{ item.value }}"', ""))
    assert (output(run)["updated"], output(run)["same"]) == (2, 0)


async def test_two_spellings_of_one_key_on_a_side_are_told_and_left_alone(lab: Lab) -> None:
    prepare(lab, {"ACME00A1B2C3": 1, "x-1": 1}, {"41434D4500A1B2C3": 1, "acme-00a1b2c3": 2, "X1": 2})
    run = await lab.run(make(key="{source: name, target: name, normalize: [serial]}"))
    found = {record["key"]: record for record in await records(lab, run)}
    assert (output(run)["duplicates"], output(run)["updated"], output(run)["deleted"]) == (1, 1, 0)
    assert found["ACME00A1B2C3"]["target_positions"] == [0, 1]
    assert lab.done("remove") == []


async def test_keys_whose_steps_would_have_one_name_have_two(lab: Lab) -> None:
    keys = ["a/b", "a%2Fb", "a[b]", "k" * 300, "k" * 301]
    prepare(lab, dict.fromkeys(keys, 1), dict.fromkeys((f"{key}-old" for key in keys), 2))
    run = await lab.run(make())
    assert (output(run)["created"], output(run)["deleted"]) == (5, 5)
    assert stock(lab) == dict.fromkeys(keys, 1)
    assert len([key for key in await lab.steps(run) if "[" in key]) == 10


async def test_mappings_are_the_same_whatever_the_order_of_their_keys(lab: Lab) -> None:
    want(lab.file, [{"name": "a", "value": {"x": 1, "y": [{"p": 1, "q": 2}]}}])
    seed(lab.file, [{"name": "a", "value": {"y": [{"q": 2, "p": 1}], "x": 1}}])
    assert output(await lab.run(make()))["same"] == 1


NUMBERS = [{"id": 7, "dbm": 36, "text": 36.0}, {"id": "8", "dbm": 1, "text": "36"}]
OTHERS = [{"id": 7.0, "dbm": 36.0, "text": "36"}, {"id": 8, "dbm": True, "text": "36.0"}]
COMPARED = """
steps:
  - {id: sides, set: {source: SOURCE, target: TARGET}}
  - id: sync
    reconcile:
      source: ${{ steps.sides.source }}
      target: ${{ steps.sides.target }}
      key: id
      compare: {dbm: dbm, text: text}
output: ${{ steps.sync }}
"""
COMPARED_IN_PYTHON = """
from backhaul import Run, workflow

@workflow(name="test")
async def sync(run: Run) -> dict:
    compare = {"dbm": "dbm", "text": "text"}
    return await run.reconcile(SOURCE, TARGET, key="id", compare=compare, name="sync")
"""


@pytest.mark.parametrize(("source", "target"), [(NUMBERS, OTHERS), (OTHERS, NUMBERS)])
@pytest.mark.parametrize(("kind", "text"), [("yaml", COMPARED), ("python", COMPARED_IN_PYTHON)])
async def test_equal_numbers_are_the_same_key_and_value(
    lab: Lab, kind: str, text: str, source: Json, target: Json
) -> None:
    form = repr if kind == "python" else json.dumps
    run = await lab.run(text.replace("SOURCE", form(source)).replace("TARGET", form(target)), kind=kind)
    found = {record["key"]: record for record in await records(lab, run)}
    assert {key: record["outcome"] for key, record in found.items()} == {"7": "same", "8": "skipped"}
    assert (output(run)["same"], found["8"]["before"].keys()) == (1, {"dbm", "text"})


async def test_equal_numbers_are_the_same_when_they_are_looked_at_again(lab: Lab) -> None:
    want(lab.file, [{"name": "keep", "value": 1}])
    seed(lab.file, [{"name": "keep", "value": 1.0}, {"name": "gone", "value": 4.0}])
    again = "{id: again, call: world.put, with: {name: gone, value: 4}}"
    text = make(more="guard: {max_delete: '100%', recheck: {call: world.stock}}")
    run = await lab.run(text.replace("  - id: sync", f"  - {again}\n  - id: sync"))
    assert (output(run)["deleted"], output(run)["changed"]) == (1, 0)


async def test_a_run_that_broke_off_behind_the_join_begins_the_count_of_runs_in_a_row_anew(lab: Lab) -> None:
    more = f"max_failures: 0\n      {CONFIRMED}"
    prepare(lab, {"a": 1}, {"a": 1, "c": 3})
    assert output(await lab.run(make(more=more)))["unconfirmed"] == 1
    want(lab.file, things({"a": 1, "c": 3, "new": 1}))  # c is back, and the run fails
    assert error(await lab.run(make(more=more, fails="refused")))["type"] == "TooManyFailures"
    want(lab.file, things({"a": 1}))
    assert output(await lab.run(make(more=more)))["unconfirmed"] == 1
    assert output(await lab.run(make(more=more)))["deleted"] == 1


async def test_a_run_that_could_not_read_the_source_counts_neither_way(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"a": 1, "c": 3})
    assert output(await lab.run(make(more=CONFIRMED)))["unconfirmed"] == 1
    assert (await lab.run(make(more=CONFIRMED, source_breaks=0))).status is RunStatus.WAITING
    assert output(await lab.run(make(more=CONFIRMED)))["deleted"] == 1


async def test_any_number_of_plans_between_two_runs_is_looked_past(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"a": 1, "c": 3})
    text = make(more=CONFIRMED)
    assert output(await lab.run(text))["unconfirmed"] == 1
    workflow = lab.define(text)
    for _ in range(250):
        await lab.executor.start(workflow, {}, mode=PLAN)
    assert output(await lab.run(text))["deleted"] == 1


async def test_a_pruned_run_is_as_if_it_had_never_been(sqlite_url: str, tmp_path: Path) -> None:
    rules = f"{CONFIRMED}\n      explain: [{{reason: again, when: '${{{{ last is not none }}}}'}}]"
    async with open_waiting_lab(sqlite_url, tmp_path) as waiting:
        lab = waiting.lab
        prepare(lab, {"a": 1}, {"a": 1, "c": 3})
        assert output(await lab.run(make(more=rules)))["unconfirmed"] == 1
        waiting.clock.set_time(waiting.now + timedelta(days=2))
        retention = Retention(lab.store, waiting.clock, HistoryBounds, dict)
        pruned = await retention.prune(older_than_s=3600)
        assert pruned is not None
        assert pruned.runs == 1
        found = output(await lab.run(make(more=rules)))
        assert (found["unconfirmed"], found["explained"]["reasons"][0]["reason"]) == (1, "unexplained")
        assert output(await lab.run(make(more=rules)))["deleted"] == 1


LISTED = "guard: {max_delete: '100%', recheck: {call: world.stock}}"


async def test_a_recheck_that_lists_finds_the_record_by_its_key(lab: Lab) -> None:
    prepare(lab, {"keep": 1}, {"keep": 1, "gone": 4, "away": 5, "twice": 6, "other": 7})
    text = make(more=LISTED).replace(
        "  - id: sync",
        "  - {id: moves, call: world.remove, with: {name: away}}\n"
        "  - {id: differs, call: world.put, with: {name: other, value: 8}}\n"
        "  - {id: again, call: world.seed_again, with: {name: twice, value: 6}}\n  - id: sync",
    )
    run = await lab.run(text)
    found = {record["key"]: record for record in await records(lab, run)}
    assert (output(run)["deleted"], output(run)["changed"]) == (1, 3)
    assert found["away"]["note"] == "it is gone since it was read"
    assert found["other"]["note"] == "it has changed since it was read"
    assert found["twice"]["note"] == "it is there several times since it was read"
    assert sorted(stock(lab)) == ["keep", "other", "twice"]


class StopsOnce(RunObserver):
    """Stops the run when 200 keys are done."""

    def __init__(self) -> None:
        self.stop: Callable[[], None] = lambda: None

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        if (key, done) == ("sync", 200):
            stop, self.stop = self.stop, lambda: None
            stop()


async def test_what_a_person_has_forgiven_stays_forgiven_after_a_restart(sqlite_url: str, tmp_path: Path) -> None:
    observer = StopsOnce()
    async with open_lab(sqlite_url, tmp_path / "world", observer=observer) as lab:
        prepare(lab, {f"n{n:03}": n for n in range(450)}, {})
        text = make(more="max_failures: 2", fails="\"${{ 'refused' if item.value < 4 or item.value == 300 else '' }}\"")
        run = await lab.run(text)
        assert error(run)["type"] == "TooManyFailures"
        await lab.interventions.reopen(run.run_id)
        observer.stop = lambda: lab.executor.stop(run.run_id)
        run = await lab.executor.execute(run.run_id)
        assert run.status is RunStatus.RUNNING
        run = await lab.executor.execute(run.run_id)
        assert (output(run)["failed"], output(run)["created"]) == (5, 445)


@pytest.mark.parametrize(
    ("deletes", "of", "share", "said"),
    [
        (501, 10_000, 0.05, "(5.01 %); allowed are 5 % (500)"),
        (9_999, 10_000, 0.02, "(99.99 %); allowed are 2 % (200)"),
        (10_000, 10_000, 0.02, "(100 %); allowed are 2 % (200)"),
        (1_234, 10_000, 0.001, "(12.3 %); allowed are 0.1 % (10)"),
        (30, 100, 0.29, "(30 %); allowed are 29 % (29)"),
        (1, 3, 0.05, "(33.3 %); allowed are 5 % (0)"),
        (20_001, 20_000_000, 0.001, "(0.100005 %); allowed are 0.1 % (20,000)"),
    ],
)
def test_a_share_that_is_just_beyond_the_limit_looks_like_it(deletes: int, of: int, share: float, said: str) -> None:
    sizes = Sizes(source=5, target=of, deletes=deletes, source_name="a.list", target_name="b.list")
    text = objection(Limits(share=share, count=None, min_source=1), sizes)
    assert text is not None
    assert said in text


PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def sync(run: Run, world: World) -> dict:
    async def ring(thing):
        await world.ring(name=thing["name"])

    return await run.reconcile(world.wanted(), world.stock(), key="name", create=ring, delete=ring, max_delete="100%",
        MORE)
"""


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("concurrency=0", "concurrency is 0, and at least 1 is needed"),
        ("confirm_runs=0", "confirm_runs is 0, and at least 1 is needed"),
        ("order=['delete']", "order is delete: write each of create, update, delete once"),
        ("order=['delete', 'delete', 'create']", "order is delete, delete, create: write each of"),
        ("min_source=-1", "min_source of step reconcile: a whole number from 0 is needed, not -1"),
        ("max_delete_count=-1", "max_delete_count of step reconcile: a whole number from 0 is needed, not -1"),
        ("normalize=['nothing']", "there is no normaliser 'nothing'"),
    ],
)
async def test_what_is_no_number_or_order_is_refused_before_anything_is_done(lab: Lab, more: str, problem: str) -> None:
    prepare(lab, {"a": 1}, {"b": 1})
    run = await lab.run(PYTHON.replace("MORE", more), kind="python")
    assert problem in error(run)["message"]
    assert lab.done("ring") == []
    assert "running" not in (await lab.steps(run)).values()


async def test_a_reason_that_is_no_text_is_written_as_one(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {})
    run = await lab.run(PYTHON.replace("MORE", "explain=lambda one: one.item['value'] + 41"), kind="python")
    assert output(run)["explained"]["reasons"] == [{"reason": "42", "side": "source", "count": 1}]
