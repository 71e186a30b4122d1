"""Authorised calls to Akixi: key or login, one new login when the old has ended, errors with advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import AuthenticationError, Json, excerpt
from backhaul_connectors.akixi.answers import checked, trouble_of
from backhaul_connectors.akixi.errors import ERRORS
from backhaul_connectors.akixi.session import JSON_HEADERS, Session, SessionKeeper

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["AkixiApi"]

# A 403 without a code may be an ended login or a missing right. A right is not gained by logging in again, so a login
# that is younger than this is believed.
_YOUNG_S = 60.0


class AkixiApi:
    """Calls of one connection. Safe for any number of concurrent callers."""

    def __init__(self, settings: AkixiSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._sessions = SessionKeeper(settings, context)

    async def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Json = None,
    ) -> Json:
        """Return the JSON value of an answer that is a success, None for one without a body.

        Args:
            method: ``POST`` is never sent twice; the others may be.
            path: below `api_path`, percent-encoded.
            what: what is done, for errors: ``list of Integrator Clients``.
            params: query, not yet encoded.
            body: JSON body.

        Raises:
            ActionError: as of `answers.checked`.
        """
        repeatable = method != "POST"
        response = await self._authorised(method, path, what, params, body)
        return checked(response, what, repeatable=repeatable)

    async def close(self) -> None:
        """Log out."""
        await self._sessions.close()

    async def _authorised(
        self, method: str, path: str, what: str, params: Mapping[str, str | int] | None, body: Json
    ) -> httpx.Response:
        key = self._settings.key
        if key is not None:
            response = await self._send(method, path, params, body, {"x-api-key": key.reveal()})
            if response.status_code == 401 or self._says_ended(response):
                raise _rejected_key(response, what)
            return response
        session = await self._sessions.current()
        response = await self._send(method, path, params, body, session.headers)
        if not self._has_ended(session, response):
            return response
        self._sessions.forget(session)
        if method == "POST":
            # A rejected request was not carried out; that it may be sent again is for a person or the workflow to say.
            raise AuthenticationError(
                f"{what}: the login had ended (another one of the same user ends it), so nothing was done; try again",
                status=response.status_code,
            )
        session = await self._sessions.current()
        response = await self._send(method, path, params, body, session.headers)
        if response.status_code == 401 or self._says_ended(response):
            self._sessions.forget(session)
            raise AuthenticationError(
                f"{what}: Akixi ended a login that was only just made ({response.status_code}: "
                f"{excerpt(response) or 'no text'}). Another program or person logs in as the same user: give Backhaul "
                "a user of its own",
                status=response.status_code,
            )
        return response

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Json,
        authorization: Mapping[str, str],
    ) -> httpx.Response:
        return await self._http.request(
            method,
            f"{self._settings.api_path}{path}",
            params=params,
            headers={**JSON_HEADERS, **authorization},
            json=body,
            repeatable=method != "POST",
        )

    def _has_ended(self, session: Session, response: httpx.Response) -> bool:
        if response.status_code == 401 or self._says_ended(response):
            return True
        trouble = trouble_of(response)
        is_open = response.status_code == 403 and (trouble is None or trouble.code not in ERRORS)
        return is_open and self._clock.monotonic() - session.began_at >= _YOUNG_S

    def _says_ended(self, response: httpx.Response) -> bool:
        trouble = trouble_of(response) if response.status_code in (200, 400, 403) else None
        if trouble is None or trouble.code in ERRORS:
            return False
        said = trouble.text.casefold()
        return any(text.casefold() in said for text in self._settings.session_ended_messages)


def _rejected_key(response: httpx.Response, what: str) -> AuthenticationError:
    said = excerpt(response) or "no text"
    return AuthenticationError(
        f"{what}: Akixi does not accept api_key ({response.status_code}: {said}). It may be wrong, withdrawn or of "
        "another service instance; ask the administrator who issued it",
        status=response.status_code,
    )
