"""Writes and reads the tokens of the HTTP API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from backhaul.store.columns import to_microseconds
from backhaul.store.database import Queries
from backhaul.store.service_records import TokenRecord
from backhaul.store.service_rows import token_record, token_values
from backhaul.store.tables import TOKENS
from backhaul.store.tickets import Ticket

__all__ = ["TokenQueries"]


class TokenQueries(Queries):
    """Tokens."""

    def put_token(self, record: TokenRecord) -> Ticket:
        """Write a token; an existing one with its id is replaced."""
        return self._append((self._statements.put_token, token_values(record)))

    def use_token(self, token_id: str, at: datetime) -> Ticket:
        """Note when a token was last used."""
        return self._append((self._statements.use_token, (to_microseconds(at), token_id)))

    async def tokens(self) -> list[TokenRecord]:
        """Return all tokens, those that are revoked or over included, oldest first."""
        query = select(TOKENS).order_by(TOKENS.c.created_at, TOKENS.c.token_id)
        return [token_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def token_by_hash(self, digest: str) -> TokenRecord | None:
        """Return the token with this SHA-256 (hex), or None."""
        row = await self._read(lambda db: db.execute(select(TOKENS).where(TOKENS.c.hash == digest)).first())
        return None if row is None else token_record(row)
