"""The ``[history]`` table: how much of the history is kept."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from backhaul.workflows.durations import parse_duration
from backhaul.workflows.retention import HistoryBounds

__all__ = ["HistorySettings", "parse_size"]

_FORM = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?(B|KB|MB|GB|TB)?", re.ASCII | re.IGNORECASE)
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_size(value: object) -> int:
    """Return the bytes of a size: a number of bytes, or a text such as ``500MB`` or ``1.5 GB`` (powers of 1000).

    Raises:
        ValueError: it is no size.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    form = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if form is None:
        raise ValueError(f"{value!r} is no size: write it as 500MB or 10GB")
    return round(float(form[1]) * _UNITS[(form[2] or "B").upper()])


class HistorySettings(BaseModel):
    """``[history]``: what goes first is what is over first, the age or the size."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    max_age: Annotated[float, BeforeValidator(parse_duration), Field(gt=0)] = HistoryBounds().max_age_s
    """Time after which runs that have ended, events and decisions go."""
    max_size: Annotated[int, BeforeValidator(parse_size), Field(ge=1_000_000)] = HistoryBounds().max_bytes
    """Size of the store beyond which the oldest of them go before their time."""

    def bounds(self) -> HistoryBounds:
        """Return them as the service takes them."""
        return HistoryBounds(max_age_s=self.max_age, max_bytes=self.max_size)
