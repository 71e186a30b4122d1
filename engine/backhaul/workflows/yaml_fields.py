"""Reading the keys of one mapping of a workflow file, each with its type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backhaul.errors import ExpressionError
from backhaul.json_values import Json
from backhaul.problems import Place
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.expressions import Expression, compile_expression
from backhaul.workflows.missing import kind_of
from backhaul.workflows.report import Report
from backhaul.workflows.scopes import Scope
from backhaul.workflows.templates import OPENING, Template, split_text
from backhaul.workflows.yaml_reader import ListNode, MapNode, Node

__all__ = ["NAME", "STEP_ID", "Fields", "read_expression", "read_template"]

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
"""Form of a workflow's name."""
STEP_ID = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
"""Form of a step's id, and of an input's name."""

_MENDED = "${{ none }}"
"""Stands for an expression that has a problem, so that the rest of the file can be checked."""


class Fields:
    """The entries of a mapping. Keys that are not in `known` are reported at once.

    Every reading method reports a value of the wrong kind and then returns what it returns for an absent key.
    """

    def __init__(self, node: MapNode, known: Iterable[str], report: Report, what: str) -> None:
        self.node = node
        self.report = report
        self.what = what
        self._known = tuple(known)
        for entry in node.entries:
            if entry.key not in self._known:
                message = f"{what} has no key {entry.key!r}"
                report.add(entry.place, "unknown-key", message, near=entry.key, known=self._known)

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        return self.get(key) is not None

    def get(self, key: str) -> Node | None:
        """Return the value of a key as a node, or None."""
        return self.node.get(key)

    def place(self, key: str) -> Place:
        """Return where the value of a key stands, or the mapping."""
        node = self.get(key)
        return node.place if node is not None else self.node.place

    def wrong(self, key: str, message: str, *, code: str = "bad-value") -> None:
        """Report what is wrong with the value of a key."""
        self.report.add(self.place(key), code, f"{key}: {message}")

    def text(self, key: str, *, required: bool = False) -> str:
        """Return a text; empty when there is none."""
        node = self.get(key)
        if node is None:
            if required:
                self.report.add(self.node.place, "missing-key", f"{self.what} needs the key {key!r}")
            return ""
        value = node.plain()
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.wrong(key, f"a text is needed, not {kind_of(value) if value != '' else 'an empty one'}")
        return ""

    def choice(self, key: str, options: Iterable[str], default: str) -> str:
        """Return one of several words."""
        node = self.get(key)
        if node is None:
            return default
        value = node.plain()
        words = list(options)
        if value in words:
            return str(value)
        message = f"{key}: {value!r} is not one of {', '.join(words)}"
        self.report.add(node.place, "bad-value", message, near=str(value), known=words)
        return default

    def integer(self, key: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self._plain(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.wrong(key, f"a whole number from {least} to {most} is needed, not {_shown(value)}")
        return default

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Return a number within bounds."""
        value = self._plain(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        self.wrong(key, f"a number from {least:g} to {most:g} is needed, not {_shown(value)}")
        return default

    def flag(self, key: str) -> bool | None:
        """Return a boolean, or None."""
        value = self._plain(key, None)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(key, f"true or false is needed, not {_shown(value)}")
        return None

    def duration(self, key: str, *, zero: bool = True) -> float | None:
        """Return the seconds of a duration, or None."""
        node = self.get(key)
        if node is None:
            return None
        try:
            seconds = parse_duration(node.plain())
        except ValueError as error:
            self.wrong(key, str(error), code="bad-duration")
            return None
        if seconds == 0 and not zero:
            self.wrong(key, "longer than nothing is needed", code="bad-duration")
            return None
        return seconds

    def mapping(self, key: str) -> MapNode | None:
        """Return a mapping as a node, or None."""
        node = self.get(key)
        if node is None or isinstance(node, MapNode):
            return node
        self.wrong(key, f"a mapping is needed, not {_shown(node.plain())}")
        return None

    def list(self, key: str) -> ListNode | None:
        """Return a list as a node, or None."""
        node = self.get(key)
        if node is None or isinstance(node, ListNode):
            return node
        self.wrong(key, f"a list is needed, not {_shown(node.plain())}")
        return None

    def template(self, key: str, scope: Scope) -> Template | None:
        """Return a template, or None; its expressions are checked against the scope."""
        node = self.get(key)
        return None if node is None else read_template(node, scope)

    def expression(self, key: str, scope: Scope) -> Expression | None:
        """Return the expression of a text that is nothing but ``${{ ... }}``, or None."""
        node = self.get(key)
        return None if node is None else read_expression(node, key, scope)

    def _plain(self, key: str, default: Json) -> Json:
        node = self.get(key)
        return default if node is None else node.plain()


def read_template(node: Node, scope: Scope) -> Template:
    """Return a located value as a template; expressions that cannot be used are reported and give null."""
    return Template(_mended(node, scope))


def read_expression(node: Node, key: str, scope: Scope) -> Expression | None:
    """Return the only expression of a text, or None; what is wrong with it is reported."""
    value = node.plain()
    if not isinstance(value, str) or not value.strip().startswith(OPENING):
        message = f"{key}: an expression is needed: ${{{{ {value if isinstance(value, str) else '...'} }}}}"
        scope.report.add(node.place, "bad-value", message)
        return None
    try:
        parts = list(split_text(value.strip()))
    except ExpressionError as error:
        scope.report.add(node.place, error.code, str(error))
        return compile_expression("none")
    if len(parts) != 1 or not isinstance(parts[0], Expression):
        scope.report.add(node.place, "bad-value", f"{key}: one expression is needed, without text around it")
        return None
    scope.check(parts[0], node.place)
    return parts[0]


def _mended(node: Node, scope: Scope) -> Json:
    match node:
        case ListNode():
            return [_mended(item, scope) for item in node.items]
        case MapNode():
            for entry in node.entries:
                if OPENING in entry.key:
                    scope.report.add(entry.place, "bad-value", f"a key cannot hold an expression: {entry.key!r}")
            return {entry.key: _mended(entry.value, scope) for entry in node.entries}
    if not isinstance(node.value, str) or OPENING not in node.value:
        return node.value
    try:
        parts = list(split_text(node.value))
    except ExpressionError as error:
        scope.report.add(node.place, error.code, str(error))
        return _MENDED
    for part in parts:
        if isinstance(part, Expression):
            scope.check(part, node.place)
    return node.value


def _shown(value: Json) -> str:
    return repr(value) if isinstance(value, str | int | float) and len(str(value)) < 60 else kind_of(value)
