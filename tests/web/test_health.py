"""Health, readiness and metrics."""

from __future__ import annotations

import re
import time

import anyio
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from backhaul.web.counting import Durations
from backhaul.web.health import Health, Lag
from served import SETTINGS, Served, serving

pytestmark = pytest.mark.anyio


async def test_a_service_that_works_is_alive_and_ready(stranger: httpx.AsyncClient) -> None:
    alive = await stranger.get("/healthz")
    assert (alive.status_code, alive.json()["alive"], alive.headers["cache-control"]) == (200, True, "no-store")
    ready = await stranger.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


async def test_it_is_not_ready_while_it_starts_and_when_it_stops(served: Served) -> None:
    stopping = anyio.Event()
    health = Health(served.app, stopping, {})
    served.app.dispatcher.recovered = anyio.Event()
    assert "starting" in (await health.ready())["reasons"][0]
    served.app.dispatcher.recovered.set()
    assert (await health.ready())["ready"]
    stopping.set()
    assert (await health.ready())["reasons"] == ["the service is stopping"]


async def test_a_loop_that_stands_still_is_named(served: Served, stranger: httpx.AsyncClient) -> None:
    served.service.troubles["schedules"] = "the disk is full"
    answer = await stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["the loop schedules stands still: see the log"]


async def test_the_store_is_really_written_but_not_for_every_question(served: Served) -> None:
    health = Health(served.app, anyio.Event(), {})
    assert (await health.ready())["ready"]
    _, written_at = await served.app.store.poll_cursor("-", "readyz")
    assert written_at is not None
    for _ in range(20):
        assert (await health.ready())["ready"]
    assert await served.app.store.poll_cursor("-", "readyz") == (None, written_at)


async def test_what_blocks_the_event_loop_shows() -> None:
    lag = Lag()
    async with anyio.create_task_group() as group:
        group.start_soon(lag.watch)
        await anyio.sleep(0.9)
        time.sleep(0.4)
        with anyio.fail_after(5):
            while not lag.last_s:
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert 0.2 < lag.last_s < 2
    assert lag.worst_s >= lag.last_s


async def test_metrics_count_what_happened(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = (await operator.post("/api/v1/runs", json={"workflow": "greet"})).json()["run_id"]
    await served.until(run_id, "succeeded")
    # The observer is told just after the row can be seen.
    with anyio.fail_after(5):
        while not served.counts.runs.ended:
            await anyio.lowlevel.checkpoint()
    await operator.post("/hooks/bell/wrong")
    answer = await operator.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["backhaul_runs_started_total", ("workflow", "greet")] == 1
    assert found["backhaul_runs_ended_total", ("status", "succeeded"), ("workflow", "greet")] == 1
    assert found["backhaul_steps_ended_total", ("status", "succeeded")] >= 2
    assert found["backhaul_runs", ("status", "waiting")] == 0
    assert found[("backhaul_queue_length",)] == 0
    assert found["backhaul_hooks_total", ("connection", ""), ("status", "404")] == 1
    assert found[("backhaul_hook_seconds_count",)] == 1
    assert found[("backhaul_store_commit_seconds_count",)] > 0
    assert found[("backhaul_store_operations_total",)] >= found[("backhaul_store_commit_seconds_count",)]
    assert found["backhaul_day_budget_left", ("connection", "bell")] == 100
    assert ("backhaul_day_budget_left", ("connection", "broken")) not in found


async def test_metrics_can_be_open_to_everybody(tmp_path: object) -> None:
    settings = re.sub(r"port = 0", "port = 0\npublic_metrics = true", SETTINGS)
    async with serving(tmp_path, settings) as served, served.client(None) as client:  # type: ignore[arg-type]
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/api/v1/runs")).status_code == 401


def test_durations_are_counted_in_buckets() -> None:
    durations = Durations()
    for seconds in (0.0004, 0.0005, 0.03, 99.0):
        durations.add(seconds)
    found = dict(durations.cumulative())
    assert (found["0.0005"], found["0.025"], found["0.05"], found["10.0"], found["+Inf"]) == (2, 2, 3, 3, 4)
    assert durations.sum_s == pytest.approx(99.0309)
