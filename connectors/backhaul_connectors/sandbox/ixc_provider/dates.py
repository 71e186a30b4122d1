"""Dates as clients send them (``dd/mm/yyyy``) and as the ERP keeps them (ixc_provider.md sections 3.1 and 4)."""

from __future__ import annotations

import re

__all__ = ["iso_date"]

_DATE = re.compile(r"(\d{2})/(\d{2})/(\d{4})(.*)")


def iso_date(text: str) -> str:
    """Return ``dd/mm/yyyy`` as ``yyyy-mm-dd``, with the time behind it; anything else unchanged."""
    match = _DATE.fullmatch(text)
    return f"{match[3]}-{match[2]}-{match[1]}{match[4]}" if match else text
