"""Requests of one connection: path, credentials and effect checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus

from backhaul.sdk import Effect, NotFoundError, RefusedError
from backhaul_connectors.http.answers import body_of, extracted
from backhaul_connectors.http.models import HttpAnswer, QueryValue, Request
from backhaul_connectors.http.paths import link_below, request_path
from backhaul_connectors.http.permissions import require_effect
from backhaul_connectors.http.settings import RESERVED_HEADERS

if TYPE_CHECKING:
    import httpx

    from backhaul.sdk import ConnectorContext, Json
    from backhaul_connectors.http.settings import HttpApiSettings

__all__ = ["HttpApi"]


class HttpApi:
    """Requests of one connection. Safe for any number of concurrent callers."""

    def __init__(self, settings: HttpApiSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._secret_names = {*settings.auth_headers(), *RESERVED_HEADERS}

    async def answer(self, request: Request, extract: str = "") -> HttpAnswer:
        """Send a request and return its answer.

        Raises:
            RefusedError: the request may not be made; nothing was sent.
            ActionError: as of `answers.body_of`.
        """
        response = await self.send(request)
        try:
            body = self.body(response, request)
        except NotFoundError:
            if request.effect is Effect.DELETE and self._settings.missing_is_removed:
                return HttpAnswer(status=response.status_code)
            raise
        part = extracted(body, extract, request) if extract else body
        headers = {name: response.headers[name] for name in self._settings.answer_headers if name in response.headers}
        return HttpAnswer(status=response.status_code, body=part, headers=headers)

    async def send(self, request: Request, link: str | None = None) -> httpx.Response:
        """Send a request; with a link, that path and query are requested instead of the request's own.

        Raises:
            RefusedError: the request may not be made; nothing was sent.
            ActionError: as of the HTTP client.
        """
        path = request_path(request.path, request.path_values)
        require_effect(request.method, path, request.effect, self._settings)
        if request.body is not None and request.form is not None:
            raise RefusedError("a request has either body or form; nothing was sent")
        given = {name.lower(): value for name, value in request.headers.items()}
        forbidden = sorted(self._secret_names.intersection(given))
        if forbidden:
            raise RefusedError(
                f"a step does not set the header {', '.join(forbidden)}: the connection does (auth, secret_headers)"
            )
        query = _flat({**self._settings.query, **request.query, **self._settings.auth_query()})
        return await self._http.request(
            request.method,
            path if link is None else self._with_auth(link),
            params=query if link is None and query else None,
            headers={"accept": "application/json", **self._settings.headers, **given, **self._settings.auth_headers()},
            json=request.body,
            form=request.form,
            repeatable=request.effect.repeatable,
        )

    def body(self, response: httpx.Response, request: Request) -> Json:
        """Return the body of an answer; errors as of `answers.body_of`."""
        return body_of(response, request, self._settings)

    def link(self, response: httpx.Response, url: str) -> str:
        """Return a link of an answer as path and query, without the credentials that the API may have put into it.

        Raises:
            InvalidAnswerError: the link leaves the base URL.
        """
        path, _, query = link_below(self._settings.base_url, str(response.request.url), url).partition("?")
        secret = self._settings.auth_query()
        kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in secret]
        return f"{path}?{'&'.join(kept)}" if kept else path

    def _with_auth(self, link: str) -> str:
        pairs = [
            f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self._settings.auth_query().items()
        ]
        return f"{link}{'&' if '?' in link else '?'}{'&'.join(pairs)}" if pairs else link


def _flat(query: Mapping[str, QueryValue]) -> list[tuple[str, str | int | float | bool | None]]:
    """Return the pairs of a query: lists repeat their name, null is left out."""
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        pairs.extend((name, item) for item in values if item is not None)
    return pairs
