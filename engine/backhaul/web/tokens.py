"""Tokens of the HTTP API: made, recognised, revoked."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.errors import InputError, UnknownNameError
from backhaul.ids import new_id
from backhaul.secrets import Secret
from backhaul.store.service_records import Role, TokenRecord

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store

__all__ = ["Tokens", "includes"]

_PREFIX = "bh_"
_BYTES = 32
_FORM = re.compile(r"bh_[A-Za-z0-9_-]{43}", re.ASCII)
_REMEMBERED_S = 5.0
_MOST_REMEMBERED = 1_000
_NOTED_EVERY = timedelta(minutes=1)
_RANKS: Mapping[Role, int] = {role: rank for rank, role in enumerate((Role.VIEWER, Role.OPERATOR, Role.ADMIN))}


def includes(held: Role, needed: Role) -> bool:
    """Return whether who holds a role may do what needs another one."""
    return _RANKS[held] >= _RANKS[needed]


class Tokens:
    """The tokens of a project.

    A token is 256 random bits, so nobody finds one by trying, and one round of SHA-256 is enough to keep it: slow
    hashes protect what people choose. It is looked up by that hash, so no two texts are compared.

    A token that was seen is remembered for 5 seconds: so long one that another process revoked is still good.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[str, tuple[TokenRecord, float]] = {}
        self._noted: dict[str, datetime] = {}

    async def create(self, name: str, role: Role, *, expires_in: timedelta | None = None) -> tuple[TokenRecord, Secret]:
        """Store a new token, and return its record and the token itself, which cannot be had again.

        Args:
            name: for people, 1 to 100 printable characters.
            role: what its holder may do.
            expires_in: how long it is good; None is for ever.

        Raises:
            InputError: the name is none, or the time is not positive or too long.
        """
        now = self._clock.now()
        token = Secret(_PREFIX + secrets.token_urlsafe(_BYTES))
        record = TokenRecord(
            token_id=new_id(),
            name=_checked_name(name),
            role=role,
            hash=_hash(token.reveal()),
            created_at=now,
            expires_at=None if expires_in is None else _end(now, expires_in),
        )
        await self._store.put_token(record).wait()
        return record, token

    async def revoke(self, token_id: str) -> TokenRecord:
        """Make a token good for nothing, and return it. Repeating it changes nothing.

        Raises:
            UnknownNameError: there is no such token.
        """
        tokens = {one.token_id: one for one in await self._store.tokens()}
        if token_id not in tokens:
            raise UnknownNameError("token", token_id)
        record = tokens[token_id]
        if record.revoked_at is None:
            record = replace(record, revoked_at=self._clock.now())
            await self._store.put_token(record).wait()
        self._remembered.pop(record.hash, None)
        return record

    async def recognise(self, text: str) -> TokenRecord | None:
        """Return the token that a text is, or None when it is none, was revoked or is over.

        Raises:
            StoreError: the store cannot be read.
        """
        if not _FORM.fullmatch(text):
            return None
        digest = _hash(text)
        record = await self._known(digest)
        now = self._clock.now()
        if record is None or record.revoked_at is not None:
            return None
        if record.expires_at is not None and record.expires_at <= now:
            return None
        self._note_use(record, now)
        return record

    async def _known(self, digest: str) -> TokenRecord | None:
        now = self._clock.monotonic()
        record, until = self._remembered.get(digest, (None, 0.0))
        if record is not None and now < until:
            return record
        record = await self._store.token_by_hash(digest)
        self._remembered.pop(digest, None)
        if record is not None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = record, now + _REMEMBERED_S
        return record

    def _note_use(self, record: TokenRecord, now: datetime) -> None:
        noted = self._noted.get(record.token_id, record.last_used_at)
        if noted is None or now - noted >= _NOTED_EVERY:
            self._noted[record.token_id] = now
            # Nobody waits for it: when it fails, the next use after a minute tries again.
            self._store.use_token(record.token_id, now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InputError("name", ["write 1 to 100 printable characters"])
    return name


def _end(now: datetime, expires_in: timedelta) -> datetime:
    if expires_in <= timedelta(0):
        raise InputError("expires", ["a token must be good for some time"])
    try:
        return now + expires_in
    except OverflowError:
        raise InputError("expires", ["that is too long: leave it out for a token without an end"]) from None
