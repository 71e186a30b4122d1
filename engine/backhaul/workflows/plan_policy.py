"""What a workflow says of plans: that its runs are planned first, and which plans a person need not look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backhaul.problems import nearest

__all__ = ["COUNTED", "PlanPolicy", "policy_of"]

COUNTED = ("write", "delete", "once", "emit", "total")
"""What the numbers of `PlanPolicy.auto_apply_below` may be of: kinds of effects, and all of them together."""
_REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPolicy:
    """``plan``: every run makes a plan, waits for a person's yes, and then does what the plan lists.

    Attributes:
        auto_apply_below: numbers by what they are of (`COUNTED`). A plan with fewer of each is applied at once; none
            is when this is empty.
    """

    auto_apply_below: Mapping[str, int] = field(default_factory=dict)

    def applies_at_once(self, counts: Mapping[str, int], *, undetermined: int) -> bool:
        """Return whether a plan with so many effects of each kind needs nobody's yes."""
        total = sum(counts.values())
        if undetermined or not self.auto_apply_below:
            return not total and not undetermined
        found = {**counts, "total": total}
        return all(found.get(name, 0) < limit for name, limit in self.auto_apply_below.items())


def policy_of(value: object) -> PlanPolicy:
    """Return what ``plan`` says: ``required``, or ``{auto_apply_below: {delete: 10, total: 200}}``.

    Raises:
        ValueError: it says something else.
    """
    if value == _REQUIRED:
        return PlanPolicy()
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"write 'required' or {{auto_apply_below: {{total: 200}}}}, not {value!r}")
    for key in value:
        if key != "auto_apply_below":
            raise ValueError(f"there is no key {key!r}{_near(str(key), ('auto_apply_below',))}")
    limits = value["auto_apply_below"]
    if not isinstance(limits, Mapping) or not limits:
        raise ValueError("auto_apply_below needs numbers, as in {delete: 10, total: 200}")
    for name, limit in limits.items():
        if name not in COUNTED:
            raise ValueError(f"auto_apply_below: there is no {name!r}{_near(str(name), COUNTED)}")
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise ValueError(f"auto_apply_below.{name}: a whole number from 0 is needed, not {limit!r}")
    return PlanPolicy(auto_apply_below={str(name): limit for name, limit in limits.items()})


def _near(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    return f" (did you mean {near!r}?)" if near else f" (there are: {', '.join(known)})"
