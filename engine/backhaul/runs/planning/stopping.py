"""Where a planned Python workflow, or a branch of it, needs a value that is known after apply: there its plan ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from backhaul.runs.planning.line import ANY, PlanLine
from backhaul.workflows.unknown import Unknown, first_unknown

if TYPE_CHECKING:
    from backhaul.runs.journal import Journal

__all__ = ["OpaqueUnknown", "WorkflowStops", "stopped"]

REST = "$rest"
"""Key under which a plan lists that what follows is not known."""


class WorkflowStops(BaseException):
    """The workflow needs a value that is known after apply.

    Not an `Exception`: a workflow that catches the errors of its steps does not catch this.
    """

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"what follows depends on {step}, known after apply")


class OpaqueUnknown(Unknown):
    """What a planned Python workflow gets instead of a value that only an effect would produce."""

    __slots__ = ()

    def fail(self) -> NoReturn:
        """End what needs the value."""
        raise WorkflowStops(self._step)


def stopped(error: BaseException, key: str, journal: Journal, line: PlanLine | None) -> Unknown | None:
    """List that what would have followed is not known; None when the error is another one.

    Args:
        key: of the branch or item; empty for the workflow itself.
    """
    step = _needed(error)
    if journal.plan is None or step is None:
        return None
    reason = f"what follows depends on {step}, known after apply"
    return journal.plan.undetermined(key or REST, "python", reason, line or PlanLine(), changed=(ANY,))


def _needed(error: BaseException) -> str | None:
    match error:
        case WorkflowStops():
            return error.step
        case BaseExceptionGroup():
            return next((step for one in error.exceptions if (step := _needed(one)) is not None), None)
        case ValidationError():  # a model of the workflow was to be made of the value
            found = (first_unknown(problem.get("input")) for problem in error.errors(include_url=False))
            return next((step for step in found if step is not None), None)
        case TypeError() if OpaqueUnknown.__name__ in str(error):  # what C code says that looks at types, not values
            return "an earlier step"
    return None
