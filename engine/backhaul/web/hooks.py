"""The receiver of webhooks: from a request at ``/hooks/<connection>/<secret>`` to events on disk, then the answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

import structlog

from backhaul.clock import Clock
from backhaul.errors import ConfigurationError, StoreError
from backhaul.plugins.events import Event, WebhookRejectedError, WebhookRequest, webhook_of
from backhaul.web.hook_doors import Door, HookDoors
from backhaul.web.hook_excerpt import excerpt_of

if TYPE_CHECKING:
    from backhaul.plugins.connections import Connections
    from backhaul.service.intake import Intake, Taken

__all__ = ["HookCounts", "HookReceiver"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = structlog.get_logger(__name__)
_NO_STORE: Final = (b"cache-control", b"no-store")
_EMPTY: Final = (b"content-length", b"0")
_BUSY_S = 5
_MENDING_S = 60
_TOLD_EVERY_S = 60.0


@dataclass(slots=True)
class HookCounts:
    """What has come in since the start.

    Attributes:
        answers: number of answers by connection and status; for 404 the connection is empty.
        events: number of new events by connection.
        repeated: number of events by connection that had come before.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer: they have no bodies. What was not taken is sent again by senders that can."""

    status: int
    retry_after_s: int = 0
    closes: bool = False


_TAKEN: Final = _Answer(204)
_NOT_FOUND: Final = _Answer(404)
_FORBIDDEN: Final = _Answer(403)
# The rest of the body is not waited for.
_TOO_LARGE: Final = _Answer(413, closes=True)
_FAILED: Final = _Answer(500)


class HookReceiver:
    """Takes webhooks at ``/hooks/<connection>/<secret>[/rest]``, by any method. An ASGI application for HTTP only.

    Answers: 204 when the events are durable, also when there are none or all had come before; 404 for a wrong secret
    as for a connection that does not exist; 403 from a network that is not allowed; 413 and 429 beyond the limits;
    400 to 499 when the connector rejects it; 500 when the connector fails on it; 503 when it cannot be taken now.

    The sender's address is the scope's ``client``: whoever serves this puts the one there that a trusted proxy tells.

    Args:
        connections: the connections.
        intake: where events go.
        clock: source of time.
        body_limit: longest body, in bytes.
        per_minute: webhooks per minute and connection.
    """

    def __init__(
        self, connections: Connections, intake: Intake, clock: Clock, *, body_limit: int, per_minute: int
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._body_limit = body_limit
        self._per_minute = per_minute
        self._receivers: dict[type, str | None] = {}
        self._turned_away_until = float("-inf")
        self.counts = HookCounts()
        self.use(connections)

    def use(self, connections: Connections) -> None:
        """Go by these connections from now on: the settings have changed."""
        settings = [connections.settings(name) for name in connections.names]
        self._connections = connections
        self._doors = HookDoors(settings, per_minute=self._per_minute, clock=self._clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # Split while it is encoded: a secret may hold a slash.
        name, secret = [*scope["raw_path"].split(b"/", 4), b"", b""][2:4]
        door = self._doors.find(name, unquote_to_bytes(secret))
        if door is None:
            self._turned_away(scope)
            answer: _Answer | None = _NOT_FOUND
        else:
            answer = await self._through(door, scope, receive)
        if answer is not None:
            self.counts.answers["" if door is None else door.connection, answer.status] += 1
            await _send(send, answer)

    def _turned_away(self, scope: Scope) -> None:
        """Tell of a wrong address, now and then: it may be a vendor's whose setting has a slip. It holds a secret."""
        now = self._clock.monotonic()
        if now >= self._turned_away_until:
            self._turned_away_until = now + _TOLD_EVERY_S
            client = scope["client"][0] if scope.get("client") else ""
            _log.warning("webhook to an address that is none: wrong connection or secret", client=client)

    async def _through(self, door: Door, scope: Scope, receive: Receive) -> _Answer | None:
        """Return the answer to somebody who knows a secret, or None when he has gone."""
        client = scope["client"][0] if scope.get("client") else ""
        if not door.is_open_to(client):
            _log.warning("webhook from a network that is not allowed", connection=door.connection, client=client)
            return _FORBIDDEN
        wait_s = door.cap.admit()
        if wait_s:
            _log.debug("too many webhooks", connection=door.connection)
            return _Answer(429, retry_after_s=math.ceil(wait_s))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            body = await _body(headers, receive, self._body_limit)
        except _TooLargeError:
            return _TOO_LARGE
        if body is None:
            return None
        request = WebhookRequest(
            method=scope["method"],
            path=_rest(scope["raw_path"]),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=body,
            client=client,
            received_at=self._clock.now(),
        )
        return await self._take(door.connection, request)

    async def _take(self, connection: str, request: WebhookRequest) -> _Answer:
        """Have the connector read a webhook, store what it says, and return the answer."""
        try:
            events = await self._read(connection, request)
            if events:
                taken = await self._intake.take(connection, events, received_at=request.received_at)
                self._count(connection, taken)
        except WebhookRejectedError as error:
            _log.warning("webhook rejected", connection=connection, reason=error.reason[:500], status=error.status)
            return _Answer(error.status if 400 <= error.status < 500 else 400)
        except StoreError as error:
            _log.error("webhook not stored", connection=connection, reason=str(error))
            return _Answer(503, retry_after_s=_BUSY_S)
        except ConfigurationError as error:
            _log.error("webhook not taken: mend the connection", connection=connection, reason=str(error))
            return _Answer(503, retry_after_s=_MENDING_S)
        except Exception:  # noqa: BLE001 - the web's boundary: what comes in is made by strangers, connectors by others
            _log.exception("webhook failed: the connector has a mistake", connection=connection, **excerpt_of(request))
            return _FAILED
        return _TAKEN

    async def _read(self, connection: str, request: WebhookRequest) -> Sequence[Event]:
        connector = (await self._connections.open(connection)).connector
        kind = type(connector)
        if kind not in self._receivers:
            self._receivers[kind] = webhook_of(kind)
        receiver = self._receivers[kind]
        if receiver is None:
            raise ConfigurationError(f"connector {connector.name!r} takes no webhooks: remove the hook secret")
        events: Sequence[Event] = await getattr(connector, receiver)(request)
        return events

    def _count(self, connection: str, taken: Sequence[Taken]) -> None:
        new = sum(one.is_new for one in taken)
        self.counts.events[connection] += new
        if new < len(taken):
            self.counts.repeated[connection] += len(taken) - new


class _TooLargeError(Exception):
    """The body is longer than it may be."""


def _rest(raw_path: bytes) -> str:
    """Return what follows the secret, percent-decoded."""
    parts = raw_path.split(b"/", 4)
    return "/" + unquote(parts[4].decode("latin-1")) if len(parts) > 4 else ""


async def _body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes | None:
    """Return the body, or None when the sender has gone before its end.

    Raises:
        _TooLargeError: it is longer than `limit`; no more than that was kept.
    """
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise _TooLargeError
    chunks: list[bytes] = []
    left = limit
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        left -= len(chunks[-1])
        if left < 0:
            raise _TooLargeError
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send(send: Send, answer: _Answer) -> None:
    headers = [_NO_STORE]
    if answer.status != 204:
        headers.append(_EMPTY)
    if answer.retry_after_s:
        headers.append((b"retry-after", str(answer.retry_after_s).encode()))
    if answer.closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
