from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json
from backhaul.workflows.datasets import Dataset, NotReady
from backhaul.workflows.expressions import MAX_SOURCE, compile_expression

CONTEXT: dict[str, Json] = {
    "inputs": {"max_delete": "2%", "limit": 3, "ratio": 0.5, "on": True},
    "event": None,
    "item": {"serial": "S7", "items": 3, "keys": "k", "values": [1, 2], "_id": 9, "a b": 1, "nothing": None},
    "steps": {
        "devices": [{"serial": "S1", "n": 1}, {"serial": "S2", "n": 2}, {"serial": "S3", "n": 3}],
        "skipped": None,
        "report": {"created": 2},
    },
}


def evaluate(source: str, context: dict[str, Json] | None = None) -> Json:
    return compile_expression(source).evaluate(CONTEXT if context is None else context)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("item.serial", "S7"),
        ("item['serial']", "S7"),
        ("item['a b']", 1),
        ("item['_id']", 9),
        ("inputs.limit", 3),
        ("inputs.ratio", 0.5),
        ("inputs.on", True),
        ("event", None),
        ("item.items", 3),
        ("item.keys", "k"),
        ("item.values[0]", 1),
        ("item.values[-1]", 2),
        ("steps.devices[1:]", [{"serial": "S2", "n": 2}, {"serial": "S3", "n": 3}]),
        ("steps.devices.count", 3),
        ("inputs.limit * 2 + 1", 7),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("7 / 2", 3.5),
        ("-inputs.limit", -3),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("1 < 2 < 3", True),
        ("not item.nothing", True),
        ("item.nothing is none", True),
        ("'S' ~ 7 ~ none ~ true ~ 1.5 ~ [1] ~ {'a': none}", 'S7true1.5[1]{"a":null}'),
        ("1 if inputs.on else 2", 1),
        ("1 if event", None),
        ("(1, 2)", [1, 2]),
        ("[1, (2, [3])]", [1, [2, [3]]]),
        ("{'serial': item.serial, 'n': 1}", {"serial": "S7", "n": 1}),
        ("'2' in ['1', '2']", True),
        ("'S1' in (steps.devices | map(attribute='serial'))", True),
        ("range(3)", [0, 1, 2]),
        ("range(1, 6, 2)", [1, 3, 5]),
        ("len(steps.devices)", 3),
        ("lookup(steps.devices, 'serial', item.serial)", None),
        ("lookup(steps.devices, 'serial', 'S2').n", 2),
        ("lookup(steps.devices, 'n', '2')", None),
        ("lookup(steps.devices, 'n', 2).serial", "S2"),
        ("lookup(steps.devices, 'n', true)", None),
        ("lookup(steps.devices, 'n', none)", None),
        ("lookup(steps.devices, 'n', item.unknown)", None),
        ("count_by(steps.devices, 'n')", {"1": 1, "2": 1, "3": 1}),
    ],
)
def test_an_expression_gives_a_json_value_of_its_type(source: str, value: Json) -> None:
    result = evaluate(source)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("item.unknown is defined", False),
        ("item.unknown.deeper is defined", False),
        ("item.serial is defined", True),
        ("item.unknown is undefined", True),
        ("item.unknown | default('x')", "x"),
        ("item.unknown | default(none)", None),
        ("item.unknown.deeper.still | default(1)", 1),
        ("steps.skipped.created | default(0)", 0),
        ("item.nothing | default('x')", None),
        ("item.nothing | default('x', true)", "x"),
        ("unknown | default(1)", 1),
    ],
)
def test_what_is_missing_can_be_asked_about_and_replaced(source: str, value: Json) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("item.unknown", "'item.unknown' is missing"),
        ("item.serail", "'item.serail' is missing (did you mean 'serial'?)"),
        ("steps.reprot.created", "'steps.reprot' is missing (did you mean 'report'?)"),
        ("steps.report.craeted + 1", "'steps.report.craeted' is missing (did you mean 'created'?)"),
        ("steps.skipped.created", "'steps.skipped.created' is missing: it is read from null"),
        ("event.data.serial", "'event.data' is missing: it is read from null"),
        ("steps.devices[7].n", "'steps.devices[7]' is missing: there are 3 items"),
        ("item.serial.length", "'item.serial.length' is missing: it is read from a text"),
        ("unknown", "'unknown' is missing"),
        ("[item.unknown]", "'item.unknown' is missing"),
        ("{'a': item.unknown}", "'item.unknown' is missing"),
        ("not item.unknown", "'item.unknown' is missing"),
        ("item.unknown == 1", "'item.unknown' is missing"),
        ("item.unknown ~ 'x'", "'item.unknown' is missing"),
        ("'x' in item.unknown", "'item.unknown' is missing"),
        ("item.unknown[1:]", "'item.unknown' is missing"),
        ("steps.devices | map(attribute='serail')", "'serail' is missing (did you mean 'serial'?)"),
        ("item[inputs.max_delete]", "'2%' is missing"),
        ("'a' * 3", "a number is needed, not a text"),
        ("'%s' % 1", "a number is needed, not a text"),
        ("true * 2", "a number is needed, not a boolean"),
        (
            "1 + 'a'",
            "'+' adds two numbers, two texts or two lists, not a number and a text; '~' makes one text",
        ),
        ("1 / 0", "division by zero"),
        ("1 in none", "argument of type null is not iterable"),
        ("{1: 2}", "a mapping's key is a text, not a number"),
        ("1e308 * 10", "the number becomes too large"),
    ],
)
def test_a_failing_expression_says_what_is_wrong(source: str, reason: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source)
    assert caught.value.reason == reason
    assert caught.value.source == source


def test_references_are_found_in_all_parts_of_an_expression() -> None:
    source = "lookup(steps.a, 'x', item['serial']) if steps['b'].c[0].d else [inputs.x | default(steps.e.f)]"
    expression = compile_expression(source)
    assert expression.source == source
    assert expression.names == {"steps", "item", "inputs"}
    assert set(expression.step_references) == {("a", ()), ("b", ("c", 0, "d")), ("e", ("f",))}
    assert ("item", "serial") in expression.references


def test_a_dynamic_reference_ends_before_the_dynamic_part() -> None:
    expression = compile_expression("steps.a[inputs.k].b")
    assert expression.references == (("steps", "a"), ("inputs", "k"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "there is nothing"),
        ("1 +", "unexpected 'end'"),
        ("1 2", "unexpected 'integer' after the end"),
        ("a b", "unexpected 'b' after the end"),
        ("a, b", "unexpected ',' after the end"),
        ("a | lowre", "there is no filter 'lowre' (did you mean 'lower'?)"),
        ("a is defnied", "there is no test 'defnied' (did you mean 'defined'?)"),
        ("a | replace", "the filter 'replace' cannot be used so: missing a required argument: 'old'"),
        ("a | lower(1)", "the filter 'lower' cannot be used so: too many positional arguments"),
        ("range()", "the function 'range' needs arguments, the first one unnamed"),
        ("'\\ud800'", "a text is not valid Unicode"),
    ],
)
def test_a_broken_expression_names_what_is_wrong(source: str, reason: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert caught.value.reason == reason
    assert caught.value.code == "bad-expression"


def test_a_context_name_may_be_the_same_as_a_function_a_filter_or_an_inner_name() -> None:
    assert evaluate("range + len(range(2)) + result + lower", {"range": 1, "result": 2, "lower": 3}) == 8


def test_a_dataset_is_counted_looked_up_and_tallied_without_reading_its_items(dataset: Callable[..., Any]) -> None:
    devices = dataset([{"serial": "A", "state": "up"}, {"serial": "B", "state": None}])
    context = {"steps": {"devices": devices}}
    assert evaluate("steps.devices | length", context) == 2
    assert evaluate("steps.devices.count", context) == 2
    assert evaluate("len(steps.devices)", context) == 2
    assert evaluate("lookup(steps.devices, 'serial', 'B').state", context) is None
    assert evaluate("count_by(steps.devices, 'state')", context) == {"up": 1, "": 1}
    assert evaluate("'some' if steps.devices else 'none'", context) == "some"
    assert evaluate("steps.devices == []", context) is False
    assert devices.reads == 0


def test_a_dataset_is_passed_on_as_it_is(dataset: Callable[..., Any]) -> None:
    devices = dataset([{"serial": "A"}], prepared=False)
    context = {"steps": {"devices": devices}}
    assert evaluate("steps.devices", context) is devices
    assert evaluate("{'all': steps.devices}", context)["all"] is devices
    assert evaluate("'' ~ steps.devices", context) == '{"dataset":"x","count":1}'


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("steps.d | map(attribute='n')", [1, 2]),
        ("steps.d | sum(attribute='n')", 3),
        ("steps.d[0].n", 1),
        ("steps.d[1:] | length", 1),
        ("(steps.d | first).n", 1),
        ("{'n': 1} in steps.d", True),
        ("steps.d == [{'n': 1}, {'n': 2}]", True),
        ("steps.d | list", [{"n": 1}, {"n": 2}]),
    ],
)
def test_whatever_needs_the_items_of_a_dataset_reads_them(
    source: str, value: Json, dataset: Callable[..., Any]
) -> None:
    assert evaluate(source, {"steps": {"d": dataset([{"n": 1}, {"n": 2}])}}) == value


@pytest.mark.parametrize(
    ("source", "kind", "field"),
    [
        ("lookup(steps.d, 'serial', 'A')", "index", "serial"),
        ("count_by(steps.d, 'state')", "tally", "state"),
        ("steps.d | map(attribute='n')", "items", ""),
        ("steps.d[0]", "items", ""),
    ],
)
def test_not_ready_passes_unchanged(source: str, kind: str, field: str, dataset: Callable[..., Any]) -> None:
    waiting: Dataset = dataset([{"n": 1}], prepared=False)
    with pytest.raises(NotReady) as caught:
        evaluate(source, {"steps": {"d": waiting}})
    assert (caught.value.dataset, caught.value.kind, caught.value.field) == (waiting, kind, field)


def test_the_result_shares_parts_of_the_context_and_changes_none() -> None:
    context: dict[str, Json] = {"item": {"list": [3, 1, 2]}}
    assert evaluate("item.list", context) is context["item"]["list"]
    assert evaluate("item.list | sort", context) == [1, 2, 3]
    assert evaluate("item.list + [4]", context) == [3, 1, 2, 4]
    assert context == {"item": {"list": [3, 1, 2]}}


def test_evaluation_takes_the_same_time_in_a_large_context() -> None:
    expression = compile_expression("item.serial != '' and steps.devices | length > 1")
    large = {**CONTEXT, "steps": {"devices": [{"serial": str(n)} for n in range(200_000)]}}
    assert min(_duration(expression, large) for _ in range(5)) < 10 * max(
        min(_duration(expression, CONTEXT) for _ in range(5)), 5e-6 * 100
    )


def _duration(expression: Any, context: dict[str, Json]) -> float:
    begin = time.perf_counter()
    for _ in range(100):
        expression.evaluate(context)
    return time.perf_counter() - begin


def test_the_same_source_is_compiled_once() -> None:
    assert compile_expression("item.serial") is compile_expression("item.serial")


def test_an_expression_has_a_largest_length() -> None:
    compile_expression("'" + "x" * (MAX_SOURCE - 2) + "'")
    with pytest.raises(ExpressionError, match="more than 4000 characters"):
        compile_expression("'" + "x" * MAX_SOURCE + "'")
