"""Properties of all expressions: they are data to data, total, and pure."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json, dump, load
from backhaul.workflows.datasets import Dataset, NotReady, find_in, tally
from backhaul.workflows.expression_tree import FILTERS
from backhaul.workflows.expressions import compile_expression
from backhaul.workflows.list_filters import FUNCTIONS
from backhaul.workflows.value_tests import TESTS

KEYS = st.sampled_from(["a", "b", "items", "keys", "count", "serial", "__class__", "mro", "format", "_x"])
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Records(Dataset):
    """Like the runtime's datasets; not ready at first."""

    def __init__(self, records: list[Json], ready: bool) -> None:
        self.records = records
        self.ready = ready

    @property
    def count(self) -> int:
        return len(self.records)

    def find(self, field: str, value: Json) -> Json | None:
        if not self.ready:
            raise NotReady(self, "index", field)
        return find_in(self.records, field, value)

    def count_by(self, field: str) -> dict[str, int]:
        if not self.ready:
            raise NotReady(self, "tally", field)
        return tally(self.records, field)

    def items(self) -> list[Json]:
        if not self.ready:
            raise NotReady(self, "items")
        return self.records

    def to_json(self) -> Json:
        return {"count": self.count}


CONTEXTS = st.fixed_dictionaries(
    {
        "item": VALUES,
        "inputs": st.dictionaries(KEYS, VALUES, max_size=3),
        "data": st.builds(Records, st.lists(VALUES, max_size=4), st.booleans()),
    }
)


def _literals() -> st.SearchStrategy[str]:
    words = st.sampled_from(
        ["true", "false", "none", "''", "'a'", "'%s'", "'{0}'", "'a.b'", "[]", "{}", "0", "1.5", "99"]
    )
    return words | st.integers(0, 10**12).map(str) | st.text(max_size=5).map(repr)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"])
    filters = st.sampled_from(sorted(FILTERS))
    tests = st.sampled_from(sorted(TESTS))
    functions = st.sampled_from(sorted(FUNCTIONS))
    arguments = st.lists(inner, max_size=2).map(", ".join)
    return st.one_of(
        st.tuples(inner, binary, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, KEYS).map(lambda parts: f"{parts[0]}.{parts[1]}"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(inner, inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}:{parts[2]}]"),
        st.tuples(inner, filters, arguments).map(lambda parts: f"({parts[0]} | {parts[1]}({parts[2]}))"),
        st.tuples(inner, filters, KEYS).map(lambda parts: f"({parts[0]} | {parts[1]}(attribute='{parts[2]}'))"),
        st.tuples(inner, filters).map(lambda parts: f"({parts[0]} | {parts[1]})"),
        st.tuples(inner, tests, arguments).map(lambda parts: f"({parts[0]} is {parts[1]}({parts[2]}))"),
        st.tuples(inner, tests).map(lambda parts: f"({parts[0]} is not {parts[1]})"),
        st.tuples(functions, arguments).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})"),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(inner, inner).map(lambda parts: f"{{{parts[0]}: {parts[1]}}}"),
        inner.map(lambda part: f"(not {part})"),
        inner.map(lambda part: f"(-{part})"),
    )


NAMES = st.sampled_from(["item", "inputs", "data", "item.a", "inputs.items", "unknown", "range", "cycler"])
EXPRESSIONS = st.recursive(_literals() | NAMES, _grown, max_leaves=10)
FORBIDDEN = st.sampled_from(
    [
        "{0}.__class__",
        "{0}._x",
        "{0}['__class__']",
        "{0}.upper()",
        "{0}()",
        "({0} | attr('a'))",
        "({0} | format({0}))",
        "({0} | safe)",
        "{0} ** 2",
        "cycler({0})",
        "lipsum({0})",
        "self",
        "range(*{0})",
        "({0} is callable)",
    ]
)


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS, CONTEXTS)
def test_an_expression_gives_plain_json_or_an_evaluation_error(source: str, context: dict[str, Any]) -> None:
    try:
        expression = compile_expression(source)
    except ExpressionError:
        return
    try:
        value = expression.evaluate(context)
    except (EvaluationError, NotReady):
        return
    _assert_plain(value)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, st.fixed_dictionaries({"item": VALUES, "inputs": VALUES}))
def test_evaluation_changes_nothing_and_repeats_itself(source: str, context: dict[str, Any]) -> None:
    before = copy.deepcopy(context)
    try:
        expression = compile_expression(source)
        first = expression.evaluate(context)
    except (ExpressionError, EvaluationError):
        assert context == before
        return
    first = copy.deepcopy(first)
    assert context == before
    assert expression.evaluate(context) == first


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(source: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile_expression(source)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="(){}[]'\"\\|.,:=!<>~+-*/% \n\t_#ab01{}%$", max_size=30))
def test_any_text_of_operators_compiles_or_is_refused(source: str) -> None:
    with contextlib.suppress(ExpressionError, EvaluationError):
        compile_expression(source).evaluate({"a": 1, "b": [1]})


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, FORBIDDEN, EXPRESSIONS)
def test_a_forbidden_construct_is_refused_wherever_it_stands(outer: str, forbidden: str, inner: str) -> None:
    try:
        compile_expression(outer)
        compile_expression(inner)
    except ExpressionError:
        return
    for source in (forbidden.format(f"({inner})"), f"[{outer}, {forbidden.format(f'({inner})')}]"):
        with pytest.raises(ExpressionError):
            compile_expression(source)


@given(VALUES)
def test_tojson_and_fromjson_are_inverse(value: Json) -> None:
    assert compile_expression("item | tojson | fromjson").evaluate({"item": value}) == load(dump(value))


def _assert_plain(value: object) -> None:
    if isinstance(value, Dataset) or value is None:
        return
    assert type(value) in {bool, int, float, str, list, dict}
    if isinstance(value, list):
        for item in value:
            _assert_plain(item)
    if isinstance(value, Mapping):
        for key, item in value.items():
            assert type(key) is str
            _assert_plain(item)
