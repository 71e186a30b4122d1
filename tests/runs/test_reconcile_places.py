"""Reconciles that are not alone: several in one workflow, inside other steps, cancelled, resumed under another text."""

from __future__ import annotations

import anyio
import pytest

from backhaul.service.approvals import Approvals
from backhaul.store.records import RunRecord, RunStatus
from reconciling import make, output, prepare, stock
from world import Lab

pytestmark = pytest.mark.anyio

THERE = {f"d{n}": n for n in range(5)}
SYNC = """{{id: {id}, reconcile: {{source: "${{{{ steps.wanted }}}}", target: "${{{{ steps.stock }}}}", key: name,
        create: {{call: world.ring, with: {{name: "{id} ${{{{ item.name }}}}"}}}},
        delete: {{call: world.ring, with: {{name: "{id} ${{{{ target.name }}}}"}}}},
        guard: {{max_delete: "{share}"}}}}}}"""
LISTED = """
name: test
steps:
  - {id: wanted, call: world.wanted}
  - {id: stock, call: world.stock}
"""
PARALLEL = f"""{LISTED}
  - id: both
    parallel:
      - {SYNC.format(id="left", share="1%")}
      - {SYNC.format(id="right", share="1%")}
"""
EACH = f"""{LISTED}
  - id: all
    each: [p, q]
    key: ${{{{ item }}}}
    concurrency: 2
    do:
      - {SYNC.format(id="sync", share="1%").replace('"sync $', '"${{ index }} $')}
    output: ${{{{ steps.sync }}}}
"""
PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def sync(run: Run, world: World, share: str = "100%") -> dict:
    async def one(where: str):
        async def ring(thing):
            await world.ring(name=where + " " + thing["name"])

        return await run.reconcile(
            world.wanted(), world.stock(), key="name", create=ring, delete=ring, max_delete=share
        )

    found = [await one("first"), await one("second")]
    found += await run.each(["p", "q"], one, name="all", key=lambda where: where, concurrency=2)
    return {"deleted": [each["deleted"] for each in found]}
"""


def rings(lab: Lab) -> list[str]:
    return sorted(line["name"] for line in lab.done("ring"))


async def say_yes(lab: Lab, run: RunRecord, *keys: str) -> None:
    """Say yes to guards, once all of them ask."""
    approvals = Approvals(lab.store, lab.store.clock, board=lab.executor.waits, notice=lambda _: None)
    while {wait.key for wait in await lab.store.waits(run_id=run.run_id, open_only=True)} != set(keys):
        await anyio.lowlevel.checkpoint()
    for key in keys:
        await approvals.decide(run.run_id, approved=True, by="ana", note="", key=key)


async def test_two_branches_ask_for_themselves(lab: Lab) -> None:
    prepare(lab, {"new": 1}, THERE)
    run = await lab.run(PARALLEL)
    assert run.status is RunStatus.WAITING
    await say_yes(lab, run, "both/left/guard", "both/right/guard")
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert rings(lab) == sorted(f"{side} {name}" for side in ("left", "right") for name in ("new", *THERE))


async def test_every_item_asks_for_itself(lab: Lab) -> None:
    prepare(lab, {"new": 1}, THERE)
    run = await lab.executor.start(lab.define(EACH), {})
    with anyio.fail_after(20):
        async with lab.carrying_out(run) as ended:
            await say_yes(lab, run, "all[p]/sync/guard", "all[q]/sync/guard")
    assert ended[0].status is RunStatus.SUCCEEDED, ended[0].error
    assert rings(lab) == sorted(f"{index} {name}" for index in (0, 1) for name in ("new", *THERE))


async def test_reconciles_of_one_name_have_steps_of_their_own(lab: Lab) -> None:
    prepare(lab, {"new": 1}, THERE)
    run = await lab.run(PYTHON, kind="python")
    assert output(run) == {"deleted": [5, 5, 5, 5]}
    assert rings(lab) == sorted(
        f"{where} {name}" for where in ("first", "second", "p", "q") for name in ("new", *THERE)
    )
    steps = await lab.steps(run)
    for key in ("reconcile", "reconcile~2", "all[p]/reconcile", "all[q]/reconcile"):
        assert steps[key] == "succeeded"
        assert steps[f"{key}/delete[d0]/world.ring"] == "succeeded"


async def test_a_run_that_is_cancelled_while_the_guard_asks_deletes_nothing(lab: Lab) -> None:
    prepare(lab, {"new": 1}, THERE)
    run = await lab.run(make(more="guard: {max_delete: '1%'}"))
    assert run.status is RunStatus.WAITING
    run = await lab.interventions.cancel(run.run_id)
    assert run.status is RunStatus.CANCELLED
    assert await lab.store.waits(run_id=run.run_id, open_only=True) == []
    assert stock(lab) == {**THERE, "new": 1}


@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_run_goes_on_with_the_text_it_began_with(lab: Lab, kind: str) -> None:
    prepare(lab, {"new": 1}, THERE)
    text = make(more="guard: {max_delete: '1%'}") if kind == "yaml" else PYTHON.replace('"100%"', '"1%"')
    run = await lab.run(text, kind=kind)
    assert run.status is RunStatus.WAITING
    lab.define(text.replace("world.remove", "world.ring").replace("world.ring(", "world.nothing("), kind=kind)
    key = "sync/guard" if kind == "yaml" else "reconcile/guard"
    await say_yes(lab, run, key)
    run = await lab.executor.execute(run.run_id)
    if kind == "yaml":
        assert output(run)["deleted"] == 5
        assert stock(lab) == {"new": 1}
    else:  # the second one asks by now
        assert run.status is RunStatus.WAITING, run.error
        assert rings(lab) == [*sorted(f"first {name}" for name in ("new", *THERE)), "second new"]
