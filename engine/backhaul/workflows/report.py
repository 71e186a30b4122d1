"""Collecting problems while a file is read."""

from __future__ import annotations

from collections.abc import Iterable

from backhaul.problems import Place, Problem, nearest

__all__ = ["Report"]


class Report:
    """The problems of one file."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = list(problems)

    def add(self, place: Place, code: str, message: str, *, near: str = "", known: Iterable[str] = ()) -> None:
        """Add a problem; the name of `known` most like `near` is suggested."""
        suggestion = nearest(near, known) if near else ""
        self.problems.append(Problem(place, code, message, suggestion))
