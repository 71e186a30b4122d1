"""`/runs`: looking at runs and starting them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from typing_extensions import TypedDict

from backhaul.store.records import RunStatus
from backhaul.store.service_records import Role
from backhaul.views.ledger import WaitView, wait_view
from backhaul.views.plan_document import PlanDocument, plan_text, planned_run
from backhaul.views.run_page import RunPage, gather
from backhaul.views.run_screen import remember_given, run_view, run_views
from backhaul.views.runs import RunView
from backhaul.views.steps import StepPage, StepView, step_page, step_view
from backhaul.web.access import router_for, token_of
from backhaul.web.api.requests import (
    Body,
    Cursor,
    Limit,
    ListPage,
    Name,
    RunId,
    TheApp,
    TheScreen,
    existing_run,
)
from backhaul.workflows.yaml_dispatching import HIGHEST_PRIORITY

__all__ = ["routers"]

_viewer, _operator = router_for(Role.VIEWER, "runs"), router_for(Role.OPERATOR, "runs")
routers = (_viewer, _operator)


class StartRun(Body):
    """What to run."""

    workflow: Name
    """Name of the workflow."""
    inputs: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Its inputs; those that are not given get their defaults."""
    priority: Annotated[int, Field(ge=0, le=HIGHEST_PRIORITY)] | None = None
    """From 0 to 100, higher goes first; the workflow's own when null."""
    plan: bool = False
    """List what it would change, as steps with the status `planned`, and change nothing."""


class WaitList(TypedDict):
    """What waits for a person."""

    items: list[WaitView]


@_viewer.get("/runs")
async def list_runs(
    app: TheApp,
    screen: TheScreen,
    workflow: Annotated[Name | None, Query(description="Only runs of this workflow.")] = None,
    status: Annotated[list[RunStatus] | None, Query(description="Only runs with one of these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListPage[RunView]:
    """List runs, the newest first."""
    found, following = await app.store.runs(workflow=workflow, status=status, limit=limit, cursor=cursor)
    return {"items": await run_views(app.store, found, screen), "next": following}


@_operator.post("/runs", status_code=201, responses={200: {"description": "The key was used before: its run."}})
async def start_run(
    request: Request,
    response: Response,
    app: TheApp,
    screen: TheScreen,
    start: StartRun,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="A second start with the same key and body gives the run of the first.",
        ),
    ] = None,
) -> RunView:
    """Start a run. With an idempotency key that was used for another start, the answer is 409."""
    app.project.catalog.get(start.workflow)
    run, is_new = await app.dispatcher.start(
        start.workflow,
        start.inputs,
        cause=f"api: {token_of(request).name}",
        idempotency_key=idempotency_key,
        priority=start.priority,
        plan=start.plan,
    )
    if not is_new:
        response.status_code = 200
    response.headers["Location"] = f"{request.scope['root_path']}/runs/{run.run_id}"
    return await run_view(app.store, run, screen)


@_viewer.get("/runs/{run_id}")
async def show_run(app: TheApp, screen: TheScreen, run_id: RunId) -> RunPage:
    """Show a run: how it stands, why it was started, what it waits for, and its steps.

    The steps of the items inside each are left out, but for those that explain how the run stands.
    """
    run = await existing_run(app, run_id)
    return (await gather(app.store, run, screen, every=False)).document(screen)


@_viewer.get("/runs/{run_id}/steps")
async def list_steps(
    app: TheApp,
    screen: TheScreen,
    run_id: RunId,
    inside_each: Annotated[bool, Query(description="Also the steps of the items inside each.")] = True,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$", description="`next` of another page.")] = None,
) -> ListPage[StepView]:
    """List the steps of a run in the order in which they began."""
    run = await existing_run(app, run_id)
    found = await app.store.steps(
        run.run_id, outside_each=not inside_each, limit=limit + 1, after_seq=None if cursor is None else int(cursor)
    )
    shown = found[:limit]
    remember_given(run, screen)
    screen.learn(shown)
    return {
        "items": [step_view(step, None, screen) for step in shown],
        "next": str(shown[-1].seq) if len(found) > limit else None,
    }


@_viewer.get("/runs/{run_id}/steps/{key:path}")
async def show_step(
    app: TheApp,
    screen: TheScreen,
    run_id: RunId,
    key: Annotated[str, Path(description="The step's key, such as `sync[SN001]/add`.")],
    items: Annotated[int, Query(ge=0, le=1000, description="So many records of its dataset.")] = 5,
) -> StepPage:
    """Show everything about one step."""
    run = await existing_run(app, run_id)
    return await step_page(app.store, run, key, screen, items=items)


@_viewer.get("/runs/{run_id}/plan", response_model=PlanDocument)
async def show_plan(app: TheApp, screen: TheScreen, run_id: RunId) -> StreamingResponse:
    """Show the plan that a run has made, whole, as plan files hold it. It comes piece by piece.

    A plan that is still being made holds what it has so far, and its status says so. The answer is 409 for a run that
    is no plan and has made none.
    """
    run = await planned_run(app.store, await existing_run(app, run_id))
    limits = {name: app.connections.settings(name).limits for name in app.connections.names}
    text = plan_text(app.store, run, limits, app.clock.now(), screen=screen)
    return StreamingResponse(text, media_type="application/json")


@_viewer.get("/approvals")
async def list_approvals(app: TheApp, screen: TheScreen) -> WaitList:
    """List what waits for a person's approval, the oldest first, a thousand at most."""
    return {"items": [wait_view(wait, screen) for wait in await app.approvals.open()]}
