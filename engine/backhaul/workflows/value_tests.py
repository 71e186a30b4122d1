"""Tests of values: what stands after ``is`` in expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from backhaul.json_values import Json
from backhaul.workflows.missing import Missing
from backhaul.workflows.operands import length, number_of, present, text_from
from backhaul.workflows.unknown import known

__all__ = ["TESTS"]


def _is_number(value: Json) -> bool:
    return isinstance(present(value), int | float) and not isinstance(value, bool)


def _is_integer(value: Json) -> bool:
    return isinstance(present(value), int) and not isinstance(value, bool)


def _is_empty(value: Json) -> bool:
    return value is None or length(value) == 0


def _is_in(value: Json, container: Json) -> bool:
    return present(value) in present(container)


def _divides(value: Json, by: Json) -> bool:
    return number_of(value) % number_of(by) == 0


def _equal(value: Json, other: Json) -> bool:
    return bool(present(value) == present(other))


def _of_known(test: Callable[..., bool]) -> Callable[..., bool]:
    """Return a test that fails on what is known after apply, even where it would only look whether it is there."""

    @wraps(test)
    def tested(*values: Json, **named: Json) -> bool:
        for value in (*values, *named.values()):
            known(value)
        return test(*values, **named)

    return tested


_TESTS: dict[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(present(value), bool),
    "defined": lambda value: not isinstance(value, Missing),
    "divisibleby": _divides,
    "empty": _is_empty,
    "endswith": lambda value, end: text_from(value).endswith(text_from(end)),
    "eq": _equal,
    "equalto": _equal,
    "even": lambda value: _divides(value, 2),
    "false": lambda value: present(value) is False,
    "float": lambda value: isinstance(present(value), float),
    "ge": lambda value, other: present(value) >= present(other),
    "gt": lambda value, other: present(value) > present(other),
    "in": _is_in,
    "integer": _is_integer,
    "le": lambda value, other: present(value) <= present(other),
    "list": lambda value: isinstance(present(value), list),
    "lt": lambda value, other: present(value) < present(other),
    "mapping": lambda value: isinstance(present(value), Mapping),
    "ne": lambda value, other: not _equal(value, other),
    "none": lambda value: present(value) is None,
    "null": lambda value: present(value) is None,
    "number": _is_number,
    "odd": lambda value: not _divides(value, 2),
    "startswith": lambda value, start: text_from(value).startswith(text_from(start)),
    "string": lambda value: isinstance(present(value), str),
    "true": lambda value: present(value) is True,
    "undefined": lambda value: isinstance(value, Missing),
}

TESTS: dict[str, Callable[..., bool]] = {name: _of_known(test) for name, test in _TESTS.items()}
