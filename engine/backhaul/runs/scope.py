"""What expressions see at one place of a run: inputs, event, earlier steps, the item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from backhaul.json_values import Json
from backhaul.runs.control import Control
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.planning.line import PlanLine
from backhaul.store.records import StepStatus
from backhaul.workflows.datasets import NotReady
from backhaul.workflows.expressions import Expression
from backhaul.workflows.templates import Template
from backhaul.workflows.unknown import Unknown

__all__ = ["Layer", "Scope", "evaluate", "render"]


class Layer(dict[str, Any]):
    """A mapping on top of another one: writes stay here, reads fall through."""

    __slots__ = ("_below",)

    def __init__(self, below: Layer | None = None) -> None:
        super().__init__()
        self._below = below

    def __missing__(self, key: str) -> Any:
        if self._below is None:
            raise KeyError(key)
        return self._below[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (self._below is not None and key in self._below)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key` here or below."""
        return self[key] if key in self else default  # noqa: SIM401 (dict.get would not look below)

    def keys(self) -> Any:
        """Return all keys, the lowest layer's first."""
        return {name: None for layer in self._layers() for name in dict.keys(layer)}.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def _layers(self) -> Iterator[Layer]:
        if self._below is not None:
            yield from self._below._layers()
        yield self


class Scope:
    """One place of a run: the context of its expressions, the prefix of its step keys, its control.

    Attributes:
        context: the names that expressions know.
        inside_each: steps here are recomputed after a crash unless they touched the outside, so that 100,000
            items with nothing to do leave no rows.
        unrecorded: how many steps of each status ended here without a row of their own.
        replays: what the journal holds is seen again here, and nothing new begins.
        line: in a plan: what was planned before, on the way to here.
    """

    __slots__ = ("context", "control", "inside_each", "line", "own_status", "prefix", "replays", "unrecorded")

    def __init__(
        self,
        context: dict[str, Any],
        prefix: str,
        control: Control,
        *,
        inside_each: bool,
        unrecorded: Counter[str],
        own_status: dict[str, str],
        replays: bool = False,
        line: PlanLine | None = None,
    ) -> None:
        self.context = context
        self.prefix = prefix
        self.control = control
        self.inside_each = inside_each
        self.unrecorded = unrecorded
        self.own_status = own_status
        self.replays = replays
        self.line = line

    @classmethod
    def root(
        cls, *, inputs: Json, event: Json, run: Json, now: str, control: Control, line: PlanLine | None = None
    ) -> Scope:
        """Return the scope of a run's first step."""
        context = {
            "inputs": inputs,
            "event": event,
            "run": run,
            "now": now,
            "steps": Layer(),
            "status": Layer(),
            "errors": Layer(),
        }
        return cls(context, "", control, inside_each=False, unrecorded=Counter(), own_status={}, line=line)

    def key(self, step_id: str) -> str:
        """Return the key of a step here."""
        return self.prefix + step_id

    def block(self, key: str, control: Control) -> Scope:
        """Return the scope of steps inside the step `key`, whose ids are visible outside, too."""
        return Scope(
            self.context,
            f"{key}/",
            control,
            inside_each=self.inside_each,
            unrecorded=self.unrecorded,
            own_status=self.own_status,
            replays=self.replays,
            line=self.line,
        )

    def within(self, control: Control) -> Scope:
        """Return this scope under another control."""
        return Scope(
            self.context,
            self.prefix,
            control,
            inside_each=self.inside_each,
            unrecorded=self.unrecorded,
            own_status=self.own_status,
            replays=self.replays,
            line=self.line,
        )

    def replay(self) -> Scope:
        """Return this scope for seeing again what the journal holds: nothing may begin in it."""
        control = self.control.child()
        control.stop()
        return Scope(
            self.context,
            self.prefix,
            control,
            inside_each=self.inside_each,
            unrecorded=self.unrecorded,
            own_status=self.own_status,
            replays=True,
            line=self.line,
        )

    def item(self, key: str, item: Json, index: int, control: Control) -> Scope:
        """Return the scope of one item of an ``each``; `key` is the item's, ``link[SN001]``."""
        outer = self.context
        context = {
            **outer,
            "item": item,
            "index": index,
            "steps": Layer(outer["steps"]),
            "status": Layer(outer["status"]),
            "errors": Layer(outer["errors"]),
        }
        return Scope(
            context,
            f"{key}/",
            control,
            inside_each=True,
            unrecorded=Counter(),
            own_status={},
            line=self.line.child() if self.line is not None else None,
        )

    def branch(self) -> Scope:
        """Return this scope for one of several things that are done at the same time."""
        branch = self.within(self.control)
        if self.line is not None:
            branch.line = self.line.child()
        return branch

    def take_over(self, line: PlanLine | None) -> None:
        """Note what a branch that has ended, or items, have planned."""
        if self.line is not None and line is not None:
            self.line.merge(line)

    def ended(self, step_id: str, status: StepStatus, output: Json, error: Json = None) -> None:
        """Make a step's end visible to the steps after it."""
        self.context["steps"][step_id] = output
        self.context["status"][step_id] = status.value
        self.context["errors"][step_id] = error
        self.own_status[step_id] = status.value

    def not_known(self, step_ids: Iterable[str], outcome: Unknown) -> None:
        """Make it visible that what became of these steps is known after apply."""
        for step_id in step_ids:
            for part in ("steps", "status", "errors"):
                self.context[part][step_id] = outcome
            self.own_status[step_id] = StepStatus.PLANNED.value

    def not_reached(self, step_ids: Iterable[str]) -> None:
        """Make the steps among these that have not ended visible as skipped."""
        for step_id in step_ids:
            if step_id not in self.own_status:
                self.ended(step_id, StepStatus.SKIPPED, None)

    def evaluate(self, expression: Expression) -> Awaitable[Json]:
        """Return the value of an expression here."""
        return evaluate(expression, self.context)

    def render(self, template: Template) -> Awaitable[Json]:
        """Return the value of a template here."""
        return render(template, self.context)


async def evaluate(expression: Expression, context: dict[str, Any]) -> Json:
    """Return the value of an expression, after preparing what it asks of datasets."""
    return await _prepared(expression.evaluate, context)


async def render(template: Template, context: dict[str, Any]) -> Json:
    """Return the value of a template, after preparing what it asks of datasets."""
    return await _prepared(template.render, context)


async def _prepared(compute: Callable[[dict[str, Any]], Json], context: dict[str, Any]) -> Json:
    while True:
        try:
            return compute(context)
        except NotReady as need:
            if not isinstance(need.dataset, StoredDataset):
                raise
            await need.dataset.prepare(need)
