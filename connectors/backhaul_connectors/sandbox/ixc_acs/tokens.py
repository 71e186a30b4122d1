"""Issues access tokens, and knows whose they are."""

from __future__ import annotations

import hmac
import json
import secrets
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.face import Answer, Call, json_answer
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches
from backhaul_connectors.sandbox.state import ACS_CLIENT_ID, ACS_CLIENT_SECRET

__all__ = ["ClientType", "TokenDesk"]

ClientType = Literal["generic", "erp"]
"""The two API clients of the sandbox (ixc_acs.md section 2)."""


class _Grant(NamedTuple):
    client: ClientType
    expiry: float


class TokenDesk:
    """Live tokens with their expiry. Renewing does not end older tokens (assumed)."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._grants: dict[str, _Grant] = {}

    def issue(self, call: Call, switches: AcsSwitches) -> Answer:
        """Answer the generic client's ``POST /token/oauth``, with a form or a JSON body (ixc_acs.md section 5).

        Credentials are compared as they come: a stray blank makes them wrong (question 2 of section 8).
        """
        fields = _fields(call)
        right = hmac.compare_digest(fields.get("client_id", "").encode(), ACS_CLIENT_ID.encode())
        right &= hmac.compare_digest(fields.get("client_secret", "").encode(), ACS_CLIENT_SECRET.encode())
        if not right:
            answer = json_answer({"message": "Invalid client credentials"}, 401)
            answer.key = "token"
            return answer
        now = self._clock.now()
        token = self.new_token("generic", switches.token_life_s)
        body: dict[str, object] = {"access_token": token}
        if switches.token_answer in ("both", "expires_in"):
            body["expires_in"] = switches.token_life_s
        if switches.token_answer in ("both", "expires_at"):
            body["expires_at"] = self._clock.iso(now + switches.token_life_s)
        answer = json_answer(body)
        answer.key = "token"
        return answer

    def new_token(self, client: ClientType, life_s: float) -> str:
        """Return a token of a client that lives this long."""
        now = self._clock.now()
        self._grants = {token: grant for token, grant in self._grants.items() if grant.expiry > now}
        token = secrets.token_urlsafe(32)
        self._grants[token] = _Grant(client, now + life_s)
        return token

    def client_of(self, call: Call) -> ClientType | None:
        """Return whose live token the call carries; None: it carries none."""
        scheme, _, token = call.header(b"authorization").partition(" ")
        grant = self._grants.get(token)
        if scheme.lower() != "bearer" or grant is None or grant.expiry <= self._clock.now():
            return None
        return grant.client

    def expire_all(self) -> None:
        """Make every token invalid now."""
        self._grants.clear()


def _fields(call: Call) -> dict[str, str]:
    """Return the text fields of a form or JSON body; anything else is empty."""
    if "json" in call.header(b"content-type"):
        try:
            body = json.loads(call.body)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(body, dict):
            return {}
        return {key: value for key, value in body.items() if isinstance(value, str)}
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
