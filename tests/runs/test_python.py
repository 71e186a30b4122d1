"""Workflows written in Python: the same journal as YAML, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backhaul.errors import UnknownNameError
from backhaul.store.records import RunStatus
from world import Lab

pytestmark = pytest.mark.anyio

HEAD = """
from __future__ import annotations
from pathlib import Path
from backhaul import Run, workflow
from backhaul.errors import StepError
from world import World
"""


async def run_python(lab: Lab, body: str, **inputs: object) -> object:
    return await lab.run(HEAD + body, kind="python", **inputs)


async def test_every_connector_call_is_a_step(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def sums(run: Run, world: World, times: int = 2) -> dict[str, int]:
    total = 0
    for n in range(times):
        total += await world.look(value=n + 1)
    await world.put(name="sum", value=total)
    return {"total": total}
""",
        kind="python",
        times=3,
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"total": 6}
    assert list(await lab.steps(run)) == ["world.look", "world.look~2", "world.look~3", "world.put"]


async def test_each_gives_every_item_steps_of_its_own_and_results_in_order(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def over(run: Run, world: World) -> list[int]:
    async def one(thing: dict) -> int:
        return await world.put(name=thing["name"], value=thing["id"])
    return await run.each(world.things(count=25), one, name="sync", key=lambda thing: thing["name"], concurrency=5)
""",
        kind="python",
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == list(range(25))
    steps = await lab.steps(run)
    assert steps["sync[T7]"] == steps["sync[T7]/world.put"] == steps["world.things"] == "succeeded"


async def test_parallel_branches_have_names(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def both(run: Run, world: World) -> dict[str, int]:
    return await run.parallel(a=world.look(value=1), b=world.look(value=2))
""",
        kind="python",
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"a": 1, "b": 2}
    assert set(await lab.steps(run)) == {"a/world.look", "b/world.look"}


async def test_an_error_can_be_caught_and_is_the_same_after_a_resume(lab: Lab, tmp_path: Path) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def catching(run: Run, world: World) -> str:
    try:
        await world.flaky(name="f", failures=1, kind="refused")
        said = "fine"
    except StepError as error:
        said = error.message
    await world.put(name="said")
    await world.flaky(name="g", failures=1, kind="refused")
    return said
""",
        kind="python",
    )
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == "the world says no"
    assert len(lab.done("put")) == 1
    assert len([line for line in lab.done("flaky") if line["name"] == "f"]) == 1


async def test_a_workflow_that_does_something_else_on_replay_is_stopped(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    run = await lab.run(
        HEAD
        + f"""
@workflow()
async def moody(run: Run, world: World) -> None:
    marker = Path({str(marker)!r})
    first = not marker.exists()
    marker.touch()
    await world.put(name="first" if first else "second")
    await world.flaky(name="g", failures=1, kind="refused")
""",
        kind="python",
    )
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "ReplayMismatchError"
    assert [line["name"] for line in lab.done("put")] == ["first"]


async def test_two_calls_at_once_in_one_branch_are_refused_with_advice(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
import asyncio
@workflow()
async def tangled(run: Run, world: World) -> None:
    await asyncio.gather(world.look(value=1), world.look(value=2))
""",
        kind="python",
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "run.parallel" in run.error["message"]


async def test_a_result_that_the_journal_cannot_give_back_is_refused(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def tuples(run: Run, world: World) -> None:
    async def one(n: int) -> tuple[int, int]:
        return (n, n)
    await run.each([1], one, name="e")
""",
        kind="python",
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "tuple" in run.error["message"]


async def test_events_and_other_workflows(lab: Lab) -> None:
    lab.define("""
        name: child
        inputs: {n: {type: integer}}
        steps: [{id: a, call: world.look, with: {value: "${{ inputs.n }}"}}]
    """)
    run = await lab.run(
        HEAD
        + """
@workflow()
async def parent(run: Run, world: World) -> int:
    await run.emit("thing.done", {"n": 1}, subject="x")
    return await run.run_workflow("child", n=7)
""",
        kind="python",
    )
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == 7
    (event,), _ = await lab.store.events()
    assert (event.type, event.subject) == ("thing.done", "x")


async def test_a_failed_each_resumes_with_the_items_that_are_left(lab: Lab) -> None:
    run = await lab.run(
        HEAD
        + """
@workflow()
async def over(run: Run, world: World) -> int:
    async def one(n: int) -> str:
        await world.put(name=f"n{n}")
        if n == 17:
            await world.flaky(name="f", failures=1, kind="refused")
        return "ok"
    return len(await run.each(range(40), one, name="all", concurrency=3))
""",
        kind="python",
    )
    assert run.status is RunStatus.FAILED
    await lab.interventions.reopen(run.run_id)
    run = await lab.executor.execute(run.run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == 40
    assert sorted(line["name"] for line in lab.done("put")) == sorted(f"n{n}" for n in range(40))


async def test_a_fork_can_begin_at_a_whole_each(lab: Lab) -> None:
    text = (
        HEAD
        + """
@workflow()
async def over(run: Run, world: World, stop: bool = True) -> list[int]:
    await world.put(name="before", value=1)
    async def one(n: int) -> int:
        if stop and n == 2:
            raise StepError("one", "Odd", "no two")
        return await world.put(name=f"item {n}", value=n)
    return await run.each([1, 2, 3], one, name="raise")
"""
    )
    workflow = lab.define(text, kind="python")
    run = await lab.executor.execute((await lab.executor.start(workflow, {})).run_id)
    assert run.status is RunStatus.FAILED
    fork = await lab.interventions.fork(run.run_id, "raise", workflow, {"stop": False})
    fork = await lab.executor.execute(fork.run_id)
    assert (fork.status, fork.output) == (RunStatus.SUCCEEDED, [1, 2, 3])
    assert [line["name"] for line in lab.done("put")] == ["before", "item 1", "item 1", "item 2", "item 3"]
    with pytest.raises(UnknownNameError, match="no step of run"):
        await lab.interventions.fork(run.run_id, "rais", workflow, {})


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("divided(0)", "division by zero (workflows/test.py:9)"),
        ("await world.look(7)", "world.look() takes its parameters by name: value, fail (workflows/test.py:12)"),
    ],
)
async def test_a_mistake_of_the_workflow_is_told_with_its_line_and_without_a_traceback(
    lab: Lab, mistake: str, message: str
) -> None:
    with capture_logs() as logs:
        run = await lab.run(
            HEAD
            + f"""
def divided(by: int) -> float:
    return 1 / by
@workflow()
async def wrong(run: Run, world: World) -> None:
    {mistake}
""",
            kind="python",
        )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["message"] == message
    assert {one["log_level"] for one in logs if "exc_info" in one} == {"debug"}
