"""One key of a reconcile: its call, what it came to, and the reason for which it is on one side only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backhaul.errors import BackhaulError, EvaluationError, StoreError
from backhaul.json_values import Json
from backhaul.runs.calls import Caller, CallRequest
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.failures import text_of
from backhaul.runs.journal import Journal
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.reconciling.outcomes import DoneKey
from backhaul.runs.reconciling.sides import Fields
from backhaul.runs.reconciling.work import Work
from backhaul.runs.scope import Scope, evaluate, render
from backhaul.store.records import StepStatus
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.reconcile import Change, ChangeName, Reconcile, Side
from backhaul.workflows.unknown import Unknown, UnknownValueError

__all__ = ["Changes", "Ending"]

_DONE = {"create": "created", "update": "updated", "delete": "deleted"}
_OWN_REASONS = {"duplicate": "duplicate key", "no_key": "no key"}
_UNEXPLAINED = "unexplained"
_SEVERAL = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a key has come to.

    Attributes:
        fresh: it has failed just now, not in an earlier process.
        line: in a plan: what was planned for it.
    """

    outcome: str
    note: str | None = None
    error: Json = None
    fresh: bool = False
    line: PlanLine | None = None


class Changes:
    """Makes the changes of one step, each of which is a journaled call.

    Args:
        key: the step's key.
        retry: of the calls.

    Attributes:
        deletes_only_if: in a plan: the step that a person has to say yes to before there are deletes; None: nobody.
    """

    deletes_only_if: str | None = None

    def __init__(
        self,
        verb: Reconcile,
        key: str,
        scope: Scope,
        fields: Fields,
        journal: Journal,
        caller: Caller,
        retry: RetryPolicy,
    ) -> None:
        self._verb = verb
        self._key = key
        self._scope = scope
        self._context = scope.context
        self._fields = fields
        self._journal = journal
        self._caller = caller
        self._retry = retry

    async def load(self, name: str, works: Sequence[Work]) -> None:
        """Load what an earlier process recorded of these keys."""
        await self._journal.load(keys=[key for work in works for key in self._keys(name, work)])

    def forget(self, name: str, work: Work) -> None:
        """Let go of what was loaded of a key."""
        for key in self._keys(name, work):
            self._journal.forget(key)

    def _has_begun(self, key: str) -> bool:
        """Return whether the journal holds anything of a change."""
        return self._journal.recorded(key) is not None

    def _keys(self, name: str, work: Work) -> list[str]:
        names = (name, "recheck") if name == "delete" else (name,)
        return [self._step(one, work) for one in names]

    def _step(self, name: str, work: Work) -> str:
        return f"{self._key}/{name}[{work.label}]"

    async def wanted(self, name: ChangeName, work: Work) -> bool:
        """Return what the ``if`` of a change says.

        Raises:
            EvaluationError: it cannot be evaluated on this key.
        """
        change = self._verb.change(name)
        if change is None or change.condition is None:
            return True
        return bool(await evaluate(change.condition, self._seen(work)))

    async def make(self, name: ChangeName, work: Work, control: Control) -> Ending:
        """Make a change, or find that it is not to be made any more.

        Raises:
            StepFailed: it failed, and the step says that this ends it.
        """
        key = self._step(name, work)
        change = self._verb.change(name)
        assert change is not None  # noqa: S101 (there is work of this kind only when there is)
        prior = self._journal.recorded(key)
        failed_before = prior is not None and prior.status is StepStatus.FAILED
        line = None if self._scope.line is None else self._scope.line.child()
        if line is not None and name == "delete" and self.deletes_only_if is not None:
            line.only_if = self.deletes_only_if
        try:
            if work.fault is not None:
                raise EvaluationError(*work.fault)
            if name == "delete" and self._verb.guard.recheck is not None and not self._has_begun(key):
                note = await self._changed(self._verb.guard.recheck, work, control, line)
                if note is not None:
                    return Ending(outcome="changed", note=note, line=line)
            await self._call(name, change, work, control, line)
        except StoreError:
            raise
        except BackhaulError as error:
            if self._verb.on_item_error == "stop":
                raise
            return Ending(outcome="failed", error=_error(key, error), fresh=not failed_before, line=line)
        if prior is not None and prior.status is StepStatus.SKIPPED:
            return Ending(outcome="skipped", note="skipped by a person")
        return Ending(outcome=_DONE[name], line=line)

    async def ended(self, work: Work, ending: Ending, change: str | None) -> DoneKey:
        """Return a key that is done, with its reason when it is on one side only."""
        sides = _one_sided(work, ending.outcome)
        reasons: list[tuple[Side, int, str]] = []
        problem = None
        for side, count in sides:
            reason, trouble = await self._reason(work, ending, side)
            reasons.append((side, count, reason))
            problem = problem or trouble
        result: dict[str, Json] = {
            "key": work.key,
            "outcome": ending.outcome,
            "reason": "; ".join(dict.fromkeys(reason for _, _, reason in reasons)) or None,
            "side": sides[0][0] if len(sides) == 1 else "both",
            "change": change,
            "before": work.before,
            "after": work.after,
            "note": ending.note,
            "error": ending.error,
            "source_positions": work.source_positions,
            "target_positions": work.target_positions,
        }
        if work.missing_runs:
            result["missing_runs"] = work.missing_runs
        return DoneKey(result=result, one_sided=tuple(reasons), problem=problem, line=ending.line)

    async def _call(self, name: str, change: Change, work: Work, control: Control, line: PlanLine | None) -> Json:
        params = await render(change.params, self._seen(work))
        request = CallRequest(
            key=self._step(name, work),
            connection=change.connection,
            action=change.action,
            params=params,
            retry=self._retry,
            handled=self._verb.on_item_error == "continue",
            change={"before": work.before, "after": work.after},
            line=line,
        )
        return await self._caller.perform(request, control)

    async def _changed(self, recheck: Change, work: Work, control: Control, line: PlanLine | None) -> str | None:
        """Read the target's record again, and return how it differs from what was read before; None when it does not.

        An answer from before a crash is too old: it is asked again until the delete is in the journal.
        """
        self._journal.forget(self._step("recheck", work))
        try:
            found = await self._call("recheck", recheck, work, control, line)
        except StepFailed as failed:
            if failed.error_type == "NotFoundError":
                return "it is gone since it was read"
            raise
        if isinstance(found, Unknown):  # a plan has changed that system before: the delete is listed
            return None
        found = await self._listed(found, work)
        if found is None:
            return "it is gone since it was read"
        if found is _SEVERAL:
            return "it is there several times since it was read"
        if self._fields.key("target", found) != work.key:
            return "its key has changed since it was read"
        if self._fields.print("target", found) != self._fields.print("target", work.target):
            return "it has changed since it was read"
        return None

    async def _listed(self, found: Json, work: Work) -> Json:
        """Return the one record of what a recheck has listed: the only one, or the only one with the key."""
        if isinstance(found, StoredDataset):
            found = [item async for _, items in found.pages() for item in items]
        if not isinstance(found, list):
            return found
        if len(found) > 1:
            found = [one for one in found if self._fields.key("target", one) == work.key]
        return _SEVERAL if len(found) > 1 else next(iter(found), None)

    async def _reason(self, work: Work, ending: Ending, side: Side) -> tuple[str, tuple[str, str] | None]:
        """Return the first reason that holds, and what was wrong with the first rule that could not be evaluated."""
        seen = {**self._seen(work), "side": side, "outcome": ending.outcome, "error": ending.error}
        problem: tuple[str, str] | None = None
        for rule in self._verb.explain:
            if rule.side is not None and rule.side != side:
                continue
            try:
                if rule.when is None or await evaluate(rule.when, seen):
                    return rule.reason, problem
            except (EvaluationError, UnknownValueError) as error:
                problem = problem or (rule.reason, text_of(error))
        return _OWN_REASONS.get(ending.outcome, _UNEXPLAINED), problem

    def _seen(self, work: Work) -> dict[str, Any]:
        return {**self._context, "item": work.item, "target": work.target, "key": work.key, "last": work.last}


def _one_sided(work: Work, outcome: str) -> list[tuple[Side, int]]:
    """Return how many records of which side have no partner on the other."""
    if work.item is not None and work.target is not None and outcome != "duplicate":
        return []
    sides: list[tuple[Side, int]] = [("source", work.source_count), ("target", work.target_count)]
    return [(side, count) for side, count in sides if count]


def _error(key: str, error: BackhaulError) -> Json:
    if isinstance(error, StepFailed):
        return error.to_json()
    return StepFailed(key, type(error).__name__, text_of(error)).to_json()
