"""What an effect would change, as a connector says it to a person who looks at a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backhaul.json_values import Json

__all__ = ["Change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One effect in words, and the fields that it changes.

    Attributes:
        text: a short sentence without secrets, such as ``link device SN1: login casa11 -> casa12``.
        before: the fields as they are, by name; None when they are not known, or there is nothing yet.
        after: the fields as they will be; None when nothing will be left.
    """

    text: str
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the form that a plan holds."""
        return {"describe": self.text, "before": self.before, "after": self.after}
