"""Identifiers that sort by the time of their making."""

from __future__ import annotations

import os
import time

__all__ = ["new_id"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
# Asking the system for randomness gives the interpreter away to other threads, so it is asked for many ids at once.
_STOCK = 512
_stock: list[bytes] = []
# A forked process would go on with the same randomness.
os.register_at_fork(after_in_child=_stock.clear)


def new_id(*, time_ms: int | None = None) -> str:
    """Return 20 characters of lower-case base32: 9 for the millisecond, 11 of randomness (55 bits)."""
    moment = time.time_ns() // 1_000_000 if time_ms is None else time_ms
    value = ((moment & ((1 << 45) - 1)) << 55) | (int.from_bytes(_randomness(), "big") >> 1)
    # Ten bits are two characters.
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(90, -1, -10)])


def _randomness() -> bytes:
    """Return 7 bytes that nobody else gets, in whichever thread."""
    while True:
        try:
            return _stock.pop()
        except IndexError:
            many = os.urandom(7 * _STOCK)
            _stock.extend(many[start : start + 7] for start in range(0, len(many), 7))
