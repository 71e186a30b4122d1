"""Checks of a workflow beside the project's connections and its other workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, Effect
from backhaul.plugins.personal import is_marked
from backhaul.plugins.reasons import with_value
from backhaul.problems import Place, Problem, nearest
from backhaul.workflows.definition import (
    Call,
    Each,
    Emit,
    Group,
    Parallel,
    Reconcile,
    RunWorkflow,
    Step,
    Wait,
    WaitEvent,
    Workflow,
)
from backhaul.workflows.inputs import given_fault

__all__ = ["all_steps", "check_workflow"]


def check_workflow(
    workflow: Workflow,
    actions: Mapping[str, Mapping[str, ActionSpec]],
    workflows: Mapping[str, Workflow],
    broken: Mapping[str, str] | None = None,
    events: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Problem]:
    """Return what is wrong with a workflow in this project; what its file alone shows is found by reading it.

    Args:
        workflow: the workflow, or what could be read of it.
        actions: the actions of every connection.
        workflows: the project's workflows by name.
        broken: connections whose connector or settings have a problem, with the reason.
        events: the types of events of the connections that know theirs, without the connection's name.
    """
    checker = _Checker(actions, workflows, broken or {}, events or {})
    checker.triggers(workflow)
    for connection in workflow.connections:
        checker.connection(connection, workflow.place(connection))
    for step in all_steps(workflow.steps):
        match step.verb:
            case Call() as call:
                checker.call(step, call)
            case RunWorkflow() as run:
                checker.run(workflow, step, run)
            case Wait(what=WaitEvent(type=kind)) if kind.constant:
                checker.event(kind.value, step.places.get("wait.event=", step.place))
            case Reconcile() as reconcile:
                checker.reconcile(step, reconcile)
    return sorted(checker.problems)


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Return the steps and all steps inside of them, in the order of the file."""
    for step in steps:
        yield step
        match step.verb:
            case Each(body=body) | Group(body=body):
                yield from all_steps(body)
            case Parallel(branches=branches):
                yield from all_steps(branches)
        yield from all_steps(step.on_error.body)


def _emitted(workflows: Iterable[Workflow]) -> set[Json]:
    """Return the types of the events that steps emit, as far as the files say them."""
    emits = (step.verb for workflow in workflows for step in all_steps(workflow.steps) if isinstance(step.verb, Emit))
    return {emit.type.value for emit in emits if emit.type.constant}


class _Checker:
    def __init__(
        self,
        actions: Mapping[str, Mapping[str, ActionSpec]],
        workflows: Mapping[str, Workflow],
        broken: Mapping[str, str],
        events: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.actions = actions
        self.events = events
        self.workflows = workflows
        self.broken = broken
        self.problems: list[Problem] = []

    def add(self, place: Place, code: str, message: str, suggestion: str = "") -> None:
        self.problems.append(Problem(place, code, message, suggestion))

    def triggers(self, workflow: Workflow) -> None:
        for trigger in workflow.events:
            self.event(trigger.type, workflow.place(f"on {trigger.type}"))
        for rule in workflow.cancel_on:
            self.event(rule.type, workflow.place(f"cancel_on {rule.type}"))
        if not workflow.cron and not workflow.events:
            return
        for item in workflow.inputs:
            if item.required:
                message = f"a trigger gives no inputs: {item.name!r} needs a default, or 'required: false'"
                place = workflow.place("inputs" if workflow.kind == "yaml" else item.name)
                self.add(place, "missing-input", message)

    def event(self, kind: str, place: Place) -> None:
        """Report an event that its connection never brings, and that no workflow emits."""
        connection, _, name = kind.partition(".")
        known = self.events.get(connection, {})
        if known and name not in known and kind not in _emitted(self.workflows.values()):
            near = nearest(name, known)
            hint = "" if near else f" (it brings: {', '.join(sorted(known))})"
            message = f"the connection {connection!r} brings no event {name!r}{hint}"
            self.add(place, "unknown-event", message, f"{connection}.{near}" if near else "")

    def connection(self, name: str, place: Place) -> bool:
        """Report a connection that cannot be used; return whether its actions are known."""
        if name in self.broken:
            self.add(place, "broken-connection", f"the connection {name!r} cannot be used: {self.broken[name]}")
        elif name not in self.actions:
            known = [*self.actions, *self.broken]
            near = nearest(name, known)
            hint = "" if near else f" (there are: {', '.join(sorted(known)) or 'none'})"
            self.add(place, "unknown-connection", f"there is no connection {name!r}{hint}", near)
        return name in self.actions

    def call(self, step: Step, call: Call) -> None:
        place = step.places.get("call", step.place)
        if not self.connection(call.connection, place):
            return
        spec = self.actions[call.connection].get(call.action)
        if spec is None:
            near = nearest(call.action, self.actions[call.connection])
            message = f"the connection {call.connection!r} has no action {call.action!r}"
            self.add(place, "unknown-action", message, f"{call.connection}.{near}" if near else "")
            return
        self._parameters(step, call, spec)
        if spec.effect is Effect.ONCE and step.retry and "UnknownOutcomeError" in step.retry.on:
            reason = f"{call.action} has its effect every time: an unknown outcome is never repeated"
            self.add(step.places.get("retry.on=", place), "unsafe-retry", reason)

    def _parameters(self, step: Step, call: Call, spec: ActionSpec) -> None:
        target = f"{call.connection}.{call.action}"
        given: Mapping[str, Json] = call.params.value
        fields = spec.params_model.model_fields
        for name in given:
            if name not in fields:
                hint = "" if fields else ": it takes none"
                message = f"{target} has no parameter {name!r}{hint}"
                self.add(_key_place(step, name), "unknown-parameter", message, nearest(name, fields))
        for name, field in fields.items():
            if field.is_required() and name not in given:
                self.add(step.places.get("call", step.place), "missing-parameter", f"{target} needs {name!r}")
        constants = {name: value for name, value in call.params.constants().items() if name in fields}
        for name, reason in _faults(spec, constants).items():
            self.add(_value_place(step, name), "bad-parameter", f"{name} of {target}: {reason}")

    def reconcile(self, step: Step, reconcile: Reconcile) -> None:
        for name, change in reconcile.calls:
            call = Call(connection=change.connection, action=change.action, params=change.params)
            place = change.places.get("", step.place)
            self.call(Step(id=step.id, verb=call, place=place, retry=step.retry, places=change.places), call)
            spec = self.actions.get(call.connection, {}).get(call.action)
            if name == "guard.recheck" and spec is not None and spec.effect is not Effect.READ:
                message = f"recheck only looks, and {call.connection}.{call.action} is a {spec.effect}"
                self.add(change.places.get("call", place), "bad-recheck", message)

    def run(self, workflow: Workflow, step: Step, run: RunWorkflow) -> None:
        place = step.places.get("run", step.place)
        target = self.workflows.get(run.workflow)
        if target is None:
            message = f"there is no workflow {run.workflow!r}"
            self.add(place, "unknown-workflow", message, nearest(run.workflow, self.workflows))
            return
        cycle = self._path(run.workflow, workflow.name)
        if cycle:
            self.add(place, "workflow-cycle", f"workflows run each other: {' -> '.join((workflow.name, *cycle))}")
        given: Mapping[str, Json] = run.inputs.value
        constants = run.inputs.constants()
        declared = {item.name: item for item in target.inputs}
        for name in given:
            if name not in declared:
                message = f"the workflow {target.name!r} declares no input {name!r}"
                self.add(_key_place(step, name), "unknown-input", message, nearest(name, declared))
        for name, item in declared.items():
            if item.required and name not in given:
                self.add(place, "missing-input", f"the workflow {target.name!r} needs the input {name!r}")
            elif name in constants and (reason := given_fault(item, constants[name])):
                self.add(_value_place(step, name), "bad-input", f"{name} of {target.name}: {reason}")

    def _path(self, start: str, end: str) -> tuple[str, ...]:
        """Return the names from `start` to `end` along ``run`` steps, or nothing."""
        paths: list[tuple[str, ...]] = [(start,)]
        seen = {start}
        while paths:
            path = paths.pop(0)
            if path[-1] == end:
                return path
            for name in _runs(self.workflows.get(path[-1])):
                if name not in seen:
                    seen.add(name)
                    paths.append((*path, name))
        return ()


def _runs(workflow: Workflow | None) -> list[str]:
    steps = all_steps(workflow.steps) if workflow else ()
    return [step.verb.workflow for step in steps if isinstance(step.verb, RunWorkflow)]


def _key_place(step: Step, name: str) -> Place:
    return step.places.get(f"with.{name}", step.place)


def _value_place(step: Step, name: str) -> Place:
    return step.places.get(f"with.{name}=", step.place)


def _faults(spec: ActionSpec, constants: Mapping[str, Json]) -> dict[str, str]:
    """Return what is wrong with each constant parameter; what is not given yet is left aside."""
    try:
        spec.params_model.model_validate(constants)
    except ValidationError as error:
        faults: dict[str, str] = {}
        marked = {name for name, field in spec.params_schema.get("properties", {}).items() if is_marked(field)}
        for problem in error.errors(include_url=False, include_context=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            if name in constants:
                inner = ".".join(str(part) for part in problem["loc"][1:])
                shown = with_value(problem) if inner or name in marked else with_value(problem, problem["input"])
                text = f"{inner}: {shown}" if inner else shown
                faults[name] = f"{faults[name]}; {text}" if name in faults else text
        return faults
    return {}
