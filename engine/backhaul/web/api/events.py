"""`/events` and `/decisions`: what came in, and what was decided about it and about ticks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from typing_extensions import TypedDict

from backhaul.errors import UnknownNameError
from backhaul.service.intake import Taken
from backhaul.store.service_records import Role, Verdict
from backhaul.views.ledger import DecisionView, EventPage, EventView, decision_view, event_view
from backhaul.views.run_screen import event_views, screen_of_event
from backhaul.web.access import router_for, token_of
from backhaul.web.api.requests import Cursor, Limit, ListPage, Name, TheApp, TheScreen
from backhaul.web.cloudevents import read_cloud_events

__all__ = ["routers"]

_viewer, _operator = router_for(Role.VIEWER, "events"), router_for(Role.OPERATOR, "events")
routers = (_viewer, _operator)

_CLOUD_EVENTS = {
    "requestBody": {
        "required": True,
        "description": "One event in structured or binary mode, or a batch (CloudEvents 1.0).",
        "content": {
            "application/cloudevents+json": {
                "schema": {
                    "type": "object",
                    "required": ["specversion", "id", "source", "type"],
                    "properties": {
                        "specversion": {"const": "1.0"},
                        "id": {"type": "string", "minLength": 1, "maxLength": 500},
                        "source": {"type": "string", "minLength": 1, "maxLength": 1000},
                        "type": {"type": "string", "minLength": 1, "maxLength": 250},
                        "subject": {"type": "string", "minLength": 1, "maxLength": 1000},
                        "time": {"type": "string", "format": "date-time"},
                        "datacontenttype": {"type": "string"},
                        "data": {},
                        "data_base64": {"type": "string", "contentEncoding": "base64"},
                    },
                }
            },
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "maxItems": 1000, "items": {"type": "object"}}
            },
        },
    }
}


class TakenView(TypedDict):
    """What became of an event; of one that had come before, the id of the first and no runs."""

    event_id: str
    is_new: bool
    run_ids: list[str]


class TakenList(TypedDict):
    """What became of the events of a request, in their order."""

    items: list[TakenView]


@_viewer.get("/events")
async def list_events(
    app: TheApp,
    screen: TheScreen,
    type: Annotated[Name | None, Query(description="Only events of this type.")] = None,  # noqa: A002 (CloudEvents)
    source: Annotated[Name | None, Query(description="Only events of this source.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListPage[EventView]:
    """List events, the newest first."""
    found, following = await app.store.events(type=type, source=source, limit=limit, cursor=cursor)
    return {"items": await event_views(app.store, found, screen), "next": following}


@_operator.post("/events", openapi_extra=_CLOUD_EVENTS)
async def send_events(request: Request, app: TheApp) -> TakenList:
    """Take CloudEvents in. They are durable when the answer comes."""
    events = read_cloud_events(
        {name.lower(): value for name, value in request.headers.items()},
        await request.body(),
        received_at=app.clock.now(),
        connections=app.connections.names,
        role=token_of(request).role,
    )
    return {"items": [_taken(await app.intake.take_record(event)) for event in events]}


@_viewer.get("/events/{event_id}")
async def show_event(app: TheApp, screen: TheScreen, event_id: str, limit: Limit = 100) -> EventPage:
    """Show an event with what was decided about it, the newest decision first."""
    event = await app.store.event(event_id)
    if event is None:
        raise UnknownNameError("event", event_id)
    decisions, _ = await app.store.decisions(event_id=event_id, limit=limit)
    shown = event_view(event, await screen_of_event(app.store, event, screen))
    return {**shown, "decisions": [decision_view(one, screen) for one in decisions]}


@_operator.post("/events/{event_id}/replay")
async def replay_event(app: TheApp, event_id: str) -> TakenView:
    """Put a stored event to the present triggers once more, as if it had just come in."""
    return _taken(await app.intake.replay(event_id))


@_viewer.get("/decisions")
async def list_decisions(
    app: TheApp,
    screen: TheScreen,
    trigger_id: Annotated[Name | None, Query(description="Only of this trigger: `nightly-sync/cron/1`.")] = None,
    workflow: Annotated[Name | None, Query(description="Only of this workflow's triggers.")] = None,
    event_id: Annotated[Name | None, Query(description="Only about this event.")] = None,
    run_id: Annotated[Name | None, Query(description="Only those that name this run.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Only those that came out so.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ListPage[DecisionView]:
    """List why ticks and events started runs or did not, the newest first."""
    found, following = await app.store.decisions(
        trigger_id=trigger_id,
        workflow=workflow,
        event_id=event_id,
        run_id=run_id,
        verdict=verdict,
        limit=limit,
        cursor=cursor,
    )
    return {"items": [decision_view(one, screen) for one in found], "next": following}


def _taken(taken: Taken) -> TakenView:
    return {"event_id": taken.event_id, "is_new": taken.is_new, "run_ids": list(taken.run_ids)}
