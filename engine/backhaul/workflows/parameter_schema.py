"""The JSON Schema of an action's parameters as they are written in a workflow file."""

from __future__ import annotations

from collections.abc import Mapping

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec

__all__ = ["parameters_schema"]

_EXPRESSION = {"$ref": "#/$defs/expression"}


def parameters_schema(spec: ActionSpec, name: str) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the schema of a step's ``with`` for an action, and the definitions that it refers to.

    An expression is accepted wherever a value is. Numbers are accepted for texts, as the engine does.

    Args:
        spec: the action.
        name: prefix of the definitions' names.
    """
    properties: dict[str, Json] = {}
    definitions: dict[str, Json] = {}
    for parameter in spec.parameters:
        schema = dict(parameter.schema)
        inner = schema.pop("$defs", {})
        definitions |= {f"{name}.{key}": _writable(value, name) for key, value in inner.items()}
        properties[parameter.name] = _or_expression(_writable(schema, name), parameter.description)
    required = [parameter.name for parameter in spec.parameters if parameter.required]
    return {
        "type": "object",
        "description": spec.summary,
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }, definitions


def _or_expression(schema: Mapping[str, Json], description: str = "") -> dict[str, Json]:
    notes = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    if description:
        notes["description"] = description
    rest = {key: value for key, value in schema.items() if key not in notes}
    return {**notes, "anyOf": [_EXPRESSION, rest]}


def _writable(schema: Json, name: str) -> dict[str, Json]:
    """Return a schema with relocated references, and expressions accepted for everything inside."""
    if not isinstance(schema, Mapping):
        return {"not": {}} if schema is False else {}
    changed: dict[str, Json] = {key: value for key, value in schema.items() if key != "$defs"}
    if isinstance(schema.get("$ref"), str):
        changed["$ref"] = "#/$defs/" + f"{name}.{schema['$ref'].rpartition('/')[2]}"
    if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
        changed["type"] = ["string", "number"]
    for key in ("properties", "patternProperties"):
        if key in schema:
            changed[key] = {field: _or_expression(_writable(value, name)) for field, value in schema[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            changed[key] = _or_expression(_writable(schema[key], name))
    if "prefixItems" in schema:
        changed["prefixItems"] = [_or_expression(_writable(value, name)) for value in schema["prefixItems"]]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            changed[key] = [_writable(value, name) for value in schema[key]]
    if isinstance(changed.get("discriminator"), Mapping):
        del changed["discriminator"]
    return changed
