"""Authorised calls to the ACS: the Bearer header, one new token when the old is rejected, errors with advice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backhaul.sdk import (
    AuthenticationError,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
    excerpt,
    json_of,
    raise_for_status,
)
from backhaul_connectors.ixc_acs.token import CAUSES, AccessToken, TokenKeeper

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_acs.settings import ApiVersion, IxcAcsSettings

__all__ = ["AcsApi", "nothing_done_yet"]


@contextmanager
def nothing_done_yet() -> Iterator[None]:
    """Make an answer that is none a `RetryableError`: before the effect of an action its outcome is never unknown."""
    try:
        yield
    except (InvalidAnswerError, UnknownOutcomeError) as error:
        raise RetryableError(f"nothing was asked of the device yet: {error}", status=error.status) from error


class AcsApi:
    """Calls of one connection. Safe for any number of concurrent callers."""

    def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self.tokens = TokenKeeper(settings, context)

    async def get(self, version: ApiVersion, path: str, params: Mapping[str, str]) -> Json:
        """Return the JSON value of a GET that concerns no single device.

        Raises:
            AuthenticationError: the credentials or the permissions of the API client do not suffice.
            InvalidAnswerError: the path does not exist or the answer is not JSON: usually a wrong base_url or version.
            RetryableError: the ACS cannot be reached, is overloaded or asks to wait.
            RefusedError: any other 4xx.
        """
        return await self.read(self._settings.url(version, path), params)

    async def read(self, url: str, params: Mapping[str, str] | None = None, *, serial: str | None = None) -> Json:
        """Return the JSON value of a GET; errors as of `get`.

        Args:
            url: relative to `base_url`.
            params: the query.
            serial: the device that it concerns; then 404 is a `NotFoundError`.
        """
        response = await self._authorised("GET", url, params=params, repeatable=True)
        self._raise_for_status(response, serial)
        return json_of(response)

    async def command(self, method: str, url: str, body: Json, *, serial: str) -> None:
        """Ask something of a device, never twice. A return means *accepted*, not *done*.

        Raises:
            NotFoundError: the ACS does not know the device, or not this path.
            RefusedError: the ACS says no.
            UnknownOutcomeError: no proper answer came back; it may have been accepted.
            RetryableError: it was certainly not accepted: try again later.
        """
        with nothing_done_yet():
            await self.tokens.current()
        response = await self._authorised(method, url, json=body, repeatable=False)
        if 300 <= response.status_code < 400:
            raise RefusedError(
                f"the ACS answered {response.status_code} at {response.request.url.path} and points elsewhere: check "
                "base_url (http or https, host)",
                status=response.status_code,
            )
        self._raise_for_status(response, serial)
        # What a command is answered with is not documented; but a page for people is not it.
        if response.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            raise UnknownOutcomeError(
                f"a command at {response.request.url.path} was answered with HTML ({excerpt(response, 120)!r}); it may "
                "have been accepted all the same. Check base_url",
                status=response.status_code,
            )

    async def _authorised(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, json: Json = None, repeatable: bool
    ) -> httpx.Response:
        token = await self.tokens.current()
        response = await self._send(method, url, params, json, token, repeatable=repeatable)
        if self._is_rejected(response):
            # Rejected means not carried out, so once more is safe: with a token that is new to everybody.
            self.tokens.forget(token)
            with nothing_done_yet():
                token = await self.tokens.current()
            response = await self._send(method, url, params, json, token, repeatable=repeatable)
        return response

    async def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        json: Json,
        token: AccessToken,
        *,
        repeatable: bool,
    ) -> httpx.Response:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token.value.reveal()}"}
        return await self._http.request(method, url, params=params, json=json, headers=headers, repeatable=repeatable)

    def _is_rejected(self, response: httpx.Response) -> bool:
        return response.status_code == 401 or (response.status_code == 400 and self._settings.renew_on_400)

    def _raise_for_status(self, response: httpx.Response, serial: str | None) -> None:
        status = response.status_code
        path = response.request.url.path
        said = excerpt(response)
        tail = f": {said}" if said else ""
        match status:
            case 401:
                raise AuthenticationError(
                    f"the ACS rejects at {path} a token that it has only just issued (401{tail}). {CAUSES}",
                    status=status,
                )
            case 403:
                raise AuthenticationError(
                    f"the ACS does not let this API client call {path} (403{tail}). Grant it the permission in the ACS "
                    "menu Tools > API Clients, three dots beside the client; a blocked client answers the same",
                    status=status,
                )
            case 404 | 410 if serial is not None:
                raise NotFoundError(
                    f"the ACS answered {status} at {path}{tail}. Either it has no device with the serial number "
                    f"{serial!r}, or not this path: then mend it in the connection's routes",
                    status=status,
                )
            case 404:
                raise InvalidAnswerError(
                    f"the ACS has no path {path} (404{tail}). Check base_url and the API version of this call",
                    status=status,
                )
            case _:
                raise_for_status(response)
