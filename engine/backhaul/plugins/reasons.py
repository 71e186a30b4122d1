"""What pydantic says of settings, parameters and inputs, in the words of this program."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["reasons_of", "short_value", "with_value"]

_LONGEST_VALUE = 60
_CHOOSE_THEIR_WORDS = {"value_error", "assertion_error"}


def reasons_of(error: ValidationError, known: Collection[str] = (), *, with_values: bool = False) -> list[str]:
    """Return one sentence per problem of a pydantic error.

    Args:
        error: what pydantic says.
        known: names of fields, of which the nearest to one that is unknown is suggested.
        with_values: show the value itself where it is a short text, a number or a boolean; what is inside of it is
            never shown, because its fields may be personal.
    """
    reasons = []
    for problem in error.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        match problem["type"]:
            case "missing":
                said = "is missing"
            case "extra_forbidden":
                near = get_close_matches(place, known, n=1)
                said = "is not known" + (f" (did you mean {near[0]!r}?)" if near else "")
            case _:
                shown = with_values and not place
                said = with_value(problem, problem["input"]) if shown else with_value(problem)
        reasons.append(f"{place}: {said}" if place else said)
    return reasons


def with_value(problem: ErrorDetails, value: object = None) -> str:
    """Return what a problem says, and which value does not fit, if it is a short one and the message lacks it."""
    message = problem["msg"].removeprefix("Value error, ")
    shown = "" if problem["type"] in _CHOOSE_THEIR_WORDS else short_value(value)
    return f"{message.partition(', unable to ')[0]}, not {shown}" if shown else message


def short_value(value: object) -> str:
    """Return a value as errors show it: a short text, a number or a boolean; of others nothing."""
    shown = repr(value) if isinstance(value, str | int | float) else ""
    return shown if len(shown) <= _LONGEST_VALUE else ""
