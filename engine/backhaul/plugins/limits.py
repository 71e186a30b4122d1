"""What a connection may ask of the other system, and the pure arithmetic behind it."""

from __future__ import annotations

import math
from collections import deque
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["BULK", "Limits", "MinuteWindow"]

MINUTE_S = 60.0
BULK = 0
"""The priority of bulk work, for which the last share of a limit is not."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone, such as America/Sao_Paulo") from None
    return name


class Limits(BaseModel):
    """The ``limits = {...}`` of a connection. What is not given is not limited, but for `concurrency`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests in any 60 seconds."""
    per_day: Annotated[int, Field(ge=1)] | None = None
    """Requests in one day of `day_zone`; counted across restarts."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Requests under way at the same time."""
    day_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """IANA zone whose midnight begins the day of `per_day`."""
    reserve: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    """Share of `per_minute` and `per_day`, rounded down, that bulk work (runs of priority 0) leaves to urgent runs."""

    def for_bulk(self, number: int) -> int:
        """Return how much of a limit bulk work may use."""
        return _less_reserve(number, self.reserve)


def _less_reserve(number: int, reserve: float) -> int:
    return number - math.floor(number * reserve + 1e-9)


class MinuteWindow:
    """Says when the next request may start so that the other system never sees more than a number in 60 seconds.

    A request counts from its start until 60 seconds after its *end*: the other system saw it at some moment in
    between, however long it was on its way.

    A refusal (429) teaches a lower number, which grows again by a tenth for each minute without another one.
    """

    def __init__(self, per_minute: int | None, reserve: float = 0.0) -> None:
        self._stated = per_minute
        self._reserve = reserve
        self._learned: float | None = None
        self._learned_at = 0.0
        self._under_way = 0
        self._ended: deque[float] = deque()

    def restate(self, per_minute: int | None, reserve: float) -> None:
        """Go by another number from now on. What was done counts on; what was learned does not."""
        if per_minute != self._stated:
            self._learned = None
        self._stated, self._reserve = per_minute, reserve

    def wait_s(self, now: float, *, leaves_reserve: bool = False) -> float | None:
        """Return the seconds to wait before a start, 0 for none, or None until a request under way has ended.

        Args:
            now: seconds of a clock that never goes back.
            leaves_reserve: the start must leave the reserved share of the number free.
        """
        allowed = self._allowed(now)
        if allowed is None:
            return 0.0
        if leaves_reserve:
            allowed = _less_reserve(allowed, self._reserve)
        self._forget(now)
        surplus = self._under_way + len(self._ended) - allowed
        if surplus < 0:
            return 0.0
        if surplus >= len(self._ended):
            return None
        # Never 0 by rounding, which would mean "go".
        return max(self._ended[surplus] + MINUTE_S - now, 1e-6)

    def start(self) -> None:
        """Count a request that starts now."""
        self._under_way += 1

    def end(self, now: float) -> None:
        """Note that a request has ended."""
        self._under_way -= 1
        self._ended.append(now)
        self._forget(now)

    def refused(self, now: float) -> None:
        """Learn from a 429 that what was done in the last minute was too much."""
        self._forget(now)
        done = self._under_way + len(self._ended) - 1
        if done < _TOO_FEW_TO_LEARN_FROM:
            return
        self._learned = min(done * 0.9, self._allowed(now) or done)
        self._learned_at = now

    def _allowed(self, now: float) -> int | None:
        if self._learned is None:
            return self._stated
        grown = self._learned * 1.1 ** ((now - self._learned_at) // MINUTE_S)
        if grown >= (self._stated or self._learned * 10):
            self._learned = None
            return self._stated
        return max(1, int(grown))

    def _forget(self, now: float) -> None:
        while self._ended and self._ended[0] + MINUTE_S <= now:
            self._ended.popleft()


# A refusal after so few requests in a minute says nothing of a rate per minute: other programs use the same quota, or
# the limit is one of concurrency.
_TOO_FEW_TO_LEARN_FROM = 5
