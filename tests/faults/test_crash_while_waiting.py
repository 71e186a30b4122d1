"""A process that dies at any write of a run that waits: nothing is lost, no deadline moves, nothing is done twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backhaul.service.waker import Waker
from backhaul.store.records import RunStatus
from backhaul.testing.clock import FakeClock
from crash_scenario import CHILD, in_process
from world import open_lab, read_world

pytestmark = pytest.mark.anyio

YAML = """
steps:
  - {id: before, call: world.put, with: {name: before}}
  - {id: told, emit: {type: line.down, data: {n: 1}}}
  - {id: heard, wait: {event: line.down, where: "${{ event.data.n == steps.before + 1 }}", timeout: 1h}}
  - {id: short, wait: {for: 0.02}}
  - id: both
    parallel:
      - {id: left, do: [{id: moment, wait: {for: 10m}}, {id: put_left, call: world.put, with: {name: left}}]}
      - {id: right, call: world.put, with: {name: right}}
  - {id: after, call: world.put, with: {name: after}}
output: ${{ steps.heard.data.n }}
"""

PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def waiting(run: Run, world: World) -> int:
    await world.put(name="before")
    await run.emit("line.down", {"n": 1})
    heard = await run.wait_event("line.down", where={"data.n": 1}, timeout="1h")
    await run.sleep(0.02)

    async def left() -> None:
        await run.sleep("10m")
        await world.put(name="left")

    await run.parallel(left=left(), right=world.put(name="right"))
    await world.put(name="after")
    return heard["data"]["n"]
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "text"), [("yaml", YAML), ("python", PYTHON)], ids=["yaml", "python"])
async def test_a_crash_at_every_write_of_a_run_that_waits(store_url: str, tmp_path: Path, kind: str, text: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    assert in_process(store_url, whole, "whole", kind, text, None, False) == 0
    writes = int((whole / "writes").read_text())
    assert writes > 15
    for at in range(1, writes + 1):
        for committed in (False, True) if kind == "yaml" and store_url.startswith("sqlite") else (False,):
            name = f"{at}-{committed}"
            (tmp_path / name).mkdir()
            assert in_process(store_url, tmp_path / name, name, kind, text, at, committed) in {0, 9}
            await recover(store_url, tmp_path / name, name, kind, text)


async def recover(store_url: str, folder: Path, run_id: str, kind: str, text: str) -> None:
    """Restart after the crash, let the time of the wait come, and look at what was done."""
    clock = FakeClock(datetime.now(UTC), auto=True)
    async with open_lab(store_url, folder / "world", clock=clock) as lab:
        lab.define(CHILD, name="child")
        workflow = lab.define(text, kind=kind)
        before = Counter(line["name"] for line in lab.done("put"))
        deadlines = {wait.key: wait.wake_at for wait in await lab.store.waits(run_id=run_id, open_only=False)}
        run = await lab.store.run(run_id)
        if run is None:
            run = await lab.executor.start(workflow, {}, run_id=run_id)
        waker = Waker(lab.store, clock, lab.executor.waits, lambda _: None)
        for _ in range(4):
            if run.status is not RunStatus.WAITING or await lab.store.due_waits(clock.now()):
                await waker.look()
                run = await lab.executor.execute(run_id)
            if run.status is RunStatus.SUCCEEDED:
                break
            clock.set_time(clock.now() + timedelta(minutes=11))
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert run.output == 1
        waits = await lab.store.waits(run_id=run_id, open_only=False)
        assert len(waits) == 3
        assert all(wait.outcome is not None for wait in waits)
        assert deadlines.items() <= {wait.key: wait.wake_at for wait in waits}.items()
        done = Counter(line["name"] for line in read_world(lab.file) if line["do"] == "put")
        assert done.keys() == {"before", "left", "right", "after"}
        assert all(count <= 1 + (before[name] > 0) for name, count in done.items())
        events, _ = await lab.store.events(limit=500)
        assert len([event for event in events if event.run_id == run_id]) == 1
