"""Moments as texts, for JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

__all__ = ["iso"]


@overload
def iso(moment: datetime) -> str: ...


@overload
def iso(moment: None) -> None: ...


@overload
def iso(moment: datetime | None) -> str | None: ...


def iso(moment: datetime | None) -> str | None:
    """Return a moment as ISO text in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
