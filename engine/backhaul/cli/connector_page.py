"""The documentation of a connector, read off its class: for people and as JSON."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from backhaul.json_values import dump
from backhaul.plugins.docstrings import text_without
from backhaul.plugins.personal import is_marked

if TYPE_CHECKING:
    from backhaul.json_values import Json
    from backhaul.plugins.action import ActionSpec
    from backhaul.plugins.registry import LoadedConnector

__all__ = ["described", "page", "type_words"]

_WIDTH = 110


def described(connector: LoadedConnector) -> dict[str, Json]:
    """Return the JSON form of a connector's documentation."""
    return {
        "name": connector.name,
        "source": connector.source,
        "version": connector.version,
        "doc": inspect.cleandoc(connector.cls.__doc__ or ""),
        "settings": connector.cls.Settings.model_json_schema(),
        "actions": [_action(spec) for spec in connector.actions.values()],
        "webhook": _webhook_doc(connector) or None,
        "events": dict(_event_types(connector)),
        "polls": [{"name": one.name, "every_s": one.every_s, "summary": one.summary} for one in connector.polls],
    }


def page(connector: LoadedConnector) -> Iterator[str]:
    """Give the lines of a connector's documentation."""
    yield f"{connector.name}  ({connector.source})"
    yield ""
    yield inspect.cleandoc(connector.cls.__doc__ or "")
    yield ""
    yield "Settings"
    schema = connector.cls.Settings.model_json_schema()
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        given = f"default {dump(one['default'])}" if one.get("default") is not None else "optional"
        state = "required" if name in required else given
        yield from _entry(f"{name}: {type_words(one, schema)}, {state}", one.get("description", ""))
    yield "  besides, as of every connection: limits"
    if connector.webhook is not None:
        yield "      and, to take webhooks: hook_secret or hook_secrets, allowed_networks"
    for spec in connector.actions.values():
        yield ""
        yield from _of_action(spec)
    if connector.webhook is not None:
        yield ""
        yield "webhooks  (events that the other system sends)"
        yield from _wrapped(text_without(_webhook_doc(connector), "Raises"), 4)
    for poll in connector.polls:
        yield ""
        yield f"{poll.name}  (events, looked for every {poll.every_s:g} s)"
        yield f"    {poll.summary}"
    types = _event_types(connector)
    if types:
        yield ""
        yield "Types of events  (CONNECTION.TYPE in workflows)"
        for name, sentence in types.items():
            yield from _entry(name, sentence)


def _event_types(connector: LoadedConnector) -> Mapping[str, str]:
    """Return the types of events that a connection with the default settings brings, as far as those tell."""
    try:
        return connector.cls.event_types(connector.cls.Settings.model_construct())
    except AttributeError:  # a setting without a default decides
        return {}


def _webhook_doc(connector: LoadedConnector) -> str:
    if connector.webhook is None:
        return ""
    return inspect.cleandoc(getattr(connector.cls, connector.webhook).__doc__ or "")


def type_words(schema: Mapping[str, Json], root: Mapping[str, Json]) -> str:
    """Return a JSON Schema as a person says it: ``text``, ``list of text``, ``exact|alias``, ``Device``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = root.get("$defs", {}).get(name, {})
        return type_words(target, root) if "enum" in target else str(name)
    if "enum" in schema:
        return "|".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            words = [type_words(one, root) for one in schema[key]]
            return " or ".join(dict.fromkeys(word for word in words if word != "null"))
    match schema.get("type"):
        case "array":
            return f"list of {type_words(schema.get('items', {}), root)}"
        case "string":
            return "text"
        case "object":
            return str(schema.get("title", "mapping")) if "properties" in schema else "mapping"
        case None:
            return "any value"
        case other:
            return str(other)


def _of_action(spec: ActionSpec) -> Iterator[str]:
    kind = "listing, " if spec.is_stream else ""
    yield f"{spec.name}  ({kind}effect {spec.effect.value})"
    yield from _wrapped(text_without(spec.doc, "Args", "Raises"), 4)
    for one in spec.parameters:
        given = "optional" if one.default is None else f"default {dump(one.default)}"
        state = "required" if one.required else given
        mark = ", personal" if is_marked(one.schema) else ""
        inner = _fields(one.schema.get("items", one.schema), one.schema)
        words = type_words(one.schema, one.schema) + (f" with {', '.join(inner)}" if inner else "")
        yield from _entry(f"{one.name}: {words}, {state}{mark}", one.description)
    if not spec.parameters:
        yield "  takes no parameters"
    yield f"  gives: {_result(spec)}"
    for error, when in spec.raises.items():
        yield from _entry(f"raises {error}:", when)
    if spec.source:
        yield from textwrap.wrap(f"source: {spec.source}", _WIDTH, initial_indent="  ", subsequent_indent="      ")


def _result(spec: ActionSpec) -> str:
    schema = spec.result_schema
    words = type_words(schema, schema) + (" (personal)" if is_marked(schema) else "")
    fields = _fields(schema.get("items", schema), schema)
    return words + (f" with {', '.join(fields)}" if fields else "")


def _fields(schema: Mapping[str, Json], root: Mapping[str, Json]) -> list[str]:
    if "$ref" in schema:
        schema = root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {})
    fields = schema.get("properties", {})
    return [f"{name} (personal)" if is_marked(one) else name for name, one in fields.items()]


def _entry(head: str, text: str) -> Iterator[str]:
    yield f"  {head}"
    yield from _wrapped(text, 6)


def _wrapped(text: str, indent: int) -> Iterator[str]:
    blank = " " * indent
    for paragraph in text.split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith(" ") for line in lines):
            yield from (f"{blank}{line}" for line in lines)
        elif paragraph.strip():
            yield from textwrap.wrap(" ".join(paragraph.split()), _WIDTH, initial_indent=blank, subsequent_indent=blank)


def _action(spec: ActionSpec) -> dict[str, Json]:
    return {
        "name": spec.name,
        "effect": spec.effect.value,
        "listing": spec.is_stream,
        "summary": spec.summary,
        "doc": spec.doc,
        "parameters": [
            {
                "name": one.name,
                "required": one.required,
                "default": one.default,
                "description": one.description,
                "schema": one.schema,
            }
            for one in spec.parameters
        ],
        "result": spec.result_schema,
        "raises": [{"error": error, "when": when} for error, when in spec.raises.items()],
        "source": spec.source,
    }
