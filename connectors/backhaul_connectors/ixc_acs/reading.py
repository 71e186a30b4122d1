"""Reading values out of answers whose shape is not promised."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import StringConstraints

from backhaul.sdk import Json

__all__ = [
    "Serial",
    "at_path",
    "decimal",
    "is_secret_name",
    "leaves",
    "mapping",
    "name_key",
    "text",
    "without_secrets",
]

Serial = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]

_SECRET = re.compile(r"pass|senha|secret|token|psk|presharedkey|keyphrase|wepkey|authorization", re.IGNORECASE)
_DEEPEST = 20


def mapping(value: Json) -> Mapping[str, Json]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(value: Json) -> str | None:
    """Return a text without blanks at its ends, None for an empty one; a whole number becomes its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**30 else None
    return value.strip() or None if isinstance(value, str) else None


def at_path(value: Json, path: str) -> Json:
    """Return what a path such as ``device.serialNumber`` leads to in an object, or None."""
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def name_key(name: str) -> str:
    """Return a field's name without regard to case and separators: ``TestBytesReceived``, ``test_bytes_received``."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def leaves(value: Json, depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Yield the `name_key` and value of every plain field in a tree of objects, the outer ones first.

    Plain is what is neither an object nor a list of objects.
    """
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    for name, inner in value.items():
        if isinstance(inner, list) and any(isinstance(entry, Mapping) for entry in inner):
            continue
        if not isinstance(inner, Mapping):
            yield name_key(str(name)), inner
    for inner in value.values():
        yield from leaves(inner, depth + 1)


def decimal(value: Json) -> float | None:
    """Return a number from a number or a text such as ``"-19,4"`` or ``"-19.4 dBm"``; None when it is neither."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*(?:dBm)?\s*", value, re.IGNORECASE)
        return float(found[1].replace(",", ".")) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        level = float(value)
    except OverflowError:
        return None
    return level if math.isfinite(level) else None


def is_secret_name(name: str) -> bool:
    """Tell whether a field's name speaks of a password or a key."""
    return _SECRET.search(name_key(name)) is not None


def without_secrets(value: Json, depth: int = 0) -> Json:
    """Return a value without the fields whose name speaks of a password; what lies too deep is cut off."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {
            str(name): without_secrets(inner, depth + 1)
            for name, inner in value.items()
            if not is_secret_name(str(name))
        }
    if isinstance(value, list):
        return [without_secrets(inner, depth + 1) for inner in value]
    return value
