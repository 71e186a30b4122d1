"""Events of other systems: how a connector takes webhooks in, polls for changes, and reads what came before."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

from backhaul.json_values import Json, load

__all__ = [
    "Event",
    "EventReader",
    "PollPage",
    "PollSpec",
    "WebhookRejectedError",
    "WebhookRequest",
    "no_events",
    "poll",
    "polls_of",
    "webhook",
    "webhook_of",
]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_WEBHOOK = "__backhaul_webhook__"
_POLL = "__backhaul_poll__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An immutable fact that another system tells.

    Attributes:
        type: what happened, without the connection: ``device.added``; workflows see ``acs.device.added``.
        subject: what it happened to, such as a serial number; empty when nothing carries a name.
        data: what is known of it, JSON.
        time: when it happened, aware UTC; when the other system does not tell, when it was received.
        key: what makes two deliveries the same event of this connection; None when nothing does.
    """

    type: str
    subject: str = ""
    data: Json = None
    time: datetime
    key: str | None = None


class WebhookRejectedError(Exception):
    """A webhook is not one that this connection takes: a wrong signature, a body of another kind.

    Args:
        reason: for the log; the sender sees only the status.
        status: HTTP status of the answer, 400 to 499.
    """

    def __init__(self, reason: str, *, status: int = 400) -> None:
        self.reason = reason
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A webhook as it came over the wire. Nothing of it is trusted.

    Attributes:
        method: ``GET``, ``POST`` ...
        path: what follows the secret in the URL, percent-decoded, with a leading slash or empty.
        query: the raw query string, without the question mark.
        headers: by lower-case name; the last of repeated ones.
        body: the raw bytes, over which signatures are made.
        client: the sender's address.
        received_at: aware UTC.
    """

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""
    received_at: datetime

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the query and, for a form, of the body, the last of repeated ones. Never fails."""
        found = dict(parse_qsl(self.query.replace("?", "&"), keep_blank_values=True, errors="replace"))
        if (
            self.headers.get("content-type", "").partition(";")[0].strip().lower()
            == "application/x-www-form-urlencoded"
        ):
            text = self.body.decode("utf-8", "replace")
            found.update(parse_qsl(text, keep_blank_values=True, errors="replace"))
        return found

    def json(self) -> Json:
        """Return the body as JSON.

        Raises:
            WebhookRejectedError: it is none.
        """
        try:
            return load(self.body)
        except ValueError:
            raise WebhookRejectedError("the body is not JSON") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollPage:
    """What one look at another system brought.

    Attributes:
        events: what happened since the last look, in order.
        next: where the next look continues; kept across restarts together with the events.
    """

    events: Sequence[Event]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSpec:
    """A connector's method that is called again and again to find out what has happened."""

    name: str
    every_s: float
    summary: str


class EventReader(Protocol):
    """Reads the stored events of one connection, for a `verify` or a poll that needs to know what came in."""

    async def __call__(self, since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        """Return events received at or after `since`, oldest first, of the given types or of all."""
        ...


async def no_events(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
    """Read the events of a connection that keeps none: there are none."""
    return ()


def webhook(function: FunctionT) -> FunctionT:
    """Make a connector's method the receiver of its webhooks.

    ``async def receive(self, request: WebhookRequest) -> Sequence[Event]``. It decides from the request alone, keeps
    nothing, and calls nobody: the sender waits. It raises `WebhookRejectedError` for what is not its own, and
    returns no events for what it does not know.
    """
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__qualname__} must be 'async def'")
    setattr(function, _WEBHOOK, True)
    return function


def poll(*, every_s: float) -> Callable[[FunctionT], FunctionT]:
    """Make a connector's method a source of events that is asked every `every_s` seconds.

    ``async def changes(self, *, cursor: str | None) -> AsyncIterator[PollPage]``, an async generator. `cursor` is
    the `next` of the last page that was stored, None at the very first look, which should bring no old events.
    """

    def decorate(function: FunctionT) -> FunctionT:
        if not inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} must be an async generator of PollPage")
        setattr(function, _POLL, every_s)
        return function

    return decorate


def webhook_of(connector: type) -> str | None:
    """Return the name of the method that receives a connector's webhooks, or None."""
    names = [name for name in dir(connector) if getattr(getattr(connector, name, None), _WEBHOOK, False)]
    if len(names) > 1:
        raise TypeError(f"{connector.__name__} has more than one receiver of webhooks: {', '.join(names)}")
    return names[0] if names else None


def polls_of(connector: type) -> tuple[PollSpec, ...]:
    """Return a connector's sources of events that are polled."""
    found = []
    for name in dir(connector):
        every_s = getattr(getattr(connector, name, None), _POLL, None)
        if every_s is not None:
            doc = inspect.getdoc(getattr(connector, name)) or ""
            found.append(PollSpec(name=name, every_s=every_s, summary=doc.partition("\n")[0]))
    return tuple(found)
