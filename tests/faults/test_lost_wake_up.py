"""A wait that ends at the very moment at which its run begins to wait: the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from backhaul.json_values import Json
from backhaul.runs.events import StoredOnly
from backhaul.runs.wait_outcomes import due_outcome
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.service_records import Acceptance
from runs.waiting_lab import WaitingLab, open_waiting_lab
from world import open_lab

pytestmark = pytest.mark.anyio

WAITS = """
steps:
  - id: both
    parallel:
      - {id: rest, wait: {for: 2h}}
      - {id: ask, wait: {approval: {message: Sure?}}}
"""


class InBetween(StoredOnly):
    """Does something once the run has left the memory and before it is written that it waits."""

    def __init__(self, lab: WaitingLab, act: Callable[[], Any]) -> None:
        super().__init__(lab.lab.store)
        self._act = act

    def ended(self, run: RunRecord) -> Sequence[Acceptance]:
        if run.status is RunStatus.WAITING:
            self._act()
        return ()


@pytest.mark.parametrize("nested", [False, True], ids=["itself", "in a run that is a step"])
async def test_a_wait_that_ends_before_the_run_is_written_as_waiting(
    store_url: str, tmp_path: Path, nested: bool
) -> None:
    async with open_waiting_lab(store_url, tmp_path) as lab:
        store = lab.lab.store
        settled: list[str] = []

        def settle() -> None:
            (run_id, key), *_ = sorted(place for place in lab_waits if place[1] == "both/rest")
            if not settled:
                settled.append(key)
                store.settle_wait(run_id, key, {"until": "2026-01-01T02:00:00Z"}, lab.now)

        lab_waits: list[tuple[str, str]] = []
        lab.lab.executor.waits.on_wait = lambda wait: lab_waits.append((wait.run_id, wait.key))
        lab.lab.executor.sink = InBetween(lab, settle)
        if nested:
            lab.lab.define(WAITS, name="inner")
            run = await lab.run("steps: [{id: sub, run: inner}]")
        else:
            run = await lab.run(WAITS)
        assert settled
        assert run.status is RunStatus.QUEUED
        run = await lab.go_on(run)
        assert run.status is RunStatus.WAITING
        await lab.approvals.decide(run.run_id, approved=True, by="ana")
        assert (await lab.go_on(run)).status is RunStatus.SUCCEEDED


async def test_a_cancellation_at_the_moment_at_which_the_run_begins_to_wait_is_not_lost(
    store_url: str, tmp_path: Path
) -> None:
    async with open_waiting_lab(store_url, tmp_path) as lab:
        workflow = lab.lab.define(WAITS)
        run = await lab.lab.executor.start(workflow, {})
        lab.lab.executor.sink = InBetween(lab, lambda: lab.lab.store.request_cancel(run.run_id))
        run = await lab.go_on(run)
        assert run.status is RunStatus.QUEUED
        assert (await lab.go_on(run)).status is RunStatus.CANCELLED


@pytest.mark.postgresql
async def test_two_processes_that_write_at_the_same_time_lose_nothing(postgresql_url: str, tmp_path: Path) -> None:
    """One ends the wait and has not committed yet, while the other writes that the run waits."""
    import psycopg

    async with open_lab(postgresql_url, tmp_path / "world") as lab:
        run = await lab.run("steps: [{id: rest, wait: {for: 2h}}]")
        (wait,) = await lab.store.waits(run_id=run.run_id)
        await lab.store.put_run(_running(run)).wait()
        outcome: Json = due_outcome(wait)
        url = postgresql_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as look:
            other.execute(
                "UPDATE waits SET outcome = %s WHERE run_id = %s", (str(outcome).replace("'", '"'), run.run_id)
            )
            other.execute("UPDATE runs SET status = 'queued' WHERE run_id = %s AND status = 'waiting'", (run.run_id,))
            ticket = lab.store.put_run_end(run, (), waits={(run.run_id, "rest")})
            blocked = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            with anyio.move_on_after(5):
                while not ticket.done and look.execute(blocked).fetchone() == (0,):
                    await anyio.lowlevel.checkpoint()
            other.commit()
        await ticket.wait()
        found = await lab.store.run(run.run_id)
        assert found is not None
        assert found.status is RunStatus.QUEUED


def _running(run: RunRecord) -> RunRecord:
    return replace(run, status=RunStatus.RUNNING)
