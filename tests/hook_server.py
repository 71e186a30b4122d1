"""The receiver of webhooks on loopback, with a real store behind it, and a connector for what no vendor does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from backhaul.clock import Clock, SystemClock
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.connector import Connector
from backhaul.plugins.events import webhook_of
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.sdk import Event, WebhookRejectedError, WebhookRequest, webhook
from backhaul.secrets import Secret
from backhaul.service.event_triggers import EventTriggers
from backhaul.service.intake import Intake
from backhaul.store.records import EventRecord
from backhaul.store.store import Store
from backhaul.testing import serve_app
from backhaul.web.hooks import HookReceiver
from backhaul_connectors.axialys import Axialys
from backhaul_connectors.ixc_acs import IxcAcs

SECRET = "hook-secret-3f9c0d21"


class Odd(Connector):
    """Takes any webhook, and does what its first word in the body says."""

    name = "odd"
    seen: list[WebhookRequest]

    @webhook
    async def receive(self, request: WebhookRequest) -> Sequence[Event]:
        """Make an event whose key is the body."""
        self.seen = [*getattr(self, "seen", []), request]
        word, _, rest = request.body.partition(b" ")
        match word:
            case b"reject":
                raise WebhookRejectedError(f"rejected because of {rest.decode()}", status=int(rest[:3]))
            case b"break":
                raise KeyError("a connector's own mistake")
            case b"nothing":
                return []
            case b"twins":
                return [Event(type="seen", time=request.received_at, key=key) for key in ("a", "a", "b")]
            case b"wrong":
                return ["no event"]  # type: ignore[list-item]
        key = request.body.decode("utf-8", "replace")
        return [Event(type="seen", subject=key, data=key, time=request.received_at, key=key or None)]


class Deaf(Connector):
    """Takes no webhooks."""

    name = "deaf"


CONNECTORS: dict[str, type[Connector[Any]]] = {one.name: one for one in (Odd, Deaf, Axialys, IxcAcs)}


def connection(name: str, connector: str = "odd", *secrets: str, **more: Any) -> ConnectionSettings:
    """Return the settings of a connection; with the usual hook secret when none is given."""
    return ConnectionSettings(
        name=name, connector=connector, hook_secrets=tuple(map(Secret, secrets or (SECRET,))), **more
    )


@dataclass
class Hooks:
    """A receiver that is being served.

    Attributes:
        url: base URL of the server.
        arrived: each new event, once it is durable.
    """

    url: str
    receiver: HookReceiver
    store: Store
    connections: Connections
    arrived: MemoryObjectReceiveStream[EventRecord] = field(repr=False)

    def at(self, name: str, secret: str = SECRET, rest: str = "") -> str:
        """Return the URL of a connection's hook."""
        return f"{self.url}/hooks/{name}/{secret}{rest}"

    async def events(self) -> list[EventRecord]:
        """Return the stored events, oldest first."""
        found, _ = await self.store.events(limit=500)
        return found[::-1]

    async def next(self, count: int) -> list[EventRecord]:
        """Return the next so many new events as soon as they are there."""
        with anyio.fail_after(30):
            return [await self.arrived.receive() for _ in range(count)]

    async def connector(self, name: str) -> Any:
        """Return a connection's connector."""
        return (await self.connections.open(name)).connector


@asynccontextmanager
async def serving_hooks(
    url: str,
    *settings: ConnectionSettings,
    clock: Clock | None = None,
    body_limit: int = 64 * 1024,
    per_minute: int = 1_000_000,
    busy_s: float = 15.0,
    around: Callable[[Any], Any] = lambda app: app,
) -> AsyncIterator[Hooks]:
    """Serve a receiver with a store at `url`."""
    clock = clock or SystemClock()
    loaded = {
        name: LoadedConnector(
            name=name, cls=cls, actions=actions_of(cls), source="tests", version="", webhook=webhook_of(cls)
        )
        for name, cls in CONNECTORS.items()
    }
    async with (
        await Store.open(url, clock=clock, migrate=True, busy_s=busy_s) as store,
        Connections(settings, PluginRegistry(connectors=MappingProxyType(loaded)), clock=clock) as connections,
    ):
        intake = Intake(store, clock, node="test", triggers=lambda: EventTriggers({}, "test"))
        send, arrived = anyio.create_memory_object_stream[EventRecord](100_000)
        intake.on_event = send.send_nowait
        receiver = HookReceiver(connections, intake, clock, body_limit=body_limit, per_minute=per_minute)
        async with serve_app(around(receiver)) as base:
            yield Hooks(base, receiver, store, connections, arrived)
        send.close()
        arrived.close()
