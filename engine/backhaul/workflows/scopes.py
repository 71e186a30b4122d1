"""What an expression sees at its place in a workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from backhaul.problems import Place
from backhaul.workflows.expression_tree import Path
from backhaul.workflows.expressions import Expression
from backhaul.workflows.report import Report

__all__ = ["CONTEXT_NAMES", "EACH_FIELDS", "Container", "Location", "Scope"]

CONTEXT_NAMES = frozenset({"inputs", "event", "steps", "status", "errors", "run", "now"})
"""Names that are known in every step."""
ITEM_NAMES = frozenset({"item", "index"})
"""Names that are known inside of ``each``."""
EACH_FIELDS = frozenset({"total", "succeeded", "failed", "skipped", "steps", "results"})
"""Fields of the output of ``each``."""
_STEP_NAMES = ("steps", "status", "errors")
_FUNCTION_WORDS = frozenset({"null", "undefined", "nil"})


@dataclass(frozen=True, slots=True)
class Container:
    """One level around a step: the kind of the step that holds it, that step's place, and which branch of it."""

    kind: str
    place: Place
    label: str
    branch: int = 0


Route: TypeAlias = tuple[Container, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """Where the step with an id stands, and inside of which other steps."""

    place: Place
    route: Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that are known at one place.

    Attributes:
        names: first names of paths.
        inputs: names of the declared inputs.
        locations: every id of the workflow.
        visible: ids whose output exists here; with the fields of the output when they are known.
        route: the containers around this place.
    """

    report: Report
    names: frozenset[str] = CONTEXT_NAMES
    inputs: frozenset[str] = frozenset()
    locations: Mapping[str, Location]
    visible: dict[str, frozenset[str] | None]
    route: Route = ()

    def inside(self, container: Container) -> Scope:
        """Return the scope at the beginning of a container; what becomes visible there stays there."""
        names = self.names | ITEM_NAMES if container.kind == "each" else self.names
        return replace(self, names=names, visible=dict(self.visible), route=(*self.route, container))

    def show(self, ids: Iterable[str], fields: frozenset[str] | None = None) -> None:
        """Make steps visible from here on."""
        for step_id in ids:
            self.visible[step_id] = fields

    def check(self, expression: Expression, place: Place) -> None:
        """Report what an expression reads and does not exist here."""
        for path in expression.references:
            name = str(path[0])
            if name not in self.names:
                self._unknown_name(name, expression, place)
            elif name in _STEP_NAMES and len(path) > 1:
                self._check_step(path, place)
            elif name == "inputs" and len(path) > 1 and path[1] not in self.inputs:
                self.report.add(
                    place,
                    "unknown-input",
                    f"the workflow declares no input {path[1]!r}",
                    near=str(path[1]),
                    known=self.inputs,
                )

    def _unknown_name(self, name: str, expression: Expression, place: Place) -> None:
        advice = ""
        if name in ITEM_NAMES:
            advice = ": it is known inside of 'each' only"
        elif name in _STEP_NAMES:
            advice = ": steps are not known here"
        elif name in self.locations:
            advice = f": a step's output is read as steps.{name}"
        elif name in self.inputs:
            advice = f": an input is read as inputs.{name}"
        elif name in _FUNCTION_WORDS:
            advice = ": the empty value is 'none'"
        message = f"there is no name {name!r}{advice} in the expression {expression.source!r}"
        self.report.add(place, "unknown-name", message, near="" if advice else name, known=self.names)

    def _check_step(self, path: Path, place: Place) -> None:
        step_id = str(path[1])
        if step_id not in self.visible:
            self._invisible_step(step_id, place)
            return
        fields = self.visible[step_id]
        if path[0] == "steps" and fields is not None and len(path) > 2 and path[2] not in fields:
            verb = "each" if fields is EACH_FIELDS else "reconcile"
            message = f"the output of the {verb} {step_id!r} has no field {path[2]!r}"
            self.report.add(place, "unknown-field", message, near=str(path[2]), known=fields)

    def _invisible_step(self, step_id: str, place: Place) -> None:
        location = self.locations.get(step_id)
        if location is None:
            known = [name for name in self.locations if name in self.visible] or list(self.locations)
            self.report.add(place, "unknown-step", f"there is no step {step_id!r}", near=step_id, known=known)
            return
        here = {container.place: container for container in self.route}
        for container in location.route:
            own = here.get(container.place)
            if own is None and container.kind == "each":
                message = (
                    f"step {step_id!r} is inside of the each {container.label!r}: outside, read "
                    f"steps.{container.label}.steps.{step_id} (its counts) or steps.{container.label}.results"
                )
                self.report.add(place, "step-inside-each", message)
                return
            if own is not None and own.branch != container.branch:
                message = f"step {step_id!r} runs at the same time, in another branch of parallel"
                self.report.add(place, "parallel-step", message)
                return
        self.report.add(place, "later-step", f"step {step_id!r} comes later, in line {location.place.line}")
