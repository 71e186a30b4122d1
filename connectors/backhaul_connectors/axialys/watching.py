"""What the stored events do not say by themselves: calls whose end never came, callbacks that have stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.sdk import Event, PollPage
from backhaul_connectors.axialys.call_state import EXPIRED, join
from backhaul_connectors.axialys.models import CALL_EVENTS
from backhaul_connectors.axialys.stored import stored_events

if TYPE_CHECKING:
    from backhaul.sdk import EventReader

__all__ = ["SILENT", "expired_calls", "silence"]

SILENT = "callbacks.silent"
# An event is stored a little after it came in; one that was on its way at the last look is not missed.
_OVERLAP = timedelta(minutes=5)


async def expired_calls(read: EventReader, *, cursor: str | None, now: datetime, limit_s: float) -> PollPage:
    """Return an event for each call that began `limit_s` ago or earlier and has no end.

    The cursor is the moment from which events are read: before the first event of the oldest call under way. The same
    call may be told again; its key is the same.
    """
    since = _moment(cursor) or now - _OVERLAP
    calls = join([event async for event in stored_events(read, since, (*CALL_EVENTS, EXPIRED))])
    still_open = {call_id: call for call_id, call in calls.items() if call.is_open}
    oldest = now - timedelta(seconds=limit_s)
    late = {call_id: call for call_id, call in still_open.items() if call.first_at <= oldest}
    events = [
        Event(
            type=EXPIRED,
            subject=call_id,
            data={**call.state(call_id).model_dump(mode="json"), "state": "unknown", "limit_s": limit_s},
            time=now,
            key=f"expired:{call_id}",
        )
        for call_id, call in late.items()
    ]
    waiting = [call.first_at for call_id, call in still_open.items() if call_id not in late]
    # Never back: what was before the last look has been dealt with.
    following = max(since, min([*waiting, now - _OVERLAP]))
    return PollPage(events=events, next=following.isoformat())


async def silence(read: EventReader, *, cursor: str | None, now: datetime, alert_s: float | None) -> PollPage:
    """Return an event when no callback has come for `alert_s`; the cursor is the moment of the last one."""
    last = _moment(cursor) or now
    if alert_s is None:
        return PollPage(events=(), next=cursor)
    async for event in stored_events(read, last, tuple(CALL_EVENTS)):
        last = max(last, event.time)
    silent_s = (now - last).total_seconds()
    events = []
    if silent_s >= alert_s:
        data = {"last_event_at": last.isoformat(), "silent_s": silent_s}
        events = [Event(type=SILENT, data=data, time=now, key=f"silent:{last.isoformat()}")]
    return PollPage(events=events, next=last.isoformat())


def _moment(cursor: str | None) -> datetime | None:
    """Return the moment of a cursor; None for none and for one that cannot be read: then everything begins anew."""
    try:
        moment = datetime.fromisoformat(cursor) if cursor else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
