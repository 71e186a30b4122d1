"""An HttpClient for a test: real sockets, a clock that needs no time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx

from backhaul.plugins.action import Effect
from backhaul.plugins.budget import Budget
from backhaul.plugins.calls import CallContext
from backhaul.plugins.connector import HttpSettings
from backhaul.plugins.http import HttpClient
from backhaul.plugins.http_transport import open_client
from backhaul.plugins.limits import Limits
from backhaul.testing import FakeClock


def call(effect: Effect, priority: int = 0, until: datetime | None = None) -> CallContext:
    return CallContext(effect=effect, connection="acs", action="act", priority=priority, until=until)


@asynccontextmanager
async def client_of(
    base_url: str,
    *,
    clock: FakeClock | None = None,
    limits: Limits | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    max_response_bytes: int = 1024 * 1024,
    **settings: Any,
) -> AsyncIterator[HttpClient]:
    time = clock or FakeClock(auto=True)
    client = HttpClient(
        open_client(HttpSettings(base_url=base_url, **settings), transport=transport),
        connection="acs",
        budget=Budget("acs", limits or Limits(), clock=time),
        clock=time,
        max_response_bytes=max_response_bytes,
    )
    try:
        yield client
    finally:
        await client.aclose()
