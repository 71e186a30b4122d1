"""The one place that builds HTTP clients: httpx's API on aiohttp's connections.

`httpx-aiohttp` is not used as it is, for three reasons read in its source (0.2.0) and shown by
``tests/plugins_http``: a connection cut after sending becomes `httpx.ConnectTimeout`, as if nothing had been sent;
aiohttp sends a GET, PUT or DELETE a second time by itself when a kept connection breaks; and URLs are quoted anew.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

import aiohttp
import certifi
import httpx
from yarl import URL

from backhaul.plugins.http_answers import REPEATABLE

if TYPE_CHECKING:
    from backhaul.plugins.connector import HttpSettings

__all__ = ["AiohttpTransport", "open_client", "tls_context"]

CONNECT_TIMEOUT_S = 10.0
KEPT_S = 15.0
# A request that must not be sent twice goes only over a connection that was in use a moment ago: an older one may
# just be being closed by the server, and then nobody knows whether the request was still read.
KEPT_FOR_ONCE_S = 1.0
_CHUNK = 64 * 1024

# These write whole URLs, and with them what queries hold, to the log.
for _name in ("httpx", "httpcore", "aiohttp"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def open_client(
    settings: HttpSettings | None = None, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return a client for a connection's settings; the caller closes it.

    Args:
        settings: base URL, TLS policy, timeouts and proxy; None for a connector that does not speak HTTP by itself.
        transport: used instead of aiohttp's, such as `httpx.AsyncHTTPTransport` or `httpx.MockTransport`.
    """
    timeout_s = settings.timeout_s if settings else 30.0
    client = httpx.AsyncClient(
        base_url=settings.base_url if settings else "",
        transport=transport or AiohttpTransport(settings),
        timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_TIMEOUT_S), pool=None),
        headers={"User-Agent": "backhaul"},
        follow_redirects=False,
        trust_env=False,
    )
    # A connection serves all runs at once: what one answer set must not go along with another's request.
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def tls_context(settings: HttpSettings | None) -> ssl.SSLContext:
    """Return the TLS policy of a connection.

    The machine's own authorities count, and Mozilla's list beside them; a `ca_file` replaces both.

    Raises:
        OSError: the `ca_file` cannot be read (`ssl.SSLError` when it holds no certificate).
    """
    if settings is not None and settings.ca_file is not None:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
    else:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
    if settings is not None and not settings.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _CutError(aiohttp.ClientError):
    """The connection broke after at least a part of the request was sent."""


async def _never_again(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Hide a broken connection from aiohttp's own retry, which would send GET, PUT and DELETE a second time."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _CutError(str(error) or type(error).__name__) from error


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries httpx requests over aiohttp, each at most once.

    `httpx.ConnectError`, `httpx.ConnectTimeout` and `httpx.ProxyError` are raised only when nothing of the request was
    sent.

    Args:
        settings: TLS policy and proxy.
        kept_for_once_s: seconds after which an idle connection is not used again for a request that may not be
            repeated.
    """

    def __init__(self, settings: HttpSettings | None = None, *, kept_for_once_s: float = KEPT_FOR_ONCE_S) -> None:
        self._settings = settings
        self._kept_for_once_s = kept_for_once_s
        self._proxy = settings.proxy if settings else None
        self._tls: ssl.SSLContext | None = None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the response with its body still to be read."""
        timeout = request.extensions.get("timeout", {})
        body = await request.aread()
        with _mapped_errors():
            answer = await self._session(repeatable=request.extensions.get(REPEATABLE) is not False).request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=body or None,
                allow_redirects=False,
                proxy=self._proxy,
                ssl=self._tls_for(request.url),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
                ),
            )
        return httpx.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer),
            request=request,
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (answer.reason or "").encode("latin-1", "replace"),
            },
        )

    async def aclose(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _tls_for(self, url: httpx.URL) -> ssl.SSLContext | bool:
        if url.scheme != "https":
            return True
        if self._tls is None:
            self._tls = tls_context(self._settings)
        return self._tls

    def _session(self, *, repeatable: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(repeatable)
        if session is None:
            kept_s = KEPT_S if repeatable else self._kept_for_once_s
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=kept_s)
            session = self._sessions[repeatable] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                middlewares=(_never_again,),
                skip_auto_headers=("Content-Type",),
            )
        return session


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _mapped_errors():
            async for chunk in self._answer.content.iter_chunked(_CHUNK):
                yield chunk

    async def aclose(self) -> None:
        # Closes the connection unless the whole body was read, in which case it already went back to the pool.
        self._answer.close()


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout("no connection in time") from error
    except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
        raise httpx.ProxyError(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol("this is not an http or https URL") from error
    except ValueError as error:
        raise httpx.LocalProtocolError("a header holds a line end or a control character") from error
    except (TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise httpx.ReadTimeout("no answer in time") from error
    except aiohttp.ClientResponseError as error:
        raise httpx.RemoteProtocolError(error.message or type(error).__name__) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error) or type(error).__name__) from error
