"""Event triggers: which events start runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from backhaul.errors import InputError
from backhaul.json_values import Json

__all__ = ["Condition", "EventTrigger", "Filtered", "type_fault"]

_TYPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """Why a condition kept an event from starting a run.

    Attributes:
        clause: text of the part of the condition that is not true, such as ``event.data.serial != ""``.
        values: what the clause saw, by path: texts of bounded length, personal data as ``***``.
        error: why the clause could not be evaluated on the event; empty when it could.
    """

    clause: str
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def reason(self) -> str:
        """The whole in words: ``filtered by `event.data.serial != ""`: event.data.serial is ''``."""
        seen = self.error or "; ".join(f"{path} is {value}" for path, value in self.values.items())
        return f"filtered by `{self.clause}`" + (f": {seen}" if seen else "")


Condition: TypeAlias = Callable[[Mapping[str, Json]], Filtered | None]
"""Says of an event's attributes (``type``, ``data`` ...) why they are filtered; None when they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """A trigger that starts a run for every event of one type, perhaps only for some of them.

    Attributes:
        type: the event's type, such as ``acs.device.added``.
        where: text of the condition; empty without one.
        condition: the condition as a function of the event's attributes; None without one. It never raises.

    Raises:
        InputError: the type cannot be one.
    """

    type: str
    where: str = ""
    condition: Condition | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        reason = type_fault(self.type)
        if reason:
            raise InputError("event trigger", [reason])

    def explain(self, event: Mapping[str, Json]) -> Filtered | None:
        """Return why an event of this type starts nothing, or None when it starts a run.

        Args:
            event: the event's attributes (``type``, ``data`` ...), as workflows read them.
        """
        return self.condition(event) if self.condition is not None else None


def type_fault(name: str) -> str:
    """Return why a text cannot be the type of an event, or an empty text."""
    if _TYPE.fullmatch(name):
        return ""
    return f"{name!r} is no type of an event: write letters, digits and dots, as in acs.device.added"
