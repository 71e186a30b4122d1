"""JSON Schemas in workflows: whether they are right, and whether data fits them."""

from __future__ import annotations

from backhaul.json_values import Json

__all__ = ["data_faults", "schema_fault"]

_MOST_SHOWN = 5
_LONGEST_SHOWN = 200


def schema_fault(schema: Json) -> str:
    """Return why a value is no JSON Schema (2020-12), or an empty text."""
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(schema, dict | bool):
        return "a JSON Schema is a mapping"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return _told(error.json_path, error.message)
    return ""


def data_faults(schema: Json, data: Json) -> list[str]:
    """Return what is wrong with data beside a schema, a sentence each; references to other documents are faults."""
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # A registry of our own, which is empty: nothing is fetched.
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        found = sorted(validator.iter_errors(data), key=lambda error: error.json_path)
    except Unresolvable as error:
        return [f"the schema refers to {error.ref!r}, which is not in it"]
    return [_told(error.json_path, error.message) for error in found[:_MOST_SHOWN]]


def _told(path: str, message: str) -> str:
    place = path.removeprefix("$").removeprefix(".")
    text = message if len(message) <= _LONGEST_SHOWN else f"{message[: _LONGEST_SHOWN - 1]}…"
    return f"{place}: {text}" if place else text
