"""Runs over HTTP: looked at, started, steered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from backhaul.store.records import RunStatus
from backhaul.store.service_records import WaitKind, WaitRecord
from served import Served

pytestmark = pytest.mark.anyio


async def start(client: httpx.AsyncClient, workflow: str = "greet", **inputs: Any) -> str:
    answer = await client.post("/api/v1/runs", json={"workflow": workflow, "inputs": inputs})
    assert answer.status_code == 201, answer.text
    run_id: str = answer.json()["run_id"]
    assert answer.headers["location"] == f"/api/v1/runs/{run_id}"
    return run_id


async def test_a_run_is_started_carried_out_and_shown(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = await start(operator, town="Lille")
    await served.until(run_id, "succeeded")
    shown = (await operator.get(f"/api/v1/runs/{run_id}")).json()
    assert (shown["status"], shown["output"]["text"], shown["cause"]) == ("succeeded", "Lille", "api: a operator")
    assert shown["node"] == "here"
    assert "each_one" in [step["key"] for step in shown["steps"]]
    assert shown["decisions"] == []
    assert shown["waits"] == []


async def test_runs_are_listed_page_by_page_newest_first(served: Served, operator: httpx.AsyncClient) -> None:
    made = [await start(operator) for _ in range(5)]
    for run_id in made:
        await served.until(run_id, "succeeded")
    found: list[str] = []
    cursor = None
    while True:
        query: dict[str, Any] = {"limit": 2, "workflow": "greet", "status": ["succeeded", "failed"]}
        page = (await operator.get("/api/v1/runs", params=query | ({"cursor": cursor} if cursor else {}))).json()
        assert page.keys() == {"items", "next"}
        found += [item["run_id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == made[::-1]
    assert (await operator.get("/api/v1/runs", params={"status": "failed"})).json()["items"] == []
    assert (await operator.get("/api/v1/runs", params={"workflow": "ring"})).json()["items"] == []


@pytest.mark.parametrize("cursor", ["x", "9" * 400, "é", "W10", "1.a", "WzEsMV0"])
async def test_a_cursor_that_no_listing_gave_is_refused(operator: httpx.AsyncClient, cursor: str) -> None:
    for path in ("runs", "events", "decisions"):
        answer = await operator.get(f"/api/v1/{path}", params={"cursor": cursor})
        assert answer.status_code == 422, answer.text


async def test_steps_are_listed_page_by_page(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = await start(operator)
    await served.until(run_id, "succeeded")
    url = f"/api/v1/runs/{run_id}/steps"
    everything = (await operator.get(url)).json()
    assert everything["next"] is None
    keys = [step["key"] for step in everything["items"]]
    found: list[str] = []
    cursor = "0"
    while cursor is not None:
        page = (await operator.get(url, params={"limit": 1, "cursor": cursor})).json()
        found += [step["key"] for step in page["items"]]
        cursor = page["next"]
    assert found == keys
    outside = (await operator.get(url, params={"inside_each": False})).json()["items"]
    assert all("[" not in step["key"] for step in outside)
    one = (await operator.get(f"{url}/each_one", params={"items": 2})).json()
    assert (one["key"], one["run_id"], one["status"]) == ("each_one", run_id, "succeeded")
    assert len(one["records"]) <= 2
    missing = await operator.get(f"{url}/nothing[a/b]/x")
    assert missing.status_code == 404
    assert "nothing[a/b]/x" in missing.json()["detail"]


async def test_the_same_idempotency_key_and_body_give_the_same_run(operator: httpx.AsyncClient) -> None:
    body = {"workflow": "greet", "inputs": {"town": "Olinda"}}
    headers = {"Idempotency-Key": "order-4711"}
    first = await operator.post("/api/v1/runs", json=body, headers=headers)
    again = await operator.post("/api/v1/runs", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["run_id"] == again.json()["run_id"]
    other = await operator.post("/api/v1/runs", json={**body, "inputs": {"town": "Caruaru"}}, headers=headers)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"] == "urn:backhaul:problem:run-state"
    assert "order-4711" in other.json()["detail"]
    without = await operator.post("/api/v1/runs", json=body)
    assert without.json()["run_id"] != first.json()["run_id"]
    assert len((await operator.get("/api/v1/runs")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"workflow": "gret"}, 404, "did you mean 'greet'"),
        ({"workflow": "greet", "inputs": {"twn": "x"}}, 422, "did you mean 'town'"),
        ({"workflow": "greet", "input": {}}, 422, "body.input"),
        ({"workflow": "greet", "priority": 10**9}, 422, "body.priority"),
        ({"workflow": "bad"}, 422, "workflows/bad.yaml:4:5"),
        ([], 422, "body"),
        (None, 422, "body"),
    ],
)
async def test_a_start_that_cannot_be_is_refused_with_the_reason(
    operator: httpx.AsyncClient, body: Any, status: int, said: str
) -> None:
    answer = await operator.post("/api/v1/runs", json=body)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert (await operator.get("/api/v1/runs")).json()["items"] == []


async def test_a_run_under_way_is_cancelled(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = await start(operator, "long")
    await served.until(run_id, "running")
    answer = await operator.post(f"/api/v1/runs/{run_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["cancel_requested"]
    await served.until(run_id, "cancelled")
    again = await operator.post(f"/api/v1/runs/{run_id}/cancel")
    assert again.status_code == 409
    assert "nothing to cancel" in again.json()["detail"]


async def test_a_step_whose_outcome_is_unknown_is_resolved_and_the_run_goes_on(
    served: Served, operator: httpx.AsyncClient
) -> None:
    run_id = await start(operator, "ring")
    await served.until(run_id, "needs_attention")
    assert (await operator.post(f"/api/v1/runs/{run_id}/resume")).status_code == 409
    url = f"/api/v1/runs/{run_id}/resolve"
    assert (await operator.post(url, json={"step": "nobody", "as": "done"})).status_code == 404
    assert (await operator.post(url, json={"step": "call", "as": "perhaps"})).status_code == 422
    answer = await operator.post(url, json={"step": "call", "as": "done", "output": "rang"})
    assert answer.status_code == 200, answer.text
    run = await served.until(run_id, "succeeded")
    assert run.output == {"ok": True}


async def test_a_resolved_run_can_be_left_for_later_and_resumed(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = await start(operator, "ring")
    await served.until(run_id, "needs_attention")
    answer = await operator.post(f"/api/v1/runs/{run_id}/resolve", json={"step": "call", "as": "skip", "resume": False})
    assert answer.json()["status"] == "needs_attention"
    assert (await operator.post(f"/api/v1/runs/{run_id}/resume")).status_code == 200
    await served.until(run_id, "succeeded")


async def test_a_run_is_forked_from_a_step(served: Served, operator: httpx.AsyncClient) -> None:
    run_id = await start(operator, town="Natal")
    await served.until(run_id, "succeeded")
    url = f"/api/v1/runs/{run_id}/fork"
    assert (await operator.post(url, json={"from_step": "sadi"})).status_code == 404
    forked = await operator.post(url, json={"from_step": "said", "inputs": {"town": "Caicó"}, "use_current": True})
    assert (forked.status_code, forked.json()["forked_from"]) == (201, run_id)
    run = await served.until(forked.json()["run_id"], "succeeded")
    assert run.output is not None
    assert run.output["text"] == "Caicó"


@pytest.mark.parametrize(("word", "approved"), [("approve", True), ("reject", False)])
async def test_an_approval_is_given_or_not(
    served: Served, operator: httpx.AsyncClient, viewer: httpx.AsyncClient, word: str, approved: bool
) -> None:
    run_id = await start(operator)
    run = await served.until(run_id, "succeeded")
    store, now = served.app.store, served.app.clock.now()
    waiting = replace(run, run_id="waiting", status=RunStatus.WAITING, finished_at=None)
    await store.put_run(waiting).wait()
    details = {"to": ["ops"], "message": "Delete 3 devices?", "step": "ask"}
    wait = WaitRecord(run_id="waiting", key="ask", kind=WaitKind.APPROVAL, details=details, created_at=now)
    await store.put_wait(wait).wait()
    (listed,) = (await viewer.get("/api/v1/approvals")).json()["items"]
    assert listed["details"]["message"] == "Delete 3 devices?"
    shown = (await viewer.get("/api/v1/runs/waiting")).json()
    assert [one["key"] for one in shown["waits"]] == ["ask"]
    answer = await operator.post(f"/api/v1/runs/waiting/{word}", json={"note": "looked at it"})
    assert answer.status_code == 200, answer.text
    outcome = answer.json()["outcome"]
    assert (outcome["approved"], outcome["by"], outcome["note"]) == (approved, "a operator", "looked at it")
    assert (await operator.post(f"/api/v1/runs/waiting/{word}", json={})).status_code == 409
    assert (await viewer.get("/api/v1/approvals")).json()["items"] == []


async def test_what_is_done_to_a_run_that_does_not_exist_is_404(operator: httpx.AsyncClient) -> None:
    for verb, body in {
        "cancel": None,
        "resume": None,
        "fork": {"from_step": "a"},
        "resolve": {"step": "a", "as": "done"},
        "approve": {},
        "reject": {},
    }.items():
        answer = await operator.post(f"/api/v1/runs/nobody/{verb}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:backhaul:problem:unknown-name"), verb
    for path in ("", "/steps", "/steps/a"):
        assert (await operator.get(f"/api/v1/runs/nobody{path}")).status_code == 404


@pytest.mark.parametrize(("priority", "status"), [(-1, 422), (0, 201), (100, 201), (101, 422)])
async def test_a_priority_has_the_bounds_that_workflow_files_have(
    operator: httpx.AsyncClient, priority: int, status: int
) -> None:
    answer = await operator.post("/api/v1/runs", json={"workflow": "greet", "priority": priority})
    assert answer.status_code == status, answer.text
    document = (await operator.get("/api/v1/openapi.json")).json()
    (number, _) = document["components"]["schemas"]["StartRun"]["properties"]["priority"]["anyOf"]
    assert (number["minimum"], number["maximum"]) == (0, 100)
