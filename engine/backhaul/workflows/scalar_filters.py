"""Filters on texts, numbers and times."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import from_json

from backhaul.json_values import Json
from backhaul.workflows.datasets import json_text, text_of
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.missing import Missing, kind_of
from backhaul.workflows.operands import (
    MAX_TEXT,
    bounded_text,
    checked_number,
    number_of,
    present,
    text_from,
    whole_number,
)

__all__ = ["SCALAR_FILTERS"]

_NOTHING: Any = Missing(name="default")
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0", ""})
_DIRECTIVE = re.compile(r"%(?![YmdHMSfzZjyBbAaIpuVG%]).?")


def default(value: Json, replacement: Json = "", boolean: bool = False) -> Json:
    """Return the value, or `replacement` when it is missing (with `boolean`: also when it is empty or null)."""
    if isinstance(value, Missing) or (boolean and not value):
        return present(replacement)
    return value


def lower(value: Json) -> str:
    """Return the text in lower case."""
    return text_from(value).lower()


def upper(value: Json) -> str:
    """Return the text in upper case."""
    return text_from(value).upper()


def trim(value: Json, characters: str | None = None) -> str:
    """Return the text without blanks (or without `characters`) at both ends."""
    return text_from(value).strip(None if characters is None else text_from(characters))


def replace(value: Json, old: str, new: str, count: int = -1) -> str:
    """Return the text with `old` replaced by `new`, at most `count` times."""
    text, old, new = text_from(value), text_from(old), text_from(new)
    times = whole_number(count, least=-1, most=MAX_TEXT)
    found = text.count(old) if times < 0 else min(text.count(old), times)
    if len(text) + found * max(len(new) - len(old), 0) > MAX_TEXT:
        raise ValueError(f"the text becomes longer than {MAX_TEXT} characters")
    return text.replace(old, new, times)


def split(value: Json, separator: str | None = None, limit: int = -1) -> list[str]:
    """Return the parts of the text between blanks or separators."""
    times = whole_number(limit, least=-1, most=MAX_TEXT)
    return text_from(value).split(None if separator is None else text_from(separator), times)


def digits(value: Json) -> str:
    """Return only the digits 0 to 9 of a text or a number."""
    return "".join(character for character in string(value) if character in "0123456789")


def string(value: Json) -> str:
    """Return the value as a text."""
    return bounded_text(text_of(present(value)))


def integer(value: Json, replacement: Json = _NOTHING) -> Json:
    """Return the whole number in a text or a number, without its fraction; `replacement` when there is none."""
    try:
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, str):
            return _whole(value.strip())
        return int(number_of(value))
    except (ValueError, OverflowError):
        if replacement is _NOTHING:
            raise ValueError(f"{_shown(value)} is no whole number") from None
        return present(replacement)


def floating(value: Json, replacement: Json = _NOTHING) -> Json:
    """Return the number in a text; `replacement` when there is none."""
    try:
        number = float(value.strip() if isinstance(value, str) else number_of(value))
    except (ValueError, OverflowError):
        number = math.nan
    if math.isfinite(number):
        return number
    if replacement is _NOTHING:
        raise ValueError(f"{_shown(value)} is no number")
    return present(replacement)


def boolean(value: Json) -> bool:
    """Return true or false for a boolean, a number, null, or one of the texts true/false, yes/no, on/off, 1/0."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return bool(present(value))


def rounded(value: Json, precision: int = 0) -> int | float:
    """Return the number rounded to `precision` decimals (0 to 15); a whole number when it is 0."""
    number = number_of(value)
    places = whole_number(precision, least=0, most=15)
    return round(number, places) if places else round(number)


def absolute(value: Json) -> int | float:
    """Return the number without its sign."""
    return abs(number_of(value))


def tojson(value: Json) -> str:
    """Return the compact JSON text of the value."""
    return bounded_text(json_text(present(value)))


def fromjson(value: Json) -> Json:
    """Return the value of a JSON text."""
    try:
        return from_json(text_from(value), allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"the text is no JSON: {error}") from None


def to_datetime(value: Json, format: str | None = None, zone: str = "UTC") -> str:  # noqa: A002  # a name users write
    """Return a time as ISO text in UTC with seconds, so that such texts compare like the times.

    `value` is an ISO 8601 text, a text in `format`, or seconds since 1970; `zone` is its zone if it has none.
    """
    moment = _moment(value, format, zone).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def format_time(value: Json, format: str = "%Y-%m-%d %H:%M:%S", zone: str = "UTC") -> str:  # noqa: A002  # as above
    """Return a time as a text in `format` (strftime's directives), on the clocks of `zone`."""
    return _moment(value, None, "UTC").astimezone(_zone(zone)).strftime(_checked_format(format))


def timestamp(value: Json, zone: str = "UTC") -> float:
    """Return the seconds since 1970 of a time, to calculate with."""
    return _moment(value, None, zone).timestamp()


def shift_time(value: Json, by: str, zone: str = "UTC") -> str:
    """Return a time moved by a duration such as ``2h`` or ``-1d``, as `to_datetime` writes it."""
    text = text_from(by)
    seconds = parse_duration(text.removeprefix("-"))
    moved = _moment(value, None, zone) + timedelta(seconds=-seconds if text.startswith("-") else seconds)
    return to_datetime(moved.isoformat())


def _whole(text: str) -> int:
    try:
        return int(checked_number(int(text)))
    except ValueError:
        return int(float(text))


def _shown(value: Json) -> str:
    return repr(value[:60]) if isinstance(value, str) else kind_of(present(value))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(text_from(name))
    except (LookupError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}") from None


def _checked_format(text: str) -> str:
    wrong = _DIRECTIVE.search(text_from(text))
    if wrong or len(text) > 200:
        raise ValueError(f"{wrong.group() if wrong else text[:20]!r} is no directive of a time's format")
    return text


def _moment(value: Json, format: str | None, zone: str) -> datetime:  # noqa: A002  # as above
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            raise ValueError(f"{value} is no time in seconds since 1970") from None
    text = text_from(value).strip()
    try:
        moment = datetime.strptime(text, _checked_format(format)) if format else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no time" + (f" written as {format!r}" if format else "")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone))


SCALAR_FILTERS: dict[str, Callable[..., Json]] = {
    "abs": absolute,
    "bool": boolean,
    "d": default,
    "default": default,
    "digits": digits,
    "float": floating,
    "format_time": format_time,
    "fromjson": fromjson,
    "int": integer,
    "lower": lower,
    "replace": replace,
    "round": rounded,
    "shift_time": shift_time,
    "split": split,
    "string": string,
    "timestamp": timestamp,
    "to_datetime": to_datetime,
    "tojson": tojson,
    "trim": trim,
    "upper": upper,
}
