"""YAML 1.2 text as a tree of values that know their places, with all problems at once."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import ComposerError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from backhaul.json_values import Json
from backhaul.problems import Place, Problem

__all__ = ["Entry", "ListNode", "MapNode", "Node", "TextNode", "decode", "read_yaml"]

MAX_BYTES = 1_000_000
"""Size of a file."""
MAX_VALUES = 50_000
"""Values in a file, aliases counted as often as they are used."""
MAX_DEPTH = 60
"""Levels inside of each other."""

MAX_DIGITS = 100
"""Digits of a whole number."""

_TAG = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)


@dataclass(frozen=True, slots=True)
class TextNode:
    """A scalar: text, number, boolean or null."""

    value: Json
    place: Place

    def plain(self) -> Json:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    place: Place

    def plain(self) -> Json:
        """Return the value without its places."""
        return [item.plain() for item in self.items]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `place` is the key's."""

    key: str
    value: Node
    place: Place


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping, in file order, without repeated keys."""

    entries: tuple[Entry, ...]
    place: Place

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def plain(self) -> Json:
        """Return the value without its places."""
        return {entry.key: entry.value.plain() for entry in self.entries}


Node: TypeAlias = TextNode | ListNode | MapNode


def decode(content: bytes, file: str) -> tuple[str, list[Problem]]:
    """Return the text of a file, with the problem that it is too large or not UTF-8."""
    if len(content) > MAX_BYTES:
        reason = f"the file has {len(content)} bytes; at most {MAX_BYTES} are read"
        return "", [Problem(Place(file, 1, 1), "too-large", reason)]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        column = len(before) - before.rfind("\n")
        place = Place(file, before.count("\n") + 1, column)
        reason = f"byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8"
        return "", [Problem(place, "not-utf8", reason)]


def read_yaml(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the located tree of one YAML document and its problems.

    The tree is None when the text is empty or cannot be parsed at all; what is wrong inside of it is left out.
    """
    if len(text) > MAX_BYTES:
        reason = f"the file has {len(text)} characters; at most {MAX_BYTES} are read"
        return None, [Problem(Place(file, 1, 1), "too-large", reason)]
    try:
        root = _compose(text)
    except MarkedYAMLError as error:
        return None, [_syntax_problem(error, text, file)]
    except ReaderError as error:
        before = text[: error.position]
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        return None, [Problem(place, "bad-character", f"the character U+{error.character:04X} cannot stand in YAML")]
    except RecursionError:
        return None, [Problem(Place(file, 1, 1), "too-deep", "the file has too many levels inside of each other")]
    except YAMLError as error:
        return None, [Problem(Place(file, 1, 1), "bad-yaml", str(error).partition("\n")[0])]
    if root is None:
        return None, [Problem(Place(file, 1, 1), "empty-file", "the file is empty")]
    reader = _Reader(file)
    return reader.node(root), reader.problems


def _compose(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        return yaml.compose(text)


def _syntax_problem(error: MarkedYAMLError, text: str, file: str) -> Problem:
    reason = str(error.problem or error.context or "not YAML").partition("\n")[0]
    unclosed = "end of stream" in reason or "<stream end>" in reason
    mark = (error.context_mark if unclosed else error.problem_mark) or error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
    line = text.split("\n")[mark.line] if mark and mark.line <= text.count("\n") else ""
    if isinstance(error, ComposerError) and "another document" in reason:
        return Problem(place, "several-documents", "one file holds one workflow: remove '---' and what follows")
    if "\\t" in reason or "\t" in reason:
        return Problem(place, "bad-yaml", "a tab stands where YAML wants blanks: indent with blanks")
    if "maximum depth" in reason:
        return Problem(place, "too-deep", f"more than {MAX_DEPTH} levels inside of each other")
    if "flow" in str(error.context) and "${{" in line:
        return Problem(place, "bad-yaml", 'inside { } and [ ] an expression stands in quotes: "${{ ... }}"')
    context = f"{error.context}: " if error.context and error.problem else ""
    return Problem(place, "bad-yaml", f"{context}{reason}")


class _TooLargeError(Exception):
    """The aliases of a file make more values than are read."""


class _Reader:
    """Makes located nodes of the composer's nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._count = 0
        self._open: set[int] = set()

    def node(self, root: Any) -> Node | None:
        try:
            return self._node(root)
        except _TooLargeError:
            reason = f"more than {MAX_VALUES} values, aliases counted as often as they are used"
            self.problems.append(Problem(self._place(root), "too-large", reason))
            return None

    def _place(self, node: Any) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _problem(self, node: Any, code: str, message: str) -> None:
        self.problems.append(Problem(self._place(node), code, message))

    def _node(self, node: Any) -> Node:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _TooLargeError
        place = self._place(node)
        if id(node) in self._open or len(self._open) > MAX_DEPTH:
            self._problem(node, "too-deep", "an alias stands for something that it is itself a part of")
            return TextNode(None, place)
        if isinstance(node, ScalarNode):
            return TextNode(self._scalar(node), place)
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return ListNode(tuple(self._node(item) for item in node.value), place)
            return MapNode(tuple(self._entries(node)), place)
        finally:
            self._open.discard(id(node))

    def _entries(self, node: MappingNode) -> Iterator[Entry]:
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            value = self._node(value_node)
            key = self._key(key_node)
            if key is None:
                continue
            place = self._place(key_node)
            if key in seen:
                self._problem(key_node, "duplicate-key", f"the key {key!r} stands in line {seen[key].line} already")
                continue
            seen[key] = place
            yield Entry(key, value, place)

    def _key(self, node: Any) -> str | None:
        if not isinstance(node, ScalarNode):
            self._problem(node, "bad-key", "a key is a text, not a list or a mapping")
            return None
        if node.style is None and node.value == "<<":
            self._problem(node, "bad-key", "merge keys (<<) are not YAML 1.2: write the keys out")
            return None
        value = self._scalar(node)
        if not isinstance(value, str):
            self._problem(node, "bad-key", f"a key is a text: write it in quotes, {node.value!r}")
            return None
        return value

    def _scalar(self, node: ScalarNode) -> Json:
        text: str = node.value
        tag = str(node.tag)
        if not tag.startswith(_TAG):
            self._problem(node, "bad-tag", f"the tag {tag!r} is not available")
            return None
        if node.style is not None or tag == f"{_TAG}str":
            return text
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        return self._number(node, text)

    def _number(self, node: ScalarNode, text: str) -> Json:
        if _INTEGER.fullmatch(text):
            return self._integer(node, text)
        value = float(text) if _FLOAT.fullmatch(text) else text
        if _NOT_FINITE.fullmatch(text) or (isinstance(value, float) and not math.isfinite(value)):
            self._problem(node, "bad-number", f"{text} is no number in JSON")
            return None
        return value

    def _integer(self, node: ScalarNode, text: str) -> Json:
        if text[:2] in {"0o", "0x"}:
            return int(text, 0)
        digits = text.lstrip("+-")
        if text[0] == "+" or (digits[0] == "0" and len(digits) > 1):
            # YAML reads 0612345678 as a number and drops its zero: a telephone number or a CPF would be destroyed.
            self._problem(node, "ambiguous-number", f"{text} would lose its first character: write it in quotes")
            return text
        if len(digits) > MAX_DIGITS:
            self._problem(node, "bad-number", f"a number has at most {MAX_DIGITS} digits: write a text in quotes")
            return None
        return int(text)
