"""Rules on what a connector declares: types, effects, documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.examination import Examination
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES"]

_TELLING: Final = ("type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const")


async def _typed_parameters(examination: Examination) -> Sequence[str]:
    return [
        f"{spec.name}: the type of parameter {one.name} says nothing ({_short(one.schema)})"
        for spec in examination.actions.values()
        for one in spec.parameters
        if not _tells(one.schema)
    ]


async def _typed_results(examination: Examination) -> Sequence[str]:
    return [
        f"{spec.name}: the type of its result says nothing ({_short(schema)})"
        for spec in examination.actions.values()
        if not _tells(schema := spec.result_adapter.json_schema(mode="serialization"))
    ]


async def _effects(examination: Examination) -> Sequence[str]:
    return [] if examination.actions else [f"{examination.case.connector.__name__} has no action"]


async def _documented(examination: Examination) -> Sequence[str]:
    cls = examination.case.connector
    found = [] if cls.__doc__ else [f"{cls.__name__} has no docstring"]
    found += [f"{spec.name} has no docstring" for spec in examination.actions.values() if not spec.summary]
    for subject in examination.subjects:
        if not getattr(cls, subject.name).__doc__:
            found.append(f"{subject.name} has no docstring")
    return list(dict.fromkeys(found))


async def _documented_parameters(examination: Examination) -> Sequence[str]:
    return [
        f"{spec.name}: its docstring does not describe {one.name} (in its section 'Args:')"
        for spec in examination.actions.values()
        for one in spec.parameters
        if not one.description and not _named_in_summary(spec, one.name)
    ]


async def _documented_errors(examination: Examination) -> Sequence[str]:
    specs = examination.actions.values()
    silent = [spec.name for spec in specs if not spec.raises]
    groundless = [spec.name for spec in specs if not spec.source]
    return [
        *(f"{name}: its docstring does not say what it raises (in a section 'Raises:')" for name in silent),
        *(f"{name}: neither its docstring nor its connector's has a 'Source:'" for name in groundless),
    ]


async def _documented_settings(examination: Examination) -> Sequence[str]:
    fields: Mapping[str, Any] = examination.case.connector.Settings.model_fields
    return [f"setting {name} has no description" for name, info in fields.items() if not info.description]


async def _documented_results(examination: Examination) -> Sequence[str]:
    return [
        f"{spec.name}: the result's model {model} has no docstring"
        for spec in examination.actions.values()
        for model, schema in _models(spec)
        if not schema.get("description")
    ]


async def _readme(examination: Examination) -> Sequence[str]:
    cls = examination.case.connector
    path = examination.case.readme or Path(inspect.getfile(cls)).parent / "README.md"
    if not path.is_file():
        return [f"there is no {path.name} beside the module of {cls.__name__}, and the case names no other (readme)"]
    text = path.read_text(encoding="utf-8")
    inherited = {field for base in cls.Settings.__mro__[1:] for field in getattr(base, "model_fields", {})}
    settings = (name for name in cls.Settings.model_fields if name not in inherited)
    wanted = [*((name, "action") for name in examination.actions), *((name, "setting") for name in settings)]
    return [
        f"{path.name} says nothing of the {kind} {name}" for name, kind in wanted if not re.search(rf"\b{name}\b", text)
    ]


def _tells(schema: Mapping[str, Json]) -> bool:
    """Tell whether a JSON Schema says what a value is: neither anything, nor a list or mapping of anything."""
    if schema.get("type") == "array":
        return "prefixItems" in schema or _tells(schema.get("items", {}))
    if schema.get("type") == "object" and "properties" not in schema:
        # A mapping from names to values as the other system has them is what generic actions give.
        return schema.get("additionalProperties") is not None or "title" in schema
    return any(key in schema for key in _TELLING)


def _named_in_summary(spec: ActionSpec, parameter: str) -> bool:
    """Tell whether the first line says it all: ``Return the device with this serial number``."""
    words = set(re.findall(r"\w+", spec.doc.lower()))
    return len(spec.parameters) == 1 and set(parameter.lower().split("_")) <= words


def _models(spec: ActionSpec) -> Iterator[tuple[str, Mapping[str, Json]]]:
    schema = spec.result_adapter.json_schema(mode="serialization")
    known = {**schema.get("$defs", {}), schema.get("title", ""): schema}
    for name, one in known.items():
        if name and one.get("type") == "object" and "properties" in one:
            yield name, one


def _short(schema: Mapping[str, Json]) -> str:
    text = str({key: value for key, value in schema.items() if key != "$defs"})
    return text if len(text) < 80 else f"{text[:79]}…"


RULES = (
    Rule(
        id="effects-stated",
        quality=Quality.BRONZE,
        sentence="It has actions, each of which states its effect.",
        check=_effects,
    ),
    Rule(
        id="documented",
        quality=Quality.BRONZE,
        sentence="The connector, its actions, its check and its polls have docstrings.",
        check=_documented,
    ),
    Rule(
        id="documented-parameters",
        quality=Quality.SILVER,
        sentence="Every parameter is described in its action's docstring.",
        check=_documented_parameters,
    ),
    Rule(
        id="documented-errors",
        quality=Quality.SILVER,
        sentence="Every action says when it raises which error (`Raises:`), and where its facts come from (`Source:`, "
        "in its own docstring, its class's or its connector's).",
        check=_documented_errors,
    ),
    Rule(
        id="documented-settings",
        quality=Quality.SILVER,
        sentence="Every setting has a description.",
        check=_documented_settings,
    ),
    Rule(
        id="typed-parameters",
        quality=Quality.GOLD,
        sentence="Every parameter has a type that says what it is.",
        check=_typed_parameters,
    ),
    Rule(
        id="typed-results",
        quality=Quality.GOLD,
        sentence="Every result has a type that says what it is.",
        check=_typed_results,
    ),
    Rule(
        id="documented-results",
        quality=Quality.GOLD,
        sentence="Every model that an action returns has a docstring.",
        check=_documented_results,
    ),
    Rule(
        id="readme",
        quality=Quality.GOLD,
        sentence="The README names every action and every setting.",
        check=_readme,
    ),
)
