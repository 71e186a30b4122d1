"""JSON values: their type, their text, their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic_core import from_json, to_json

from backhaul.errors import BackhaulError

__all__ = ["Json", "JsonObject", "digest", "dump", "load", "sorted_text"]

# What json.loads returns. Recursion buys nothing at this edge but casts everywhere else.
Json: TypeAlias = Any
JsonObject: TypeAlias = Mapping[str, Any]


def dump(value: Json) -> str:
    """Return the compact JSON text of a value; models, dates and enums become their JSON form.

    An object with a method ``to_json()`` is written as what that returns.

    Raises:
        BackhaulError: the value has no JSON form.
    """
    try:
        return to_json(value, inf_nan_mode="null", fallback=_own_form).decode()
    except (ValueError, TypeError) as error:
        raise BackhaulError(f"a value of type {type(value).__name__} has no JSON form: {error}") from None


def load(text: str | bytes) -> Json:
    """Return the value of a JSON text (as written by `dump`; `ValueError` when it is broken)."""
    return from_json(text)


def digest(value: Json, *, length: int = 16) -> str:
    """Return hex digits that are equal for equal values, whatever the order of their keys."""
    return hashlib.blake2b(sorted_text(value).encode(), digest_size=length // 2).hexdigest()


def sorted_text(value: Json) -> str:
    """Return the compact JSON text of a value, as `dump` does, with the keys of all objects in order."""
    return to_json(_sorted(value), inf_nan_mode="null", fallback=_own_form).decode()


def _own_form(value: object) -> Json:
    method = getattr(value, "to_json", None)
    if method is None:
        raise ValueError(f"not a JSON value: {type(value).__name__}")
    return method()


def _sorted(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _sorted(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value
