"""Conditions of event triggers: whether an event passes, and if not, which part of the condition kept it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backhaul.errors import EvaluationError
from backhaul.json_values import Json, dump
from backhaul.plugins.personal import covered
from backhaul.secrets import redact
from backhaul.triggers.event import Condition, Filtered
from backhaul.workflows.conjuncts import conjuncts
from backhaul.workflows.expression_tree import Path
from backhaul.workflows.expressions import Expression, dotted, field_of
from backhaul.workflows.missing import Missing

__all__ = ["LONGEST_SHOWN", "MOST_SHOWN", "expression_condition", "function_condition"]

LONGEST_SHOWN = 200
"""Characters of a value, or of an error, in the explanation of a filtered event."""
MOST_SHOWN = 10
"""Values in such an explanation."""


def expression_condition(expression: Expression) -> Condition:
    """Return an expression on ``event`` as the condition of an event trigger."""

    def explain(event: Mapping[str, Json]) -> Filtered | None:
        context = {"event": event}
        whole = _verdict(expression, context)
        if whole is None:
            return None
        return next(filter(None, (_verdict(part, context) for part in conjuncts(expression))), whole)

    return explain


def function_condition(function: Callable[[Mapping[str, Json]], Any]) -> Condition:
    """Return a function of the event's attributes as the condition of an event trigger."""
    name = getattr(function, "__name__", "a function")

    def explain(event: Mapping[str, Json]) -> Filtered | None:
        try:
            return None if function(event) else Filtered(clause=name)
        except Exception as error:  # noqa: BLE001 (a workflow file's own code: its mistake disables its trigger only)
            return Filtered(clause=name, error=_bounded(f"{type(error).__name__}: {error}"))

    return explain


def _verdict(condition: Expression, context: Mapping[str, Json]) -> Filtered | None:
    """Return None when a condition is true, else what it saw."""
    try:
        if condition.evaluate(context):
            return None
        error = ""
    except EvaluationError as failure:
        error = _bounded(failure.reason)
    seen: dict[str, str] = {}
    for path in condition.references[:MOST_SHOWN]:
        seen[dotted(path)], is_covered = _shown(path, context)
        if error and is_covered:
            error = "it cannot be evaluated on this personal data"  # errors quote what they are about
    return Filtered(clause=condition.source, values=seen, error=error)


def _shown(path: Path, context: Mapping[str, Json]) -> tuple[str, bool]:
    """Return the value under a path for a person, and whether the names on its way made it covered."""
    value: Json = context
    for key in path:
        value = field_of(value, key)
    if isinstance(value, Missing):
        return "missing", False
    shown = value
    for key in reversed(path):
        shown = covered({str(key): shown}, {})[str(key)]
    return _bounded(repr(shown) if isinstance(shown, str) else dump(shown)), shown != value


def _bounded(text: str) -> str:
    text = redact(text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
