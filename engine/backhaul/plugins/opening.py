"""Making one connector ready for work, and taking it down again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio
import httpx
import structlog

from backhaul.clock import Clock
from backhaul.plugins.budget import Budget
from backhaul.plugins.connector import Connector, ConnectorContext, ConnectorSettings, HttpSettings
from backhaul.plugins.events import EventReader, no_events
from backhaul.plugins.http import MAX_RESPONSE_BYTES, HttpClient
from backhaul.plugins.http_transport import open_client

__all__ = ["open_connector"]

# Whoever closes hangs no longer than this on another system that does not let go.
_CLOSING_S = 5.0

ConnectorT = TypeVar("ConnectorT", bound=Connector[Any])


@asynccontextmanager
async def open_connector(
    connector: type[ConnectorT],
    settings: ConnectorSettings,
    *,
    name: str,
    clock: Clock,
    budget: Budget,
    transport: httpx.AsyncBaseTransport | None = None,
    events: EventReader = no_events,
) -> AsyncIterator[ConnectorT]:
    """Give a connector object with its HTTP client; close both afterwards, also on cancellation."""
    log = structlog.get_logger("backhaul.connection").bind(connection=name)
    speaks_http = settings if isinstance(settings, HttpSettings) else None
    http = HttpClient(
        open_client(speaks_http, transport=transport),
        connection=name,
        budget=budget,
        clock=clock,
        log=log,
        max_response_bytes=speaks_http.max_response_bytes if speaks_http else MAX_RESPONSE_BYTES,
    )
    try:
        opened = connector(settings, ConnectorContext(connection=name, http=http, clock=clock, log=log, events=events))
        try:
            yield opened
        finally:
            with anyio.move_on_after(_CLOSING_S, shield=True):
                await opened.close()
    finally:
        with anyio.move_on_after(_CLOSING_S, shield=True):
            await http.aclose()
