"""Inputs of runs: what was given, checked against what a workflow declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from backhaul.errors import InputError
from backhaul.json_values import Json, load
from backhaul.plugins.personal import is_marked, is_personal_name
from backhaul.plugins.reasons import reasons_of, short_value
from backhaul.problems import nearest
from backhaul.secrets import is_secret_name
from backhaul.workflows.definition import Input, InputType, Workflow
from backhaul.workflows.missing import kind_of
from backhaul.workflows.unknown import first_unknown

__all__ = ["INPUT_TYPES", "given_fault", "python_arguments", "read_pairs", "resolve_inputs", "value_fault"]


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


INPUT_TYPES: Mapping[InputType, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": lambda value: _is_integer(value) or isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, Mapping),
}


def resolve_inputs(workflow: Workflow, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the value of every input that the workflow declares.

    Texts are converted where another type is wanted (``"5"`` to 5, ``"true"`` to true), whole numbers where a text is
    wanted. Inputs that are not given get their default; optional ones without a default are null.

    Raises:
        InputError: inputs are missing, unknown or of the wrong type; all reasons in one error.
    """
    values: dict[str, Json] = {}
    reasons: list[str] = []
    for declared in workflow.inputs:
        if declared.name not in given:
            values[declared.name] = declared.default
            if declared.required:
                reasons.append(f"{declared.name}: is missing" + _described(declared))
            continue
        try:
            values[declared.name] = _resolved(declared, given[declared.name])
        except ValueError as error:
            reasons.append(f"{declared.name}: {error}")
    names = [declared.name for declared in workflow.inputs]
    reasons += [_unknown(name, names) for name in given if name not in names]
    if reasons:
        raise InputError(f"inputs of {workflow.name}", reasons)
    return values


def read_pairs(pairs: Iterable[str]) -> dict[str, Json]:
    """Return the values of ``name=value`` texts; a value is JSON when it is, else text.

    Raises:
        InputError: a text has no ``=`` or no name, or a name comes twice.
    """
    values: dict[str, Json] = {}
    reasons: list[str] = []
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name.strip():
            reasons.append(f"{pair!r} is not name=value")
        elif name.strip() in values:
            reasons.append(f"{name.strip()} comes twice")
        else:
            values[name.strip()] = _json_or_text(text)
    if reasons:
        raise InputError("inputs", reasons)
    return values


def value_fault(declared: Input, value: Json) -> str:
    """Return why a value does not fit an input, or an empty text."""
    if value is None:
        return "" if not declared.required else f"is null, {_article(declared.type)} is needed"
    if not INPUT_TYPES[declared.type](value):
        shown = short_value(value) if _may_be_shown(declared) else ""
        return f"{shown} is {kind_of(value)}, {_article(declared.type)} is needed".lstrip()
    if declared.enum and value not in declared.enum:
        near = nearest(str(value), [item for item in declared.enum if isinstance(item, str)])
        hint = f" (did you mean {near!r}?)" if near else ""
        return f"{value!r} is not one of {', '.join(repr(item) for item in declared.enum)}{hint}"
    return ""


def given_fault(declared: Input, value: Json) -> str:
    """Return why a given value cannot be made one of an input, or an empty text."""
    try:
        _resolved(declared, value)
    except ValueError as error:
        return str(error)
    return ""


def python_arguments(workflow: Workflow, inputs: Mapping[str, Json]) -> dict[str, Any]:
    """Return the typed keyword arguments of a Python workflow's function for its resolved inputs."""
    return {
        declared.name: declared.adapter.validate_python(inputs[declared.name])
        if declared.adapter is not None and first_unknown(inputs[declared.name]) is None
        else inputs[declared.name]
        for declared in workflow.inputs
    }


def _resolved(declared: Input, value: Json) -> Json:
    if first_unknown(value) is not None:  # a plan: nothing can be said of it yet
        return value
    converted = _converted(declared.type, value)
    if declared.adapter is not None:
        try:
            typed = declared.adapter.validate_python(converted)
        except ValidationError as error:
            shown = _may_be_shown(declared) and not is_marked(declared.adapter.json_schema())
            raise ValueError("; ".join(reasons_of(error, with_values=shown))) from None
        return declared.adapter.dump_python(typed, mode="json")
    fault = value_fault(declared, converted)
    if fault:
        raise ValueError(fault)
    return converted


def _converted(kind: InputType, value: Json) -> Json:
    """Return a value in the type that is wanted if it says the same there, else the value itself."""
    if kind == "string":
        return str(value) if _is_integer(value) else value
    if isinstance(value, str):
        parsed = _json_or_text(value)
        return parsed if INPUT_TYPES[kind](parsed) else value
    return value


def _json_or_text(text: str) -> Json:
    try:
        return load(text)
    except ValueError:
        return text


def _may_be_shown(declared: Input) -> bool:
    """Return whether an error may hold a value of this input, as far as the input's name tells."""
    return not is_personal_name(declared.name) and not is_secret_name(declared.name)


def _unknown(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names)
    return f"there is no input {name!r}" + (f" (did you mean {near!r}?)" if near else "")


def _described(declared: Input) -> str:
    return f" ({declared.description})" if declared.description else ""


def _article(kind: InputType) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"
