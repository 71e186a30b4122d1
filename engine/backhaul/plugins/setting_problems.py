"""From pydantic's findings to sentences for the person who wrote the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from backhaul.json_values import Json
from backhaul.plugins.credentials import has_stray_blanks, trimmed
from backhaul.plugins.reasons import with_value
from backhaul.secrets import Secret, is_secret_name

__all__ = ["FromOutside", "problems_of", "trimmed_fields"]


class FromOutside(str):
    """Text of a setting that came from the environment or from a file, and may be a secret in the wrong place."""

    __slots__ = ()


def problems_of(error: ValidationError, known: Mapping[str, FieldInfo]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Give key, reason and advice of each finding.

    A reason shows the value that does not fit, unless it came from outside the file or the setting is a secret.

    Args:
        error: pydantic's error for a table of settings.
        known: the settings that the table can have, by name.
    """
    names = list(known)
    for found in error.errors(include_url=False, include_context=False):
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
                shown = found["input"] if _may_be_shown(found, known) else None
                yield keys, with_value(found, shown), ""


def _may_be_shown(found: ErrorDetails, fields: Mapping[str, FieldInfo]) -> bool:
    value = found["input"]
    if isinstance(value, FromOutside) or (isinstance(value, str) and "://" in value):  # it may hold a password
        return False
    annotation: object = None
    for part in found["loc"]:
        if is_secret_name(str(part)) or str(part) not in fields:
            return False
        annotation = fields[str(part)].annotation
        fields = annotation.model_fields if isinstance(annotation, type) and issubclass(annotation, BaseModel) else {}
    return not _holds_secrets(annotation)


def _holds_secrets(annotation: object) -> bool:
    return annotation is Secret or any(_holds_secrets(part) for part in get_args(annotation))


def trimmed_fields(raw: Mapping[str, Json], model: BaseModel) -> Iterator[str]:
    """Give the names of the settings whose value lost blanks at its ends when it was checked."""
    for key, given in raw.items():
        value = getattr(model, key, None)
        text = value.reveal() if isinstance(value, Secret) else value
        if isinstance(given, str) and has_stray_blanks(given) and text == trimmed(given):
            yield key
