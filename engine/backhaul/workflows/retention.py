"""How much of the history is kept: by the project, and of one workflow."""

from __future__ import annotations

from dataclasses import dataclass

from backhaul.errors import InputError

__all__ = ["HistoryBounds", "HistoryPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPolicy:
    """How long the ended runs of a workflow are kept; for what is None, the project's own setting holds.

    Attributes:
        max_age_s: seconds after a run's end.
        max_runs: the newest so many ended runs.

    Raises:
        InputError: an attribute is not more than 0, or both are None.
    """

    max_age_s: float | None = None
    max_runs: int | None = None

    def __post_init__(self) -> None:
        reasons = [f"{name} must be more than 0, not {value:g}" for name, value in self._given() if value <= 0]
        if reasons or not self._given():
            raise InputError("history", reasons or ["max_age or max_runs is needed"])

    def _given(self) -> list[tuple[str, float]]:
        both = (("max_age_s", self.max_age_s), ("max_runs", self.max_runs))
        return [(name, value) for name, value in both if value is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBounds:
    """What a project keeps of its history.

    Attributes:
        max_age_s: seconds after which runs that have ended, events and decisions go.
        max_bytes: size of the store beyond which the oldest of them go before their time.
    """

    max_age_s: float = 90 * 86_400.0
    max_bytes: int = 10 * 10**9
