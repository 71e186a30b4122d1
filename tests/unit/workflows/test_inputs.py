from __future__ import annotations

import pytest

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.workflows.definition import Input, Workflow
from backhaul.workflows.inputs import read_pairs, resolve_inputs


def workflow(*inputs: Input) -> Workflow:
    return Workflow(name="w", digest="", kind="yaml", path="w.yaml", source="", inputs=inputs)


def test_pairs_are_json_when_they_parse_else_text() -> None:
    pairs = ["a=1", "b=true", 'c={"x": [1]}', "d=text", "e=0123", "f=", "g=a=b", 'h="1"', "i=2%"]
    assert read_pairs(pairs) == {
        "a": 1,
        "b": True,
        "c": {"x": [1]},
        "d": "text",
        "e": "0123",
        "f": "",
        "g": "a=b",
        "h": "1",
        "i": "2%",
    }


def test_pairs_that_are_none_are_named() -> None:
    with pytest.raises(InputError) as caught:
        read_pairs(["a", "=1", "b=1", "b=2"])
    assert caught.value.reasons == ("'a' is not name=value", "'=1' is not name=value", "b comes twice")


def test_defaults_stand_in_for_what_is_not_given() -> None:
    declared = workflow(Input(name="a", default="x"), Input(name="b", type="list"))
    assert resolve_inputs(declared, {}) == {"a": "x", "b": None}


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("string", 123, "123"),
        ("string", "true", "true"),
        ("integer", "5", 5),
        ("number", "1.5", 1.5),
        ("number", 2, 2),
        ("boolean", "true", True),
        ("list", "[1]", [1]),
        ("object", '{"a": 1}', {"a": 1}),
    ],
)
def test_values_are_converted_where_they_say_the_same(kind: str, given: Json, value: Json) -> None:
    declared = workflow(Input(name="a", type=kind))  # type: ignore[arg-type]  # a parametrized literal
    assert resolve_inputs(declared, {"a": given}) == {"a": value}


def test_all_reasons_come_in_one_error() -> None:
    declared = workflow(
        Input(name="limit", type="integer"),
        Input(name="serial", required=True, description="of the device"),
        Input(name="mode", enum=("exact", "alias")),
        Input(name="on", type="boolean"),
        Input(name="ratio", type="number"),
    )
    with pytest.raises(InputError) as caught:
        resolve_inputs(declared, {"limit": "x", "seral": "S1", "mode": "exakt", "on": 1, "ratio": True})
    assert caught.value.what == "inputs of w"
    assert caught.value.reasons == (
        "limit: 'x' is a text, an integer is needed",
        "serial: is missing (of the device)",
        "mode: 'exakt' is not one of 'exact', 'alias' (did you mean 'exact'?)",
        "on: 1 is a number, a boolean is needed",
        "ratio: True is a boolean, a number is needed",
        "there is no input 'seral' (did you mean 'serial'?)",
    )


def test_an_error_shows_no_value_of_an_input_that_may_be_personal_or_secret() -> None:
    declared = workflow(Input(name="cpf", type="integer"), Input(name="api_key", type="boolean"))
    with pytest.raises(InputError) as caught:
        resolve_inputs(declared, {"cpf": "529.982.247-25", "api_key": "k-12345"})
    assert caught.value.reasons == (
        "cpf: is a text, an integer is needed",
        "api_key: is a text, a boolean is needed",
    )


def test_an_error_shows_a_short_value_only() -> None:
    declared = workflow(Input(name="limit", type="integer"))
    with pytest.raises(InputError, match=r"limit: is a text, an integer is needed"):
        resolve_inputs(declared, {"limit": "x" * 61})


def test_null_stands_for_an_optional_input_only() -> None:
    declared = workflow(Input(name="a", required=True), Input(name="b", type="integer"))
    assert resolve_inputs(declared, {"a": "x", "b": None}) == {"a": "x", "b": None}
    with pytest.raises(InputError, match="a: is null, a string is needed"):
        resolve_inputs(declared, {"a": None})
