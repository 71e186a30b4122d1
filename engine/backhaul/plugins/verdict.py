"""What a `verify` method is told, and what it finds out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backhaul.json_values import Json

__all__ = ["AttemptInfo", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptInfo:
    """What a `verify` method is told of the attempt whose outcome is not known.

    Attributes:
        started_at: when the intent was written, aware UTC; the call was made at or after this moment.
        number: number of the attempt, from 1.
    """

    started_at: datetime
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a `verify` method found out. Made by `done`, `not_done` or `unknown`."""

    state: str
    result: Json = None
    reason: str = ""

    @classmethod
    def done(cls, result: Json = None) -> Verdict:
        """The effect happened; `result` is what the action would have returned."""
        return cls(state="done", result=result)

    @classmethod
    def not_done(cls) -> Verdict:
        """The effect certainly did not happen, so the call may be made again."""
        return cls(state="not_done")

    @classmethod
    def unknown(cls, reason: str) -> Verdict:
        """It cannot be told; a person has to decide. `reason` says why."""
        return cls(state="unknown", reason=reason)
