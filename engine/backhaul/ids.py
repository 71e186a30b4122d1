"""Identifiers that sort by the time of their making."""

from __future__ import annotations

import os
import time

__all__ = ["new_id"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(*, time_ms: int | None = None) -> str:
    """Return 20 characters of lower-case base32: 9 for the millisecond, 11 of randomness (55 bits)."""
    moment = time.time_ns() // 1_000_000 if time_ms is None else time_ms
    value = ((moment & ((1 << 45) - 1)) << 55) | (int.from_bytes(os.urandom(7), "big") >> 1)
    characters = []
    for _ in range(20):
        characters.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(characters))
