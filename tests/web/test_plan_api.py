"""Plans over HTTP: started like runs, and changing nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from backhaul.cli.plan import write_plan
from backhaul.runs.planning.modes import PLAN
from backhaul.runs.planning.plan_file import read_plan_file
from backhaul.store.records import RunRecord, RunStatus
from backhaul.views.plan_document import PlanDocument
from backhaul.workflows.catalog import load_source
from served import Served

pytestmark = pytest.mark.anyio

TOLD = """\
name: told
inputs:
  times: {type: integer, default: 1}
  phone: {type: string, default: "+5581999990000"}
steps:
  - id: all
    each: ${{ range(inputs.times) | list }}
    do:
      - {id: rung, call: bell.ring, with: {phone: "${{ inputs.phone }}"}}
  - id: asked
    wait: {approval: {message: may it go on?}}
  - id: told
    if: ${{ steps.asked.approved }}
    emit: {type: bell.rang}
"""


async def planned(served: Served, **inputs: Any) -> RunRecord:
    """Plan a workflow beside the service, and return the run."""
    workflow = load_source("yaml", "workflows/told.yaml", TOLD)
    run = await served.app.executor.start(workflow, inputs, mode=PLAN)
    return await served.app.executor.execute(run.run_id)


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


async def test_the_plan_of_a_run_is_the_document_that_a_plan_file_holds(
    served: Served, operator: httpx.AsyncClient, tmp_path: Path
) -> None:
    run = await planned(served, times=250)
    answer = await operator.get(f"/api/v1/runs/{run.run_id}/plan", params={"show_personal": True})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    file = tmp_path / "plan.json"
    await write_plan(served.app, run, file)
    assert answer.json() == json.loads(file.read_text())
    TypeAdapter(PlanDocument).validate_json(answer.text, strict=True, extra="forbid")
    file.write_text(answer.text)
    plan = read_plan_file(file)
    assert (len(plan["effects"]), plan["summary"]["effects"], plan["status"]) == (250, 250, "succeeded")
    assert [one["step"] for one in plan["waits"]] == ["asked"]
    assert [one["step"] for one in plan["undetermined"]] == ["told"]


async def test_personal_data_in_a_plan_is_for_operators(
    served: Served, viewer: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    url = f"/api/v1/runs/{(await planned(served)).run_id}/plan"
    answer = await viewer.get(url)
    assert answer.status_code == 200
    assert "+5581999990000" not in answer.text
    assert answer.json()["effects"][0]["params"] == {"phone": "***"}
    assert (await viewer.get(url, params={"show_personal": True})).status_code == 403
    shown = await operator.get(url, params={"show_personal": True})
    assert shown.json()["effects"][0]["params"] == {"phone": "+5581999990000"}


async def test_a_run_that_began_with_a_plan_shows_it(served: Served, viewer: httpx.AsyncClient) -> None:
    workflow = load_source("yaml", "workflows/told.yaml", "plan: required\n" + TOLD)
    run = await served.app.executor.start(workflow, {"times": 2})
    run = await served.app.executor.execute(run.run_id)
    assert run.status is RunStatus.WAITING
    shown = (await viewer.get(f"/api/v1/runs/{run.run_id}/plan")).json()
    assert (len(shown["effects"]), shown["workflow"]) == (2, "told")
    assert shown["run_id"] != run.run_id


async def test_a_run_that_is_no_plan_has_none_and_an_unknown_one_neither(
    served: Served, operator: httpx.AsyncClient
) -> None:
    run = (await operator.post("/api/v1/runs", json={"workflow": "greet"})).json()
    answer = await operator.get(f"/api/v1/runs/{run['run_id']}/plan")
    assert (answer.status_code, "is no plan" in answer.json()["detail"]) == (409, True)
    assert (await operator.get("/api/v1/runs/none/plan")).status_code == 404


async def test_a_plan_that_did_not_come_to_its_end_says_so(served: Served, viewer: httpx.AsyncClient) -> None:
    workflow = load_source("yaml", "workflows/told.yaml", TOLD + "  - {fail: broken}\n")
    run = await served.app.executor.start(workflow, {}, mode=PLAN)
    run = await served.app.executor.execute(run.run_id)
    assert run.status is RunStatus.FAILED
    shown = (await viewer.get(f"/api/v1/runs/{run.run_id}/plan")).json()
    assert (shown["status"], shown["error"]["message"], len(shown["effects"])) == ("failed", "broken", 1)
