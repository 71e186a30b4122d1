"""When a failed attempt of a step is followed by another one."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RetryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is followed by another one.

    Attributes:
        attempts: attempts in all, at least 1.
        delay_s: seconds before the second attempt.
        backoff: factor from one delay to the next, at least 1.
        max_delay_s: longest delay in seconds.
        on: class names of errors that are tried again; empty means every error that can pass by itself.
    """

    attempts: int = 3
    delay_s: float = 1.0
    backoff: float = 2.0
    max_delay_s: float = 300.0
    on: tuple[str, ...] = ()

    def delay_before(self, attempt: int) -> float:
        """Return the seconds to wait before `attempt` (2 is the first repetition)."""
        return min(self.delay_s * self.backoff ** max(attempt - 2, 0), self.max_delay_s)
