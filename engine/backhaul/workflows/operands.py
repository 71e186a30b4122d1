"""Operands of filters and operators: the kinds that they accept and the sizes that they may have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from backhaul.json_values import Json
from backhaul.workflows.datasets import Dataset, text_of
from backhaul.workflows.missing import Missing, kind_of
from backhaul.workflows.unknown import Unknown

__all__ = [
    "MAX_BITS",
    "MAX_ITEMS",
    "MAX_TEXT",
    "bounded_text",
    "checked_number",
    "items_of",
    "joined",
    "length",
    "mapping_of",
    "number_of",
    "present",
    "read",
    "text_from",
    "whole_number",
]

MAX_TEXT = 10_000_000
"""Characters of a text that an expression may make."""
MAX_ITEMS = 1_000_000
"""Items of a list that an expression may make."""
MAX_BITS = 1024
"""Bits of a whole number that an expression may make."""


def present(value: Json) -> Json:
    """Return the value, or fail when it is missing."""
    if isinstance(value, Missing):
        value.fail()
    return value


def text_from(value: Json) -> str:
    """Return a text, or fail when the value is none."""
    if not isinstance(value, str):
        raise ValueError(f"a text is needed, not {kind_of(present(value))}")
    return value


def number_of(value: Json) -> int | float:
    """Return a number (booleans are none), or fail."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number is needed, not {kind_of(present(value))}")
    return value


def whole_number(value: Json, *, least: int, most: int) -> int:
    """Return a whole number within bounds, or fail."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"a whole number is needed, not {kind_of(present(value))}")
    if not least <= value <= most:
        raise ValueError(f"a number from {least} to {most} is needed, not {value}")
    return value


def checked_number(value: int | float) -> int | float:
    """Return the number, or fail when it is too large to be one in JSON."""
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ValueError("the number becomes too large")
    elif not math.isfinite(value):
        raise ValueError("the number becomes too large")
    return value


def items_of(value: Json) -> list[Any]:
    """Return the items of a list or of a dataset, or fail."""
    if isinstance(value, list):
        return value
    if isinstance(value, Dataset):
        return value.items()
    if isinstance(value, tuple):
        return list(value)
    raise ValueError(f"a list is needed, not {kind_of(present(value))}")


def length(value: Json) -> int:
    """Return the number of items, keys, characters or records."""
    if isinstance(value, Dataset):
        return value.count
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise ValueError(f"{kind_of(present(value))} has no length")


def mapping_of(value: Json) -> Mapping[str, Any]:
    """Return a mapping, or fail."""
    if not isinstance(value, Mapping):
        raise ValueError(f"a mapping is needed, not {kind_of(present(value))}")
    return value


def read(value: Json, path: str) -> Json:
    """Return what a mapping holds under `path`: the key itself, or else its dotted parts; maybe `Missing`."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for part in text_from(path).split("."):
        if isinstance(value, Missing | Unknown):
            return value
        if not isinstance(value, Mapping) or part not in value:
            return Missing(obj=value, name=part)
        value = value[part]
    return value


def bounded_text(value: str) -> str:
    """Return the text, or fail when it is too long."""
    if len(value) > MAX_TEXT:
        raise ValueError(f"the text becomes longer than {MAX_TEXT} characters")
    return value


def joined(values: Iterable[Json], separator: str = "") -> str:
    """Return the texts of the values in one, or fail when it becomes too long."""
    parts: list[str] = []
    length = 0
    for value in values:
        part = text_of(present(value))
        length += len(part) + len(separator)
        if length - len(separator) > MAX_TEXT:
            raise ValueError(f"the text becomes longer than {MAX_TEXT} characters")
        parts.append(part)
    return separator.join(parts)
