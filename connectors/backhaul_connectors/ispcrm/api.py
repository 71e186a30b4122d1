"""Authorised calls to ISPCRM: which header carries the token, and to whom it may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from backhaul.sdk import InvalidAnswerError, Json
from backhaul_connectors.ispcrm.answers import checked
from backhaul_connectors.ispcrm.settings import AuthStyle

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ispcrm.settings import IspCrmSettings

__all__ = ["IspCrmApi"]

_PORTS = {"http": 80, "https": 443}


class IspCrmApi:
    """Calls of one connection. Safe for any number of concurrent callers."""

    def __init__(self, settings: IspCrmSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._log = context.log
        self._style = settings.auth_style
        self._probed = not settings.auth_probe

    @property
    def root(self) -> str:
        """Path of the API's root, relative to the connection's base URL."""
        return self._settings.api_prefix

    def users(self, user_id: str | None = None) -> str:
        """Return the path of the users, or of one; its id is one percent-encoded segment."""
        return f"{self.root}/users" + ("" if user_id is None else f"/{quote(user_id, safe='')}")

    def is_own(self, url: str) -> bool:
        """Tell whether a URL has the scheme, host and port of the connection: the token goes nowhere else."""
        try:
            return _origin(url) == _origin(self._settings.base_url)
        except ValueError:
            return False

    async def get(self, url: str, what: str) -> Json:
        """Return the JSON value of a GET.

        Args:
            url: below the connection's base URL, or absolute and of the same host.
            what: what is asked for, for errors.

        Raises:
            ActionError: as of `answers.checked`.
            InvalidAnswerError: the URL leads to another host; nothing was sent.
        """
        if "://" in url and not self.is_own(url):
            raise InvalidAnswerError(
                f"{what}: ISPCRM points to {urlsplit(url).netloc or 'another host'}, to which the token is not sent"
            )
        response = await self._send("GET", url)
        other = self._other_spelling(url)
        if response.status_code == 404 and other is not None:
            response = await self._send("GET", other)
        return checked(response, what)

    async def post(self, url: str, what: str, body: Mapping[str, Json]) -> Json:
        """Return the JSON value of a POST, None without a body. It is never sent twice.

        Raises:
            ActionError: as of `answers.checked`.
        """
        response = await self._send("POST", url, body)
        return checked(response, what, may_be_empty=True)

    async def _send(self, method: str, url: str, body: Mapping[str, Json] | None = None) -> httpx.Response:
        response = await self._send_as(self._style, method, url, body)
        if response.status_code != 401 or self._probed:
            self._probed = self._probed or response.is_success
            return response
        # Rejected means not carried out, so a POST may be sent again as well.
        self._probed = True
        other = AuthStyle.X_AUTH_TOKEN if self._style is AuthStyle.BEARER else AuthStyle.BEARER
        retried = await self._send_as(other, method, url, body)
        if retried.status_code == 401:
            return response
        self._style = other
        self._log.warning("this tenant takes the token in another header; set auth_style", auth_style=other.value)
        return retried

    async def _send_as(
        self, style: AuthStyle, method: str, url: str, body: Mapping[str, Json] | None
    ) -> httpx.Response:
        token = self._settings.token.reveal()
        authorization = {"Authorization": f"Bearer {token}"} if style is AuthStyle.BEARER else {"X-Auth-Token": token}
        return await self._http.request(
            method,
            url,
            headers={"Accept": "application/json", **authorization},
            json=None if body is None else dict(body),
            repeatable=method == "GET",
            follow_redirects=False,
        )

    def _other_spelling(self, url: str) -> str | None:
        small, capital = f"{self.root}/users", f"{self.root}/Users"
        if not self._settings.capital_users or not url.startswith(small):
            return None
        return capital + url.removeprefix(small)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
