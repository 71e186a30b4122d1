"""`/schedules`: the project's cron triggers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from typing_extensions import TypedDict

from backhaul.app import App
from backhaul.service.schedules import Schedule
from backhaul.store.service_records import Role
from backhaul.views.ledger import DecisionView, decision_view
from backhaul.views.schedules import ScheduleView, TickView, schedule_view, tick_view
from backhaul.web.access import router_for
from backhaul.web.api.requests import Body, Cursor, Limit, ListPage, Note, TheApp, TheScreen

__all__ = ["routers"]

_viewer, _operator = router_for(Role.VIEWER, "schedules"), router_for(Role.OPERATOR, "schedules")
routers = (_viewer, _operator)

_Number = Annotated[int, Path(ge=1, le=1000, description="Place of the trigger in its workflow's file, from 1.")]


class PauseSchedule(Body):
    """Why a schedule is paused."""

    note: Note = ""
    """For those who wonder later. Of a schedule that is paused already, it takes the place of the note before."""


class ScheduleList(TypedDict):
    """All schedules, ordered by their workflows' names."""

    items: list[ScheduleView]


class TickList(TypedDict):
    """The next ticks of a schedule; fewer than were asked for when it ends before."""

    items: list[TickView]


@_viewer.get("/schedules")
async def list_schedules(app: TheApp) -> ScheduleList:
    """List the cron triggers of all workflows."""
    return {"items": [_view(app, one) for one in await app.schedules.all()]}


@_viewer.get("/schedules/{workflow}/cron/{number}")
async def show_schedule(app: TheApp, workflow: str, number: _Number) -> ScheduleView:
    """Show a schedule."""
    return _view(app, await _schedule(app, workflow, number))


@_viewer.get("/schedules/{workflow}/cron/{number}/next")
async def next_ticks(
    app: TheApp,
    workflow: str,
    number: _Number,
    count: Annotated[int, Query(ge=1, le=100, description="So many.")] = 10,
) -> TickList:
    """Tell when a schedule fires next, as if it were not paused, and what changes of the clock do to it."""
    ticks = app.schedules.next(await _schedule(app, workflow, number), count)
    return {"items": [tick_view(tick) for tick in ticks]}


@_viewer.get("/schedules/{workflow}/cron/{number}/history")
async def schedule_history(
    app: TheApp, screen: TheScreen, workflow: str, number: _Number, limit: Limit = 50, cursor: Cursor = None
) -> ListPage[DecisionView]:
    """List what was decided about a schedule's ticks, the newest first."""
    schedule = await _schedule(app, workflow, number)
    found, following = await app.store.decisions(trigger_id=schedule.trigger_id, limit=limit, cursor=cursor)
    return {"items": [decision_view(one, screen) for one in found], "next": following}


@_operator.post("/schedules/{workflow}/cron/{number}/pause")
async def pause_schedule(app: TheApp, workflow: str, number: _Number, pause: PauseSchedule) -> ScheduleView:
    """Pause a schedule: its ticks are skipped until it is resumed."""
    return _view(app, (await app.schedules.pause(_trigger_id(workflow, number), pause.note))[0])


@_operator.post("/schedules/{workflow}/cron/{number}/resume")
async def resume_schedule(app: TheApp, workflow: str, number: _Number) -> ScheduleView:
    """Let a paused schedule fire again; what was skipped meanwhile is not made up for."""
    return _view(app, (await app.schedules.resume(_trigger_id(workflow, number)))[0])


async def _schedule(app: App, workflow: str, number: int) -> Schedule:
    return (await app.schedules.all(_trigger_id(workflow, number)))[0]


def _trigger_id(workflow: str, number: int) -> str:
    return f"{workflow}/cron/{number}"


def _view(app: App, schedule: Schedule) -> ScheduleView:
    following = app.schedules.next(schedule, 1)
    return schedule_view(schedule, following[0] if following else None)
