"""Reconciling in Python: functions instead of calls, the same guard, the same records."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunStatus
from backhaul.testing.clock import FakeClock
from reconciling import approve, error, output, prepare, records, stock
from runs.waiting_lab import open_waiting_lab
from world import Lab

pytestmark = pytest.mark.anyio

PYTHON = """
from pydantic import BaseModel

from backhaul import Run, workflow
from backhaul.errors import StepError
from world import World


class Thing(BaseModel):
    label: str
    amount: int


@workflow(name="test")
async def sync(
    run: Run, world: World, share: str = "100%", refuse: str = "", most: int = 100, keep: str = "", within: str = "1h"
) -> dict:
    wanted = [
        Thing(label=thing["name"], amount=thing["value"]) async for page in world.wanted() for thing in page.items
    ]

    async def create(thing: Thing) -> None:
        await world.put(name=thing.label, value=thing.amount, fail="refused" if thing.label == refuse else "")

    async def update(thing: Thing, there: dict) -> None:
        await world.put(name=there["name"], value=thing.amount)

    async def delete(there: dict) -> None:
        await world.remove(name=there["name"])

    def explain(difference) -> str | None:
        return "large" if difference.side == "source" and difference.item.amount > 5 else None

    return await run.reconcile(
        wanted, world.stock(), key=("label", "name"), normalize=["lower"], compare={"amount": "value"},
        create=create, update=update, delete=delete, max_delete=share, concurrency=2, max_failures=most,
        create_if=lambda thing: thing.label != keep,
        update_if=lambda thing, there: thing.label != keep and there["name"] != keep,
        delete_if=lambda there: there["name"] != keep,
        to="whoever is on call", timeout=within,
        explain=explain, name="sync",
    )
"""


async def test_functions_make_the_target_what_the_source_is(lab: Lab) -> None:
    prepare(lab, {"New": 9, "same": 2, "other": 3}, {"SAME": 2, "other": 9, "gone": 4})
    run = await lab.run(PYTHON, kind="python")
    counts = output(run)
    assert [counts[name] for name in ("same", "created", "updated", "deleted")] == [1, 1, 1, 1]
    assert stock(lab) == {"New": 9, "SAME": 2, "other": 3}
    assert counts["explained"]["reasons"] == [
        {"reason": "large", "side": "source", "count": 1},
        {"reason": "unexplained", "side": "target", "count": 1},
    ]
    assert "sync/create[new]/world.put" in await lab.steps(run)
    assert {record["key"] for record in await records(lab, run)} == {"new", "same", "other", "gone"}


async def test_a_second_run_does_nothing(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"b": 1})
    await lab.run(PYTHON, kind="python")
    before = lab.done()
    assert output(await lab.run(PYTHON, kind="python"))["same"] == 1
    assert lab.done() == before


async def test_the_guard_asks_a_person(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"b": 1, "c": 2})
    run = await lab.run(PYTHON, kind="python", share="10%")
    assert run.status is RunStatus.WAITING
    assert stock(lab) == {"a": 1, "b": 1, "c": 2}
    (wait,) = await lab.store.waits(run_id=run.run_id)
    details: Any = wait.details
    assert details["message"] == (
        "would delete 2 of 2 records of world.stock (100 %); allowed are 10 % (0). The source has 1 record"
    )
    assert output(await approve(lab, run))["deleted"] == 2
    assert stock(lab) == {"a": 1}


@pytest.mark.parametrize(
    ("keep", "left"), [("new", {"same": 1, "other": 3}), ("other", {"new": 1, "same": 1, "other": 9})]
)
async def test_what_a_condition_says_no_to_is_skipped(lab: Lab, keep: str, left: dict[str, int]) -> None:
    prepare(lab, {"new": 1, "same": 1, "other": 3}, {"same": 1, "other": 9})
    counts = output(await lab.run(PYTHON, kind="python", keep=keep))
    assert (counts["created"] + counts["updated"], counts["skipped"]) == (1, 1)
    assert stock(lab) == left


async def test_deletes_that_a_condition_says_no_to_do_not_count_for_the_guard(lab: Lab) -> None:
    prepare(lab, {"a": 1}, {"a": 1, "b": 1})
    counts = output(await lab.run(PYTHON, kind="python", keep="b", share="0%"))
    assert (counts["deleted"], counts["skipped"], counts["held"]) == (0, 1, 0)
    assert stock(lab) == {"a": 1, "b": 1}


async def test_nobody_who_answers_in_time_means_no(sqlite_url: str, tmp_path: Path) -> None:
    async with open_waiting_lab(sqlite_url, tmp_path, FakeClock()) as waiting:
        prepare(waiting.lab, {"a": 1}, {"b": 1, "c": 2})
        run = await waiting.run(PYTHON, kind="python", share="10%", within="2h")
        (wait,) = await waiting.lab.store.waits(run_id=run.run_id)
        details: Any = wait.details
        assert details["to"] == "whoever is on call"
        await waiting.after(timedelta(hours=2).total_seconds())
        counts = output(await waiting.go_on(run))
        assert (counts["created"], counts["held"]) == (1, 2)
        assert stock(waiting.lab) == {"a": 1, "b": 1, "c": 2}


async def test_failures_are_collected_until_there_are_too_many(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, {})
    counts = output(await lab.run(PYTHON, kind="python", refuse="b"))
    assert (counts["created"], counts["failed"]) == (1, 1)
    run = await lab.run(PYTHON, kind="python", refuse="b", most=0)
    assert error(run)["type"] == "TooManyFailures"


async def test_what_is_no_limit_is_refused(lab: Lab) -> None:
    run = await lab.run(PYTHON, kind="python", share="many")
    assert "max_delete of reconcile: 'many' is no share" in error(run)["message"]
    run = await lab.run(PYTHON, kind="python", within="soon")
    assert "timeout of reconcile: 'soon'" in error(run)["message"]
