"""Paths into JSON values: ``data.items``, ``rows.0.id``, ``odata\\.count``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from backhaul.sdk import Json

__all__ = ["MissingError", "ValuePath", "extract", "found"]

_PART = re.compile(r"(?:[^.\\]|\\.)+")
_INDEX = re.compile(r"-?[0-9]{1,9}")


class MissingError(Exception):
    """A value has nothing at a path; the text says what there is instead, names only."""


def extract(value: Json, path: str) -> Json:
    r"""Return what a JSON value has at a path; the empty path is the value itself.

    Names are joined by dots. A part of digits is a place in a list, from 0, and from -1 at its end; in an object it is
    a name. A dot or backslash in a name is written ``\.`` and ``\\``.

    Raises:
        MissingError: there is nothing at the path.
    """
    seen = ""
    for part in _parts(path):
        value = _step(value, part, seen)
        seen = f"{seen}.{part}" if seen else part
    return value


def found(value: Json, path: str) -> Json:
    """Return what `extract` returns, or None when there is nothing."""
    try:
        return extract(value, path)
    except MissingError:
        return None


def _checked(path: str) -> str:
    if path and not re.fullmatch(rf"{_PART.pattern}(?:\.{_PART.pattern})*", path):
        raise ValueError(r"is not a path such as data.items (a dot in a name is written \.)")
    return path


ValuePath = Annotated[str, AfterValidator(_checked)]


def _parts(path: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", part) for part in _PART.findall(path)]


def _step(value: Json, part: str, seen: str) -> Json:
    where = f"at {seen!r}" if seen else "in the answer"
    match value:
        case dict():
            if part in value:
                return value[part]
            names = ", ".join(sorted(map(str, value))[:12])
            raise MissingError(f"there is no {part!r} {where} (there is: {names or 'nothing'})")
        case list():
            if _INDEX.fullmatch(part) and -len(value) <= int(part) < len(value):
                return value[int(part)]
            raise MissingError(f"there is no {part!r} {where}: it is a list of {len(value)}")
        case _:
            raise MissingError(f"there is no {part!r} {where}: it is no object and no list")
