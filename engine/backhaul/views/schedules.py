"""Schedules as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.views.moments import iso

if TYPE_CHECKING:
    from backhaul.service.schedules import Schedule
    from backhaul.triggers.ticks import Tick

__all__ = ["ScheduleView", "TickView", "schedule_view", "tick_view"]


class ScheduleView(TypedDict):
    """A cron trigger and how far it has been decided; `next_at` is null when it has ended or is paused."""

    trigger_id: str
    workflow: str
    expression: str
    timezone: str
    paused: bool
    note: str | None
    paused_at: str | None
    decided_until: str | None
    next_at: str | None


class TickView(TypedDict):
    """A moment at which a schedule fires.

    `at` identifies the tick, `due_at` is when its run starts (`at` plus the jitter), `wall` what the clocks of the
    zone show, `note` what a change of the clock does to it, mostly empty.
    """

    at: str
    due_at: str
    wall: str
    note: str


def schedule_view(schedule: Schedule, following: Tick | None) -> ScheduleView:
    """Return the JSON form of a schedule.

    Args:
        following: its next tick, if there is one.
    """
    record = schedule.record
    return {
        "trigger_id": schedule.trigger_id,
        "workflow": schedule.workflow,
        "expression": schedule.trigger.expression,
        "timezone": schedule.trigger.timezone,
        "paused": schedule.paused,
        "note": record.note if record is not None else None,
        "paused_at": iso(record.paused_at) if record is not None else None,
        "decided_until": iso(record.decided_until) if record is not None else None,
        "next_at": None if schedule.paused or following is None else iso(following.at),
    }


def tick_view(tick: Tick) -> TickView:
    """Return the JSON form of a tick."""
    return {
        "at": iso(tick.at),
        "due_at": iso(tick.due),
        "wall": tick.wall.isoformat(),
        "note": tick.note,
    }
