"""Event triggers: which events start runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from backhaul.errors import InputError
from backhaul.json_values import Json

__all__ = ["EventTrigger", "Predicate", "type_fault"]

Predicate: TypeAlias = Callable[[Mapping[str, Json]], bool]

_TYPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,198}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """A trigger that starts a run for every event of one type, perhaps only for some of them.

    Attributes:
        type: the event's type, such as ``acs.device.added``.
        where: text of the condition, shown when it filtered an event; empty without a condition.
        predicate: the condition as a function of the event's attributes (``type``, ``data`` ...); None without one.
            It may raise `backhaul.errors.EvaluationError`.

    Raises:
        InputError: the type cannot be one.
    """

    type: str
    where: str = ""
    predicate: Predicate | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        reason = type_fault(self.type)
        if reason:
            raise InputError("event trigger", [reason])


def type_fault(name: str) -> str:
    """Return why a text cannot be the type of an event, or an empty text."""
    if _TYPE.fullmatch(name):
        return ""
    return f"{name!r} is no type of an event: write letters, digits and dots, as in acs.device.added"
