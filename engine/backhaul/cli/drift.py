"""What has changed since a plan was made, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from backhaul.cli.output import clean, number
from backhaul.views.drift import drift_shown, has_drift

if TYPE_CHECKING:
    from backhaul.json_values import Json
    from backhaul.store.records import StepRecord
    from backhaul.views.screen import Screen

__all__ = ["drift_found", "drift_lines"]

_MOST_LINES = 50


def drift_found(steps: Iterable[StepRecord], screen: Screen) -> Iterator[str]:
    """Give the first lines of what the check among a run's steps has found to be different, if it has."""
    for step in steps:
        if has_drift(step):
            yield from drift_lines(
                drift_shown(step, screen), most=_MOST_LINES, more=f"{step.run_id} --step '{step.key}'"
            )


def drift_lines(found: Mapping[str, Json], *, most: int | None = None, more: str = "") -> Iterator[str]:
    """Give a line for each difference of a check.

    Args:
        found: its output as people get to see it.
        most: at most so many; None: all that are kept.
        more: what ``backhaul runs show`` is given to show the others.
    """
    shown = found["drift"][:most]
    for one in shown:
        yield f"  {one['kind']:<8}{clean(one['text'])}"
    left = sum(found["counts"].values()) - len(shown)
    if left:
        yield f"  and {number(left)} more" + (f": backhaul runs show {more}" if more else "")
