"""`missed_calls` and `click_to_call_queue`: who missed us is called back in business hours, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunStatus
from backhaul.workflows.definition import Set
from backhaul.workflows.yaml_workflow import read_yaml_workflow
from isp import REPOSITORY, Sandbox
from service.plant import until
from workflows.office import Office, office

pytestmark = pytest.mark.anyio

FILES = ("missed_calls.yaml", "click_to_call_queue.yaml")
MISSED, QUEUE = "missed-calls", "click-to-call-queue"
ALWAYS_OPEN = {
    'default: "09:00"': 'default: "00:00"',
    'default: "18:00"': 'default: "24:00"',
    "default: 5": "default: 7",
}
NEVER_OPEN = {
    'default: "09:00"': 'default: "00:00"',
    'default: "18:00"': 'default: "00:00"',
    "default: 5": "default: 7",
}


async def missed(here: Office, **caller: Any) -> str:
    """Let somebody call whom nobody answers."""
    call_id = await here.ring(**caller)
    await here.hang_up(call_id)
    return call_id


async def ordered(here: Office) -> list[str]:
    """Return the numbers that were called back."""
    calls = (await here.control("GET", "axialys/calls?limit=100"))["items"]
    return [call["called_number"] for call in calls if call["direction"] == "outgoing"]


async def test_a_missed_caller_is_called_back_once_however_often_the_callbacks_come(
    tmp_path: Path, world: Sandbox
) -> None:
    async with office(tmp_path, world, FILES, edited=ALWAYS_OPEN) as here:
        await here.control("POST", "settings", {"axialys": {"copies": 3}})
        await missed(here, index=5)
        await until(lambda: ordered(here))
        await here.later(60)
        run = await here.run(QUEUE)
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert (run.output or {})["ended"] is True
        who = await here.control("GET", "subscribers/5")
        assert await ordered(here) == [who["numbers"][0]]
        assert len(await here.runs(QUEUE)) == 1


@pytest.mark.slow
async def test_three_missed_calls_of_one_number_give_one_call_back(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES, edited=ALWAYS_OPEN) as here:
        for _ in range(3):
            await missed(here, index=5)
        await until(lambda: ordered(here))
        await here.later(60)
        await here.ended(QUEUE)
        incoming = [run for run in await here.ended(MISSED, 3) if (run.output or {}).get("wanted")]
        assert len(incoming) == 3
        assert len(await here.events("callback.wanted")) == len(await ordered(here)) == 1


async def test_an_answered_and_a_withheld_call_are_not_called_back(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES, edited=ALWAYS_OPEN) as here:
        answered = await here.ring(index=5)
        await here.control("POST", f"axialys/calls/{answered}/connect")
        await here.later(5)
        await here.hang_up(answered)
        await here.control("POST", "settings", {"axialys": {"calling_number": "anonymous"}})
        await missed(here, index=6)
        await here.ended(MISSED, 2)
        assert await here.events("callback.wanted") == []
        assert await here.runs(QUEUE) == []
        assert await ordered(here) == []


async def test_outside_of_business_hours_it_waits_and_whoever_gets_through_meanwhile_is_left_in_peace(
    tmp_path: Path, world: Sandbox
) -> None:
    async with office(tmp_path, world, FILES, edited=NEVER_OPEN) as here:
        await missed(here, index=5)
        run = await here.run(QUEUE, RunStatus.WAITING)
        waits = [wait for wait in await here.app.store.waits(run_id=run.run_id) if wait.wake_at is not None]
        assert waits[0].wake_at is not None
        assert timedelta(0) < waits[0].wake_at - here.app.clock.now() <= timedelta(days=1)
        again = await here.ring(index=5)
        await here.control("POST", f"axialys/calls/{again}/connect")
        await here.later(5)
        await here.hang_up(again)
        run = await here.run(QUEUE, RunStatus.CANCELLED)
        assert "callback.not_needed" in str(run.error)
        assert await ordered(here) == []


async def test_two_callers_of_one_desk_are_called_back_one_after_the_other(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES, edited=ALWAYS_OPEN) as here:
        await missed(here, index=5)
        await missed(here, index=6)
        await until(lambda: ordered(here))
        await here.run(MISSED)
        assert len(await ordered(here)) == 1
        await here.later(60)
        await until(lambda: _both(here))
        await here.later(60)
        runs = await here.ended(QUEUE, 2)
        assert [run.status for run in runs] == [RunStatus.SUCCEEDED] * 2


async def _both(here: Office) -> bool:
    return len(await ordered(here)) == 2


@pytest.mark.parametrize(
    ("local", "last_workday", "days"),
    [
        ("2026-03-02 08:59", 5, 0),  # a Monday
        ("2026-03-02 09:00", 5, None),
        ("2026-03-02 17:59", 5, None),
        ("2026-03-02 18:00", 5, 1),
        ("2026-03-06 17:00", 5, None),
        ("2026-03-06 18:00", 5, 3),
        ("2026-03-07 10:00", 5, 2),
        ("2026-03-08 10:00", 5, 1),
        ("2026-03-07 10:00", 6, None),
        ("2026-03-07 18:00", 6, 2),
        ("2026-03-08 20:00", 7, 1),
    ],
)
def test_the_next_opening_is_in_so_many_days(local: str, last_workday: int, days: int | None) -> None:
    source = (REPOSITORY / "workflows" / FILES[1]).read_text()
    workflow = read_yaml_workflow(source, FILES[1]).workflow
    assert workflow is not None
    zone = "America/Sao_Paulo"
    moment = datetime.fromisoformat(local + "-03:00").astimezone(UTC).isoformat()
    inputs = {"timezone": zone, "opens": "09:00", "closes": "18:00", "last_workday": last_workday}
    context: dict[str, Any] = {"now": moment, "inputs": inputs, "steps": {}}
    for step in workflow.steps[:2]:
        assert isinstance(step.verb, Set)
        context["steps"][step.id] = step.verb.values.render(context)
    assert context["steps"]["opening"]["in_days"] == days
