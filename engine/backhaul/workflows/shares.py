"""Shares of a whole, as people write them: ``2%``."""

from __future__ import annotations

import re

from backhaul.json_values import Json
from backhaul.workflows.missing import kind_of

__all__ = ["share_of"]

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%", re.ASCII)


def share_of(value: Json) -> float:
    """Return a share from 0 to 1.

    Raises:
        ValueError: it is not a text such as ``2%``, or more than everything.
    """
    found = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        shown = repr(value) if isinstance(value, str | int | float) else kind_of(value)
        raise ValueError(f"{shown} is no share: write it as 2% (a number of records is max_delete_count)")
    share = float(found[1]) / 100
    if share > 1:
        raise ValueError(f"{value!r} is more than everything: at most 100%")
    return share
