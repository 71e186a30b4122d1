"""Tokens of the HTTP API as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from backhaul.views.moments import iso

if TYPE_CHECKING:
    from backhaul.store.service_records import TokenRecord

__all__ = ["NewTokenView", "TokenView", "token_view"]


class TokenView(TypedDict):
    """A token, without the token itself; `status` is ``good``, ``revoked`` or ``expired``."""

    token_id: str
    name: str
    role: str
    status: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class NewTokenView(TokenView):
    """A token that was just made, with the token itself: it cannot be had again."""

    token: str


def token_view(token: TokenRecord, now: datetime) -> TokenView:
    """Return the JSON form of a token, as it stands at a moment."""
    over = token.expires_at is not None and token.expires_at <= now
    return {
        "token_id": token.token_id,
        "name": token.name,
        "role": token.role.value,
        "status": "revoked" if token.revoked_at is not None else "expired" if over else "good",
        "created_at": iso(token.created_at),
        "expires_at": iso(token.expires_at),
        "last_used_at": iso(token.last_used_at),
        "revoked_at": iso(token.revoked_at),
    }
