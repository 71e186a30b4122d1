"""Plans over HTTP: started like runs, and changing nothing."""

from __future__ import annotations

import httpx
import pytest

from served import Served

pytestmark = pytest.mark.anyio


async def test_a_plan_is_started_like_a_run_and_lists_its_effects(served: Served, operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/runs", json={"workflow": "ring", "inputs": {}, "plan": True})
    assert answer.status_code == 201, answer.text
    run_id = answer.json()["run_id"]
    await served.until(run_id, "succeeded")
    steps = (await operator.get(f"/api/v1/runs/{run_id}/steps")).json()["items"]
    assert [step["status"] for step in steps if step["action"]] == ["planned"]


async def test_a_key_of_a_run_is_not_one_of_a_plan(operator: httpx.AsyncClient) -> None:
    start = {"workflow": "ring", "inputs": {}, "plan": True}
    first = await operator.post("/api/v1/runs", json=start, headers={"Idempotency-Key": "k1"})
    again = await operator.post("/api/v1/runs", json=start, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 200)
    other = await operator.post("/api/v1/runs", json={**start, "plan": False}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 409
