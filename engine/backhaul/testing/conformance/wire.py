"""The network under observation: every request is seen, and can meet a fault instead of the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from backhaul.clock import Clock
from backhaul.plugins.http_answers import is_repeatable

__all__ = ["Fault", "SeenRequest", "Wire"]

Pass = Callable[[httpx.Request], Awaitable[httpx.Response]]
FaultAct = Callable[[httpx.Request, Pass], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request that a connector has sent.

    Attributes:
        number: its place in the order of sending, from 0.
        repeatable: whether it may be sent twice.
        at_s: when it was sent, by the clock's `monotonic`.
        timeout: its timeouts in seconds, by httpx's names.
        headers: as sent, names in lower case.
    """

    number: int
    method: str
    path: str
    repeatable: bool
    at_s: float
    timeout: Mapping[str, float | None]
    headers: Mapping[str, str] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a request can meet.

    Attributes:
        name: for people, such as ``status 503``.
        act: answers or fails; it may pass the request on to the sandbox first.
    """

    name: str
    act: FaultAct


@dataclass(frozen=True, slots=True)
class _Armed:
    fault: Fault
    first: int


class Wire(httpx.AsyncBaseTransport):
    """Passes requests on to the sandbox and keeps account of them."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._armed: _Armed | None = None
        self.seen: list[SeenRequest] = []
        self.passed = 0
        """Number of requests that reached the sandbox."""
        self.struck = 0
        """Number of requests that met a fault."""
        self.in_flight = 0
        """Number of requests without an answer, and of answers that are still open."""
        self.most_in_flight = 0

    def arm(self, fault: Fault, *, first: int = 0) -> None:
        """Let a fault strike the request with the number `first` and all that follow."""
        self._armed = _Armed(fault, first)

    def disarm(self) -> None:
        """Let all requests pass."""
        self._armed = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from the sandbox or with a fault."""
        await request.aread()
        number = len(self.seen)
        self.seen.append(_seen(request, number, self._clock.monotonic()))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            # Others get a turn here, so that what may be under way together is.
            await asyncio.sleep(0)
            response = await self._answer(request, number)
        except BaseException:
            self.in_flight -= 1
            raise
        response.stream = _Observed(response, self._closed)
        return response

    async def aclose(self) -> None:
        """Close the connections to the sandbox."""
        await self._inner.aclose()

    async def _answer(self, request: httpx.Request, number: int) -> httpx.Response:
        armed = self._armed
        if armed is None or number < armed.first:
            return await self._pass(request)
        self.struck += 1
        return await armed.fault.act(request, self._pass)

    async def _pass(self, request: httpx.Request) -> httpx.Response:
        self.passed += 1
        return await self._inner.handle_async_request(request)

    def _closed(self) -> None:
        self.in_flight -= 1


class _Observed(httpx.AsyncByteStream):
    """The body of an answer, which tells when it is closed."""

    def __init__(self, response: httpx.Response, closed: Callable[[], None]) -> None:
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  (httpx: of an asynchronous response)
        self._stream = stream
        self._closed: Callable[[], None] | None = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        if self._closed is not None:
            self._closed()
            self._closed = None
        await self._stream.aclose()


def _seen(request: httpx.Request, number: int, at_s: float) -> SeenRequest:
    timeout: Mapping[str, Any] = request.extensions.get("timeout", {})
    return SeenRequest(
        number=number,
        method=request.method,
        path=request.url.path,
        repeatable=is_repeatable(request),
        at_s=at_s,
        timeout=timeout,
        headers={name.lower(): value for name, value in request.headers.items()},
    )
