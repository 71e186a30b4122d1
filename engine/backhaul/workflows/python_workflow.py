"""Python workflows: the decorator, and from a file's text to `Workflow` records."""

from __future__ import annotations

import re
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from backhaul.errors import DefinitionError
from backhaul.json_values import Json
from backhaul.problems import Place, Problem
from backhaul.triggers.cron import CatchUp, CronTrigger, Overlap
from backhaul.triggers.event import EventTrigger
from backhaul.workflows.cancelling import CancelRule
from backhaul.workflows.concurrency import Concurrency
from backhaul.workflows.conditions import expression_condition, function_condition
from backhaul.workflows.definition import Workflow
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.expressions import compile_expression
from backhaul.workflows.plan_policy import PlanPolicy, policy_of
from backhaul.workflows.python_modules import execute_module
from backhaul.workflows.python_signature import SignatureProblem, check_expressions, read_signature
from backhaul.workflows.retention import HistoryPolicy
from backhaul.workflows.yaml_dispatching import HIGHEST_PRIORITY
from backhaul.workflows.yaml_fields import NAME
from backhaul.workflows.yaml_workflow import source_digest

__all__ = ["cron", "history", "load_python_workflows", "on_event", "workflow"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

Predicate: TypeAlias = Callable[[Mapping[str, Json]], bool]

_MARK = "__backhaul_workflow__"
_LOADED: dict[tuple[str, str], tuple[Workflow, ...]] = {}
_LOADING = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    name: str
    triggers: tuple[CronTrigger | EventTrigger, ...]
    timeout_s: float | None
    description: str
    priority: int | None
    concurrency: Concurrency | None
    cancel_on: tuple[CancelRule, ...]
    history: HistoryPolicy | None
    plan: PlanPolicy | None


def workflow(
    *,
    name: str | None = None,
    on: Sequence[CronTrigger | EventTrigger] = (),
    timeout: float | str | None = None,
    description: str | None = None,
    priority: int | None = None,
    concurrency: Concurrency | None = None,
    cancel_on: Sequence[CancelRule] = (),
    history: HistoryPolicy | None = None,
    plan: str | Mapping[str, Mapping[str, int]] | None = None,
) -> Callable[[FunctionT], FunctionT]:
    """Make an ``async def`` function a workflow.

    The parameter annotated ``Run`` takes the run. A parameter annotated with a connector's class takes the connection
    of the parameter's name. Every other parameter is an input, with its type and its default.

    Args:
        name: the workflow's name; the function's name with ``-`` for ``_`` when None.
        on: triggers made by `cron` and `on_event`.
        timeout: duration in seconds or as a text such as ``2h``.
        description: one line for people; the docstring's first line when None.
        priority: of its runs, 0 (bulk work) to 100; when None, 50 for events, 20 for people, 0 for cron.
        concurrency: how many of its runs go at the same time.
        cancel_on: events that cancel its runs, made by `cancel_on`.
        history: how long its runs are kept, made by `history`.
        plan: ``required``, or ``{"auto_apply_below": {"delete": 10, "total": 200}}``: its runs are planned first, and
            wait for a person's yes.
    """
    if priority is not None and (isinstance(priority, bool) or priority not in range(HIGHEST_PRIORITY + 1)):
        raise ValueError(f"priority is a whole number from 0 to {HIGHEST_PRIORITY}, not {priority!r}")

    def decorate(function: FunctionT) -> FunctionT:
        mark = _Mark(
            name=name or function.__name__.replace("_", "-"),
            triggers=tuple(on),
            timeout_s=None if timeout is None else parse_duration(timeout),
            description=(description or function.__doc__ or "").strip().partition("\n")[0],
            priority=priority,
            concurrency=concurrency,
            cancel_on=tuple(cancel_on),
            history=history,
            plan=None if plan is None else policy_of(plan),
        )
        if not NAME.fullmatch(mark.name):
            raise ValueError(f"{mark.name!r} is no name of a workflow: write it like nightly-sync")
        setattr(function, _MARK, mark)
        return function

    return decorate


def cron(
    expression: str,
    *,
    timezone: str = "UTC",
    catch_up: CatchUp = "latest",
    max_lateness: float | str | None = None,
    overlap: Overlap = "skip",
    jitter: float | str = 0,
    start: datetime | None = None,
    end: datetime | None = None,
) -> CronTrigger:
    """Return a trigger that starts runs at times of the clock in `timezone` (an IANA name).

    Args:
        expression: five fields, or a name such as ``@daily``.
        timezone: IANA name of the zone on whose clocks it fires.
        catch_up: which missed ticks are made up for: ``none``, the ``latest`` or ``all``.
        max_lateness: duration after which a missed tick is not made up for.
        overlap: ``skip``, ``queue``, ``parallel`` or ``cancel_running`` while a run is going.
        jitter: duration by which ticks are spread.
        start: first moment at which it fires; without a zone it is on the clocks of `timezone`.
        end: moment from which on it does not fire.

    Raises:
        InputError: something of it is wrong; all reasons in one error.
        ValueError: a duration is wrong.
    """
    return CronTrigger(
        expression=expression,
        timezone=timezone,
        catch_up=catch_up,
        max_lateness_s=None if max_lateness is None else parse_duration(max_lateness),
        overlap=overlap,
        jitter_s=parse_duration(jitter),
        start=_aware(start, timezone),
        end=_aware(end, timezone),
    )


def history(*, max_age: float | str | None = None, max_runs: int | None = None) -> HistoryPolicy:
    """Return how long the ended runs of a workflow are kept.

    Args:
        max_age: duration after a run's end, such as ``30d``; None: as the project says.
        max_runs: the newest so many; None: as the project says.

    Raises:
        InputError: both are None, or one is not more than 0.
        ValueError: the duration is wrong.
    """
    return HistoryPolicy(max_age_s=None if max_age is None else parse_duration(max_age), max_runs=max_runs)


def on_event(type: str, *, where: str | Predicate | None = None) -> EventTrigger:  # noqa: A002  # the event's word
    """Return a trigger that starts a run for every event of a type.

    Args:
        type: the event's type, such as ``acs.device.added``.
        where: condition: an expression on ``event`` as text (with or without ``${{ }}``), or a function that takes
            the event's attributes as a mapping.

    Raises:
        InputError: the type cannot be one.
        ExpressionError: the text cannot be compiled.
    """
    if where is None:
        return EventTrigger(type=type)
    if not isinstance(where, str):
        return EventTrigger(
            type=type, where=getattr(where, "__name__", "a function"), condition=function_condition(where)
        )
    bare = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", where, re.DOTALL)
    expression = compile_expression((bare.group(1) if bare else where).strip())
    return EventTrigger(type=type, where=expression.source, condition=expression_condition(expression))


def load_python_workflows(source: str, path: str, *, folder: Path | None = None) -> list[Workflow]:
    """Execute the text of a Python file as a module of its own and return its workflows.

    The same text of the same file is executed once per process.

    Args:
        source: the file's text; it need not be what the file holds now.
        path: the file, relative to the project.
        folder: where the file's own imports are looked for first (helpers beside it).

    Returns:
        Workflows in the order of the file; empty when it has none.

    Raises:
        DefinitionError: the file cannot be imported, or a workflow in it is wrong; all problems in one error.
    """
    digest = source_digest(source)
    key = (path, digest)
    # A thread that reads the folder again and one that needs a stored text would disturb each other's import path.
    with _LOADING:
        if key not in _LOADED:
            _LOADED[key] = _workflows_in(execute_module(source, path, digest, folder), source, path)
    return list(_LOADED[key])


def _workflows_in(module: types.ModuleType, source: str, path: str) -> tuple[Workflow, ...]:
    problems: list[Problem] = []
    found: list[Workflow] = []
    for value in list(vars(module).values()):
        mark = getattr(value, _MARK, None)
        if not isinstance(mark, _Mark) or getattr(value, "__module__", "") != module.__name__:
            continue
        try:
            found.append(_workflow(value, mark, source, path))
        except SignatureProblem as error:
            problems.append(Problem(Place(path, error.line, 1), "bad-signature", str(error)))
    if problems:
        raise DefinitionError(problems)
    return tuple(found)


def _workflow(function: Callable[..., Any], mark: _Mark, source: str, path: str) -> Workflow:
    signature = read_signature(function)
    check_expressions(signature, function, mark.concurrency, mark.cancel_on)
    places = {name: Place(path, line, 1) for name, line in signature.lines.items()}
    return Workflow(
        name=mark.name,
        digest=source_digest(source, mark.name),
        kind="python",
        path=path,
        source=source,
        description=mark.description,
        inputs=signature.inputs,
        cron=tuple(trigger for trigger in mark.triggers if isinstance(trigger, CronTrigger)),
        events=tuple(trigger for trigger in mark.triggers if isinstance(trigger, EventTrigger)),
        timeout_s=mark.timeout_s,
        priority=mark.priority,
        concurrency=mark.concurrency,
        cancel_on=mark.cancel_on,
        history=mark.history,
        plan=mark.plan,
        function=function,
        connections=signature.connections,
        run_parameter=signature.run_parameter,
        places={"name": Place(path, function.__code__.co_firstlineno, 1), **places},
    )


def _aware(moment: datetime | None, zone: str) -> datetime | None:
    return moment.replace(tzinfo=ZoneInfo(zone)) if moment is not None and moment.tzinfo is None else moment
