"""A plan's document as text, written effect by effect, so that a plan of any size fits into the memory."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Literal, NotRequired

from typing_extensions import TypedDict

from backhaul.errors import RunStateError
from backhaul.json_values import Json, dump
from backhaul.runs.planning.modes import is_plan
from backhaul.runs.planning.review import CHECK_KEY, PLANNING_KEY
from backhaul.views.plan import PlanView, effects_of, plan_head

if TYPE_CHECKING:
    from datetime import datetime

    from backhaul.plugins.limits import Limits
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["PlanDocument", "plan_text", "planned_run"]

_AT_ONCE = 100


class PlannedEffect(TypedDict):
    """A change that the run would make; `only_if` is the step that a person has to say yes to before it is made."""

    step: str
    action: str
    effect: Literal["write", "delete", "once", "emit"]
    params: dict[str, Json]
    describe: str
    before: NotRequired[dict[str, Json]]
    after: NotRequired[dict[str, Json]]
    note: NotRequired[str]
    only_if: NotRequired[str]


class Undetermined(TypedDict):
    """Parts of the run of which it is not known what they would do."""

    step: str
    verb: str
    reason: str
    may_change: list[str]
    count: int


# Not a class: `for` is a word of the language.
PlannedWait = TypedDict("PlannedWait", {"step": str, "for": Json})


class ActionCount(TypedDict):
    """How many effects an action has."""

    action: str
    effect: str
    count: int


class PlanSummary(TypedDict):
    """The plan in numbers."""

    effects: int
    by_effect: dict[str, int]
    by_action: list[ActionCount]
    only_if: dict[str, int]
    undetermined: int


class ConnectionForecast(TypedDict):
    """What applying the plan asks of a connection; `seconds` is at least so long."""

    reads: int
    effects: int
    calls: int
    seconds: float
    per_minute: float | None
    concurrency: int | None
    per_day: int | None
    left_today: int | None
    fits_today: bool


class PlanDocument(TypedDict):
    """A plan, as plan files hold it. It is complete when `status` is ``succeeded``."""

    plan: int
    workflow: str
    digest: str
    run_id: str
    status: str
    error: dict[str, Json] | None
    inputs: dict[str, Json]
    event: Json
    created_at: str
    effects: list[PlannedEffect]
    undetermined: list[Undetermined]
    waits: list[PlannedWait]
    summary: PlanSummary
    forecast: dict[str, ConnectionForecast]


async def planned_run(store: Store, run: RunRecord) -> RunRecord:
    """Return the run that made a run's plan: the run itself, or the one that it began with.

    Raises:
        RunStateError: the run is no plan, and has made none.
    """
    if is_plan(run):
        return run
    made, checked = [await _plan_behind(store, run, key) for key in (PLANNING_KEY, CHECK_KEY)]
    if made is not None:
        return made
    if checked is not None:
        raise RunStateError(
            f"run {run.run_id} does what a plan says that is in a file; the plan that was made to check it: "
            f"backhaul runs show {checked.run_id} --plan"
        )
    raise RunStateError(f"run {run.run_id} is no plan; make one with: backhaul run {run.workflow} --plan")


async def _plan_behind(store: Store, run: RunRecord, key: str) -> RunRecord | None:
    step = await store.step(run.run_id, key)
    params: Json = step.params if step is not None else None
    return await store.run(params["run_id"]) if params else None


async def plan_text(
    store: Store, run: RunRecord, limits: Mapping[str, Limits], now: datetime, *, screen: Screen | None = None
) -> AsyncGenerator[str, None]:
    """Yield the text of a plan's document (`PlanDocument`), about a hundred effects at a time.

    Args:
        run: the planned run.
        limits: of the connections.
        now: for the day's quota, aware UTC.
        screen: covers what people do not get to see; None shows everything.
    """
    view = PlanView(plan_head(run, screen))
    head = "".join(f"  {json.dumps(name)}: {dump(value)},\n" for name, value in view.head.items())
    parts, separator = ["{\n", head, '  "effects": ['], "\n"
    async for effect in effects_of(view, store, run, limits, now, screen=screen):
        parts.append(f"{separator}    {dump(effect)}")
        separator = ",\n"
        if len(parts) >= _AT_ONCE:
            yield "".join(parts)
            parts.clear()
    parts.append("\n  ]" if view.effects else "]")
    parts += [f",\n  {json.dumps(name)}: {dump(value)}" for name, value in view.tail().items()]
    parts.append("\n}\n")
    yield "".join(parts)
