"""Workflows, connections, schedules and events over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from served import Served

pytestmark = pytest.mark.anyio


async def test_workflows_are_listed_with_what_is_wrong(viewer: httpx.AsyncClient) -> None:
    found = (await viewer.get("/api/v1/workflows")).json()
    assert [one["name"] for one in found["items"]] == ["greet", "long", "ring"]
    assert found["broken_files"] == ["workflows/bad.yaml"]
    (problem,) = found["problems"]
    assert (problem["file"], problem["line"]) == ("workflows/bad.yaml", 4)


async def test_a_workflow_is_shown_with_its_triggers_inputs_and_steps(viewer: httpx.AsyncClient) -> None:
    shown = (await viewer.get("/api/v1/workflows/greet")).json()
    assert shown["cron"][0]["trigger_id"] == "greet/cron/1"
    assert (
        shown["events"] == [{"trigger_id": "greet/event/1", "type": "door.opened", "where": "event.data.wide"}]
        or shown["events"][0]["type"] == "door.opened"
    )
    assert [one["name"] for one in shown["inputs"]] == ["town", "phone"]
    assert [(one["id"], one["depth"]) for one in shown["steps"]] == [("said", 0), ("each_one", 0), ("inner", 1)]
    assert shown["problems"] == []
    missing = await viewer.get("/api/v1/workflows/great")
    assert (missing.status_code, "did you mean 'greet'" in missing.json()["detail"]) == (404, True)
    assert "workflows/bad.yaml has problems and may hold it: backhaul check" in missing.json()["detail"]
    schedule = await viewer.get("/api/v1/schedules/great/cron/1")
    assert (schedule.status_code, "workflows/bad.yaml has problems" in schedule.json()["detail"]) == (404, True)


async def test_a_workflow_says_whether_its_runs_are_planned_first(served: Served, viewer: httpx.AsyncClient) -> None:
    path = served.app.project.folder / "workflows" / "careful.yaml"
    steps = "steps: [{id: call, call: bell.ring}]\n"
    for plan, expected in (("required", {}), ("{auto_apply_below: {once: 2}}", {"once": 2})):
        path.write_text(f"plan: {plan}\n{steps}")
        served.app.use_workflows(served.app.read_workflows())
        shown = (await viewer.get("/api/v1/workflows/careful")).json()
        assert (shown["plan_required"], shown["auto_apply_below"]) == (True, expected)
    listed = {one["name"]: one["plan_required"] for one in (await viewer.get("/api/v1/workflows")).json()["items"]}
    assert listed == {"careful": True, "greet": False, "long": False, "ring": False}


async def test_connections_are_listed_shown_and_checked(viewer: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    found = {one["name"]: one for one in (await viewer.get("/api/v1/connections")).json()["items"]}
    assert {name: one["status"] for name, one in found.items()} == {
        "bell": "ready",
        "broken": "ready",
        "wrong": "wrong settings",
    }
    assert "Did you mean 'fault'" in found["wrong"]["problems"][0]
    budget = (await viewer.get("/api/v1/connections/bell")).json()["budget"]
    assert (budget["used_today"], budget["per_day"], budget["under_way"]) == (0, 100, 0)
    assert (await viewer.get("/api/v1/connections/broken")).json()["budget"]["used_today"] is None
    works = (await operator.post("/api/v1/connections/bell/check")).json()
    assert (works["ok"], works["error"]) == (True, None)
    broken = (await operator.post("/api/v1/connections/broken/check")).json()
    assert (broken["ok"], broken["error"]["type"]) == (False, "AuthenticationError")
    wrong = (await operator.post("/api/v1/connections/wrong/check")).json()
    assert (wrong["ok"], wrong["error"]["type"]) == (False, "SettingError")
    for method, path in (("GET", "bel"), ("POST", "bel/check")):
        answer = await operator.request(method, f"/api/v1/connections/{path}")
        assert (answer.status_code, "did you mean 'bell'" in answer.text) == (404, True)


async def test_what_a_connection_has_used_of_its_day_is_told(served: Served, viewer: httpx.AsyncClient) -> None:
    today = served.app.clock.now().date()
    await served.app.store.reserve_usage("bell", today, 40)
    assert (await viewer.get("/api/v1/connections/bell")).json()["budget"]["used_today"] == 40
    await served.app.store.reserve_usage("bell", today, 90)
    assert (await viewer.get("/api/v1/connections/bell")).json()["budget"]["used_today"] == 100
    assert 'backhaul_day_budget_left{connection="bell"} 0.0' in (await viewer.get("/metrics")).text


async def test_a_schedule_is_paused_with_a_note_and_resumed(
    viewer: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    url = "/api/v1/schedules/greet/cron/1"
    (listed,) = (await viewer.get("/api/v1/schedules")).json()["items"]
    shown = (await viewer.get(url)).json()
    assert listed == shown
    assert (shown["trigger_id"], shown["paused"]) == ("greet/cron/1", False)
    assert shown["next_at"].endswith(":00:00Z")
    paused = (await operator.post(f"{url}/pause", json={"note": "the vendor moves"})).json()
    assert (paused["paused"], paused["note"], paused["next_at"]) == (True, "the vendor moves", None)
    assert (await viewer.get(url)).json() == paused
    again = (await operator.post(f"{url}/pause", json={})).json()
    assert again == paused
    resumed = (await operator.post(f"{url}/resume")).json()
    assert (resumed["paused"], resumed["note"], resumed["paused_at"]) == (False, None, None)


async def test_the_next_ticks_of_a_schedule_and_its_history_are_listed(viewer: httpx.AsyncClient) -> None:
    url = "/api/v1/schedules/greet/cron/1"
    ticks = (await viewer.get(f"{url}/next", params={"count": 3})).json()["items"]
    assert len(ticks) == 3
    assert all(tick["wall"].endswith("T03:00:00") for tick in ticks)
    assert (await viewer.get(f"{url}/history")).json() == {"items": [], "next": None}
    for path in ("greet/cron/2", "great/cron/1", "greet/cron/0"):
        answer = await viewer.get(f"/api/v1/schedules/{path}")
        assert answer.status_code in {404, 422}, path


def cloud_event(**attributes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "1", "source": "/doors", "type": "door.opened", **attributes}


CLOUD = {"Content-Type": "application/cloudevents+json"}


async def test_an_event_comes_in_starts_a_run_and_is_shown_with_its_decisions(
    served: Served, operator: httpx.AsyncClient
) -> None:
    event = cloud_event(data={"wide": True})
    answer = await operator.post("/api/v1/events", json=event, headers=CLOUD)
    assert answer.status_code == 200, answer.text
    (taken,) = answer.json()["items"]
    assert (taken["is_new"], len(taken["run_ids"])) == (True, 1)
    (again,) = (await operator.post("/api/v1/events", json=event, headers=CLOUD)).json()["items"]
    assert again == {"event_id": taken["event_id"], "is_new": False, "run_ids": []}
    run = await served.until(taken["run_ids"][0], "succeeded")
    assert (run.trigger_id, run.event_id) == ("greet/event/1", taken["event_id"])
    shown = (await operator.get(f"/api/v1/events/{taken['event_id']}")).json()
    assert (shown["type"], shown["source"], shown["dedupe_key"]) == ("door.opened", "/doors", "1")
    assert [one["verdict"] for one in shown["decisions"]] == ["duplicate", "started"]
    (why,) = (await operator.get(f"/api/v1/runs/{run.run_id}")).json()["decisions"]
    assert (why["trigger_id"], why["event_id"]) == ("greet/event/1", taken["event_id"])


async def test_why_an_event_started_nothing_is_in_the_ledger(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/events", json=cloud_event(data={"wide": False}), headers=CLOUD)
    (taken,) = answer.json()["items"]
    assert taken["run_ids"] == []
    query = {"verdict": "filtered", "workflow": "greet", "event_id": taken["event_id"], "trigger_id": "greet/event/1"}
    (decision,) = (await operator.get("/api/v1/decisions", params=query)).json()["items"]
    assert "event.data.wide" in decision["reason"]
    assert (await operator.get("/api/v1/decisions", params={"verdict": "late"})).json()["items"] == []


async def test_events_are_listed_and_replayed(served: Served, operator: httpx.AsyncClient) -> None:
    for number in range(3):
        sent = cloud_event(id=str(number), data={"wide": True})
        await operator.post("/api/v1/events", json=sent, headers=CLOUD)
    page = (await operator.get("/api/v1/events", params={"type": "door.opened", "limit": 2})).json()
    rest = (await operator.get("/api/v1/events", params={"limit": 2, "cursor": page["next"]})).json()
    assert (len(page["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert (await operator.get("/api/v1/events", params={"source": "elsewhere"})).json()["items"] == []
    event_id = rest["items"][0]["event_id"]
    replayed = (await operator.post(f"/api/v1/events/{event_id}/replay")).json()
    assert (replayed["event_id"], len(replayed["run_ids"])) == (event_id, 1)
    await served.until(replayed["run_ids"][0], "succeeded")
    for method, path in (("GET", "nothing"), ("POST", "nothing/replay")):
        assert (await operator.request(method, f"/api/v1/events/{path}")).status_code == 404


async def test_what_is_no_cloud_event_is_refused_with_every_reason(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/events", json={"specversion": "0.3", "id": ""}, headers=CLOUD)
    assert answer.status_code == 422
    said = " ".join(one["message"] for one in answer.json()["errors"])
    assert all(name in said for name in ("specversion", "id", "source", "type"))
