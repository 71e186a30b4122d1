"""Pruning beside the work of the service: what goes on loses nothing, and what is old goes by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backhaul.service.retention import Retention
from backhaul.store.records import RunStatus, StepStatus
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from backhaul.workflows.retention import HistoryBounds
from contract.factories import a_run, a_step
from service.plant import make_project, open_plant, until
from world import open_lab

pytestmark = pytest.mark.anyio

LONG = """
inputs: {gate: {type: string}}
steps:
  - {id: things, call: world.things, with: {count: 200, page: 10}}
  - id: all
    each: ${{ steps.things }}
    key: ${{ item.name }}
    concurrency: 5
    do:
      - {id: put, call: world.put, with: {name: "${{ item.name }}"}}
  - {id: sub, run: child}
  - {id: pause, call: world.put_slowly, with: {name: pause, gate: "${{ inputs.gate }}"}}
  - id: again
    each: ${{ steps.things }}
    do: [{id: put_again, call: world.put, with: {name: "${{ item.name }}"}}]
output: ${{ steps.again.succeeded }}
"""
CHILD = "name: child\nsteps:\n  - {id: inner, call: world.put, with: {name: inner}}\n"


async def test_a_run_under_way_loses_nothing_while_everything_else_is_pruned(store_url: str, tmp_path: Path) -> None:
    async with open_lab(store_url, tmp_path / "world") as lab:
        store = lab.store
        lab.define(CHILD, name="child")
        gate, is_open = tmp_path / "gate", tmp_path / "open"
        is_open.touch()
        for _ in range(2):
            await lab.run(LONG, gate=str(is_open))
        retention = Retention(store, store.clock, HistoryBounds, dict)
        run = await lab.executor.start(lab.define(LONG), {"gate": str(gate)})
        async with lab.carrying_out(run) as ended:
            # In the middle of its each, ...
            await until(lambda: len(lab.done("put")) >= 2 * 402 + 20)
            pruned = await retention.prune(older_than_s=1e-6)
            # ... and between two steps.
            await until(lambda: len(lab.done("entered")) == 3)
            await retention.prune(older_than_s=1e-6)
            gate.touch()
        assert pruned is not None
        assert pruned.runs == 2
        assert ended[0].status is RunStatus.SUCCEEDED
        assert ended[0].output == 200
        assert {one.run_id for one in (await store.runs())[0] if one.parent_run_id is None} == {run.run_id}
        assert (await store.step_counts(run.run_id))[StepStatus.SUCCEEDED] == 405
        assert len(await store.children(run.run_id)) == 1
        assert await store.dataset_count(run.run_id, "things") == 200


async def test_the_service_prunes_by_itself(tmp_path: Path, sqlite_url: str) -> None:
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    old = datetime(2025, 1, 1, tzinfo=UTC)
    async with await Store.open(sqlite_url, clock=clock) as store:
        store.put_step(a_step(run_id="old"))
        ended = a_run("old", status=RunStatus.SUCCEEDED, created_at=old, finished_at=old)
        await store.put_run(ended).wait()
    project = make_project(tmp_path, {}, url=sqlite_url)
    settings = tmp_path / "backhaul.toml"
    settings.write_text(settings.read_text() + '[history]\nmax_age = "100d"\nmax_size = "1 GB"\n')
    async with open_plant(project, clock=clock) as plant:
        assert project.settings.history == HistoryBounds(max_age_s=100 * 86_400, max_bytes=10**9)
        assert await plant.app.store.run("old") is not None

        async def look() -> bool:
            await clock.advance(60)
            return await plant.app.store.run("old") is None

        await until(look)

        async def nothing_left() -> bool:
            await clock.advance(1)
            return not await plant.app.store.steps("old")

        await until(nothing_left)
