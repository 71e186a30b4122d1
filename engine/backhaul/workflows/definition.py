"""A workflow as the engine sees it: frozen records, the same for every file that means the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from backhaul.json_values import Json
from backhaul.problems import Place
from backhaul.workflows.plan_policy import PlanPolicy
from backhaul.workflows.reconcile import Reconcile
from backhaul.workflows.retention import HistoryPolicy
from backhaul.workflows.retry_policy import RetryPolicy

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from backhaul.triggers.cron import CronTrigger
    from backhaul.triggers.event import EventTrigger
    from backhaul.workflows.cancelling import CancelRule
    from backhaul.workflows.concurrency import Concurrency
    from backhaul.workflows.expressions import Expression
    from backhaul.workflows.templates import Template

__all__ = [
    "Call",
    "Each",
    "Emit",
    "Fail",
    "Group",
    "HistoryPolicy",
    "Input",
    "OnError",
    "Parallel",
    "PlanPolicy",
    "Reconcile",
    "RetryPolicy",
    "RunWorkflow",
    "Set",
    "Step",
    "Verb",
    "Wait",
    "WaitApproval",
    "WaitEvent",
    "WaitTime",
    "Workflow",
    "visible_ids",
]

InputType: TypeAlias = Literal["string", "integer", "number", "boolean", "list", "object"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One declared input of a workflow.

    Attributes:
        enum: the values that are allowed; empty for all.
        adapter: for Python workflows: what makes the typed value; None for YAML.
    """

    name: str
    type: InputType = "string"
    required: bool = False
    default: Json = None
    description: str = ""
    enum: tuple[Json, ...] = ()
    adapter: TypeAdapter[Any] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """``call: connection.action`` with its parameters."""

    connection: str
    action: str
    params: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """``each``: the steps of `body` once per item, `concurrency` of them at a time.

    Inside, ``item`` and ``index`` (from 0) are known and inner steps see earlier inner steps. Outside, the step's
    output is ``{total, succeeded, failed, skipped, steps: {<inner id>: {succeeded, failed, skipped}}, results}``,
    where ``results`` is a dataset.

    Attributes:
        items: a list or a dataset, or a list as it is written in the file.
        key: text that names an item in step keys; its index when None.
        output: what an item adds to the results; the last step's output when None.
    """

    items: Expression | Template
    body: tuple[Step, ...]
    concurrency: int = 1
    key: Template | None = None
    output: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """``parallel``: all steps of `branches` at the same time. Its output maps the branches' ids to their outputs."""

    branches: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """``do``: steps one after the other, under one set of modifiers. Its output is that of its last step."""

    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """``set``: values computed from the context."""

    values: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """``emit``: an event for other workflows: its type, subject, data and, if given, its dedupe key."""

    type: Template
    data: Template
    subject: Template | None = None
    key: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWorkflow:
    """``run``: another workflow as one step."""

    workflow: str
    inputs: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """``fail``: the end of the run with a message."""

    message: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTime:
    """``wait: {for}`` or ``wait: {until}``: a duration, or a moment in ISO 8601 (UTC without a zone); one of them."""

    duration: Template | None = None
    moment: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEvent:
    """``wait: {event}``: the first event of a type for which `where` is true. Its output is the event.

    Attributes:
        where: sees the awaited event as ``event``, and everything else as other expressions do.
        timeout: the duration after which the output is null; None waits for ever.
    """

    type: Template
    where: Expression | None = None
    timeout: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitApproval:
    """``wait: {approval}``: a person's decision.

    Attributes:
        to: who is asked, in words.
        schema: JSON Schema of the data that comes with the decision; None takes any.
        timeout: the duration after which the step fails; None waits for ever.
    """

    message: Template
    to: Template | None = None
    schema: Template | None = None
    timeout: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """``wait``: the run rests until something comes. A rest of hours costs no memory and survives restarts."""

    what: WaitTime | WaitEvent | WaitApproval


Verb: TypeAlias = Call | Each | Parallel | Group | Set | Emit | RunWorkflow | Fail | Wait | Reconcile


@dataclass(frozen=True, slots=True, kw_only=True)
class OnError:
    """What happens when a step has given up: `fail` the run, `continue`, or do the steps of `body`."""

    action: Literal["fail", "continue", "do"] = "fail"
    body: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step with its verb and modifiers; `timeout_s` covers all attempts of the step.

    Later steps read its output as ``steps.<id>`` (null when it was skipped or failed), how it ended as
    ``status.<id>`` (``succeeded``, ``failed``, ``skipped``) and, after a failure, ``errors.<id>`` with ``type`` and
    ``message`` (else null). Inner steps of ``do``, ``parallel`` and ``on_error`` are visible to later steps by their
    ids; inner steps of ``each`` are not.

    Attributes:
        id: unique in the workflow; made of verb and position (``call_3``) when none is written.
        condition: ``if``; the step is skipped when its value is empty, zero, null or false.
        places: where the step's keys stand in the file: ``call``, ``with``, ``with.serial``, ``retry.on`` ...
    """

    id: str
    verb: Verb
    place: Place
    name: str = ""
    condition: Expression | None = None
    timeout_s: float | None = None
    retry: RetryPolicy | None = None
    on_error: OnError = OnError()
    places: Mapping[str, Place] = field(default_factory=dict, repr=False, compare=False)

    @property
    def holds_steps(self) -> bool:
        """Whether there are steps inside whose ids are visible outside."""
        return isinstance(self.verb, Group | Parallel) or bool(self.on_error.body)


def visible_ids(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the ids under which later steps see `steps` and the steps inside of them, except those inside ``each``.

    Steps that were not reached (in a skipped or failed block, or in an ``on_error`` that was not needed) are seen
    too: as null, with the status ``skipped``.
    """
    ids: list[str] = []
    for step in steps:
        ids.append(step.id)
        match step.verb:
            case Group(body=inner) | Parallel(branches=inner):
                ids += visible_ids(inner)
        ids += visible_ids(step.on_error.body)
    return tuple(ids)


PythonFunction: TypeAlias = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One version of a workflow.

    Attributes:
        name: unique in the project.
        digest: hex digits that stand for this very text.
        kind: ``yaml`` or ``python``.
        path: file it was read from, relative to the project.
        source: the file's text, stored with every run so that a resume uses what the run started with.
        priority: of its runs, 0 (bulk work) to 100; None: as is usual for what starts a run.
        concurrency: how many of its runs go at the same time; None: no limit of its own.
        cancel_on: the events that make a run of it pointless.
        history: how long its runs are kept; None: as the project says.
        plan: its runs are planned first, and go under their plan; None: they are not.
        steps: the steps of a YAML workflow; empty for Python.
        function: the function of a Python workflow; None for YAML.
        connections: for Python: connector class by parameter (= connection) name.
        run_parameter: for Python: name of the parameter that takes the `Run`.
        places: where things stand in the file: ``name``, ``steps``, or a Python function's parameters.
    """

    name: str
    digest: str
    kind: Literal["yaml", "python"]
    path: str
    source: str
    description: str = ""
    inputs: tuple[Input, ...] = ()
    cron: tuple[CronTrigger, ...] = ()
    events: tuple[EventTrigger, ...] = ()
    timeout_s: float | None = None
    priority: int | None = None
    concurrency: Concurrency | None = None
    cancel_on: tuple[CancelRule, ...] = ()
    history: HistoryPolicy | None = None
    plan: PlanPolicy | None = None
    steps: tuple[Step, ...] = ()
    output: Template | None = None
    function: PythonFunction | None = None
    connections: Mapping[str, type] = field(default_factory=dict)
    run_parameter: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict, repr=False, compare=False)

    def place(self, key: str = "name") -> Place:
        """Return where a key of the workflow stands, or the file's beginning."""
        return self.places.get(key, Place(self.path, 1, 1))

    def cron_triggers(self) -> dict[str, CronTrigger]:
        """Return the cron triggers by id: ``<workflow>/cron/<n>``, n from 1 in the order of the file."""
        return {f"{self.name}/cron/{number}": trigger for number, trigger in enumerate(self.cron, start=1)}

    def event_triggers(self) -> dict[str, EventTrigger]:
        """Return the event triggers by id: ``<workflow>/event/<n>``, n from 1 in the order of the file."""
        return {f"{self.name}/event/{number}": trigger for number, trigger in enumerate(self.events, start=1)}
