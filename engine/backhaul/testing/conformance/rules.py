"""What a rule of the conformance suite is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backhaul.plugins.quality import Quality

if TYPE_CHECKING:
    from backhaul.testing.conformance.examination import Examination

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One demand on connectors.

    Attributes:
        id: its name in results, test ids and exceptions.
        quality: the grade that it belongs to.
        sentence: the demand, for people.
        check: examines a connector and returns one sentence per offence; none means that the rule is fulfilled.
    """

    id: str
    quality: Quality
    sentence: str
    check: Callable[[Examination], Awaitable[Sequence[str]]]
