"""Moments as people and other systems write them."""

from __future__ import annotations

from datetime import UTC, datetime

from backhaul.json_values import Json

__all__ = ["parse_moment"]


def parse_moment(value: Json) -> datetime:
    """Return the moment of an ISO 8601 text, aware, in UTC; a text without a zone is UTC.

    Raises:
        ValueError: it is none.
    """
    text = value.strip() if isinstance(value, str) else ""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        shown = value if isinstance(value, str | int | float | None) else type(value).__name__
        raise ValueError(f"{shown!r} is no time: write it as 2026-03-01T06:00Z (UTC when there is no zone)") from None
