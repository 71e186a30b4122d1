"""Signing in to Akixi: the key, or the cookie in three steps (akixi.md section 3)."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass

from backhaul_connectors.sandbox.akixi.answers import message
from backhaul_connectors.sandbox.akixi.switches import AkixiSwitches
from backhaul_connectors.sandbox.akixi.users import User, user_of_key, user_of_password
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.face import Answer, Call, json_answer

__all__ = ["SessionDesk"]

_COOKIE = re.compile(r"(?:^|;)\s*JSESSIONID=\"?([0-9A-Za-z]+)")
_STARTED_AT_MOST = 10_000


@dataclass(slots=True)
class _Session:
    """A session, signed in once it has a user."""

    used_at: float
    user: User | None = None


class SessionDesk:
    """Live sessions, oldest first, and the failed logins in a row of each user."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._failed: dict[str, int] = {}

    def start(self, _: Call) -> Answer:
        """Answer ``POST /session``: the id in the body and as a cookie; the nonce is unused in v1."""
        session_id = secrets.token_hex(16).upper()
        if len(self._sessions) >= _STARTED_AT_MOST:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[session_id] = _Session(self._clock.now())
        answer = json_answer({"Nonce": secrets.token_hex(16), "SessionID": session_id})
        cookie = f"JSESSIONID={session_id}; Path=/akixi; HttpOnly"
        answer.headers = (*answer.headers, (b"set-cookie", cookie.encode()))
        answer.key = "session"
        return answer

    def login(self, call: Call, switches: AkixiSwitches) -> Answer:
        """Answer ``GET /login``: Basic credentials sign the cookie's session in.

        A failed login destroys the session. A login that ends another session of the user is answered 400 with a
        ``Message`` although it is usable (seen in a public client).
        """
        session_id = _cookie(call)
        session = self._sessions.get(session_id)
        name, password = _basic(call)
        user = user_of_password(name, password)
        refusal = self._refusal(name, user, session, switches)
        if session is None or user is None or refusal:
            self._sessions.pop(session_id, None)
            answer = message(refusal or "Login failed", switches.failed_login_status)
            answer.key = name
            return answer
        self._failed.pop(name, None)
        evicted = self._evict(user, switches.sessions_per_user - 1, but=session_id)
        session.user, session.used_at = user, self._clock.now()
        if evicted and switches.evicting_login == "message_400":
            answer = message(f"There were other browser sessions active for {name}. They were signed out.", 400)
            answer.outcome, answer.completed = "done", True
        else:
            answer = json_answer({"Result": "Success"})
        answer.key = name
        return answer

    def logout(self, call: Call) -> Answer:
        """Answer ``GET /logout``: the session ends; without one nothing happens."""
        ended = self._sessions.pop(_cookie(call), None)
        answer = json_answer({"Result": "Success"})
        answer.completed, answer.key = ended is not None, "session"
        return answer

    def user(self, call: Call, switches: AkixiSwitches) -> User | None:
        """Return who calls, by ``x-api-key`` or by a live session; a used session lives on."""
        key = call.header(b"x-api-key")
        if key:
            user = user_of_key(key) if switches.keys_accepted else None
            return None if user is None or user.name in switches.locked_users else user
        session_id, now = _cookie(call), self._clock.now()
        session = self._sessions.get(session_id)
        if session is None or session.user is None:
            return None
        if now - session.used_at > switches.session_idle_s:
            del self._sessions[session_id]
            return None
        session.used_at = now
        return session.user

    def expire_all(self) -> None:
        """End every session now."""
        self._sessions.clear()

    def live(self) -> int:
        """Return how many sessions are signed in."""
        return sum(session.user is not None for session in self._sessions.values())

    def _refusal(self, name: str, user: User | None, session: _Session | None, switches: AkixiSwitches) -> str:
        """Return why a login is refused; "" if it is not."""
        if name in switches.locked_users or self._locked(name, switches):
            return "The account is locked out"
        if session is None:
            return "The session is unknown or over"
        if user is None:
            self._failed[name] = self._failed.get(name, 0) + 1
            return "Login failed"
        if switches.password_change_required:
            return "The password must be changed"
        return "A second factor is required" if switches.mfa_required else ""

    def _locked(self, name: str, switches: AkixiSwitches) -> bool:
        return switches.lock_after is not None and self._failed.get(name, 0) >= switches.lock_after

    def _evict(self, user: User, keep: int, *, but: str) -> int:
        """End the oldest sessions of a user beyond ``keep``, and return how many."""
        mine = [key for key, session in self._sessions.items() if session.user == user and key != but]
        gone = mine[: max(0, len(mine) - keep)]
        for key in gone:
            del self._sessions[key]
        return len(gone)


def _cookie(call: Call) -> str:
    match = _COOKIE.search(call.header(b"cookie"))
    return match[1] if match else ""


def _basic(call: Call) -> tuple[str, str]:
    scheme, _, text = call.header(b"authorization").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password
