"""Reads the JSON bodies of commands."""

from __future__ import annotations

import json

__all__ = ["json_body"]


def json_body(body: bytes) -> object:
    """Return what a body says, or None if it cannot be said again: no JSON, NaN, half a character, nested too deep."""
    try:
        value: object = json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value
