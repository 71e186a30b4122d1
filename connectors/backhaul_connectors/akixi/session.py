"""The login of one connection: three steps, one for all callers, renewed when it has ended, given back on close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    RetryableError,
    Secret,
    excerpt,
    json_of,
    raise_for_status,
)
from backhaul_connectors.akixi.answers import Trouble, checked, trouble_of

if TYPE_CHECKING:
    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["JSON_HEADERS", "Session", "SessionKeeper"]

JSON_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}
"""Headers of every request; the vendor page lists the content type even for GET and DELETE."""
_CAUSES = (
    "Check username and password by signing in to Akixi in a browser: the user may be locked out (LockOut), have to "
    "change its password (PasswordChgRequired) or need a second factor (EnableMFA), with which no program can log in"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """A login that Akixi has accepted. `began_at` is in seconds of the clock's `monotonic`."""

    id: Secret
    began_at: float

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries it."""
        return {"Cookie": f"JSESSIONID={self.id.reveal()}"}


class SessionKeeper:
    """Keeps one login for all callers of a connection, since a second one would end the first.

    Any number of callers that find none wait for one login; when it fails, all of them fail with it. After a login that
    Akixi has rejected none is tried for a while: users are locked out.
    """

    def __init__(self, settings: AkixiSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._clock = context.clock
        self._log = context.log
        self._lock = anyio.Lock()
        self._session: Session | None = None
        self._used_at = 0.0
        self._tried = 0
        self._failure: ActionError | None = None
        self._failed_at = 0.0

    async def current(self) -> Session:
        """Return a login that is believed to be valid.

        Raises:
            AuthenticationError: Akixi does not accept the user, or did not a short while ago.
            InvalidAnswerError: the answers are not those of a login: usually a wrong base_url.
            RetryableError: Akixi cannot be reached.
        """
        tried_before = self._tried
        if (session := self._valid()) is not None:
            return session
        async with self._lock:
            if (session := self._valid()) is not None:
                return session
            if self._failure is not None and self._tried > tried_before:
                raise self._failure
            self._raise_if_rejected_lately()
            return await self._try()

    def forget(self, session: Session) -> None:
        """Give up a login that has ended; one that has replaced it meanwhile is kept."""
        if self._session is session:
            self._session = None

    async def close(self) -> None:
        """Log out, if there is a login; it does not matter whether Akixi confirms it."""
        session, self._session = self._session, None
        if session is None:
            return
        try:
            await self._http.request("GET", self._url("/logout"), headers={**JSON_HEADERS, **session.headers})
        except ActionError as error:
            self._log.info("the logout from Akixi failed; the login ends by itself", error=str(error))

    def _valid(self) -> Session | None:
        now = self._clock.monotonic()
        if self._session is None or now - self._used_at >= self._settings.session_idle_s:
            return None
        self._used_at = now
        return self._session

    def _raise_if_rejected_lately(self) -> None:
        left_s = self._failed_at + self._settings.login_pause_s - self._clock.monotonic()
        if isinstance(self._failure, AuthenticationError) and left_s > 0:
            raise AuthenticationError(
                f"{self._failure} No login was tried now, since Akixi locks users out; the next one is tried in "
                f"{left_s:.0f} s, or at once after a change of the connection",
                status=self._failure.status,
            )

    async def _try(self) -> Session:
        self._failure = None
        try:
            self._session = await self._login()
        except ActionError as error:
            self._failure = error
            self._failed_at = self._clock.monotonic()
            raise
        finally:
            self._tried += 1
        self._used_at = self._clock.monotonic()
        return self._session

    async def _login(self) -> Session:
        """Begin a session and sign in to it. A failed login destroys its session: each one begins anew."""
        session = Session(id=await self._begin(), began_at=self._clock.monotonic())
        user, password = self._settings.username, self._settings.password
        response = await self._http.request(
            "GET",
            self._url("/login"),
            params={"locale": self._settings.locale.value},
            headers={**JSON_HEADERS, **session.headers},
            auth=(user or "", password.reveal() if password else ""),
            repeatable=True,
        )
        trouble = trouble_of(response)
        if trouble is not None and self._is_accepted(trouble, response):
            self._log.warning("this login has ended others of the same Akixi user", said=trouble.text)
        else:
            _raise_for_login(response, trouble)
        return session

    async def _begin(self) -> Secret:
        response = await self._http.request("POST", self._url("/session"), headers=JSON_HEADERS, repeatable=True)
        answer = checked(response, "the session for a login", repeatable=True)
        value = answer.get("SessionID") if isinstance(answer, dict) else None
        value = value or response.cookies.get("JSESSIONID")
        if not isinstance(value, str) or not value.strip():
            raise InvalidAnswerError(
                f"Akixi began a session without SessionID ({excerpt(response, 80)!r}). Check base_url and api_path",
                status=response.status_code,
            )
        return Secret(value.strip())

    def _is_accepted(self, trouble: Trouble, response: httpx.Response) -> bool:
        """Tell whether a login answered 400 is usable: it was, and other logins of the user were ended."""
        return response.status_code in (200, 400) and trouble.text.startswith(self._settings.login_accepted_messages)

    def _url(self, path: str) -> str:
        return f"{self._settings.api_path}{path}"


def _raise_for_login(response: httpx.Response, trouble: Trouble | None) -> None:
    status = response.status_code
    if trouble is None and response.is_success:
        if response.content.strip():
            json_of(response)
        return
    if status == 404 or 300 <= status < 400 or status >= 500 or status in (408, 425, 429):
        raise_for_status(response)
    if trouble is not None and trouble.code in (10104, 10105):
        raise RetryableError(f"the login to Akixi is not possible for now ({trouble.code}: {trouble.text})")
    said = trouble.text if trouble is not None else excerpt(response)
    raise AuthenticationError(
        f"Akixi rejected the login ({status}{f': {said}' if said else ''}). {_CAUSES}.", status=status
    )
