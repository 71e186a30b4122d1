"""`/runs/{run_id}/...`: what a person does to a run."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from backhaul.app import App
from backhaul.errors import RunStateError
from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunRecord
from backhaul.store.service_records import Role
from backhaul.views.ledger import WaitView, wait_view
from backhaul.views.run_screen import run_view
from backhaul.views.runs import RunView, stored_definition
from backhaul.views.screen import Screen
from backhaul.web.access import router_for, token_of
from backhaul.web.api.requests import Body, Name, Note, RunId, TheApp, TheScreen, existing_run

__all__ = ["routers"]

_operator = router_for(Role.OPERATOR, "runs")
routers = (_operator,)


class ForkRun(Body):
    """Where a new run leaves the way of another one."""

    from_step: Name
    """Key of the first step to carry out anew."""
    inputs: Annotated[dict[str, Any], Field(default_factory=dict)]
    """Replace the run's inputs of the same names."""
    use_current: bool = False
    """Use the workflow as it is in the project now, not as it was run."""


class ResolveStep(Body):
    """What became of a step whose outcome is unknown."""

    step: Name
    """The step's key."""
    resolution: Annotated[Resolution, Field(alias="as")]
    """`done`, `retry` to make the call again, or `skip` to go on without it."""
    output: Any = None
    """What later steps see as the step's output; not for `retry`."""
    resume: bool = True
    """Continue the run, unless other steps of it are unknown."""


class Answer(Body):
    """What a person says to what waits for approval."""

    key: Name | None = None
    """Key of the step that waits; needed when several wait."""
    note: Note = ""
    """Why."""
    data: Any = None
    """What the step asked for, as its schema says."""


@_operator.post("/runs/{run_id}/cancel")
async def cancel_run(app: TheApp, screen: TheScreen, run_id: RunId) -> RunView:
    """Cancel a run. One that is under way stops within seconds, after the calls under way."""
    cancelled = await app.interventions.cancel(run_id)
    app.dispatcher.notice(run_id)
    return await _shown(app, screen, cancelled)


@_operator.post("/runs/{run_id}/resume")
async def resume_run(app: TheApp, screen: TheScreen, run_id: RunId) -> RunView:
    """Continue a run that was interrupted, or that failed, from the step where it ended."""
    return await _shown(app, screen, await _reopened(app, run_id))


@_operator.post("/runs/{run_id}/fork", status_code=201)
async def fork_run(app: TheApp, screen: TheScreen, run_id: RunId, fork: ForkRun) -> RunView:
    """Start a new run with another run's results up to a step."""
    origin = await existing_run(app, run_id)
    if fork.use_current:
        definition = app.current(origin.workflow)
    else:
        definition = app.stored(await stored_definition(app.store, origin))
    made = await app.interventions.fork(run_id, fork.from_step, definition, fork.inputs)
    app.dispatcher.notice(made.run_id)
    return await _shown(app, screen, made)


@_operator.post("/runs/{run_id}/resolve")
async def resolve_step(app: TheApp, screen: TheScreen, run_id: RunId, answer: ResolveStep) -> RunView:
    """Say what became of a step whose outcome is unknown. The answer is the run that goes on because of it."""
    run = await app.interventions.resolve(run_id, answer.step, answer.resolution, answer.output)
    if answer.resume:
        try:
            run = await _reopened(app, run.run_id)
        except RunStateError:
            # Another step of it is unknown too: it goes on when that one is resolved.
            run = await existing_run(app, run.run_id)
    return await _shown(app, screen, run)


@_operator.post("/runs/{run_id}/approve")
async def approve(request: Request, app: TheApp, screen: TheScreen, run_id: RunId, answer: Answer) -> WaitView:
    """Approve what a run waits for; the run goes on."""
    return await _decided(request, app, screen, run_id, answer, approved=True)


@_operator.post("/runs/{run_id}/reject")
async def reject(request: Request, app: TheApp, screen: TheScreen, run_id: RunId, answer: Answer) -> WaitView:
    """Reject what a run waits for; the step fails."""
    return await _decided(request, app, screen, run_id, answer, approved=False)


async def _decided(
    request: Request, app: App, screen: Screen, run_id: str, answer: Answer, *, approved: bool
) -> WaitView:
    wait = await app.approvals.decide(
        run_id,
        key=answer.key,
        approved=approved,
        by=token_of(request).name,
        note=answer.note,
        data=answer.data,
    )
    return wait_view(wait, screen)


async def _reopened(app: App, run_id: str) -> RunRecord:
    run = await app.interventions.reopen(run_id)
    app.dispatcher.notice(run.run_id)
    return run


async def _shown(app: App, screen: Screen, run: RunRecord) -> RunView:
    return await run_view(app.store, run, screen)
