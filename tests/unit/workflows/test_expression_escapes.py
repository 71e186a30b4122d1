"""Attempts to reach Python, or to use up memory and time."""

from __future__ import annotations

import time

import pytest

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json
from backhaul.workflows.expression_tree import MAX_DEPTH
from backhaul.workflows.expressions import compile_expression

CONTEXT: dict[str, Json] = {"item": {"name": "x", "list": [1], "big": "y" * 1_000_000}, "event": {"data": {}}, "n": 7}

REFUSED = [
    "''.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "item.__class__",
    "item._private",
    "item['__class__']",
    "().__class__.__bases__[0]",
    "__import__('os')",
    "_x",
    "self",
    "self.__init__",
    "self._TemplateReference__context",
    "super()",
    "cycler('a')",
    "cycler.__init__.__globals__",
    "joiner(',')",
    "namespace(a=1)",
    "lipsum()",
    "lipsum.__globals__['os']",
    "dict(a=1)",
    "getattr(item, 'x')",
    "item.name.upper()",
    "''.format(1)",
    "'{0.__class__}'.format(item)",
    "'{}'.format_map(item)",
    "''.join(['a'])",
    "item.list.append(1)",
    "item.items()",
    "range(3).__class__",
    "(range)(3)()",
    "item | attr('__class__')",
    "item | attr('name')",
    "'%s' | format(item)",
    "item | xmlattr",
    "item | pprint",
    "item | tojson | safe",
    "'<b>' | escape",
    "'a' | e",
    "item.list | batch(2)",
    "item.list | slice(2)",
    "item | dictsort",
    "'x' | center(1000000000)",
    "'x' | indent(1000000000)",
    "'a' | wordwrap(1)",
    "item.list | random",
    "item.list | groupby('x')",
    "item is callable",
    "item is sameas item",
    "1 is filter",
    "2 ** 3",
    "9 ** 9 ** 9 ** 9",
    "range(*[1, 2])",
    "range(**{'start': 1})",
    "'a' | replace(*['a', 'b'])",
    "caller()",
    "loop.index",
    "varargs",
    "kwargs",
    "context",
    "environment",
    "1e999",
    "1" * 1000,
]

WITHOUT_EFFECT = [
    "item.mro",
    "item.name.upper",
    "item.list.append",
    "item.keys",
    "item.get",
    "cycler",
    "joiner",
    "namespace",
    "lipsum",
    "dict",
    "range",
    "lookup",
    "request",
    "config",
    "item | map(attribute='__class__')",
    "[item] | map(attribute='__class__.__mro__')",
    "[item] | selectattr('__class__')",
    "[item] | map('attr')",
    "[item] | map('tojson')",
    "item.list | select('callable')",
    "[item] | sort(attribute='__class__')",
    "n.real",
    "n.bit_length",
    "'%s' % item",
    "'%(x)s' % {'x': item}",
    "'a' * 1000000000",
    "[0] * 1000000000",
    "1000000000 * 'a'",
    "range(1000000000)",
    "range(0, 1000000000000, 1)",
    "range(0, 10, 0)",
    "item.big | replace('y', item.big)",
    "item.big | replace('', item.big)",
    "item.big | list | join(item.big)",
    "item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ item.big ~ 'z'",
    "item.big | replace('y', 'zzzzzzzzzzzzzzzzzzzzz')",
    "2 | round(-1000000000)",
    "2 | round(1000000000)",
    "n * " + " * ".join(["9" * 300] * 4),
    "'nan' | float",
    "'inf' | float",
    "'1' | int | string | format_time('%1000000000d')",
    "n | format_time('%999999999Y')",
    "n | format_time('%x' * 3)",
    "1e300 | to_datetime",
    "n | format_time('%Y', '/etc/passwd')",
    "n | format_time('%Y', '../../etc/passwd')",
    "'[' * 100000 | fromjson",
]


@pytest.mark.parametrize("source", REFUSED)
def test_it_is_refused_when_it_is_loaded(source: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert caught.value.code == "forbidden-expression"


@pytest.mark.parametrize("source", WITHOUT_EFFECT)
def test_it_reaches_nothing_and_uses_up_nothing(source: str) -> None:
    begin = time.process_time()
    with pytest.raises(EvaluationError):
        compile_expression(source).evaluate(CONTEXT)
    assert time.process_time() - begin < 2


def test_a_long_product_cannot_grow_without_end() -> None:
    with pytest.raises(EvaluationError, match="too large"):
        compile_expression(" * ".join(["9" * 100] * 20)).evaluate({})


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"),
        ("[", "]"),
        ("{'a': ", "}"),
        ("not ", ""),
        ("-", ""),
        ("1 + (", ")"),
        ("1 if (", ") else 2"),
        ("[0][", "]"),
    ],
)
def test_deep_nesting_is_refused(opening: str, closing: str) -> None:
    for depth in (MAX_DEPTH + 1, 300, 1500):
        source = opening * depth + "1" + closing * depth
        if opening == "(" and len(source) < 4000:
            continue  # brackets alone are no level of the tree
        with pytest.raises(ExpressionError):
            compile_expression(source)


@pytest.mark.parametrize(
    "shape", ["1 + ({})", "[{}]", "{{'a': {}}}", "(1 if {} else 2)", "({}) | string", "({} ~ '')", "len([{}])"]
)
def test_nesting_up_to_the_bound_compiles(shape: str) -> None:
    source = "1"
    for _ in range(MAX_DEPTH // 2 - 1):
        source = shape.format(source)
        compile_expression(source)
    for _ in range(MAX_DEPTH):
        source = shape.format(source)
    with pytest.raises(ExpressionError, match="levels inside of each other"):
        compile_expression(source)


def test_fields_named_like_attributes_are_read_from_data_only() -> None:
    data = {"item": {"format": 1, "mro": 2, "append": 3}}
    assert compile_expression("item.format + item.mro + item.append").evaluate(data) == 6


def test_an_event_is_never_an_expression() -> None:
    event = {"event": {"data": {"name": "${{ 1 + 1 }}", "other": "{{ 7 * 7 }}"}}}
    assert compile_expression("event.data.name ~ event.data.other").evaluate(event) == "${{ 1 + 1 }}{{ 7 * 7 }}"
