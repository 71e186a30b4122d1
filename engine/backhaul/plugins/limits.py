"""What a connection may ask of the other system, and the pure arithmetic behind it."""

from __future__ import annotations

from collections import deque
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["Limits", "MinuteWindow"]

MINUTE_S = 60.0


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


class MinuteWindow:
    """Says when the next request may start so that the other system never sees more than a number in 60 seconds.

    A request counts from its start until 60 seconds after its *end*: the other system saw it at some moment in
    between, however long it was on its way.

    A refusal (429) teaches a lower number, which grows again by a tenth for each minute without another one.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._stated = per_minute
        self._learned: float | None = None
        self._learned_at = 0.0
        self._under_way = 0
        self._ended: deque[float] = deque()

    def wait_s(self, now: float) -> float | None:
        """Return the seconds to wait before a start, 0 for none, or None until a request under way has ended."""
        allowed = self._allowed(now)
        if allowed is None:
            return 0.0
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
