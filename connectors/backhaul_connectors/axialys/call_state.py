"""A call's state, joined by call id from its events: in any order, with losses and repetitions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import Personal

if TYPE_CHECKING:
    from backhaul.sdk import Event, Json

__all__ = ["EXPIRED", "CallState", "CallTrack", "Progress", "join"]

EXPIRED = "call.expired"
"""Event of this connector: a call's end did not come in time."""


class Progress(StrEnum):
    """How far a call is known to be. The order is the rank; a call never goes back."""

    STARTED = "started"
    CONNECTED = "connected"
    UNKNOWN = "unknown"
    """The end did not come in time: lost, or a very long call. A late end still counts."""
    ENDED = "ended"


class CallState(BaseModel):
    """What is known of a call. Times are those of the arrival of its events, which carry none; aware UTC.

    Personal data: the four number fields.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    call_id: str
    """What joins the events of the call."""
    state: Progress
    """``started``, ``connected``, ``unknown`` (expired) or ``ended``."""
    direction: str | None
    """``outgoing``, ``incoming``, ``internal`` (both), or null when the start was lost."""
    account_id: str | None
    """Centrex account; null when the start was lost."""
    calling_number: Personal[str | None]
    """E.164 with ``+``; null when withheld, lost or unreadable."""
    calling_number_raw: Personal[str | None]
    """The caller as it came, when that is no number."""
    called_number: Personal[str | None]
    """E.164 with ``+``; null when lost or unreadable."""
    called_number_raw: Personal[str | None]
    """The number called as it came, when that is no number."""
    started_at: datetime | None
    """Arrival of the start event."""
    connected_at: datetime | None
    """Arrival of `call_connected`; for click-to-call this may be either leg."""
    ended_at: datetime | None
    """Arrival of `call_end`."""
    answered: bool | None
    """Connected, or billable; false: ended without both; null: not known (yet)."""
    status: str | None
    """End status as it came."""
    outcome: str | None
    """End status by `status_map`."""
    billable_duration_s: int | None
    """Billable seconds as the vendor tells them: what to bill by."""
    ringing_s: float | None
    """From the start to the connection, or to the end of a call that was not connected, by arrival."""
    talking_s: float | None
    """From the connection to the end, by arrival."""


@dataclass(frozen=True, slots=True)
class CallTrack:
    """The events of one call: of each kind the first that arrived. Adding is commutative and idempotent."""

    events: Mapping[str, Event]

    def with_event(self, event: Event) -> CallTrack:
        """Return the track with one more event."""
        before = self.events.get(event.type)
        if before is not None and _order(before) <= _order(event):
            return self
        return CallTrack({**self.events, event.type: event})

    @property
    def first_at(self) -> datetime:
        """When the first event of the call arrived."""
        return min(event.time for event in self.events.values())

    @property
    def is_open(self) -> bool:
        """Whether the call is under way, as far as is known."""
        return "call_end" not in self.events and EXPIRED not in self.events

    def state(self, call_id: str) -> CallState:
        """Return what these events say of the call."""
        outgoing, incoming = self.events.get("outgoing_call_start"), self.events.get("incoming_call_start")
        connected, end = self.events.get("call_connected"), self.events.get("call_end")
        starts = [_data(start) for start in (outgoing, incoming) if start is not None]
        started_at = min((start.time for start in (outgoing, incoming) if start is not None), default=None)
        connected_at, ended_at = _time(connected), _time(end)
        last = _data(end) if end is not None else {}
        billable_s = last.get("billable_duration_s")
        return CallState(
            call_id=call_id,
            state=self._progress(),
            direction=_direction(outgoing, incoming),
            account_id=_first(starts, "account_id"),
            calling_number=_first(starts, "calling_number"),
            calling_number_raw=_first(starts, "calling_number_raw"),
            called_number=_first(starts, "called_number"),
            called_number_raw=_first(starts, "called_number_raw"),
            started_at=started_at,
            connected_at=connected_at,
            ended_at=ended_at,
            answered=_answered(connected, end, billable_s),
            status=last.get("status"),
            outcome=last.get("outcome"),
            billable_duration_s=billable_s,
            ringing_s=_between(started_at, connected_at or ended_at),
            talking_s=_between(connected_at, ended_at),
        )

    def _progress(self) -> Progress:
        if "call_end" in self.events:
            return Progress.ENDED
        if EXPIRED in self.events:
            return Progress.UNKNOWN
        return Progress.CONNECTED if "call_connected" in self.events else Progress.STARTED


def join(events: Iterable[Event]) -> dict[str, CallTrack]:
    """Return the calls of some events by call id, in the order of their first mention."""
    calls: dict[str, CallTrack] = {}
    for event in events:
        calls[event.subject] = calls.get(event.subject, CallTrack({})).with_event(event)
    return calls


def _order(event: Event) -> tuple[datetime, str]:
    """Events of one kind at one moment have an order too, so that the order of adding never counts."""
    return event.time, json.dumps(event.data, sort_keys=True, default=str)


def _data(event: Event) -> Mapping[str, Json]:
    return event.data if isinstance(event.data, dict) else {}


def _time(event: Event | None) -> datetime | None:
    return event.time if event is not None else None


def _first(datas: Iterable[Mapping[str, Json]], key: str) -> str | None:
    return next((data[key] for data in datas if data.get(key)), None)


def _direction(outgoing: Event | None, incoming: Event | None) -> str | None:
    if outgoing is not None:
        return "internal" if incoming is not None else "outgoing"
    return "incoming" if incoming is not None else None


def _answered(connected: Event | None, end: Event | None, billable_s: int | None) -> bool | None:
    if connected is not None or (billable_s or 0) > 0:
        return True
    # An end without a connection and without a duration may just as well be a lost event.
    return False if end is not None and billable_s == 0 else None


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two arrivals; None also when they came in the wrong order."""
    seconds = (end - begin).total_seconds() if begin is not None and end is not None else -1.0
    return seconds if seconds >= 0 else None
