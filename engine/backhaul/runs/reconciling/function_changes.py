"""The changes of a reconcile in a Python workflow: functions, whose calls of connectors are journaled steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backhaul.errors import BackhaulError, StoreError
from backhaul.json_values import Json, dump, load
from backhaul.runs.branches import Branch, in_branch
from backhaul.runs.calls import failed_before
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.failures import text_of
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.reconciling.changes import Changes, Ending
from backhaul.runs.reconciling.work import Work
from backhaul.store.records import StepStatus
from backhaul.workflows.reconcile import Change, ChangeName, Side

__all__ = ["Difference", "FunctionChanges", "Functions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A record that is on one side only, for whoever names the reason.

    Attributes:
        side: the side that has it.
        item: the source's record, or None.
        target: the target's, or None.
        outcome: what has become of it: ``created``, ``failed``, ``duplicate`` ...
        last: what became of its key the last time (``outcome``, ``reason``), or None.
    """

    side: Side
    item: Any
    target: Any
    key: str | None
    outcome: str
    last: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """What a Python workflow gives.

    Attributes:
        calls: by kind of change, and ``recheck``: what is called with a key's records.
        conditions: by kind of change: says of a key's records whether the change is to be made; absent: it is.
        typed: by side: makes of a record what the functions get.
        explain: names the reason of a difference; None: nothing does.
    """

    calls: Mapping[str, Callable[..., Awaitable[Any]]]
    conditions: Mapping[str, Callable[..., bool]]
    typed: Mapping[Side, Callable[[Json], Any]]
    explain: Callable[[Difference], str | None] | None


class FunctionChanges(Changes):
    """Makes changes by calling functions. Each key has a record of its own, ``sync/create[KEY]``, with steps in it."""

    functions: Functions
    _searched = 0
    _begun: frozenset[str] = frozenset()

    async def load(self, name: str, works: Sequence[Work]) -> None:
        """Load what an earlier process recorded of these keys.

        Keys begin in order and at most `concurrency` are under way at once, so at the crash only so many keys without
        a record of their own can have steps.
        """
        await super().load(name, works)
        for work in works:
            if self._searched < self._verb.concurrency and self._journal.recorded(self._step(name, work)) is None:
                self._searched += 1
                if await self._journal.load(prefix=f"{self._step(name, work)}/"):
                    self._begun |= {self._step(name, work)}

    async def wanted(self, name: ChangeName, work: Work) -> bool:
        """Return what the condition of a change says."""
        condition = self.functions.conditions.get(name)
        return condition is None or bool(condition(*self._arguments(name, work)))

    def _has_begun(self, key: str) -> bool:
        return key in self._begun or super()._has_begun(key)

    async def _call(self, name: str, change: Change, work: Work, control: Control, line: PlanLine | None) -> Json:
        key = self._step(name, work)
        prior = self._journal.recorded(key)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return prior.output
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        record = self._journal.begin(key, "item")
        try:
            async with in_branch(Branch(f"{key}/", control, line)):
                found = await self.functions.calls[name](*self._arguments(name, work))
        except StoreError:
            raise
        except BackhaulError as error:
            failed = error if isinstance(error, StepFailed) else StepFailed(key, type(error).__name__, text_of(error))
            handled = self._verb.on_item_error == "continue"
            self._journal.finish(record, StepStatus.FAILED, error=failed.to_json(), handled=handled)
            raise
        self._journal.finish(record, StepStatus.SUCCEEDED)
        return load(dump(found)) if name == "recheck" else None

    async def _reason(self, work: Work, ending: Ending, side: Side) -> tuple[str, tuple[str, str] | None]:
        usual = await super()._reason(work, ending, side)
        if self.functions.explain is None:
            return usual
        item, target = self._records(work)
        difference = Difference(
            side=side, item=item, target=target, key=work.key, outcome=ending.outcome, last=work.last
        )
        return str(self.functions.explain(difference) or usual[0]), None

    def _arguments(self, name: str, work: Work) -> tuple[Any, ...]:
        item, target = self._records(work)
        return {"create": (item,), "update": (item, target)}.get(name, (target,))

    def _records(self, work: Work) -> tuple[Any, Any]:
        typed = self.functions.typed
        item = None if work.item is None else typed["source"](work.item)
        return item, None if work.target is None else typed["target"](work.target)
