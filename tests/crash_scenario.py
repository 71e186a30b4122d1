"""A workflow with every kind of effect, carried out in a process of its own that dies at a chosen write."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backhaul.runs.planning.plan_file import start_apply
from backhaul.workflows.definition import Workflow
from world import Lab, open_lab

__all__ = ["CHILD", "PYTHON", "YAML", "begin", "carry_out", "in_process"]

CHILD = """
name: child
steps:
  - {id: inner, call: world.put, with: {name: inner}}
"""

YAML = """
steps:
  - {id: things, call: world.things, with: {count: 15, page: 10}}
  - {id: look, call: world.look, with: {value: 4}}
  - id: all
    each: ${{ steps.things }}
    key: ${{ item.name }}
    concurrency: 3
    do:
      - {id: odd, set: {is: "${{ item.id % 2 == 1 }}"}}
      - id: put
        if: ${{ steps.odd.is }}
        call: world.put
        with: {name: "${{ item.name }}", value: "${{ steps.look }}"}
    output: ${{ steps.odd.is }}
  - {id: flaky, call: world.flaky, with: {name: f, failures: 1}, retry: {attempts: 3, delay: 0}}
  - {id: ring, call: world.ring, with: {name: bell}}
  - {id: verified, call: world.ring_verified, with: {name: gong}}
  - id: both
    parallel:
      - {id: left, call: world.put, with: {name: left}}
      - {id: right, do: [{id: removed, call: world.remove, with: {name: right}}]}
  - {id: sub, run: child}
  - {id: told, emit: {type: all.done, data: {n: "${{ steps.all.steps.put.succeeded }}"}}}
output: {put: "${{ steps.all.steps.put.succeeded }}", rang: "${{ steps.ring }}", gong: "${{ steps.verified }}"}
"""

PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def everything(run: Run, world: World) -> dict:
    four = await world.look(value=4)

    async def one(thing: dict) -> bool:
        odd = thing["id"] % 2 == 1
        if odd:
            await world.put(name=thing["name"], value=four)
        return odd

    odds = await run.each(
        world.things(count=15, page=10), one, name="all", key=lambda thing: thing["name"], concurrency=3
    )
    rang = await world.ring(name="bell")
    gong = await world.ring_verified(name="gong")
    await run.parallel(left=world.put(name="left"), right=world.remove(name="right"))
    await run.run_workflow("child")
    await run.emit("all.done", {"n": sum(odds)})
    return {"put": sum(odds), "rang": rang, "gong": gong}
"""


class Killer:
    """Counts the store's writes and ends the process, without any farewell, around the commit of the n-th."""

    def __init__(self, at: int | None, *, committed: bool) -> None:
        self._at = at
        self._committed = committed
        self.writes = 0

    def before_commit(self, operations: Sequence[Any]) -> None:
        self.writes += len(operations)
        if self._at is not None and not self._committed and self.writes >= self._at:
            os._exit(9)

    def after_commit(self, operations: Sequence[Any]) -> None:
        if self._at is not None and self._committed and self.writes >= self._at:
            os._exit(9)


async def begin(lab: Lab, workflow: Workflow, folder: Path, run_id: str) -> None:
    """Start the run, under the plan in the folder when there is one."""
    plan = folder / "plan.json"
    if plan.exists():
        await start_apply(lab.executor, lab.store, workflow, json.loads(plan.read_text()), run_id=run_id)
    else:
        await lab.executor.start(workflow, {}, run_id=run_id)


async def _carry_out(
    url: str, folder: Path, run_id: str, kind: str, text: str, crash_at: int | None, committed: bool
) -> None:
    killer = Killer(crash_at, committed=committed)
    async with open_lab(url, folder / "world", write_observer=killer) as lab:
        lab.define(CHILD, name="child")
        workflow = lab.define(text, kind=kind)
        if await lab.store.run(run_id) is None:
            await begin(lab, workflow, folder, run_id)
        await lab.executor.execute(run_id)
    (folder / "writes").write_text(str(killer.writes))


def carry_out(*arguments: Any) -> None:
    """Start or resume the run and carry it out; see `_carry_out` for the arguments."""
    logging.getLogger().setLevel(logging.ERROR)
    asyncio.run(_carry_out(*arguments))


def in_process(*arguments: Any) -> int:
    """Call `carry_out` in a new process and return its exit code."""
    # The server that the processes are forked from imports everything once; it finds this folder in no other way.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crash_scenario"])
    process = context.Process(target=carry_out, args=arguments)
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError("the process did not end")
    return process.exitcode
