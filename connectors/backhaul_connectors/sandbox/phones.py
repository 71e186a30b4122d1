"""Invented telephone numbers: two per subscriber, computed from an index and back."""

from __future__ import annotations

from functools import lru_cache

from backhaul_connectors.sandbox.derive import Affine

__all__ = ["fixed_line", "international", "mobile", "subscriber_of"]

_COUNTRY, _AREA = "55", "11"
_MOBILE, _FIXED = "90", "2"
"""What the national numbers start with: seven digits follow. Brazil assigns no mobile numbers that start with 90."""
_PLACES = 9_999_991
"""The largest prime below ten million: enough for every index that ``WorldOptions`` allows but the last nine."""


@lru_cache(maxsize=8)
def _order(seed: int) -> Affine:
    return Affine(seed ^ 0x7E1E_F0E5, _PLACES - 1)


def mobile(seed: int, index: int) -> str:
    """Return a subscriber's mobile number as the ERP writes it: ``(11) 90012-3456``."""
    return _written(_MOBILE, seed, index)


def fixed_line(seed: int, index: int) -> str:
    """Return a subscriber's fixed line, the one that the phone systems know: ``(11) 2012-3456``."""
    return _written(_FIXED, seed, index)


def international(written: str) -> str:
    """Return a number as E.164 digits without ``+``; national numbers get the ISP's country."""
    digits = "".join(c for c in written if c.isascii() and c.isdigit())
    return digits if digits.startswith(_COUNTRY) and len(digits) > 11 else _COUNTRY + digits


def subscriber_of(seed: int, number: str) -> int | None:
    """Return the index whose mobile number or fixed line this may be, written in any way; None for a foreign one."""
    rest = international(number).removeprefix(_COUNTRY)
    for prefix in (_MOBILE, _FIXED):
        tail = rest.removeprefix(_AREA + prefix)
        if len(tail) == 7 and len(rest) == len(_AREA + prefix) + 7:
            return _order(seed).back(int(tail)) if int(tail) < _PLACES else None
    return None


def _written(prefix: str, seed: int, index: int) -> str:
    tail = f"{prefix}{_order(seed).forward(index % _PLACES):07d}"
    return f"({_AREA}) {tail[:-4]}-{tail[-4:]}"
