"""What an author of a Python workflow may do without breaking what the engine promises."""

from __future__ import annotations

import anyio
import pytest

from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunRecord, RunStatus
from world import Lab

pytestmark = pytest.mark.anyio

HEAD = """
from __future__ import annotations
import asyncio
from backhaul import Run, workflow
from backhaul.errors import StepError
from world import World

@workflow(name="test")
async def test(run: Run, world: World) -> object:
"""


async def run_body(lab: Lab, body: str) -> RunRecord:
    lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
    with anyio.fail_after(20):
        return await lab.run(HEAD + lines, kind="python")


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
async def test_a_broad_except_does_not_let_the_workflow_go_on_after_a_doubt(lab: Lab, caught: str) -> None:
    run = await run_body(
        lab,
        f"""
try:
    await world.ring(name="a", fail="unknown")
except {caught}:
    await world.put(name="never")
finally:
    await world.put(name="nor this")
""",
    )
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert run.error is not None
    assert run.error["step"] == "world.ring"
    assert lab.done("put") == []


async def test_a_doubt_that_was_caught_and_forgotten_still_parks_the_run(lab: Lab) -> None:
    run = await run_body(
        lab,
        """
async def one(n: int) -> str:
    try:
        return await world.ring(name=f"n{n}", fail="unknown" if n == 1 else "")
    except Exception:
        return "never mind"
return await run.each(range(3), one, name="all")
""",
    )
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert run.error is not None
    assert run.error["step"] == "all[1]/world.ring"
    assert len(lab.done("ring")) == 2
    assert "all[1]" not in await lab.steps(run)
    await lab.interventions.resolve(run.run_id, "all[1]/world.ring", Resolution.DONE, "heard")
    run = await lab.executor.execute(run.run_id)
    assert run.output == ["rang n0", "heard", "rang n2"]


async def test_not_waiting_for_a_call_any_longer_parks_the_run(lab: Lab) -> None:
    run = await run_body(
        lab,
        """
try:
    await asyncio.wait_for(world.ring_forever(name="a"), 0.3)
except TimeoutError:
    await world.ring(name="b")
""",
    )
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert [line["name"] for line in lab.done("ring")] == ["a"]


@pytest.mark.parametrize("how", ["each", "parallel"])
async def test_an_ordinary_error_beside_a_call_with_an_effect_lets_it_come_to_its_end(lab: Lab, how: str) -> None:
    gate = lab.file.with_name("gate")
    together = {
        "each": "await run.each([0, 1], one, name='e', concurrency=2)",
        "parallel": "await run.parallel(a=one(0), b=one(1))",
    }[how]
    run = await run_body(
        lab,
        f"""
from pathlib import Path
async def one(n: int) -> None:
    if n == 0:
        return await world.put_slowly(name="slow", gate={str(gate)!r})
    while not Path({str(lab.file)!r}).exists():
        await asyncio.sleep(0)
    Path({str(gate)!r}).touch()
    return {{}}["missing"]
try:
    {together}
except KeyError as error:
    return "caught"
""",
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == "caught"
    assert [line["name"] for line in lab.done("put")] == ["slow"]


async def test_an_ordinary_error_in_an_item_fails_the_run_which_can_be_resumed(lab: Lab) -> None:
    marker = lab.file.with_name("marker")
    run = await run_body(
        lab,
        f"""
from pathlib import Path
async def one(n: int) -> int:
    await world.put(name=f"n{{n}}")
    if n == 3 and not Path({str(marker)!r}).exists():
        Path({str(marker)!r}).touch()
        return {{}}["missing"]
    await world.put(name=f"m{{n}}")
    return n
return await run.each(range(6), one, name="e", concurrency=2)
""",
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "KeyError"
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.output == list(range(6))
    assert len(lab.done("put")) == 12


async def test_an_error_in_one_item_is_not_taken_for_a_stop(lab: Lab) -> None:
    run = await run_body(
        lab,
        """
async def one(n: int) -> object:
    if n:
        await world.look(value=1)
        return (n, n)
    await world.wait_forever()
return await run.each([0, 1], one, name="e", concurrency=2)
""",
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "tuple" in run.error["message"]


async def test_nothing_is_under_way_when_a_run_has_ended(lab: Lab) -> None:
    gate = lab.file.with_name("gate")
    run = await run_body(
        lab,
        f"""
from pathlib import Path
slow = asyncio.create_task(world.put_slowly(name="slow", gate={str(gate)!r}))
while not Path({str(lab.file)!r}).exists():
    await asyncio.sleep(0)
asyncio.get_running_loop().call_later(0.1, Path({str(gate)!r}).touch)
run.slow = slow
raise ValueError("enough")
""",
    )
    assert run.status is RunStatus.FAILED
    assert [line["name"] for line in lab.done("put")] == ["slow"]
    assert (await lab.steps(run)) == {"world.put_slowly": "succeeded"}


async def test_branches_of_the_same_name_have_steps_of_their_own(lab: Lab) -> None:
    run = await run_body(
        lab,
        """
for n in range(2):
    await run.parallel(a=world.put(name=f"n{n}"))
await world.flaky(name="f", failures=1, kind="refused")
return "fine"
""",
    )
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.output == "fine", run.error
    assert [line["name"] for line in lab.done("put")] == ["n0", "n1"]


async def test_a_stop_reaches_a_workflow_that_catches_everything(lab: Lab) -> None:
    workflow = lab.define(
        HEAD
        + """
    await world.put(name="begun")
    for n in range(100):
        try:
            await world.wait_forever()
        except Exception:
            await world.put(name="never")
""",
        kind="python",
    )
    run = await lab.executor.start(workflow, {})
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:

            async def carry_out() -> None:
                nonlocal run
                run = await lab.executor.execute(run.run_id)

            group.start_soon(carry_out)
            while not lab.done("put"):
                await anyio.sleep(0)
            await lab.interventions.cancel(run.run_id)
    assert run.status is RunStatus.CANCELLED
    assert len(lab.done("put")) == 1


async def test_an_authors_own_task_group_does_not_hide_a_doubt(lab: Lab) -> None:
    run = await run_body(
        lab,
        """
async with asyncio.TaskGroup() as group:
    group.create_task(world.ring(name="a", fail="unknown"))
""",
    )
    assert run.status is RunStatus.NEEDS_ATTENTION
    assert run.error is not None
    assert run.error["step"] == "world.ring"
