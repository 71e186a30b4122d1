"""The guard: what is empty, cut short or shrunken deletes nothing, and the run says why in numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backhaul.json_values import Json
from backhaul.store.records import RunRecord, RunStatus
from backhaul.testing.clock import FakeClock
from reconciling import approve, error, make, output, prepare, records, stock, things
from runs.waiting_lab import open_waiting_lab
from world import Lab, want

pytestmark = pytest.mark.anyio

THERE = {f"d{n:02}": n for n in range(50)}


@pytest.fixture
async def lab(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab whose waits last as long as the test wants."""
    async with open_waiting_lab(sqlite_url, tmp_path) as opened:
        yield opened.lab


async def message(lab: Lab, run: RunRecord) -> str:
    """Return what a person is asked while a run waits."""
    assert run.status is RunStatus.WAITING, run.error
    (wait,) = await lab.store.waits(run_id=run.run_id)
    assert wait.key == "sync/guard"
    details: Json = wait.details
    return str(details["message"])


async def test_an_empty_source_deletes_nothing_and_says_why_in_numbers(lab: Lab) -> None:
    prepare(lab, {}, THERE)
    run = await lab.run(make(more="guard: {max_delete: '100%'}"))
    assert await message(lab, run) == (
        "would delete 50 of 50 records of world.stock (100 %); allowed are 100 % (50). "
        "The source world.wanted has 0 records; at least 1 are needed"
    )
    assert stock(lab) == THERE


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_side_that_is_cut_short_changes_nothing_whatever_the_answer(lab: Lab, side: str) -> None:
    prepare(lab, {"new": 1, **THERE}, THERE)
    lost = make(source_breaks=20) if side == "source" else make(target_breaks=20)
    run = await lab.run(lost)
    other, name, count = ("target", "stock", 50) if side == "source" else ("source", "wanted", 51)
    step, listing = ("wanted", "wanted") if side == "source" else ("stock", "stock")
    assert await message(lab, run) == (
        f"the {side} is not complete: step {step} failed (the page is lost; 20 of its records had been read); "
        f"the {other} world.{name} has {count} records. Nothing is changed; a yes or a no lets the run go on"
    ), listing
    run = await approve(lab, run, note="seen")
    assert run.status is RunStatus.SUCCEEDED
    assert stock(lab) == THERE
    assert (output(run)["complete"], output(run)["guard"]["approved"], output(run)["deleted"]) == (False, False, 0)
    assert (output(run)["guard"]["by"], output(run)["guard"]["note"]) == ("ana", "seen")


async def test_a_shrunken_source_deletes_nothing_and_the_rest_is_done(lab: Lab) -> None:
    prepare(lab, THERE, THERE)
    text = make(more="guard: {max_delete: '2%'}")
    assert (await lab.run(text)).status is RunStatus.SUCCEEDED
    want(lab.file, things({"new": 1, **dict(list(THERE.items())[:19])}))
    run = await lab.run(text)
    assert await message(lab, run) == (
        "would delete 31 of 50 records of world.stock (62 %); allowed are 2 % (1). "
        "The source world.wanted has 20 records, 50 the last time"
    )
    assert stock(lab) == {**THERE, "new": 1}


async def test_a_yes_lets_the_deletes_happen(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"a": 1, **THERE})
    run = await lab.run(make(more="guard: {max_delete: '50%', to: the night shift}"))
    (wait,) = await lab.store.waits(run_id=run.run_id)
    assert wait.details is not None
    assert wait.details["to"] == "the night shift"
    run = await approve(lab, run, note="agreed by phone")
    assert run.status is RunStatus.SUCCEEDED
    assert output(run)["deleted"] == 50
    assert output(run)["guard"] == {
        "tripped": True,
        "message": wait.details["message"],
        "approved": True,
        "by": "ana",
        "note": "agreed by phone",
        "held_because": None,
    }
    assert stock(lab) == {"a": 1}


async def test_a_no_holds_the_deletes_and_the_result_says_so(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"a": 1, **THERE})
    run = await lab.run(make(more="guard: {max_delete: '50%'}"))
    run = await approve(lab, run, yes=False, note="the ACS is being moved")
    assert run.status is RunStatus.SUCCEEDED
    assert (output(run)["deleted"], output(run)["held"]) == (0, 50)
    said = {name: output(run)["guard"][name] for name in ("approved", "by", "note", "held_because")}
    because = "the guard holds it: rejected by ana: the ACS is being moved"
    assert said == {"approved": False, "by": "ana", "note": "the ACS is being moved", "held_because": because}
    found = {(record["outcome"], record.get("note")) for record in await records(lab, run)}
    assert found == {("held", because), ("same", None)}
    assert stock(lab) == {"a": 1, **THERE}


async def test_nobody_who_answers_in_time_means_no(sqlite_url: str, tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_waiting_lab(sqlite_url, tmp_path, clock) as waiting:
        prepare(waiting.lab, {}, THERE)
        run = await waiting.run(make(more="guard: {timeout: 8h}"))
        await waiting.after(timedelta(hours=8).total_seconds())
        run = await waiting.go_on(run)
        assert run.status is RunStatus.SUCCEEDED
        assert output(run)["held"] == 50
        guard = output(run)["guard"]
        assert (guard["approved"], guard["by"], guard["note"]) == (False, None, None)
        assert guard["held_because"].startswith("the guard holds it: nobody had approved it by")


async def test_deletes_come_last_when_the_guard_objects_whatever_the_order(lab: Lab) -> None:
    prepare(lab, {"a": 1}, THERE)
    run = await lab.run(make(more="order: [delete, update, create]"))
    assert run.status is RunStatus.WAITING
    assert stock(lab) == {"a": 1, **THERE}
    run = await approve(lab, run)
    assert [record["outcome"] for record in await records(lab, run)] == ["created"] + ["deleted"] * 50


@pytest.mark.parametrize(
    ("guard", "gone", "waits"),
    [
        ("", 2, False),
        ("", 3, True),
        ("guard: {max_delete: '10%'}", 5, False),
        ("guard: {max_delete: '10%'}", 6, True),
        ("guard: {max_delete: '100%', max_delete_count: 3}", 3, False),
        ("guard: {max_delete: '100%', max_delete_count: 3}", 4, True),
        ("guard: {max_delete: '100%', min_source: 40}", 10, False),
        ("guard: {max_delete: '100%', min_source: 41}", 10, True),
        ("guard: {max_delete: '${{ inputs.share }}', max_delete_count: '${{ 1 + 1 }}'}", 2, False),
        ("guard: {max_delete: '${{ inputs.share }}', max_delete_count: '${{ 1 + 1 }}'}", 3, True),
    ],
)
async def test_the_guard_objects_to_what_is_more_than_its_limits(lab: Lab, guard: str, gone: int, waits: bool) -> None:
    prepare(lab, dict(list(THERE.items())[gone:]), THERE)
    run = await lab.run(
        "inputs: {share: {type: string, default: '50 %'}}\n" + make(more=guard or "order: [create, update, delete]")
    )
    assert run.status is (RunStatus.WAITING if waits else RunStatus.SUCCEEDED), run.error
    assert len(stock(lab)) == (50 if waits else 50 - gone)


async def test_an_empty_source_beside_an_empty_target_needs_nobody(lab: Lab) -> None:
    run = await lab.run(make())
    assert run.status is RunStatus.SUCCEEDED
    assert output(run)["total"] == 0


async def test_a_side_that_is_null_fails_a_step_without_deletes(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {})
    text = make(source_breaks=0)
    start, end = text.index("      delete:"), text.index("      concurrency")
    run = await lab.run(
        (text[:start] + text[end:])
        .replace("guard: {max_delete: '100%'}", "concurrency: 1", 1)
        .replace("      concurrency: 3\n", "")
    )
    assert run.status is RunStatus.FAILED
    assert "the source is not complete: step wanted failed (the page is lost)" in error(run)["message"]


@pytest.mark.parametrize("bad", ["2", "'${{ 5 }}'", "'${{ \"200%\" }}'"])
async def test_a_limit_that_is_none_fails_before_anything_is_done(lab: Lab, bad: str) -> None:
    prepare(lab, {"a": 1}, {"b": 1})
    text = make(more=f"guard: {{max_delete: {bad}}}")
    if bad == "2":
        with pytest.raises(Exception, match="max_delete: 2 is no share: write it as 2%"):
            await lab.run(text)
        return
    run = await lab.run(text)
    assert run.status is RunStatus.FAILED
    assert "max_delete of step sync" in error(run)["message"]
    assert stock(lab) == {"b": 1}


async def test_a_restart_while_the_guard_waits_repeats_nothing(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, THERE)
    run = await lab.run(make(more="order: [create, update, delete]"))
    done: list[dict[str, Any]] = lab.done("put")
    run = await approve(lab, run)
    assert lab.done("put") == done
    assert output(run)["created"] == 2
    assert len(lab.done("remove")) == 50
