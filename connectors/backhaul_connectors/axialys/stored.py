"""Reading the stored events of the connection, however many there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backhaul.sdk import Event, EventReader

__all__ = ["stored_events"]

_BATCH = 1000


async def stored_events(
    read: EventReader, since: datetime, types: Sequence[str], *, batch: int = _BATCH
) -> AsyncGenerator[Event, None]:
    """Yield the events received at or after `since`, oldest first, each once."""
    seen: set[tuple[str, str | None, datetime]] = set()
    limit = batch
    while True:
        events = await read(since, types, limit=limit)
        fresh = [event for event in events if _identity(event) not in seen]
        for event in fresh:
            seen.add(_identity(event))
            yield event
        if len(events) < limit:
            return
        # So many at one moment that a batch does not reach beyond it: take a larger one.
        limit = batch if fresh else 2 * limit
        since = max(since, events[-1].time) if fresh else since


def _identity(event: Event) -> tuple[str, str | None, datetime]:
    return event.type, event.key or event.subject, event.time
