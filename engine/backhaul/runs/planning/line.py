"""What one line of doing of a planned run has planned so far."""

from __future__ import annotations

from collections.abc import Iterable

from backhaul.json_values import Json

__all__ = ["ANY", "PlanLine"]

ANY = "*"
"""Stands for every connection."""


class PlanLine:
    """The systems that a line of doing would have changed by now, so that reading them now would tell too little.

    The items of an ``each`` and the branches of a ``parallel`` are lines of their own: they begin with what was planned
    before them, know nothing of each other, and are joined at the end.

    Attributes:
        changed: names of connections, or `ANY`.
        effects: how many steps of this line have no outcome yet.
        only_if: what this line does is done only when this step, a wait for approval, ends in a yes: its name in the
            plan; None when nobody is asked.
    """

    __slots__ = ("changed", "effects", "only_if")

    def __init__(self, changed: Iterable[str] = (), effects: int = 0, only_if: str | None = None) -> None:
        self.changed = set(changed)
        self.effects = effects
        self.only_if = only_if

    def child(self) -> PlanLine:
        """Return a line that begins with what this one has changed."""
        return PlanLine(self.changed, only_if=self.only_if)

    def merge(self, other: PlanLine) -> None:
        """Take over what a line that has ended has planned."""
        self.changed |= other.changed
        self.effects += other.effects

    def add(self, changed: Iterable[str]) -> None:
        """Note a step whose outcome is not known, and the connections that it would change."""
        self.changed.update(changed)
        self.effects += 1

    def has_changed(self, connection: str) -> bool:
        """Return whether a connection's system would be another by now."""
        return connection in self.changed or ANY in self.changed

    def to_json(self) -> Json:
        """Return the form that a step's progress holds."""
        return {"changed": sorted(self.changed), "effects": self.effects}
