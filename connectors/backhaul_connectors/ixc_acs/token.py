"""The access token of one connection: fetched once for all callers, renewed before it ends."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    RefusedError,
    Secret,
    excerpt,
    json_of,
    raise_for_status,
)
from backhaul_connectors.ixc_acs.erp_token import signed_request
from backhaul_connectors.ixc_acs.settings import ClientType, TokenBody

if TYPE_CHECKING:
    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["CAUSES", "AccessToken", "TokenKeeper", "token_life_s"]

LONGEST_LIFE_S = 86_400.0
"""Longest life that the vendor lets one configure (vendor page on API clients)."""

CAUSES = (
    "The usual causes, by the vendor's own list: client_id, client_secret or the key is wrong or was pasted with extra "
    "blanks; the API client is blocked; base_url belongs to another ACS. Compare them in the ACS menu "
    "Tools > API Clients"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token and when to renew it, in seconds of the clock's `monotonic`."""

    value: Secret
    renew_at: float


class TokenKeeper:
    """Keeps one token for all callers of a connection.

    Any number of callers that find no valid token wait for one request; when it fails, all of them fail with it
    instead of asking one after the other.
    """

    def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._lock = anyio.Lock()
        self._token: AccessToken | None = None
        self._asked = 0
        self._failure: ActionError | None = None

    async def current(self) -> AccessToken:
        """Return a token that is valid now.

        Raises:
            AuthenticationError: the ACS does not accept the credentials.
            InvalidAnswerError: the answer holds no token: usually a wrong base_url.
            RetryableError: the ACS cannot be reached or asks to wait.
        """
        asked_before = self._asked
        if (token := self._valid()) is not None:
            return token
        async with self._lock:
            if (token := self._valid()) is not None:
                return token
            if self._failure is not None and self._asked > asked_before:
                raise self._failure
            return await self._ask()

    def forget(self, token: AccessToken) -> None:
        """Give up a token that the ACS has rejected; one that has replaced it meanwhile is kept."""
        if self._token is token:
            self._token = None

    def _valid(self) -> AccessToken | None:
        token = self._token
        return token if token is not None and self._clock.monotonic() < token.renew_at else None

    async def _ask(self) -> AccessToken:
        self._failure = None
        try:
            self._token = await self._fetch()
        except ActionError as error:
            self._failure = error
            raise
        finally:
            self._asked += 1
        return self._token

    async def _fetch(self) -> AccessToken:
        settings = self._settings
        began = self._clock.monotonic()
        if settings.client_type is ClientType.GENERIC:
            response = await self._ask_by_secret()
        else:
            response = await self._ask_by_signature()
        _raise_for_token_status(response)
        answer = json_of(response)
        fields = answer if isinstance(answer, dict) else {}
        value = fields.get("access_token") or fields.get("token")
        if not isinstance(value, str) or not value:
            raise InvalidAnswerError(
                f"the token request to the ACS was answered {response.status_code} without access_token "
                f"({excerpt(response, 80)!r}). Check base_url and the version and path of the token request",
                status=response.status_code,
            )
        life_s = token_life_s(answer, now=self._clock.now(), default_s=settings.token_default_life_s)
        margin_s = min(settings.token_renewal_margin_s, life_s / 2)
        return AccessToken(value=Secret(value), renew_at=began + life_s - margin_s)

    async def _ask_by_secret(self) -> httpx.Response:
        settings = self._settings
        secret = settings.client_secret.reveal() if settings.client_secret is not None else ""
        fields = {"client_id": settings.client_id, "client_secret": secret}
        if settings.token_grant_type:
            fields["grant_type"] = settings.token_grant_type
        as_form = settings.token_body is TokenBody.FORM
        return await self._http.request(
            "POST",
            settings.url(settings.token_version, settings.token_path),
            headers={"Accept": "application/json"},
            form=fields if as_form else None,
            json=None if as_form else fields,
            repeatable=True,
        )

    async def _ask_by_signature(self) -> httpx.Response:
        signed = signed_request(self._settings, self._clock.now())
        return await self._http.request(
            "GET",
            self._settings.url(self._settings.jwt_token_version, self._settings.jwt_token_path),
            headers={"Accept": "application/json", "Authorization": f"Bearer {signed.reveal()}"},
            repeatable=True,
        )


def token_life_s(answer: Json, *, now: datetime, default_s: float) -> float:
    """Return the seconds that a token is valid by its answer: the shorter of ``expires_in`` and ``expires_at``.

    What is missing, not understood, without a zone or already past (the clocks differ) is left out of account; with
    neither it is `default_s`. A token that ends earlier than that shows by a 401. Source: ixc_acs reference, section 5.
    """
    lives = []
    with suppress(TypeError, ValueError, OverflowError):
        lives.append(float(answer.get("expires_in")))
    with suppress(TypeError, ValueError, OverflowError):
        lives.append((datetime.fromisoformat(answer.get("expires_at")) - now).total_seconds())
    usable = [life for life in lives if math.isfinite(life) and life > 0]
    return min([*usable, LONGEST_LIFE_S]) if usable else default_s


def _raise_for_token_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in (404, 405):
        raise InvalidAnswerError(
            f"the ACS has no token request at {response.request.url.path} ({status}). Check base_url, token_version "
            "and token_path (of an ERP-type client jwt_token_version and jwt_token_path)",
            status=status,
        )
    if status == 403:
        raise AuthenticationError(
            f"the ACS refuses a token to this API client (403). It may be blocked. {CAUSES}", status=status
        )
    try:
        raise_for_status(response)
    except (AuthenticationError, RefusedError):
        said = excerpt(response)
        tail = f": {said}" if said else ""
        raise AuthenticationError(
            f"the ACS does not accept the credentials of this connection ({status}{tail}). {CAUSES}", status=status
        ) from None
