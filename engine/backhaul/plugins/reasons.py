"""What pydantic says of parameters and inputs, in the words of this program."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pydantic import ValidationError

__all__ = ["reasons_of"]


def reasons_of(error: ValidationError, known: Collection[str] = ()) -> list[str]:
    """Return one sentence per problem of a pydantic error, without the values given.

    Args:
        error: what pydantic says.
        known: names of fields, of which the nearest to one that is unknown is suggested.
    """
    reasons = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        match problem["type"]:
            case "missing":
                said = "is missing"
            case "extra_forbidden":
                near = get_close_matches(place, known, n=1)
                said = "is not known" + (f" (did you mean {near[0]!r}?)" if near else "")
            case _:
                said = problem["msg"].removeprefix("Value error, ")
        reasons.append(f"{place}: {said}" if place else said)
    return reasons
