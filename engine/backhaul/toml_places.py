"""Finds the line of each key of a TOML text, which `tomllib` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

__all__ = ["TomlPlaces"]

_HEADER = re.compile(r"\s*\[\[?(?P<key>[^\[\]]+|(?:[^\[\]\"']|\"[^\"]*\"|'[^']*')+)\]\]?\s*(?:#.*)?$")
_STATEMENT = re.compile(r"\s*(?P<key>(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_\-.\s])+?)\s*=(?P<value>.*)$")
# A value over more lines than this is no setting of ours; searching its end takes quadratic time.
_LONGEST_VALUE = 400


class TomlPlaces:
    """Line numbers of the keys of one TOML text, which must be valid."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        lines = text.splitlines()
        table: tuple[str, ...] = ()
        at = 0
        while at < len(lines):
            used = 1
            if header := _HEADER.match(lines[at]):
                table = _parts(header["key"])
                self._lines.setdefault(table, at + 1)
            elif statement := _STATEMENT.match(lines[at]):
                key = (*table, *_parts(statement["key"]))
                for length in range(len(table) + 1, len(key) + 1):
                    self._lines.setdefault(key[:length], at + 1)
                used = _height(statement["value"], lines[at + 1 : at + _LONGEST_VALUE])
            at += used

    def line(self, *key: str) -> int:
        """Return the line of a dotted key, counted from 1; of the nearest table around it when it is not there."""
        return next((self._lines[part] for part in _outwards(key) if part in self._lines), 1)

    def below(self, *key: str) -> Mapping[str, int]:
        """Return the lines of everything below a key, by its dotted name within it."""
        length = len(key)
        return {
            ".".join(one[length:]): line for one, line in self._lines.items() if one[:length] == key and one[length:]
        }


def _outwards(key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for length in range(len(key), 0, -1):
        yield key[:length]


def _parts(key: str) -> tuple[str, ...]:
    """Return the parts of a dotted key, as TOML itself reads it."""
    try:
        found = tomllib.loads(f"{key.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return (key.strip(),)
    parts = []
    while isinstance(found, dict):
        name = next(iter(found))
        parts.append(name)
        found = found[name]
    return tuple(parts)


def _height(first: str, following: list[str]) -> int:
    """Return the number of lines of a value: as many as make it whole."""
    value = first
    for height, line in enumerate([*following, ""], start=1):
        try:
            tomllib.loads(f"x ={value}")
        except tomllib.TOMLDecodeError:
            value = f"{value}\n{line}"
        else:
            return height
    return 1
