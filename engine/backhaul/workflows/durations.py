"""Durations as people write them in workflow files."""

from __future__ import annotations

import re

from backhaul.json_values import Json

__all__ = ["parse_duration"]

_FORM = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
_UNITS_S = (86_400, 3_600, 60, 1)
_LONGEST_S = 3_660 * 86_400
_LONGEST_SHOWN = 60


def parse_duration(value: Json) -> float:
    """Return the seconds of a duration.

    Args:
        value: seconds as a number (``90``) or a text of days, hours, minutes and seconds in this order: ``30s``,
            ``5m``, ``1h30m``, ``2d``.

    Raises:
        ValueError: it is no duration, or it is longer than ten years.
    """
    seconds = _seconds(value)
    if not 0 <= seconds <= _LONGEST_S:
        raise ValueError(f"the duration {value!r} is not between 0 and ten years")
    return seconds


def _seconds(value: Json) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= _LONGEST_S else float("inf")
    text = value.strip() if isinstance(value, str) else ""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return float(text)
    form = _FORM.fullmatch(text) if 0 < len(text) < 64 else None
    if form is None:
        shown = repr(value) if len(repr(value)) <= _LONGEST_SHOWN else f"{repr(value)[:_LONGEST_SHOWN]}..."
        raise ValueError(f"{shown} is no duration: write it as 30s, 5m, 1h30m or 2d")
    return sum(float(part) * unit for part, unit in zip(form.groups(), _UNITS_S, strict=True) if part)
