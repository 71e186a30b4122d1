"""From pydantic's findings to sentences for the person who wrote the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

from backhaul.json_values import Json
from backhaul.plugins.credentials import has_stray_blanks, trimmed
from backhaul.secrets import Secret

__all__ = ["problems_of", "trimmed_fields"]


def problems_of(error: ValidationError, known: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Give key, reason and advice of each finding; no value given is shown.

    Args:
        error: pydantic's error for a table of settings.
        known: names of the settings that the table can have.
    """
    names = list(known)
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        keys = tuple(str(part) for part in found["loc"]) or ("",)
        match found["type"]:
            case "missing":
                yield keys, "this setting is missing", ""
            case "extra_forbidden" if len(keys) == 1:
                near = get_close_matches(keys[0], names, n=1)
                advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}"
                yield keys, "there is no such setting", advice
            case "extra_forbidden":
                yield keys, "there is no such setting", ""
            case _:
                yield keys, found["msg"].removeprefix("Value error, "), ""


def trimmed_fields(raw: Mapping[str, Json], model: BaseModel) -> Iterator[str]:
    """Give the names of the settings whose value lost blanks at its ends when it was checked."""
    for key, given in raw.items():
        value = getattr(model, key, None)
        text = value.reveal() if isinstance(value, Secret) else value
        if isinstance(given, str) and has_stray_blanks(given) and text == trimmed(given):
            yield key
