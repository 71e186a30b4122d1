"""What is known after apply stays so: whatever an expression does with it, it never turns into a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import dump, load
from backhaul.workflows.expression_tree import FILTERS
from backhaul.workflows.expressions import compile_expression
from backhaul.workflows.list_filters import FUNCTIONS
from backhaul.workflows.templates import compile_template
from backhaul.workflows.unknown import Unknown, UnknownValueError, first_unknown, marked
from backhaul.workflows.value_tests import TESTS

U = Unknown("add")
POSSIBLE: tuple[Any, ...] = (None, True, 0, 3, -1.5, "", "abc", "7", "2026-01-02", [], [1, 2], ["a"], {}, {"a": 1})
"""What the unknown value might turn out to be."""

OPERATORS = ("+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or")
HOLDERS = ("u", "[u]", "[1, u]", "{'a': u}", "[{'a': u}]", "[{'a': 1}, {'a': u}]", "u.x", "u[0]", "u.x.y")
OTHERS = ("1", "'a'", "[1]", "{'a': 1}", "[{'a': 1}]", "none", "true", "'2026-01-02'", "[]")
TEXTS = ("'a'", "'%Y'", "'1h'", "'eq'", "'UTC'", "1")


def outcome(source: str, value: Any) -> Any:
    """Return what an expression gives, or the name of its error."""
    try:
        return compile_expression(source).evaluate({"u": value})
    except EvaluationError:
        return EvaluationError


def assert_no_guess(source: str) -> None:
    """What does not stay unknown must be the same whatever the value is."""
    found = outcome(source, U)
    if found is not EvaluationError and first_unknown(found) is not None:
        return
    for value in POSSIBLE:
        assert outcome(source, value) in (found, EvaluationError), f"{source} guesses, when u is {value!r}"
    if found is EvaluationError:
        assert all(outcome(source, value) is EvaluationError for value in POSSIBLE), f"{source} fails without reason"


def uses() -> Iterator[str]:
    """Give every filter, function and test, with the unknown value at every place."""
    for name in sorted(FILTERS):
        for holder in HOLDERS:
            yield f"{holder} | {name}"
            yield from (f"{holder} | {name}({text})" for text in (*TEXTS, "attribute='a'"))
        for other, holder in product(OTHERS, ("u", "[u]")):
            yield f"{other} | {name}({holder})"
            yield from (f"{other} | {name}({text}, {holder})" for text in TEXTS)
    for name in sorted(FUNCTIONS):
        yield from (f"{name}({holder})" for holder in HOLDERS)
        for holder, other in product(HOLDERS, (*OTHERS, *TEXTS)):
            yield from (f"{name}({holder}, {other})", f"{name}({other}, {holder})")
            yield from (f"{name}({holder}, 'a', {other})", f"{name}({other}, 'a', {holder})")
    for name in sorted(TESTS):
        for holder in HOLDERS:
            yield from (f"{holder} is {name}", f"{holder} is not {name}")
            yield from (f"{holder} is {name}({other})" for other in OTHERS)
        yield from (f"{other} is {name}({holder})" for other, holder in product(OTHERS, ("u", "[u]")))


def test_no_filter_function_or_test_guesses() -> None:
    tried = 0
    for source in uses():
        try:
            compile_expression(source)
        except ExpressionError:  # not every filter takes every number of arguments
            continue
        assert_no_guess(source)
        tried += 1
    assert tried > 2_000


def test_no_operator_guesses() -> None:
    for operator, holder, other in product(OPERATORS, HOLDERS, OTHERS):
        assert_no_guess(f"{holder} {operator} {other}")
        assert_no_guess(f"{other} {operator} {holder}")
    for source in (
        "-u",
        "+u",
        "not u",
        "1 if u else 2",
        "u if true else 1",
        "1 if true else u",
        "[1, 2][u]",
        "'abc'[u]",
    ):
        assert_no_guess(source)
    for holder in ("u", "[u]", "[{'a': u}]", "[{'a': 1}, u]"):
        assert_no_guess(f"{holder} | map(attribute='a', default=1)")
        assert_no_guess(f"{holder} | selectattr('a', 'undefined')")
        assert_no_guess(f"{holder} | rejectattr('a', 'defined')")
        assert_no_guess(f"{holder} | selectattr('a', 'eq', 1)")
    for source in ("[1, 2][u:]", "u[1:]", "[1, 2][:u]", "{'a': 1}[u]", "{u: 1}", "u[u]", "[u][0]", "{'a': u}.a"):
        assert_no_guess(source)


@pytest.mark.parametrize(
    "source",
    [f"u {operator} 1" for operator in OPERATORS[:-2]]
    + [f"1 {operator} u" for operator in OPERATORS[:-2]]
    + [
        "u",
        "u.a.b",
        "u[0]",
        "-u",
        "not u",
        "u and 1",
        "u | upper",
        "u | default(1)",
        "u is defined",
        "lookup([], 'a', u)",
    ]
    + ["u | tojson", "[u] | tojson", "[u] | join", "u is none", "'x' ~ u", "u in 'abc'", "u | map(attribute='x')"],
)
def test_what_needs_the_value_is_unknown_as_a_whole(source: str) -> None:
    assert isinstance(outcome(source, U), Unknown)


def expressions() -> st.SearchStrategy[str]:
    """Return texts of expressions that use ``u``."""
    leaves = st.sampled_from(("u", "u.x", "[u]", "{'a': u}", "1", "'a'", "[1]", "none", "true", "{'a': 1}"))

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds(lambda a, o, b: f"({a} {o} {b})", inner, st.sampled_from(OPERATORS), inner),
            st.builds(lambda a, b, c: f"({a} if {b} else {c})", inner, inner, inner),
            st.builds(lambda a, f: f"({a} | {f})", inner, st.sampled_from(sorted({*FILTERS} - {"map", "replace"}))),
            st.builds(lambda a, f: f"({a} is {f})", inner, st.sampled_from(sorted(TESTS))),
            st.builds(lambda a: f"(not {a})", inner),
            st.builds(lambda a, b: f"[{a}, {b}]", inner, inner),
        )

    return st.recursive(leaves, larger, max_leaves=6)


@given(expressions())
def test_no_expression_guesses(source: str) -> None:
    try:
        compile_expression(source)
    except ExpressionError:  # a filter or a test that needs arguments
        return
    assert_no_guess(source)


def test_templates_keep_what_is_known_beside_what_is_not() -> None:
    template = compile_template(
        {"id": "${{ u.id }}", "serial": "SN1", "text": "device ${{ u.id }}", "list": ["${{ 1 }}"]}
    )
    found = template.render({"u": U})
    assert isinstance(found, Mapping)
    assert isinstance(found["id"], Unknown)
    assert isinstance(found["text"], Unknown)
    assert (found["serial"], found["list"]) == ("SN1", [1])


def test_the_json_form_names_the_step_and_is_recognised() -> None:
    text = dump({"id": U.a.b[0]})
    assert text == '{"id":{"$known_after_apply":"add"}}'
    assert marked(load(text)["id"]) == "add"
    assert marked({"$known_after_apply": "add", "more": 1}) is None
    assert marked({"$known_after_apply": 1}) is None


def test_two_parts_of_one_unknown_value_are_not_known_to_be_equal() -> None:
    with pytest.raises(UnknownValueError, match="it depends on add"):
        assert [U.a] == [U.b]
