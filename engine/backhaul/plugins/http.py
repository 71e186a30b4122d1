"""The HTTP client that connectors get: limits, safe repetition, errors for people, a log without secrets."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import httpx

from backhaul.errors import (
    ActionError,
    InputError,
    InvalidAnswerError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.json_values import Json
from backhaul.plugins.calls import current_call
from backhaul.plugins.http_answers import (
    REPEATABLE,
    error_for,
    excerpt,
    is_repeatable,
    json_of,
    place_of,
    raise_for_status,
    retry_after_s,
)
from backhaul.plugins.http_body import BodyTooLongError, read_body
from backhaul.plugins.http_failures import failure_of
from backhaul.secrets import redact

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from backhaul.clock import Clock
    from backhaul.plugins.budget import Budget

__all__ = ["HttpClient", "excerpt", "json_of", "raise_for_status"]

MAX_RESPONSE_BYTES = 256 * 1024 * 1024

_TRIES = 3
_TRIES_WHEN_PAUSED = 6
_FIRST_DELAY_S = 0.5
_DAY_S = 86_400.0
# Times the timeout of silence: how long a whole answer may take.
_SLOWEST = 10.0
_PASSING = frozenset({502, 503, 504})

Primitive: TypeAlias = str | int | float | bool | None
QueryValues: TypeAlias = Mapping[str, Primitive | Sequence[Primitive]] | Sequence[tuple[str, Primitive]]


@dataclass(slots=True)
class _Effort:
    """How often, and how long in all, one request has been tried, and until when it matters."""

    until: datetime | None = None
    tries: int = 0
    took_s: float = 0.0
    waited_s: float = 0.0

    def has_time(self, delay_s: float, now: datetime) -> bool:
        """Tell whether another try after a delay can end in time when it takes as long as the last one."""
        return self.until is None or now + timedelta(seconds=delay_s + self.took_s) < self.until

    def backoff_s(self) -> float:
        """Return the pause before the next try: doubling, and random, so that many do not come back at once."""
        return _FIRST_DELAY_S * 2.0 ** (self.tries - 1) * random.uniform(0.5, 1.0)


class HttpClient:
    """HTTP for one connection: base URL, limits, timeouts, TLS policy, safe repetition, redaction.

    It can be used by any number of runs at the same time.

    Args:
        client: what `open_client` returned; closed by `aclose`.
        connection: name of the connection, for errors and the log.
        budget: the connection's slots.
        clock: source of time.
        log: where each request is noted at debug level, or None.
        max_wait_s: longest ``Retry-After`` to wait for in place.
        max_response_bytes: longest body accepted, counted after decompression.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        connection: str,
        budget: Budget,
        clock: Clock,
        log: FilteringBoundLogger | None = None,
        max_wait_s: float = 30.0,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        self._client = client
        self._connection = connection
        self._budget = budget
        self._clock = clock
        self._log = log
        self._max_wait_s = max_wait_s
        self._max_response_bytes = max_response_bytes

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: QueryValues | None = None,
        headers: Mapping[str, str] | None = None,
        json: Json = None,
        form: Mapping[str, Any] | None = None,
        content: bytes | str | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        repeatable: bool | None = None,
        timeout_s: float | None = None,
        follow_redirects: bool = False,
    ) -> httpx.Response:
        """Send a request and return the response with its body read, whatever its status but the ones below.

        What was certainly not sent, a 429, and, when the request may be repeated, lost connections and 502, 503 and
        504 are tried again in place, for a short while, and only as long as the step that asks has time.

        Args:
            method: such as ``GET``, which may have a body.
            url: relative to the connection's base URL, or absolute.
            params: query; names and values are percent-encoded.
            headers: added to the usual ones.
            json: body as JSON.
            form: body as a form (``application/x-www-form-urlencoded``).
            content: body as it is.
            auth: as in httpx, such as user and password for basic authentication.
            repeatable: whether the request may be sent twice. None takes it from the effect of the current action;
                True suits a token request or a listing by POST inside a `once` action, False an insert inside a
                `write` action.
            timeout_s: seconds of silence after which to give up, instead of the connection's.
            follow_redirects: whether to follow the answer to another URL.

        Raises:
            RetryableError: not sent, refused for now (429), or lost and repeatable.
            UnknownOutcomeError: lost, or a 5xx, and not repeatable.
            AuthenticationError: the server's certificate is not accepted.
            InvalidAnswerError: the body is too long or cannot be decompressed.
        """
        try:
            request = self._client.build_request(
                method,
                url,
                params=cast("Any", params),
                headers=headers,
                json=json,
                data=form,
                content=content,
                timeout=httpx.USE_CLIENT_DEFAULT if timeout_s is None else httpx.Timeout(timeout_s, pool=None),
            )
        except (httpx.InvalidURL, UnicodeEncodeError, TypeError, ValueError) as error:
            raise InputError(f"connection {self._connection}: {method}", [_unsendable(error)]) from None
        request.extensions[REPEATABLE] = repeatable
        request.extensions[REPEATABLE] = is_repeatable(request)
        return await self._exchange(request, auth, follow_redirects=follow_redirects)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _exchange(
        self, request: httpx.Request, auth: httpx.Auth | tuple[str, str] | None, *, follow_redirects: bool
    ) -> httpx.Response:
        call = current_call.get()
        priority, run = (call.priority, call.root_run_id or call.run_id) if call is not None else (0, None)
        effort = _Effort(None if call is None else call.until)
        while True:
            effort.tries += 1
            began = self._clock.monotonic()
            try:
                async with self._budget.slot(priority, run):
                    response = await self._send(request, auth, follow_redirects=follow_redirects)
            except httpx.TransportError as error:
                effort.took_s = self._clock.monotonic() - began
                delay_s = self._delay_after_failure(request, error, effort)
            else:
                effort.took_s = self._clock.monotonic() - began
                wait_s = self._delay_after_answer(response, effort)
                if wait_s is None:
                    return response
                delay_s = wait_s
            await self._clock.sleep(delay_s)

    async def _send(
        self, request: httpx.Request, auth: httpx.Auth | tuple[str, str] | None, *, follow_redirects: bool
    ) -> httpx.Response:
        began = self._clock.monotonic()
        outcome: int | str = "cancelled"
        try:
            # The transport's timeouts are of silence; a server that drips byte by byte would be heard forever.
            async with asyncio.timeout(_SLOWEST * (request.extensions["timeout"]["read"] or 3600.0)):
                response = await self._client.send(request, auth=auth, follow_redirects=follow_redirects, stream=True)
                outcome = response.status_code
                try:
                    return await read_body(response, max_bytes=self._max_response_bytes)
                finally:
                    await response.aclose()
        except TimeoutError:
            outcome = "too slow"
            raise httpx.ReadTimeout("the answer takes too long") from None
        except httpx.RequestError as error:
            outcome = type(error).__name__
            if isinstance(error, httpx.TransportError):
                raise
            raise self._unreadable(request, f"{type(error).__name__}: {error}") from None
        except BodyTooLongError:
            reason = f"the body has more than {self._max_response_bytes} bytes (max_response_bytes)"
            raise self._unreadable(request, reason) from None
        finally:
            self._note(request, outcome, self._clock.monotonic() - began)

    def _delay_after_failure(self, request: httpx.Request, error: httpx.TransportError, effort: _Effort) -> float:
        """Return the seconds after which to try again; raise when that would be wrong or has been done enough."""
        failure = failure_of(request, error, self._connection)
        delay_s = effort.backoff_s()
        again = isinstance(failure, RetryableError) and effort.tries < _TRIES
        if not again or not effort.has_time(delay_s, self._clock.now()):
            raise failure from None
        return delay_s

    def _delay_after_answer(self, response: httpx.Response, effort: _Effort) -> float | None:
        """Return None when the answer is for the connector, else the seconds after which to try again."""
        status = response.status_code
        repeatable = is_repeatable(response.request)
        asked_s = retry_after_s(response, now=self._clock.now())
        if status == 429 or (status == 503 and asked_s is not None):
            wait_s = self._pause(status, asked_s)
            if status == 429 or repeatable:
                effort.waited_s += wait_s
                again = effort.waited_s <= self._max_wait_s and effort.tries < _TRIES_WHEN_PAUSED
                if again and effort.has_time(wait_s, self._clock.now()):
                    return 0.0  # The budget keeps everyone waiting, the most urgent first.
                raise self._error(response, wait_s)
        if status in _PASSING and repeatable and effort.tries < _TRIES:
            delay_s = effort.backoff_s()
            if effort.has_time(delay_s, self._clock.now()):
                return delay_s
        if status in _PASSING or (status >= 500 and not repeatable):
            raise self._error(response, asked_s)
        return None

    def _pause(self, status: int, asked_s: float | None) -> float:
        now = self._clock.now()
        # Most limits count by the minute of the clock (a 429 without Retry-After says no more).
        wait_s = 60.0 - now.second - now.microsecond / 1e6 if asked_s is None else min(max(asked_s, 1.0), _DAY_S)
        if status == 429:
            self._budget.refused()
        self._budget.pause(wait_s)
        return wait_s

    def _error(self, response: httpx.Response, wait_s: float | None) -> ActionError:
        error = error_for(response, now=self._clock.now())
        if isinstance(error, RetryableError):
            error.retry_after_s = wait_s
        return error

    def _unreadable(self, request: httpx.Request, why: str) -> ActionError:
        place = f"connection {self._connection}: {place_of(request)}"
        text = f"{place} gave an answer that cannot be read: {redact(why)[:200]}"
        if is_repeatable(request):
            return InvalidAnswerError(text)
        return UnknownOutcomeError(f"{text}. It may have been carried out")

    def _note(self, request: httpx.Request, outcome: int | str, duration_s: float) -> None:
        if self._log is not None and self._log.is_enabled_for(logging.DEBUG):
            self._log.debug(
                "http request",
                method=request.method,
                host=request.url.host,
                path=redact(request.url.path),
                outcome=outcome,
                duration_ms=round(duration_s * 1000, 1),
            )


def _unsendable(error: Exception) -> str:
    """Return why a request cannot be made, without the value: it may be a credential."""
    if isinstance(error, UnicodeEncodeError):
        return (
            f"a header holds a character that HTTP does not allow (position {error.start + 1}): a credential with an "
            "accent or a pasted invisible character"
        )
    return f"this request cannot be sent ({redact(str(error))[:160]})"
