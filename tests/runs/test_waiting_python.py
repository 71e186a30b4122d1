"""Workflows written in Python that wait."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backhaul.store.records import RunRecord, RunStatus
from runs.waiting_lab import WaitingLab, open_waiting_lab

pytestmark = pytest.mark.anyio

HOUR = 3600.0
HEAD = """
from __future__ import annotations
from datetime import UTC, datetime, timedelta
from pathlib import Path
import anyio
from backhaul import Run, workflow
from backhaul.errors import StepError
from world import World

@workflow(name="test")
async def test(run: Run, world: World, file: str = "") -> object:
"""


@pytest.fixture
async def lab(sqlite_url: str, tmp_path: Path) -> AsyncIterator[WaitingLab]:
    async with open_waiting_lab(sqlite_url, tmp_path) as opened:
        yield opened


async def begin(lab: WaitingLab, body: str, **inputs: object) -> RunRecord:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return await lab.run(HEAD + lines + "\n", kind="python", **inputs)


async def test_sleeps_and_moments(lab: WaitingLab) -> None:
    run = await begin(
        lab,
        """
await world.put(name="a")
await run.sleep(timedelta(hours=1))
await run.sleep_until(datetime(2026, 1, 1, 3, tzinfo=UTC))
await run.sleep("1h", name="last")
await world.put(name="b")
""",
    )
    for seconds in (HOUR, 2 * HOUR, HOUR):
        assert run.status is RunStatus.WAITING, run.error
        await lab.after(seconds)
        run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert list(await lab.lab.steps(run)) == ["world.put", "sleep", "sleep~2", "last", "world.put~2"]
    assert [line["name"] for line in lab.lab.done("put")] == ["a", "b"]


async def test_an_event_or_none(lab: WaitingLab) -> None:
    body = """
event = await run.wait_event("phone.call_end", where={"data.call.id": 7, "source": "tests"}, timeout=3600)
return None if event is None else event["data"]["seconds"]
"""
    run = await begin(lab, body)
    await lab.event("phone.call_end", {"call": {"id": 8}, "seconds": 1})
    await lab.event("phone.call_end", {"call": 3})
    assert await lab.status(run) == "waiting"
    await lab.event("phone.call_end", {"call": {"id": 7}, "seconds": 2})
    assert (await lab.go_on(run)).output == 2
    lab.clock.set_time(lab.now + timedelta(seconds=1))
    run = await begin(lab, body)
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert (run.status, run.output) == (RunStatus.SUCCEEDED, None)


async def test_a_person_says_yes_or_no(lab: WaitingLab) -> None:
    body = """
try:
    answer = await run.approval("Sure?", to="noc", schema={"type": "integer"}, timeout="1d")
    return answer["data"]
except StepError as error:
    await world.put(name="no")
    await run.sleep("1h")
    return error.error_type
"""
    run = await begin(lab, body)
    await lab.approvals.decide(run.run_id, approved=True, by="ana", data=12)
    assert (await lab.go_on(run)).output == 12
    run = await begin(lab, body)
    await lab.approvals.decide(run.run_id, approved=False, by="ana", note="no")
    run = await lab.go_on(run)
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.output == "RejectedError"
    assert len(lab.lab.done("put")) == 1


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
async def test_a_function_that_catches_everything_is_left_all_the_same(
    lab: WaitingLab, caught: str, tmp_path: Path
) -> None:
    file = tmp_path / "caught"
    run = await begin(
        lab,
        f"""
try:
    await run.sleep("1h")
except {caught} as error:
    with Path(file).open("a") as seen:
        seen.write(type(error).__name__ + " ")
    await world.put(name="must not happen")
finally:
    await world.put(name="finally")
return "done"
""",
        file=str(file),
    )
    assert run.status is RunStatus.WAITING, run.error
    assert lab.lab.done("put") == []
    assert file.exists() is (caught == "BaseException")
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert (run.status, run.output) == (RunStatus.SUCCEEDED, "done")
    assert [line["name"] for line in lab.lab.done("put")] == ["finally"]


async def test_a_function_with_a_task_group_of_its_own_is_left(lab: WaitingLab) -> None:
    run = await begin(
        lab,
        """
async with anyio.create_task_group() as group:
    group.start_soon(run.sleep, "1h")
return "done"
""",
    )
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.output == "done"


async def test_parallel_branches_wait_together(lab: WaitingLab) -> None:
    run = await begin(
        lab,
        """
async def left() -> int:
    await run.sleep("1h")
    return await world.put(name="left", value=1)

async def right() -> int:
    await world.put(name="right", value=2)
    await run.sleep("2h")
    return 2

return await run.parallel(left=left(), right=right())
""",
    )
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.output == {"left": 1, "right": 2}
    assert sorted(line["name"] for line in lab.lab.done("put")) == ["left", "right"]


async def test_what_cannot_be_waited_for_is_a_clear_error(lab: WaitingLab) -> None:
    for call, said in (
        ('run.sleep("soon")', "no duration"),
        ("run.sleep_until(datetime(2026, 1, 1))", "has no zone"),
        ('run.wait_event("no type!")', "no type of an event"),
        ('run.wait_event("a.b", where={"data..x": 1})', "no path"),
        ('run.approval("Sure?", schema={"type": "whatever"})', "schema"),
    ):
        run = await begin(lab, f"await {call}")
        assert run.status is RunStatus.FAILED
        assert run.error is not None
        assert said in run.error["message"], call
        assert run.error["type"] == "InputError"


async def test_the_time_of_a_python_run_goes_on_while_it_waits(lab: WaitingLab) -> None:
    text = HEAD.replace('name="test"', 'name="test", timeout="1h"') + '    await run.wait_event("a.b")\n'
    run = await lab.run(text, kind="python")
    assert run.status is RunStatus.WAITING, run.error
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"
