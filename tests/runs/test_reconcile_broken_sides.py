"""Sides that are empty, cut short, shrunken or in motion: nothing is deleted, and a person is told why in numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backhaul.json_values import Json
from backhaul.store.records import RunRecord, RunStatus
from reconciling import approve, error, make, output, prepare, records, stock, things
from runs.waiting_lab import open_waiting_lab
from world import Lab, want

pytestmark = pytest.mark.anyio

THERE = {f"d{n:02}": n for n in range(50)}
GUARD = "guard: {max_delete: '2%'}"
UNHANDLED = ", on_error: continue"

PYTHON = """
from backhaul import Run, workflow
from backhaul.errors import StepError
from world import World

@workflow(name="test")
async def sync(
    run: Run, world: World, source_breaks: int = -1, target_breaks: int = -1, handled: bool = True
) -> dict:
    async def create(item):
        await world.put(name=item["name"], value=item["value"])

    async def delete(there):
        await world.remove(name=there["name"])

    async def whole(listing):
        try:
            return [thing async for page in listing for thing in page.items]
        except StepError:
            if not handled:
                raise
            return None

    if handled and (source_breaks, target_breaks) != (-1, -1):
        wanted = await whole(world.wanted(break_at=source_breaks))
        there = await whole(world.stock(break_at=target_breaks))
    else:
        wanted, there = world.wanted(break_at=source_breaks), world.stock(break_at=target_breaks)
    return await run.reconcile(
        wanted, there, key="name", create=create, delete=delete, max_delete="2%", name="sync"
    )
"""


@pytest.fixture
async def lab(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab whose waits last as long as the test wants."""
    async with open_waiting_lab(sqlite_url, tmp_path) as opened:
        yield opened.lab


async def ran(lab: Lab, kind: str, *, source: int = -1, target: int = -1, handled: bool = True) -> RunRecord:
    """Run the workflow to where it stands still; the sides break off behind so many records."""
    if kind == "python":
        return await lab.run(PYTHON, kind=kind, source_breaks=source, target_breaks=target, handled=handled)
    text = make(more=GUARD, source_breaks=source, target_breaks=target)
    return await lab.run(text if handled else text.replace(UNHANDLED, ""))


async def message(lab: Lab, run: RunRecord) -> str:
    """Return what a person is asked while a run waits."""
    assert run.status is RunStatus.WAITING, run.error
    (wait,) = await lab.store.waits(run_id=run.run_id)
    assert wait.key == "sync/guard"
    details: Json = wait.details
    return str(details["message"])


@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_an_empty_source_waits(lab: Lab, kind: str) -> None:
    prepare(lab, {}, THERE)
    assert await message(lab, await ran(lab, kind)) == (
        "would delete 50 of 50 records of world.stock (100 %); allowed are 2 % (1). "
        "The source world.wanted has 0 records; at least 1 are needed"
    )
    assert stock(lab) == THERE


@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_source_shrunken_to_two_fifths_waits(lab: Lab, kind: str) -> None:
    prepare(lab, THERE, THERE)
    assert (await ran(lab, kind)).status is RunStatus.SUCCEEDED
    want(lab.file, things(dict(list(THERE.items())[:20])))
    run = await ran(lab, kind)
    assert await message(lab, run) == (
        "would delete 30 of 50 records of world.stock (60 %); allowed are 2 % (1). "
        "The source world.wanted has 20 records, 50 the last time"
    )
    run = await approve(lab, run, yes=False)
    assert (output(run)["deleted"], output(run)["held"]) == (0, 30)
    assert stock(lab) == THERE


@pytest.mark.parametrize(("source", "target"), [(20, -1), (-1, 20), (20, 20)])
@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_side_whose_third_page_fails_waits_when_that_is_handled(
    lab: Lab, kind: str, source: int, target: int
) -> None:
    prepare(lab, {"new": 1, **THERE}, THERE)
    run = await ran(lab, kind, source=source, target=target)
    said = await message(lab, run)
    for side, breaks, step, count in (("source", source, "wanted", 51), ("target", target, "stock", 50)):
        told = f"the {side} world.{step}" if kind == "yaml" else f"the {side}"
        read = f"step {step} failed (the page is lost; 20 of its records had been read)"
        lack = f"the {side} is not complete: {read}" if kind == "yaml" else f"the {side} is null"
        assert (lack if breaks >= 0 else f"{told} has {count} records") in said
    assert said.endswith(". Nothing is changed; a yes or a no lets the run go on")
    run = await approve(lab, run)
    assert (output(run)["complete"], output(run)["deleted"], output(run)["created"]) == (False, 0, 0)
    assert stock(lab) == THERE


@pytest.mark.parametrize(("source", "target"), [(20, -1), (-1, 20)])
@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_side_whose_third_page_fails_ends_the_run_when_that_is_not_handled(
    lab: Lab, kind: str, source: int, target: int
) -> None:
    prepare(lab, {"new": 1, **THERE}, THERE)
    run = await ran(lab, kind, source=source, target=target, handled=False)
    step = "wanted" if source >= 0 else "stock"
    assert error(run)["step"] == (step if kind == "yaml" else f"world.{step}")
    assert error(run)["message"] == "the page is lost"
    assert await lab.store.dataset_count(run.run_id, error(run)["step"]) == 20
    assert stock(lab) == THERE


@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_how_many_there_were_the_last_time_is_told_of_a_source_that_could_not_be_read(
    lab: Lab, kind: str
) -> None:
    prepare(lab, THERE, THERE)
    assert (await ran(lab, kind)).status is RunStatus.SUCCEEDED
    assert "; the source had 50 the last time. Nothing" in await message(lab, await ran(lab, kind, source=20))


def in_motion(more: str, **change: str) -> str:
    ((word, name),) = change.items()
    return make(more=more).replace("world.wanted, with: {break_at: -1}", f"world.wanted, with: {{{word}: {name}}}")


async def test_a_record_that_slips_from_one_page_to_the_one_before_is_kept_when_two_runs_must_miss_it(lab: Lab) -> None:
    prepare(lab, THERE, THERE)
    more = "guard: {max_delete: '5%'}\n      confirm_runs: 2"
    run = await lab.run(in_motion(more, goes="d03"))
    assert (output(run)["unconfirmed"], output(run)["deleted"]) == (1, 0)
    (slipped,) = [record for record in await records(lab, run) if record["outcome"] == "unconfirmed"]
    assert slipped["key"] == "d10"
    assert slipped["note"] == "not found in 1 of 2 runs in a row"
    run = await lab.run(make(more=more))
    assert output(run)["same"] == 50
    assert stock(lab) == THERE


async def test_a_record_that_is_on_two_pages_is_reported_and_left_alone(lab: Lab) -> None:
    prepare(lab, THERE, {**THERE, "d09": -1})
    run = await lab.run(in_motion(GUARD, comes="new"))
    found = {record["key"]: record for record in await records(lab, run)}
    assert (output(run)["duplicates"], output(run)["updated"], output(run)["deleted"]) == (1, 0, 0)
    assert found["d09"]["source_positions"] == [9, 10]
    assert stock(lab) == {**THERE, "d09": -1}
    assert output(await lab.run(make(more=GUARD)))["updated"] == 1
