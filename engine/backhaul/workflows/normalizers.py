"""Normalisers: what makes two spellings of one key or value the same text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from backhaul.json_values import Json, load, sorted_text
from backhaul.workflows.datasets import text_of

__all__ = ["NORMALIZERS", "Normalize", "key_text", "normalize_with", "regions", "value_text"]

Normalize: TypeAlias = Callable[[str], str]

# ITU-T G.984.3: four letters of the maker, four bytes of the maker's own number.
_GPON = re.compile(r"[A-Z]{4}[0-9A-F]{8}")
_HEX_GPON = re.compile(r"[0-9A-F]{16}")
_SEPARATORS = re.compile(r"[\s:._-]+")
_DECIMAL = re.compile(r"([+-]?)0*([0-9]+)(?:\.([0-9]*?)0*)?")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ().\-/\u00a0]{0,40}")


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


def _serial(text: str) -> str:
    """Return one spelling of a serial number: upper case, without separators, the GPON maker's prefix as letters.

    ``ACME00A1B2C3``, ``acme-00a1b2c3`` and ``41434D4500A1B2C3`` are one device.
    """
    if not text.isascii():
        return text.strip()
    plain = _SEPARATORS.sub("", text).upper() or text.strip()
    if not _HEX_GPON.fullmatch(plain):
        return plain
    lettered = bytes.fromhex(plain[:8]).decode("latin-1").upper() + plain[8:]
    return lettered if _GPON.fullmatch(lettered) else plain


def _number(text: str) -> str:
    """Return one spelling of a decimal number: ``36``, ``36.00`` and ``+036`` are one; what is none is only trimmed."""
    found = _DECIMAL.fullmatch(text.strip())
    if found is None:
        return text.strip()
    sign, whole, part = found.groups()
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if sign == "-" and number != "0" else number


def _e164(region: str) -> Normalize:
    """Return what writes telephone numbers as E.164 with ``+``; what is no possible number stays as it is, trimmed."""
    import phonenumbers  # its tables are large, and few workflows need them

    def normalize(text: str) -> str:
        plain = text.strip().removeprefix("tel:").strip()
        if not _TELEPHONE.fullmatch(plain):
            return plain
        dialled = f"+{plain[2:]}" if plain.startswith("00") else plain
        try:
            number = phonenumbers.parse(dialled, region or None)
        except phonenumbers.NumberParseException:
            return plain
        if not phonenumbers.is_possible_number(number):
            return plain
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return normalize


NORMALIZERS: Mapping[str, Callable[[str], Normalize]] = {
    "trim": lambda _: str.strip,
    "lower": lambda _: str.lower,
    "upper": lambda _: str.upper,
    "digits": lambda _: _digits,
    "number": lambda _: _number,
    "serial": lambda _: _serial,
    "e164": _e164,
}
"""What makes a normaliser, by name; its argument is the region of ``{e164: BR}``, else an empty text."""


def normalize_with(names: Iterable[tuple[str, str]]) -> Normalize:
    """Return the normalisers of these names and arguments as one, the first one first."""
    functions = [NORMALIZERS[name](argument) for name, argument in names]
    if len(functions) == 1:
        return functions[0]

    def normalize(text: str) -> str:
        for function in functions:
            text = function(text)
        return text

    return normalize


def regions() -> frozenset[str]:
    """Return the two letters of every country whose national numbers ``e164`` understands."""
    import phonenumbers  # as above

    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def key_text(value: Json, normalize: Normalize) -> str | None:
    """Return the normalised text of a key; None when there is none: null, empty, a list or a mapping.

    Numbers that are equal have one text: 36.0 is the key ``36``.
    """
    if isinstance(value, str):
        text = normalize(value)
    elif isinstance(value, int | float):
        text = normalize(text_of(_whole(value)))
    else:
        return None
    return text if text and not text.isspace() else None


def value_text(value: Json, normalize: Normalize) -> str:
    """Return the normalised text by which two values are compared.

    Equal numbers have one text: 36.0 is ``36``. Null, nothing and what is no number (NaN) are the empty text. The keys
    of a mapping have no order.
    """
    if isinstance(value, str):
        return normalize(value)
    if isinstance(value, Mapping | list):
        return normalize(sorted_text(_whole(load(text_of(value)))))
    return normalize(text_of(_whole(value)))


def _whole(value: Json) -> Json:
    """Return a value with whole numbers as integers, so that equal numbers have one text; what is none is null."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
    return value
