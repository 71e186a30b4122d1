"""The guard of a reconcile at work: its limits, what it objects to, and what a person says to that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.journal import Journal
from backhaul.runs.reconciling.guard import Limits, Sizes, objection, records_in_words, side_in_words
from backhaul.runs.reconciling.previous import find_previous
from backhaul.runs.reconciling.sides import Records
from backhaul.runs.reconciling.work import Joined
from backhaul.runs.scope import Scope
from backhaul.runs.wait_verb import wanted_approval
from backhaul.runs.waiting import Waiter, Wanted
from backhaul.store.records import StepStatus
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.expressions import Expression
from backhaul.workflows.reconcile import Reconcile, Side
from backhaul.workflows.shares import share_of
from backhaul.workflows.templates import Template
from backhaul.workflows.unknown import known

__all__ = ["Decision", "Guardian"]

_NO = frozenset({"RejectedError", "TimeoutError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of the deletes at the guard.

    Attributes:
        objection: why they waited for a person; None when they did not.
        by: the person who said yes or no; None: nobody has.
        note: what that person said with it.
        held_because: who said no, or that nobody spoke.
        supposed: nobody has been asked: a plan shows what a yes would lead to.
    """

    approved: bool = True
    objection: str | None = None
    held_because: str | None = None
    by: str | None = None
    note: str | None = None
    supposed: bool = False

    def to_json(self) -> Json:
        """Return the field ``guard`` of the step's output."""
        tripped = self.objection is not None
        return {
            "tripped": tripped,
            "message": self.objection,
            "approved": self.approved if tripped and not self.supposed else None,
            "by": self.by,
            "note": self.note,
            "held_because": self.held_because,
        }


class Guardian:
    """Applies the guard of one step."""

    def __init__(self, verb: Reconcile, key: str, scope: Scope, journal: Journal, waiter: Waiter) -> None:
        self._verb = verb
        self._key = key
        self._scope = scope
        self._journal = journal
        self._waiter = waiter
        self._asked = f"{key}/guard"

    @property
    def asked(self) -> str:
        """The name, in a plan, of the step that waits for a person."""
        plan = self._journal.plan
        return self._asked if plan is None else plan.prefix + self._asked

    async def limits(self) -> Limits | None:
        """Return what deletes have to pass; None when there are none.

        Raises:
            InputError: a limit is none.
        """
        if self._verb.delete is None:
            return None
        guard = self._verb.guard
        try:
            share = share_of(known(await self._scope.render(guard.max_delete)))
        except ValueError as error:
            raise InputError(f"max_delete of step {self._key}", [str(error)]) from None
        most = guard.max_delete_count
        count = None if most is None else await self._number("max_delete_count", most)
        return Limits(share=share, count=count, min_source=await self._number("min_source", guard.min_source))

    async def names(self, source: Records, target: Records) -> dict[Side, str]:
        """Return both sides in words: the actions that listed their records, or the expressions."""
        return {
            "source": await self._name("source", self._verb.source, source),
            "target": await self._name("target", self._verb.target, target),
        }

    async def objection(self, limits: Limits | None, joined: Joined) -> str | None:
        """Return why the deletes wait for a person, or None when they need not."""
        if limits is None:
            return None
        sizes = Sizes(
            source=joined.source,
            target=joined.target,
            deletes=joined.lists.get("delete", 0),
            source_name=joined.names["source"],
            target_name=joined.names["target"],
        )
        if objection(limits, sizes) is None:
            return None
        previous = await find_previous(self._journal.store, self._journal.run_id, self._key)
        return objection(limits, sizes if previous is None else replace(sizes, source_before=previous.source))

    async def missing_side(self, source: Json, target: Json, control: Control) -> Decision:
        """Tell a person that a side could not be read. Whatever the answer, nothing is changed.

        Raises:
            InputError: there are no deletes, so that nobody has to be asked.
        """
        sides: tuple[tuple[Side, Expression, Json], ...] = (
            ("source", self._verb.source, source),
            ("target", self._verb.target, target),
        )
        lacking = [await self._lack(name, expression) for name, expression, value in sides if value is None]
        if self._verb.delete is None:
            raise InputError(f"reconcile of step {self._key}", lacking)
        there = [
            f"the {side_in_words(name, await self._name(name, expression, value))} has {records_in_words(len(value))}"
            for name, expression, value in sides
            if value is not None
        ]
        previous = await find_previous(self._journal.store, self._journal.run_id, self._key)
        if source is None and previous is not None:
            there.append(f"the source had {previous.source:,} the last time")
        message = "; ".join([*lacking, *there]) + ". Nothing is changed; a yes or a no lets the run go on"
        decision = await self.decision(message, control)
        return replace(decision, approved=False, supposed=False)

    async def decision(self, message: str, control: Control) -> Decision:
        """Wait for a person's decision on the deletes."""
        key = self._asked
        await self._journal.load(keys=[key])  # inside each, nobody else has

        async def want() -> Wanted:
            return await self._wanted(message)

        try:
            said = await self._waiter.wait(key, control, want)
        except StepFailed as failed:
            if failed.error_type not in _NO:
                raise
            record = self._journal.recorded(key)
            said = {**(failed.said or {}), "approved": False, "because": failed.message}
            if record is not None:
                self._journal.finish(record, StepStatus.SUCCEEDED, output=said)
        if not isinstance(said, Mapping):
            return Decision(objection=message, supposed=True)
        approved = bool(said["approved"])
        because = None if approved else f"the guard holds it: {said.get('because') or said['note']}"
        return Decision(
            approved=approved, objection=message, held_because=because, by=said.get("by"), note=said.get("note") or None
        )

    async def _wanted(self, message: str) -> Wanted:
        guard, until = self._verb.guard, None
        if guard.timeout is not None:
            try:
                seconds = parse_duration(await self._scope.render(guard.timeout))
            except ValueError as error:
                raise InputError(f"timeout of the guard of step {self._key}", [str(error)]) from None
            until = self._journal.clock.now() + timedelta(seconds=seconds)
        to = "" if guard.to is None else str(await self._scope.render(guard.to))
        return wanted_approval(message, to=to, schema=None, until=until)

    async def _number(self, name: str, template: Template) -> int:
        value = known(await self._scope.render(template))
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InputError(f"{name} of step {self._key}", [f"a whole number from 0 is needed, not {value!r}"])
        return value

    async def _name(self, side: Side, expression: Expression, records: Records) -> str:
        """Return a side in words: the action that listed its records, or the expression."""
        if side in self._verb.names:
            return self._verb.names[side]
        if isinstance(records, StoredDataset):
            step = await self._journal.store.step(*records.place)
            if step is not None and step.action is not None:
                return step.action
        return expression.source

    async def _lack(self, side: str, expression: Expression) -> str:
        """Return why a side is null, as far as the run knows."""
        errors = self._scope.context["errors"]
        own = [step_id for step_id, _ in expression.step_references if errors.get(step_id)]
        failed = [await self._failure(step_id, errors) for step_id in own or errors if errors.get(step_id)]
        what = "is not complete" if own else "is null"
        if not failed and expression.source != side:
            failed = [f"{expression.source} gave nothing"]
        return f"the {side} {what}" + (f": {'; '.join(failed)}" if failed else "")

    async def _failure(self, step_id: str, errors: Json) -> str:
        read = await self._journal.store.dataset_count(self._journal.run_id, errors[step_id]["step"])
        part = f"; {read:,} of its records had been read" if read else ""
        return f"step {step_id} failed ({errors[step_id]['message']}{part})"
