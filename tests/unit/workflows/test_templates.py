from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json
from backhaul.workflows.templates import compile_template

CONTEXT: dict[str, Json] = {"item": {"n": 1, "list": [1], "text": "x", "none": None, "yes": True, "map": {"a": "é"}}}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("${{ item.n }}", 1),
        ("  ${{ item.list }}\n", [1]),
        ("${{item.none}}", None),
        ("n=${{ item.n }}", "n=1"),
        ("${{ item.n }} ", 1),
        ("${{ item.n }}${{ item.n }}", "11"),
        (" ${{ item.n }} ${{ item.text }} ", " 1 x "),
        ("[${{ item.none }}]", "[]"),
        ("[${{ item.yes }}]", "[true]"),
        ("[${{ item.map }}]", '[{"a":"é"}]'),
        ("[${{ item.list }}]", "[[1]]"),
        ("${{ '}}' ~ \"}}\" }}", "}}}}"),
        ("${{ '\\'}}' }}", "'}}"),
        ("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("${{ {'a': {'b': 1}}.a.b }}!", "1!"),
        ("${{ '${{' }}", "${{"),
        ({"a": ["${{ item.n }}", {"b": "${{ item.text }}!"}], "c": 2}, {"a": [1, {"b": "x!"}], "c": 2}),
        ("plain $ { {{ }} text", "plain $ { {{ }} text"),
        ("", ""),
        (None, None),
        ([], []),
    ],
)
def test_a_template_renders(template: Json, value: Json) -> None:
    assert compile_template(template).render(CONTEXT) == value


def test_a_template_without_expressions_is_constant_and_is_not_copied() -> None:
    value = {"a": [1, {"b": "text"}]}
    template = compile_template(value)
    assert template.constant
    assert template.expressions == ()
    assert template.render(CONTEXT) is value


def test_the_expressions_inside_are_listed_in_order() -> None:
    template = compile_template({"a": "${{ steps.x }}", "b": ["${{ item.n }} ${{ inputs.y }}"]})
    assert [expression.source for expression in template.expressions] == ["steps.x", "item.n", "inputs.y"]
    assert not template.constant


def test_constant_entries_can_be_told_from_the_others() -> None:
    template = compile_template({"a": 1, "b": "${{ item.n }}", "c": {"d": ["${{ item.n }}"]}, "e": [1]})
    assert template.constants() == {"a": 1, "e": [1]}
    assert compile_template("text").constants() == {}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("${{ item.n", "${{ is not closed with }}"),
        ("${{ item.n }", "${{ is not closed with }}"),
        ("${{ 'a }}", "a quote ' is not closed"),
        ("${{ }}", "there is nothing"),
        ({"a": ["${{ 1 + }}"]}, "unexpected 'end'"),
    ],
)
def test_a_broken_expression_inside_is_named(template: Json, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_template(template)
    assert caught.value.reason == reason


def test_what_is_missing_in_a_text_is_an_error() -> None:
    with pytest.raises(EvaluationError, match=r"'item\.x' is missing"):
        compile_template("n=${{ item.x }}").render(CONTEXT)


def test_a_text_cannot_grow_without_end() -> None:
    with pytest.raises(EvaluationError, match="longer than"):
        compile_template("${{ item.big }}" * 2).render({"item": {"big": "x" * 6_000_000}})


def test_a_dataset_keeps_its_type_alone_and_is_a_reference_in_a_text(dataset: Callable[..., Any]) -> None:
    devices = dataset([1])
    context = {"steps": {"d": devices}}
    assert compile_template({"a": "${{ steps.d }}"}).render(context)["a"] is devices
    assert compile_template("d: ${{ steps.d }}").render(context) == 'd: {"dataset":"x","count":1}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_what_holds_no_opening_is_constant(value: Json) -> None:
    if "${{" not in repr(value):
        assert compile_template(value).render({}) is value


@given(st.text(), st.text())
def test_values_are_never_read_as_expressions(before: str, value: str) -> None:
    if "${{" not in before:
        assert compile_template(before + "${{ v }}!").render({"v": "${{ " + value}) == before + "${{ " + value + "!"
