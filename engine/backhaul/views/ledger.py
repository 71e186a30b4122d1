"""Events, what was decided about them and about ticks, and what runs wait for, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.json_values import Json
from backhaul.views.moments import iso

if TYPE_CHECKING:
    from backhaul.store.records import EventRecord
    from backhaul.store.service_records import DecisionRecord, WaitRecord
    from backhaul.views.screen import Screen

__all__ = ["DecisionView", "EventPage", "EventView", "WaitView", "decision_view", "event_view", "wait_view"]


class DecisionView(TypedDict):
    """Why a tick or an event started a run, or did not."""

    trigger_id: str
    occurrence: str
    workflow: str | None
    verdict: str
    reason: str
    details: Json
    run_id: str | None
    event_id: str | None
    due_at: str | None
    decided_at: str
    node: str


class EventView(TypedDict):
    """An event."""

    event_id: str
    type: str
    source: str
    subject: str | None
    data: Json
    time: str
    received_at: str
    dedupe_key: str | None
    run_id: str | None
    step_key: str | None


class EventPage(EventView):
    """An event with everything that was decided about it, the newest decision first."""

    decisions: list[DecisionView]


class WaitView(TypedDict):
    """What a step of a run waits for, or has waited for."""

    run_id: str
    key: str
    kind: str
    event_type: str | None
    wake_at: str | None
    details: Json
    outcome: Json
    created_at: str
    settled_at: str | None


def decision_view(decision: DecisionRecord, screen: Screen) -> DecisionView:
    """Return the JSON form of a decision."""
    return {
        "trigger_id": decision.trigger_id,
        "occurrence": decision.occurrence,
        "workflow": decision.workflow,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "details": screen.value(decision.details),
        "run_id": decision.run_id,
        "event_id": decision.event_id,
        "due_at": iso(decision.due_at),
        "decided_at": iso(decision.decided_at),
        "node": decision.node,
    }


def event_view(event: EventRecord, screen: Screen) -> EventView:
    """Return the JSON form of an event."""
    return {
        "event_id": event.event_id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "data": screen.value(event.data),
        "time": iso(event.time),
        "received_at": iso(event.received_at),
        "dedupe_key": event.dedupe_key,
        "run_id": event.run_id,
        "step_key": event.step_key,
    }


def wait_view(wait: WaitRecord, screen: Screen) -> WaitView:
    """Return the JSON form of a wait."""
    return {
        "run_id": wait.run_id,
        "key": wait.key,
        "kind": wait.kind.value,
        "event_type": wait.event_type,
        "wake_at": iso(wait.wake_at),
        "details": screen.value(wait.details),
        "outcome": screen.value(wait.outcome),
        "created_at": iso(wait.created_at),
        "settled_at": iso(wait.settled_at),
    }
