"""Planning a workflow of steps: what depends on an effect's outcome is listed as undetermined, and never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.plugins.action import Effect
from backhaul.runs.interpreter import Interpreter
from backhaul.runs.planning.line import ANY, PlanLine
from backhaul.runs.planning.writer import EMIT
from backhaul.runs.scope import Scope
from backhaul.store.records import StepRecord, StepStatus
from backhaul.workflows.definition import (
    Call,
    Each,
    Emit,
    Group,
    Parallel,
    RunWorkflow,
    Step,
    Wait,
    visible_ids,
)
from backhaul.workflows.reconcile import Reconcile
from backhaul.workflows.unknown import Unknown, UnknownValueError, known

if TYPE_CHECKING:
    from backhaul.runs.planning.writer import PlanWriter
    from backhaul.workflows.templates import Template

__all__ = ["PlanningInterpreter"]


class PlanningInterpreter(Interpreter):
    """Carries out the steps of one planned run: what they compute and read is real, what they change is listed.

    A plan is of the run in which every effect succeeds. Where a workflow goes on after one that fails, how it went is
    known after apply.
    """

    @property
    def plan(self) -> PlanWriter:
        """What lists its effects."""
        assert self.journal.plan is not None  # noqa: S101 (it is the journal of a plan)
        return self.journal.plan

    async def step(self, step: Step, scope: Scope) -> Json:
        """Carry out one step, and return its output or what stands for it."""
        key, line = scope.key(step.id), _line(scope)
        before = line.effects
        prior = self.journal.recorded(key)
        if prior is not None and prior.status is StepStatus.PLANNED and "undetermined" in (prior.progress or {}):
            return self._unknown(step, key, scope, self.plan.again(prior, line))
        try:
            output = await super().step(step, scope)
        except UnknownValueError as needed:
            reason = f"{_what(step, prior, self.journal.recorded(key))} {needed.step}, known after apply"
            changed = sorted({*self._changed_by((step,))})
            outcome = self.plan.undetermined(key, _word(step), reason, line, changed=changed)
            return self._unknown(step, key, scope, outcome)
        if step.on_error.action != "fail" and line.effects > before:
            return self._unknown(step, key, scope, self.plan.unknown(key))
        return output

    def _unknown(self, step: Step, key: str, scope: Scope, outcome: Unknown) -> Unknown:
        """Make it visible that what became of a step, and of those inside of it, is known after apply."""
        scope.not_known(visible_ids((step,)), outcome)
        return outcome

    async def _verb(self, step: Step, key: str, scope: Scope) -> Json:
        verb, prior, line = step.verb, self.journal.recorded(key), _line(scope)
        match verb:
            case Emit() if prior is not None and prior.status is StepStatus.PLANNED:
                return self.plan.again(prior, line)
            case Emit():
                scope.control.check()
                return await self._list_event(verb, key, scope)
            case RunWorkflow():
                known(await scope.render(verb.inputs))
                async with self.plan.child(key, line):
                    return await super()._verb(step, key, scope)
            case Wait():
                output = await super()._verb(step, key, scope)
                line.add(())
                return output
            case Reconcile():
                for side in (verb.source, verb.target):
                    known(await scope.evaluate(side))
        return await super()._verb(step, key, scope)

    def _changed_by(self, steps: Iterable[Step]) -> Iterator[str]:
        """Give what steps might change, as far as the workflow's text tells."""
        for step in steps:
            match step.verb:
                case Call(connection=connection, action=action):
                    spec = self._caller.actions(connection).get(action)
                    if spec is None or spec.effect is not Effect.READ:
                        yield connection
                case Emit():
                    yield EMIT
                case Group(body=inner) | Parallel(branches=inner) | Each(body=inner):
                    yield from self._changed_by(inner)
                case Reconcile() as verb:
                    yield from (change.connection for name, change in verb.calls if name != "guard.recheck")
                case RunWorkflow():
                    yield ANY
            yield from self._changed_by(step.on_error.body)

    async def _list_event(self, verb: Emit, key: str, scope: Scope) -> Unknown:
        async def text(template: Template | None) -> Json:
            value = None if template is None else await scope.render(template)
            return value if value is None or isinstance(value, Unknown) else str(value)

        params = {
            "type": await text(verb.type),
            "subject": await text(verb.subject),
            "data": await scope.render(verb.data),
            "key": await text(verb.key),
        }
        return self.plan.effect(key, EMIT, EMIT, EMIT, params, _line(scope))


def _line(scope: Scope) -> PlanLine:
    assert scope.line is not None  # noqa: S101 (the scopes of a plan have one)
    return scope.line


def _what(step: Step, prior: StepRecord | None, begun: StepRecord | None) -> str:
    """Return which part of a step needs what is not known."""
    if step.condition is not None and prior is None and begun is None and step.condition.references:
        return "whether it is done depends on"
    if isinstance(step.verb, Each):
        return "what it goes through depends on"
    return "what it does depends on"


def _word(step: Step) -> str:
    return {RunWorkflow: "run", Group: "do"}.get(type(step.verb), type(step.verb).__name__.lower())
