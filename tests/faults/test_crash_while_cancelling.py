"""A process that dies at any write of a run that an event cancels: the run ends, once, and nothing waits any more."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backhaul.runs.running import ENDED
from backhaul.service.waker import Waker
from backhaul.store.records import RunStatus
from backhaul.testing.clock import FakeClock
from crash_scenario import in_process
from world import open_lab

pytestmark = pytest.mark.anyio

# The event that cancels the run is one that the run emits itself, so that it comes in the middle.
TEXT = """
cancel_on: [{event: line.up, where: "${{ event.data.n == 1 }}"}, {event: line.cut}]
steps:
  - {id: before, call: world.put, with: {name: before}}
  - {id: told, emit: {type: line.up, data: {n: 1}}}
  - {id: rest, wait: {for: 1h}}
  - {id: after, call: world.put, with: {name: after}}
"""


@pytest.mark.slow
async def test_a_crash_at_every_write_of_a_run_that_is_cancelled(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    assert in_process(store_url, tmp_path / "whole", "whole", "yaml", TEXT, None, False) == 0
    writes = int((tmp_path / "whole" / "writes").read_text())
    assert writes > 6
    for at in range(1, writes + 1):
        for committed in (False, True) if store_url.startswith("sqlite") else (False,):
            name = f"{at}-{committed}"
            (tmp_path / name).mkdir()
            text = TEXT.replace("line.up", f"line.up.{name.lower()}")  # all runs are in one store
            assert in_process(store_url, tmp_path / name, name, "yaml", text, at, committed) in {0, 9}
            await recover(store_url, tmp_path / name, name, text)


async def recover(store_url: str, folder: Path, run_id: str, text: str) -> None:
    """Restart after the crash, let the event be found, and look at what was done."""
    clock = FakeClock(datetime.now(UTC), auto=True)
    async with open_lab(store_url, folder / "world", clock=clock) as lab:
        workflow = lab.define(text)
        before = len(lab.done("put"))
        run = await lab.store.run(run_id)
        if run is None:
            run = await lab.executor.start(workflow, {}, run_id=run_id)
        waker = Waker(lab.store, clock, lab.executor.waits, lambda _: None)
        for _ in range(3):
            await waker.look()
            found = await lab.store.run(run_id)
            assert found is not None
            run = found
            if run.status in ENDED:
                break
            run = await lab.executor.execute(run_id)
        assert run.status is RunStatus.CANCELLED, run.error
        assert "line.up" in (run.error or {})["message"]
        assert await lab.store.waits(run_id=run_id) == []
        done = Counter(line["name"] for line in lab.done("put"))
        assert done.keys() == {"before"}
        assert done["before"] <= 1 + (before > 0)
        clock.set_time(clock.now() + timedelta(hours=2))
        await waker.look()
        assert (await lab.store.run(run_id)) == run
