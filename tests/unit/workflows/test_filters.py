from __future__ import annotations

import pytest

from backhaul.errors import EvaluationError
from backhaul.json_values import Json
from backhaul.workflows.expressions import compile_expression

CONTEXT: dict[str, Json] = {
    "rows": [
        {"n": 3, "name": "c", "up": True, "a": {"b": 1}},
        {"n": 1, "name": "a", "up": False, "a": {"b": 2}},
        {"n": 1, "name": "b", "up": True, "a": {"b": 3}},
    ],
    "map": {"b": 1, "a": [2]},
    "gaps": [3, None, 1],
    "empty": [],
}


def evaluate(source: str) -> Json:
    return compile_expression(source).evaluate(CONTEXT)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'AbC' | lower", "abc"),
        ("'AbC' | upper", "ABC"),
        ("'  a ' | trim", "a"),
        ("'xxax' | trim('x')", "a"),
        ("'a-b-c' | replace('-', '+')", "a+b+c"),
        ("'a-b-c' | replace('-', '+', 1)", "a+b-c"),
        ("'a b  c' | split", ["a", "b", "c"]),
        ("'a,b,c' | split(',', 1)", ["a", "b,c"]),
        ("'+55 (11) 98765-4321' | digits", "5511987654321"),
        ("1234.5 | digits", "12345"),
        ("'٣4' | digits", "4"),
        ("5 | string", "5"),
        ("none | string", ""),
        ("true | string", "true"),
        ("' 12 ' | int", 12),
        ("'12.9' | int", 12),
        ("-1.9 | int", -1),
        ("'x' | int(0)", 0),
        ("'x' | int(none)", None),
        ("'1e3' | float", 1000.0),
        ("'x' | float(1.5)", 1.5),
        ("' Yes ' | bool", True),
        ("'0' | bool", False),
        ("[] | bool", False),
        ("2.5 | round", 2),
        ("2.567 | round(1)", 2.6),
        ("(-3) | abs", 3),
        ("{'a': [1, none]} | tojson", '{"a":[1,null]}'),
        ("'[1, {}]' | fromjson", [1, {}]),
        ("'2026-03-01T00:00:00-03:00' | to_datetime", "2026-03-01T03:00:00Z"),
        ("'2026-03-01 10:00' | to_datetime(zone='America/Sao_Paulo')", "2026-03-01T13:00:00Z"),
        ("'01/03/2026 10:00' | to_datetime('%d/%m/%Y %H:%M')", "2026-03-01T10:00:00Z"),
        ("0 | to_datetime", "1970-01-01T00:00:00Z"),
        ("'2026-03-01T03:00:00Z' | format_time('%d/%m/%Y %H:%M', 'America/Sao_Paulo')", "01/03/2026 00:00"),
        ("'2026-03-01T00:00:00Z' | format_time", "2026-03-01 00:00:00"),
        ("'1970-01-01T00:01:00Z' | timestamp", 60.0),
        ("'2026-03-01T00:00:00Z' | shift_time('-1d')", "2026-02-28T00:00:00Z"),
        ("'2026-03-01T00:00:00Z' | shift_time('1h30m')", "2026-03-01T01:30:00Z"),
    ],
)
def test_filters_on_scalars(source: str, value: Json) -> None:
    result = evaluate(source)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("rows | length", 3),
        ("rows | count", 3),
        ("map | length", 2),
        ("'abc' | length", 3),
        ("(rows | first).name", "c"),
        ("(rows | last).name", "b"),
        ("'abc' | first", "a"),
        ("empty | first | default('none')", "none"),
        ("[1, 'a', none] | join('-')", "1-a-"),
        ("rows | join(', ', attribute='name')", "c, a, b"),
        ("[3, 1] | min", 1),
        ("[3, 1] | max", 3),
        ("(rows | max(attribute='n')).name", "c"),
        ("(rows | min(attribute='a.b')).name", "c"),
        ("[1, 2.5] | sum", 3.5),
        ("rows | sum(attribute='n')", 5),
        ("empty | sum", 0),
        ("[2, 1] | sort", [1, 2]),
        ("[2, 1, 3] | sort(reverse=true)", [3, 2, 1]),
        ("gaps | sort", [None, 1, 3]),
        ("rows | sort(attribute='name') | map(attribute='name')", ["a", "b", "c"]),
        ("[1, '1', 1, 1.0, true] | unique", [1, "1", 1.0, True]),
        ("rows | unique(attribute='n') | map(attribute='name')", ["c", "a"]),
        ("map | list", ["b", "a"]),
        ("'ab' | list", ["a", "b"]),
        ("[1, 2] | reverse", [2, 1]),
        ("'ab' | reverse", "ba"),
        ("rows | map(attribute='a.b')", [1, 2, 3]),
        ("rows | map(attribute='x', default=0)", [0, 0, 0]),
        ("['1', '2'] | map('int')", [1, 2]),
        ("rows | selectattr('up') | map(attribute='name')", ["c", "b"]),
        ("rows | rejectattr('up') | map(attribute='name')", ["a"]),
        ("rows | selectattr('n', 'gt', 1) | map(attribute='name')", ["c"]),
        ("rows | selectattr('name', 'in', ['a', 'b']) | length", 2),
        ("rows | rejectattr('name', 'eq', 'a') | length", 2),
        ("rows | selectattr('x', 'defined')", []),
        ("[0, 1, 2] | select", [1, 2]),
        ("[0, 1, 2] | reject('odd')", [0, 2]),
        ("map | keys", ["b", "a"]),
        ("map | values", [1, [2]]),
        ("map | items", [{"key": "b", "value": 1}, {"key": "a", "value": [2]}]),
        ("{'a': 1, 'b': 2} | merge({'b': 3})", {"a": 1, "b": 3}),
    ],
)
def test_filters_on_lists_and_mappings(source: str, value: Json) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "1 is integer and 1 is number and 1.5 is number and 1.5 is float and not true is integer",
        "'a' is string and {} is mapping and [] is list and none is none and none is null",
        "true is true and false is false and 1 is not true and true is boolean",
        "2 is even and 3 is odd and 9 is divisibleby(3)",
        "1 is in [1, 2] and 'ab' is startswith('a') and 'ab' is endswith('b')",
        "'' is empty and [] is empty and none is empty and 'a' is not empty",
        "1 is lt(2) and 2 is gt(1) and 1 is le(1) and 1 is ge(1) and 1 is eq(1) and 1 is ne(2)",
    ],
)
def test_tests(source: str) -> None:
    assert evaluate(source) is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("'x' | int", "'x' is no whole number"),
        ("[] | int", "a list is no whole number"),
        ("'x' | float", "'x' is no number"),
        ("'maybe' | bool", "'maybe' is neither true nor false"),
        ("1 | lower", "a text is needed, not a number"),
        ("none | upper", "a text is needed, not null"),
        ("1 | length", "a number has no length"),
        ("map | first", "a list is needed, not a mapping"),
        ("empty | max", "the list is empty"),
        ("['a', 1] | sum", "a number is needed, not a text"),
        ("rows | map('tojson')", "map takes attribute=... or one of "),
        ("rows | selectattr('x')", "'x' is missing"),
        ("rows | selectattr('n', 'nope')", "there is no test 'nope'"),
        ("'{' | fromjson", "the text is no JSON: "),
        ("'NaN' | fromjson", "the text is no JSON: "),
        ("'yesterday' | to_datetime", "'yesterday' is no time"),
        ("'2026-03-01T00:00:00' | to_datetime(zone='Mars')", "there is no time zone 'Mars'"),
        ("0 | format_time('%Q')", "'%Q' is no directive of a time's format"),
        ("0 | shift_time('soon')", "'soon' is no duration"),
        ("2 | round(99)", "a number from 0 to 15 is needed, not 99"),
        ("range(10001)", "a range has at most 10000 numbers, not 10001"),
        ("lookup(rows, 'n', [1])", "lookup compares with a text, a number or a boolean, not with a list"),
        ("lookup(map, 'n', 1)", "a list is needed, not a mapping"),
        ("map | merge([1])", "a mapping is needed, not a list"),
    ],
)
def test_a_filter_says_what_it_needs(source: str, reason: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source)
    assert caught.value.reason.startswith(reason)
