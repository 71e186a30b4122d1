"""Plans of Python workflows: the same calls, and an end where a value is needed that is known after apply."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from backhaul.json_values import dump
from backhaul.store.records import RunStatus
from crash_scenario import CHILD, PYTHON
from runs.planning import apply, effects_of, planned
from world import Lab

pytestmark = pytest.mark.anyio

HEAD = """
from backhaul import Run, workflow
from world import World
from pydantic import BaseModel
import anyio

class Card(BaseModel):
    text: str

@workflow(name="test")
async def test(run: Run, world: World) -> object:
"""


def code(body: str) -> str:
    return HEAD + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


async def plan_of(lab: Lab, body: str) -> dict[str, Any]:
    return await planned(lab, code(body), kind="python")


async def test_a_python_workflow_is_planned_and_applied_like_any_other(lab: Lab) -> None:
    lab.define(CHILD, name="child")
    plan = await planned(lab, PYTHON, kind="python")
    assert {line["do"] for line in lab.done()} == {"page"}
    assert plan["undetermined"] == []
    assert plan["summary"]["by_effect"] == {"delete": 1, "emit": 1, "once": 2, "write": 9}
    run = await apply(lab, PYTHON, plan, kind="python")
    assert run.status is RunStatus.SUCCEEDED, run.error
    applied = [line for line in lab.done() if line["do"] not in {"page", "attempt"}]
    lab.file.unlink()
    await lab.run(PYTHON, kind="python")
    unplanned = [line for line in lab.done() if line["do"] not in {"page", "attempt"}]
    assert sorted(map(dump, applied)) == sorted(map(dump, unplanned))


@pytest.mark.parametrize(
    "use",
    [
        "if said: await world.put(name='x')",
        "if said == 'rang a': await world.put(name='x')",
        "await world.put(name=f'{said}')",
        "for one in said: await world.put(name=one)",
        "await world.put(name='x', value=len(said))",
        "await world.put(name='x', value=int(said))",
        "await world.put(name=said + '!')",
        "await world.put(name=run.id + 'x')",
        "await world.put(name={'a': 1}[said])",
        "await world.put(name=str(sorted([said, 'x'])))",
    ],
)
async def test_what_needs_the_value_ends_the_plan_there(lab: Lab, use: str) -> None:
    plan = await plan_of(
        lab,
        f"""
        said = await world.ring(name="a")
        try:
            {use}
        except Exception:
            await world.put(name="guessed")
        await world.put(name="y")
        """,
    )
    assert list(effects_of(plan)) == ["world.ring"], plan["effects"]
    (rest,) = plan["undetermined"]
    assert rest["step"] == "$rest"
    assert rest["reason"].startswith("what follows depends on ")


@pytest.mark.parametrize(
    "use",
    ["Card(text=said)", "Card(text=said.text)", "said in 'rang a'", "'-'.join([said])", "json.dumps({'a': said})"],
)
async def test_so_does_what_looks_at_its_type_only(lab: Lab, use: str) -> None:
    plan = await plan_of(
        lab,
        f"""
        import json
        said = await world.ring(name="a")
        {use}
        await world.put(name="y")
        """,
    )
    assert list(effects_of(plan)) == ["world.ring"]
    assert [one["step"] for one in plan["undetermined"]] == ["$rest"]


async def test_passing_a_value_on_untouched_ends_nothing(lab: Lab) -> None:
    plan = await plan_of(
        lab,
        """
        said = await world.ring(name="a")
        await world.put(name=said, value=3)
        await run.emit("a.b", {"said": said, "part": said.id[0]})
        return {"said": said}
        """,
    )
    unknown = {"$known_after_apply": "world.ring"}
    assert effects_of(plan)["world.put"][1] == {"name": unknown, "value": 3}
    assert effects_of(plan)["emit"][1]["data"] == {"said": unknown, "part": unknown}
    assert plan["undetermined"] == []


async def test_an_item_or_a_branch_that_ends_so_leaves_the_others(lab: Lab) -> None:
    plan = await plan_of(
        lab,
        """
        async def one(n: int) -> object:
            said = await world.ring(name=f"n{n}")
            if n == 2 and said == "x":
                await world.put(name="never")
            return said

        async def looks() -> object:
            if await world.ring(name="branch"):
                await world.put(name="never")

        results = await run.each([1, 2, 3], one, name="all", concurrency=2)
        both = await run.parallel(left=looks(), right=world.put(name="right"))
        await world.put(name="end", value=results[0])
        if both["left"]:
            await world.put(name="never")
        """,
    )
    assert set(effects_of(plan)) == {
        *(f"all[{n}]/world.ring" for n in range(3)),
        "left/world.ring",
        "right/world.put",
        "world.put",
    }
    assert [one["step"] for one in plan["undetermined"]] == ["all[]", "left", "$rest"]


async def test_a_read_after_an_effect_is_left_until_then_but_not_beside_it(lab: Lab) -> None:
    plan = await plan_of(
        lab,
        """
        async def one(n: int) -> None:
            value = await world.look(value=n)
            await world.put(name=f"n{n}", value=value)

        await run.each([1, 2, 3], one, name="all")
        after = await world.look(value=9)
        await world.put(name="end", value=after)
        async for page in world.things(count=3):
            await world.put(name="never")
        """,
    )
    assert [params["value"] for _, params in effects_of(plan).values()] == [
        1,
        2,
        3,
        {"$known_after_apply": "world.look"},
    ]
    assert [one["step"] for one in plan["undetermined"]] == ["world.look", "world.things", "$rest"]


async def test_waits_and_children_pass_on_what_is_not_known(lab: Lab) -> None:
    lab.define(CHILD, name="child")
    plan = await plan_of(
        lab,
        """
        await run.sleep("2h")
        yes = await run.approval("please")
        inner = await run.run_workflow("child")
        await run.emit("a.b", {"by": yes["by"], "inner": inner})
        if yes["approved"]:
            await world.put(name="x")
        """,
    )
    assert list(effects_of(plan)) == ["child > inner", "emit"]
    assert [one["step"] for one in plan["waits"]] == ["sleep", "approval"]


async def test_a_group_of_the_workflows_own_ends_the_plan_too(lab: Lab) -> None:
    plan = await plan_of(
        lab,
        """
        said = await world.ring(name="a")

        async def looks() -> None:
            if said:
                await world.put(name="x")

        async with anyio.create_task_group() as group:
            group.start_soon(looks)
        await world.put(name="never")
        """,
    )
    assert list(effects_of(plan)) == ["world.ring"]
    assert [one["step"] for one in plan["undetermined"]] == ["$rest"]


async def test_an_effect_that_is_not_listed_stops_a_workflow_that_catches_everything(lab: Lab) -> None:
    text = code(
        """
        said = await world.ring(name="a")
        try:
            if said == "rang a":
                await world.put(name="x")
        except Exception:
            pass
        await world.put(name="y")
        """
    )
    run = await apply(lab, text, await planned(lab, text, kind="python"), kind="python")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert (run.error["type"], run.error["step"]) == ("NotPlannedError", "world.put")
    assert [line["do"] for line in lab.done()] == ["ring"]
