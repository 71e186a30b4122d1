"""Reconciling in Python: functions instead of calls, the same guard, the same records."""

from __future__ import annotations

import pytest

from backhaul.store.records import RunStatus
from reconciling import approve, error, output, prepare, records, stock
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
async def sync(run: Run, world: World, share: str = "100%", refuse: str = "", most: int = 100) -> dict:
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
    assert output(await approve(lab, run))["deleted"] == 2
    assert stock(lab) == {"a": 1}


async def test_failures_are_collected_until_there_are_too_many(lab: Lab) -> None:
    prepare(lab, {"a": 1, "b": 2}, {})
    counts = output(await lab.run(PYTHON, kind="python", refuse="b"))
    assert (counts["created"], counts["failed"]) == (1, 1)
    run = await lab.run(PYTHON, kind="python", refuse="b", most=0)
    assert error(run)["type"] == "TooManyFailures"


async def test_what_is_no_limit_is_refused(lab: Lab) -> None:
    run = await lab.run(PYTHON, kind="python", share="many")
    assert "max_delete of reconcile: 'many' is no share" in error(run)["message"]
