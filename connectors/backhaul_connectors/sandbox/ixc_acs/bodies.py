"""Reads the JSON bodies of commands."""

from __future__ import annotations

import json

__all__ = ["DEEPEST", "is_flat", "json_body"]

DEEPEST = 50
"""Levels of lists and objects within each other that are taken; more cannot be said again at every place."""


def json_body(body: bytes) -> object:
    """Return what a body says, or None if it cannot be said again: no JSON, NaN, half a character, nested too deep."""
    try:
        value: object = json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if is_flat(value) else None


def is_flat(value: object, levels: int = DEEPEST) -> bool:
    """Tell whether a value has at most so many levels of lists and objects."""
    if not isinstance(value, list | dict):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_flat(one, levels - 1) for one in inner)
