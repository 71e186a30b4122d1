"""A large reconcile in processes that are killed while they list, read, join and apply: it ends as if none had been."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from backhaul.runs.progress import RunObserver
from backhaul.runs.reconciling.work import Joined
from reconciling import make, output, records, things
from world import Lab, open_lab, read_world, seed, want

pytestmark = pytest.mark.anyio

RECORDS = 20_000
CHANGES = {"created": 150, "updated": 100, "deleted": 150}
WORK = sum(CHANGES.values())
CONCURRENCY = 3
RUN = "run"
YAML = (
    make()
    .replace("break_at: -1", "page: 500")
    .replace(
        'world.put, with: {name: "${{ item.name }}", value: "${{ item.value }}"',
        "world.ring_verified, with: {name: '${{ item.name }}'",
    )
)
PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def sync(run: Run, world: World) -> dict:
    async def create(item):
        await world.ring_verified(name=item["name"])

    async def update(item, there):
        await world.put(name=there["name"], value=item["value"])

    async def delete(there):
        await world.remove(name=there["name"])

    return await run.reconcile(
        world.wanted(page=500), world.stock(page=500), key="name", compare={"value": "value"}, create=create,
        update=update, delete=delete, max_delete="100%", concurrency=3, name="sync",
    )
"""


class Stops(RunObserver):
    """Tells the other process when the run is where it is to be killed, and does nothing more."""

    def __init__(self, pipe: Connection, phase: str) -> None:
        self._pipe = pipe
        self._phase = phase

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        here = {
            "listing": key in {"wanted", "world.wanted"} and done >= RECORDS / 2,
            "reading": (key, total) == ("sync", 2 * RECORDS) and done >= RECORDS,
            "applying": (key, total) == ("sync", WORK) and done >= WORK / 2,
        }
        if here.get(self._phase):
            self._pipe.send(self._phase)
            signal.pause()

    def before_commit(self, operations: Sequence[Any]) -> None:
        """Do nothing."""

    def after_commit(self, operations: Sequence[Any]) -> None:
        """Stop when the join is being stored: the writer is held up, so that nothing follows."""
        if self._phase == "joining" and any("sync/$update" in repr(one) for one in operations):
            self._pipe.send(self._phase)
            threading.Event().wait()


async def _carry_out(pipe: Connection, url: str, folder: Path, kind: str, phase: str) -> None:
    observer = Stops(pipe, phase)
    async with open_lab(url, folder / "world", observer=observer, write_observer=observer) as lab:
        workflow = lab.define(YAML if kind == "yaml" else PYTHON, kind=kind)
        if await lab.store.run(RUN) is None:
            await lab.executor.start(workflow, {}, run_id=RUN)
        await lab.executor.execute(RUN)


def carry_out(*arguments: Any) -> None:
    """Carry the run out up to the phase in which it stops; see `_carry_out` for the arguments."""
    logging.getLogger().setLevel(logging.ERROR)
    asyncio.run(_carry_out(*arguments))


def killed_while(phase: str, url: str, folder: Path, kind: str) -> None:
    """Carry the run out in another process, and kill that in a phase."""
    # The server that the processes are forked from imports everything once; it finds this folder in no other way.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent) + os.pathsep + str(Path(__file__).parents[1])
    context = multiprocessing.get_context("forkserver")
    pipe, end = context.Pipe(duplex=False)
    process = context.Process(target=carry_out, args=(end, url, folder, kind, phase))
    process.start()
    end.close()
    try:
        assert pipe.poll(60), f"it did not come to {phase}"
        assert pipe.recv() == phase
    finally:
        process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL


def a_world(folder: Path) -> Path:
    """Write what is wanted and what is there."""
    folder.mkdir()
    created, updated, deleted = CHANGES.values()
    same = RECORDS - created - updated
    wanted = (
        {f"n{n}": n for n in range(created)} | {f"u{n}": n for n in range(updated)} | {f"s{n}": n for n in range(same)}
    )
    there = (
        {f"u{n}": -1 for n in range(updated)} | {f"s{n}": n for n in range(same)} | {f"g{n}": n for n in range(deleted)}
    )
    want(folder / "world", things(wanted))
    seed(folder / "world", things(there))
    return folder


def effects(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each effect was made."""
    lines = read_world(folder / "world")
    return Counter((line["do"], line["name"]) for line in lines if line["do"] in {"ring", "put", "remove"})


async def ended(lab: Lab, kind: str) -> tuple[Any, Any]:
    """Carry the run out to its end, and return its output and the records of all keys."""
    workflow = lab.define(YAML if kind == "yaml" else PYTHON, kind=kind)
    if await lab.store.run(RUN) is None:
        await lab.executor.start(workflow, {}, run_id=RUN)
    run = await lab.executor.execute(RUN)
    return {**output(run), "items": None}, await records(lab, run)


async def is_joined(lab: Lab) -> bool:
    """Return whether the join is stored."""
    step = await lab.store.step(RUN, "sync")
    return step is not None and Joined.restored(step.progress) is not None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_reconcile_that_is_killed_in_every_phase_ends_as_one_that_is_not(tmp_path: Path, kind: str) -> None:
    whole, killed = a_world(tmp_path / "whole"), a_world(tmp_path / "killed")
    async with open_lab(f"sqlite:///{whole}/store.db", whole / "world") as lab:
        expected = await ended(lab, kind)
    url = f"sqlite:///{killed}/store.db"
    for phase in ("listing", "reading", "joining", "applying"):
        killed_while(phase, url, killed, kind)
        async with open_lab(url, killed / "world") as lab:
            assert await is_joined(lab) is (phase == "applying")
        assert bool(effects(killed)) is (phase == "applying")
    before = effects(killed)
    assert WORK / 2 <= len(before) < WORK
    async with open_lab(url, killed / "world") as lab:
        found, items = await ended(lab, kind)
        assert {name: found[name] for name in CHANGES} == CHANGES
        assert found["total"] == RECORDS + CHANGES["deleted"]
        assert (found, items) == expected
    after = effects(killed)
    assert after.keys() == effects(whole).keys()
    assert {count for (do, _), count in after.items() if do == "ring"} == {1}
    assert sum(after.values()) - len(after) <= CONCURRENCY
