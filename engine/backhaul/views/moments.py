"""Moments as texts, for JSON."""

from __future__ import annotations

from datetime import datetime
from typing import overload

from backhaul.clock import utc_text

__all__ = ["iso"]


@overload
def iso(moment: datetime) -> str: ...


@overload
def iso(moment: None) -> None: ...


@overload
def iso(moment: datetime | None) -> str | None: ...


def iso(moment: datetime | None) -> str | None:
    """Return a moment as ISO text in UTC."""
    return None if moment is None else utc_text(moment)
