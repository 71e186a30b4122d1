"""The CRM's API tokens: made for a user, revocable, some with an end (ispcrm.md section 3)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.face import Call
from backhaul_connectors.sandbox.ispcrm.switches import CrmSwitches

__all__ = ["READER_TOKEN", "TOKEN", "ApiToken", "TokenBook"]

TOKEN = "sandbox-crm-token"  # noqa: S105  (documented, worthless outside the sandbox)
READER_TOKEN = "sandbox-crm-reader"  # noqa: S105


@dataclass(slots=True, kw_only=True)
class ApiToken:
    """One token, the user it acts for, and its end (seconds since the epoch; None: never)."""

    token: str
    user: str
    may_write: bool = True
    ends_at: float | None = None


class TokenBook:
    """Live tokens. Two are fixed: an administrator's, and a reader's who may not create (403)."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._tokens: list[ApiToken] = []
        self.add(ApiToken(token=TOKEN, user="admin"))
        self.add(ApiToken(token=READER_TOKEN, user="reader", may_write=False))

    def add(self, token: ApiToken) -> None:
        """Make a token, in place of one with the same text."""
        self.revoke(token.token)
        self._tokens.append(token)

    def revoke(self, text: str) -> bool:
        """End a token; False if there is none."""
        before = len(self._tokens)
        self._tokens = [token for token in self._tokens if token.token != text]
        return len(self._tokens) < before

    def revoke_all(self) -> None:
        """End every token."""
        self._tokens = []

    def of_call(self, call: Call, switches: CrmSwitches) -> ApiToken | None:
        """Return the live token that a call carries in one of the accepted headers."""
        scheme, _, text = call.header(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not switches.accept_bearer:
            text = call.header(b"x-auth-token") if switches.accept_x_auth_token else ""
        now = self._clock.now()
        for token in self._tokens:
            if hmac.compare_digest(token.token.encode(), text.strip().encode()):
                return token if token.ends_at is None or token.ends_at > now else None
        return None
