"""Gives a connector the stored events of its own connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from backhaul.plugins.events import Event
from backhaul.store.runs import RunQueries

__all__ = ["ConnectionEvents"]


class ConnectionEvents:
    """An `EventReader`: reads what the connection's webhooks and polls have brought in.

    The store calls a type ``phone.call_end``, the connector ``call_end``.

    Args:
        history: returns the store; asked at each reading, so that it need not be open before the first.
        connection: name of the connection.
    """

    def __init__(self, history: Callable[[], Awaitable[RunQueries]], connection: str) -> None:
        self._history = history
        self._connection = connection

    async def __call__(self, since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        """Return events received at or after `since`, oldest first, of the given types or of all; at most `limit`.

        Raises:
            StoreError: the store cannot be opened or read.
        """
        prefix = f"{self._connection}."
        history = await self._history()
        records = await history.received_events(
            self._connection, since=since, types=[prefix + one for one in types], limit=limit
        )
        return [
            Event(
                type=record.type.removeprefix(prefix),
                subject=record.subject or "",
                data=record.data,
                time=record.time,
                key=record.dedupe_key,
            )
            for record in records
        ]
