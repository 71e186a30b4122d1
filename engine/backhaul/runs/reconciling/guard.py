"""Whether the deletes of a reconcile may be made without a person's yes, and if not, why, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Limits", "Sizes", "objection", "records_in_words", "side_in_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What deletes have to pass.

    Attributes:
        share: greatest share of the target's records, from 0 to 1.
        count: greatest number; None: the share alone counts.
        min_source: records that the source must have.
    """

    share: float
    count: int | None
    min_source: int

    def allowed(self, target: int) -> int:
        """Return how many of so many records may be deleted."""
        by_share = math.floor(target * self.share + 1e-9)  # what a share such as 0.29 lacks to the whole number
        return by_share if self.count is None else min(by_share, self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a reconcile has found.

    Attributes:
        source: number of the source's records.
        deletes: how many of the target's records would be deleted.
        source_name: the source in words, such as ``acs.list_devices``; ``source`` where nothing else is known.
        source_before: number of the source's records the last time; None when there was none.
    """

    source: int
    target: int
    deletes: int
    source_name: str
    target_name: str
    source_before: int | None = None


def objection(limits: Limits, sizes: Sizes) -> str | None:
    """Return why the deletes wait for a person, or None when they need not."""
    if not sizes.deletes:
        return None
    allowed = limits.allowed(sizes.target)
    too_small = sizes.source < limits.min_source
    if not too_small and sizes.deletes <= allowed:
        return None
    target = "the target" if sizes.target_name == "target" else sizes.target_name
    would = (
        f"would delete {sizes.deletes:,} of {sizes.target:,} records of {target} "
        f"({_exact_percent(sizes.deletes / sizes.target, limits.share)}); allowed are {_limit(limits, allowed)}."
    )
    before = "" if sizes.source_before is None else f", {sizes.source_before:,} the last time"
    least = f"; at least {limits.min_source:,} are needed" if too_small else ""
    source = side_in_words("source", sizes.source_name)
    return f"{would} The {source} has {records_in_words(sizes.source)}{before}{least}"


def side_in_words(side: str, name: str) -> str:
    """Return a side of a reconcile: ``source acs.list_devices``, or ``source`` where nothing else is known of it."""
    return side if name == side else f"{side} {name}"


def _limit(limits: Limits, allowed: int) -> str:
    by_share = limits.count is None or allowed < limits.count
    return f"{_percent(limits.share)} ({allowed:,})" if by_share else f"{allowed:,}"


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f}".rstrip("0").removesuffix(".") + " %"


def _exact_percent(share: float, limit: float) -> str:
    """Return a share with so many digits that it is not taken for the limit, or for everything, when it is neither."""
    for digits in range(1, 7):
        text = _percent(share, digits)
        if not any(share != other and text == _percent(other, digits) for other in (limit, 1.0)):
            break
    return text


def records_in_words(count: int) -> str:
    """Return ``1 record``, ``2,000 records``."""
    return f"{count:,} record" + ("" if count == 1 else "s")
