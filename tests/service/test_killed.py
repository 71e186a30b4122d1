"""The service as a process of its own: killed, started again, started twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backhaul.plugins.events import Event
from backhaul.project import Project
from backhaul.store.records import RunStatus
from service.plant import make_project, open_plant, until
from world import read_world

pytestmark = pytest.mark.anyio

RUNS = 40
TESTS = Path(__file__).parents[1]
WORLD = "import world\n\n\nclass World(world.World):\n    '''The world of the tests.'''\n"
NOTE = """
on:
  - event: world.moved
steps:
  - id: before
    call: world.put
    with: {name: "${{ event.data.number }}"}
  - id: rings
    each: ${{ [1, 2, 3, 4] }}
    concurrency: 2
    do:
      - id: ring
        call: world.ring_verified
        with: {name: "${{ event.data.number }}.${{ item }}"}
  - id: tell
    emit: {type: told.on, data: {number: "${{ event.data.number }}"}}
"""
TOLD = """
on:
  - event: told.on
steps:
  - id: ring
    call: world.ring_verified
    with: {name: "told ${{ event.data.number }}"}
"""


def served_project(folder: Path) -> Project:
    """Write a project that a process of its own can serve, too."""
    project = make_project(folder, {"note.yaml": NOTE, "told.yaml": TOLD}, server="port = 0")
    (folder / "connectors").mkdir()
    (folder / "connectors" / "world_of_tests.py").write_text(WORLD)
    return project


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``backhaul serve`` in a project; kill it when the block ends."""
    command = [sys.executable, "-m", "backhaul", "serve", *options]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def rung(folder: Path) -> Counter[str]:
    return Counter(line["name"] for line in read_world(folder / "world") if line["do"] == "ring")


@pytest.mark.slow
async def test_a_service_killed_again_and_again_does_everything_once(tmp_path: Path) -> None:
    project = served_project(tmp_path)
    events = [
        Event(type="moved", data={"number": str(number)}, time=datetime.now(UTC), key=str(number))
        for number in range(RUNS)
    ]
    async with open_plant(project, going=False) as plant:
        for taken in await plant.app.intake.take("world", events, received_at=datetime.now(UTC)):
            assert taken.is_new
        everything = RUNS * 5
        for number in range(3):
            goal = max(1, everything * number // 5)
            with serving(tmp_path) as process:

                async def far_enough(goal: int = goal, process: subprocess.Popen[str] = process) -> bool:
                    assert process.poll() is None, process.stderr and process.stderr.read()
                    return sum(rung(tmp_path).values()) >= goal

                await until(far_enough, seconds=60)
                process.send_signal(signal.SIGKILL)
                process.wait()
        assert any(run.status is RunStatus.RUNNING for run in await plant.runs()), "something was under way"
        assert sum(rung(tmp_path).values()) < everything
        with serving(tmp_path) as process:
            runs = await plant.ended(2 * RUNS)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        assert Counter(run.workflow for run in runs) == {"note": RUNS, "told": RUNS}
        assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    counts = rung(tmp_path)
    assert len(counts) == everything
    assert set(counts.values()) == {1}


async def test_a_second_service_with_the_name_of_a_running_one_is_refused(tmp_path: Path) -> None:
    project = served_project(tmp_path)
    async with open_plant(project, going=False) as plant:
        assert await plant.app.store.claim("service/here")
        with serving(tmp_path) as process:
            _, said = process.communicate(timeout=30)
            assert process.returncode == 1
            assert "a service is running already on this store as node 'here'" in said
            assert "run this one beside it under another name" in said
            assert "--node NAME" in said
            assert "Traceback" not in said
