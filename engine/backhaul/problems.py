"""Problems found in files: where, what, and the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Place", "Problem", "nearest"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file.

    Attributes:
        place: where.
        code: stable name of the kind of problem, such as ``unknown-action``.
        message: what is wrong, with the value.
        suggestion: the nearest right name, or empty.
    """

    place: Place
    code: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{self.place}: {self.code} {self.message}{hint}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like `name`, or an empty text when none is close."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), "")
