"""Serial numbers: one comparable form for the ways in which systems write the same one."""

from __future__ import annotations

import re

__all__ = ["serial_forms", "serial_key"]

# ITU-T G.984.3: four letters of the maker, four bytes of the maker's own number.
_GPON = re.compile(r"[A-Z]{4}[0-9A-F]{8}")
_SEPARATORS = re.compile(r"[\s:._-]+")


def serial_key(text: str) -> str:
    """Return the form in which two spellings of one serial number are equal.

    Upper case, without separators, the maker's prefix as letters: ``ACME00A1B2C3``, ``acme-00a1b2c3`` and
    ``41434D4500A1B2C3`` have the same key. Source: ixc_acs reference, trap 10.
    """
    if not text.isascii():
        return text.strip()
    key = _SEPARATORS.sub("", text).upper() or text.strip()
    if not re.fullmatch(r"[0-9A-F]{16}", key):
        return key
    prefix = bytes.fromhex(key[:8]).decode("latin-1").upper()
    plain = f"{prefix}{key[8:]}"
    return plain if _GPON.fullmatch(plain) else key


def serial_forms(text: str) -> tuple[str, ...]:
    """Return the spellings under which to look for a serial number, the given one first."""
    key = serial_key(text)
    forms = [text, key, key.lower() if key.isascii() else key]
    if _GPON.fullmatch(key):
        hexadecimal = key[:4].encode().hex().upper() + key[4:]
        forms += [f"{key[:4]}-{key[4:]}", f"{key[:4]}:{key[4:]}", hexadecimal, hexadecimal.lower()]
    return tuple(dict.fromkeys(forms))
