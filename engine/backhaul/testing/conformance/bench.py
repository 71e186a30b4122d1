"""An open connection under observation, with its sandbox, its budget and its wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, cast
from weakref import WeakKeyDictionary

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, Effect, Page, actions_of
from backhaul.plugins.budget import Budget
from backhaul.plugins.calls import CallContext, paged
from backhaul.plugins.connection import Connection
from backhaul.plugins.connector import Connector, HttpSettings
from backhaul.plugins.events import PollPage, no_events
from backhaul.plugins.http_transport import AiohttpTransport
from backhaul.plugins.limits import Limits
from backhaul.plugins.opening import open_connector
from backhaul.testing.case import ConnectorCase, ServedSandbox
from backhaul.testing.clock import FakeClock
from backhaul.testing.conformance.wire import Wire

__all__ = ["NAME", "Bench", "Kind", "Subject", "open_bench"]

NAME = "examined"
"""Name of the connection that is examined."""
_MOST_PAGES = 10_000


class Kind(Enum):
    """How something is carried out."""

    CALL = auto()
    LISTING = auto()
    CHECK = auto()
    POLL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that a connector can be asked to do: an action, its connection test, a poll."""

    name: str
    kind: Kind
    effect: Effect

    @classmethod
    def of(cls, spec: ActionSpec) -> Subject:
        """Return an action as a subject."""
        return cls(name=spec.name, kind=Kind.LISTING if spec.is_stream else Kind.CALL, effect=spec.effect)

    @property
    def context(self) -> CallContext:
        """The execution as the engine would set it."""
        return CallContext(effect=self.effect, connection=NAME, action=self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One connection; it takes no real time to wait, and reaches nothing but the sandbox."""

    case: ConnectorCase
    sandbox: ServedSandbox
    connection: Connection
    budget: Budget
    wire: Wire
    clock: FakeClock

    async def run(self, subject: Subject) -> Json:
        """Carry something out with its example and return its result as JSON; of a listing, all items."""
        match subject.kind:
            case Kind.CALL:
                return await self.connection.call(subject.name, self.params(subject), subject.context)
            case Kind.LISTING:
                return [item for page in await self.pages(subject) for item in page.items]
            case Kind.CHECK:
                await self.connection.check()
                return None
            case Kind.POLL:
                return [event.type for page in await self.looks(subject, None) for event in page.events]

    async def pages(self, subject: Subject, cursor: str | None = None) -> list[Page[Json]]:
        """Return the pages of a listing from a cursor on."""
        pages = self.connection.stream(subject.name, self.params(subject), cursor, subject.context)
        return [page async for page in _bounded(pages, subject)]

    async def looks(self, subject: Subject, cursor: str | None) -> list[PollPage]:
        """Return what one look of a poll brings."""
        method = getattr(self.connection.connector, subject.name)
        pages = cast("AsyncGenerator[PollPage, None]", paged(method(cursor=cursor), subject.context))
        return [page async for page in _bounded(pages, subject)]

    async def state(self) -> Json:
        """Return what the sandbox holds; None when it cannot be told."""
        return await self.sandbox.state() if self.sandbox.state is not None else None

    def params(self, subject: Subject) -> Mapping[str, Json]:
        """Return the example of an action."""
        return example_of(self.case, self.sandbox, subject.name)


_known: WeakKeyDictionary[type, Mapping[str, ActionSpec]] = WeakKeyDictionary()


def _actions(connector: type[Connector[Any]]) -> Mapping[str, ActionSpec]:
    """Return a connector's actions; reading them off the signatures takes longer than most of what is examined."""
    if connector not in _known:
        _known[connector] = actions_of(connector)
    return _known[connector]


class _SharedClock(FakeClock):
    """Moves by itself when something sleeps, and takes the sandbox's clock along."""

    def __init__(self, sandbox: ServedSandbox) -> None:
        super().__init__(datetime.now(UTC), auto=True)
        self._sandbox = sandbox

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if seconds > 0 and self._sandbox.advance is not None:
            await self._sandbox.advance(seconds)


@asynccontextmanager
async def open_bench(
    case: ConnectorCase,
    sandbox: ServedSandbox,
    *,
    changes: Mapping[str, Json] | None = None,
    limits: Limits | None = None,
) -> AsyncIterator[Bench]:
    """Open a connection to a sandbox.

    Args:
        case: the connector's.
        sandbox: where the connection leads to.
        changes: settings instead of the sandbox's.
        limits: the connection's budget.
    """
    settings = case.connector.Settings.model_validate({**sandbox.settings, **(changes or {})})
    clock = _SharedClock(sandbox)
    budget = Budget(NAME, limits or Limits(), clock=clock)
    wire = Wire(AiohttpTransport(settings if isinstance(settings, HttpSettings) else None), clock)
    async with open_connector(
        case.connector,
        settings,
        name=NAME,
        clock=clock,
        budget=budget,
        transport=wire,
        events=sandbox.events or no_events,
    ) as connector:
        connection = Connection(NAME, connector, _actions(case.connector))
        yield Bench(case=case, sandbox=sandbox, connection=connection, budget=budget, wire=wire, clock=clock)


def example_of(case: ConnectorCase, sandbox: ServedSandbox, action: str) -> Mapping[str, Json]:
    """Return the parameters with which an action succeeds."""
    return sandbox.examples.get(action) or case.examples.get(action) or {}


async def _bounded(pages: AsyncGenerator[Any, None], subject: Subject) -> AsyncGenerator[Any, None]:
    async with aclosing(pages):
        number = 0
        async for page in pages:
            yield page
            number += 1
            if number >= _MOST_PAGES:
                raise RuntimeError(f"{subject.name} does not end within {_MOST_PAGES} pages")
