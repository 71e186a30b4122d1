"""Cursors of listings: the sort key of the last row, as a text."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from backhaul.errors import InputError
from backhaul.json_values import Json, load
from backhaul.store.columns import from_microseconds, to_microseconds

__all__ = ["cursor_of", "read_cursor"]


def cursor_of(moment: datetime, *keys: str) -> str:
    """Return the cursor that stands after a row with this time and these keys."""
    text = json.dumps([to_microseconds(moment), *keys], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, length: int) -> tuple[Any, ...]:
    """Return the time and the keys of a cursor.

    Args:
        length: how many values it has, the time included.

    Raises:
        InputError: it is not one that `cursor_of` gave.
    """
    try:
        moment, *keys = load(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if type(moment) is int and len(keys) == length - 1 and all(map(_is_key, keys)):
            return (from_microseconds(moment), *keys)
    except (ValueError, TypeError, OverflowError):
        pass
    raise InputError(f"cursor {cursor!r}", ["it is not one that a listing gave"])


def _is_key(value: Json) -> bool:
    # PostgreSQL's texts cannot hold the character 0.
    return isinstance(value, str) and "\0" not in value
