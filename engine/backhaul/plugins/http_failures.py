"""From a failed exchange (no connection, a cut one, no answer in time) to an error that says what to do."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

import httpx

from backhaul.errors import ActionError, AuthenticationError, InputError, RetryableError, UnknownOutcomeError
from backhaul.plugins.http_answers import is_repeatable, place_of
from backhaul.secrets import redact

__all__ = ["failure_of", "was_never_sent"]

ErrorT = TypeVar("ErrorT", bound=BaseException)

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def was_never_sent(error: httpx.TransportError) -> bool:
    """Tell whether certainly nothing of the request reached the other system."""
    return isinstance(error, _NEVER_SENT)


def failure_of(request: httpx.Request, error: httpx.TransportError, connection: str) -> ActionError | InputError:
    """Return the error for a request that got no answer."""
    place = f"connection {connection}: {place_of(request)}"
    host = f"{request.url.host}:{request.url.port or (443 if request.url.scheme == 'https' else 80)}"
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return InputError(place, [f"this cannot be sent: {_shortened(error)}"])
    if certificate := _cause(error, ssl.SSLCertVerificationError):
        why = getattr(certificate, "verify_message", "") or _shortened(certificate)
        return AuthenticationError(
            f"{place}: the certificate of {host} is not accepted ({why}). If the host has its "
            "own authority, name its file in ca_file; set verify_tls = false only for a host that you know"
        )
    if was_never_sent(error):
        what = f"no connection to {host} ({_reason(error)}), so nothing was sent"
        return RetryableError(f"{place}: {what}. If this stays, check base_url (and proxy) of the connection")
    what = (
        "no answer in time" if isinstance(error, httpx.TimeoutException) else f"connection lost ({_shortened(error)})"
    )
    if is_repeatable(request):
        return RetryableError(f"{place}: {what} from {host}. Try again later; if this stays, look at the other system")
    return UnknownOutcomeError(f"{place}: {what} from {host} after the request was sent. It may have been carried out")


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused: {_shortened(error)}"
    if _cause(error, socket.gaierror):
        return "the host name is not known"
    if _cause(error, ConnectionRefusedError):
        return "nothing listens there"
    if tls := _cause(error, ssl.SSLError):
        return f"TLS: {tls.reason or _shortened(tls)}"
    return _shortened(error)


def _shortened(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return redact(text)[:160]


def _cause(error: BaseException, kind: type[ErrorT]) -> ErrorT | None:
    return next((found for found in reversed([*_chain(error)]) if isinstance(found, kind)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        # The innermost is the system's own. aiohttp keeps it in an attribute, and raises "from" it only in places.
        error = (
            error.__cause__
            or getattr(error, "certificate_error", None)
            or getattr(error, "os_error", None)
            or error.__context__
        )
