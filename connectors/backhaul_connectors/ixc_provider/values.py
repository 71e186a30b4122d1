"""The ERP's values: everything is text, with several spellings of nothing."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from backhaul.sdk import Json

__all__ = ["date_of", "decimal", "flag", "link", "moment", "plain_text", "text", "whole"]

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")


def text(value: Json) -> str | None:
    """Return a text without blanks at its ends; None for nothing. Numbers become their digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value).strip() or None
    except ValueError:
        return None


def whole(value: Json) -> int | None:
    """Return a whole number of up to 18 digits given as text or number; None when it is not one."""
    digits = text(value)
    return int(digits) if digits is not None and re.fullmatch(r"-?[0-9]{1,18}", digits) else None


def link(value: Json) -> int | None:
    """Return the id that a link column points to; ``"0"``, ``""`` and anything else mean None."""
    number = whole(value)
    return number if number is not None and number > 0 else None


def flag(value: Json) -> bool | None:
    """Return the boolean of ``S`` or ``N``; None for ``SS`` (unknown), ``P``, ``H`` and anything else."""
    return {"S": True, "N": False}.get((text(value) or "").upper())


def moment(value: Json, zone: ZoneInfo) -> datetime | None:
    """Return the UTC moment of a local time of the server; None for zero dates and anything else.

    Accepts ``yyyy-mm-dd`` and ``dd/mm/yyyy``, with or without a time. Of a time that occurs twice when clocks go back,
    the first is taken. Source: ixc_provider reference, section 4.
    """
    written = text(value)
    if written is None or not re.fullmatch(r"[0-9/: -]{8,19}", written):
        return None
    for form in _FORMATS:
        try:
            return datetime.strptime(written, form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def plain_text(value: Json, length: int = 300) -> str:
    """Return a message of the ERP as one line without tags, at most `length` characters."""
    without_tags = re.sub(r"<[^>]*>", " ", value) if isinstance(value, str) else ""
    line = " ".join(html.unescape(without_tags).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def date_of(value: Json) -> str | None:
    """Return a date as ``yyyy-mm-dd``, in the server's own calendar; None for zero dates and anything else."""
    written = text(value)
    for form in _FORMATS:
        try:
            return datetime.strptime(written or "", form).date().isoformat()
        except ValueError:
            continue
    return None


def decimal(value: Json) -> float | None:
    """Return a number written with point or comma, with or without a unit behind it; None when it is none."""
    found = re.fullmatch(r"([+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*[A-Za-z°%/]{0,6}", text(value) or "")
    return float(found[1].replace(",", ".")) if found else None
