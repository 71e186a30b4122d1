"""How a run is carried out: simply, as a plan, or under a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backhaul.clock import utc_text
from backhaul.json_values import Json
from backhaul.runs.planning.line import PlanLine
from backhaul.workflows.moments import parse_moment

if TYPE_CHECKING:
    from backhaul.store.records import RunRecord

__all__ = [
    "APPLY",
    "PLAN",
    "REVIEW",
    "as_seen",
    "has_plan",
    "inherited",
    "is_plan",
    "is_under_plan",
    "plan_place",
    "seen_at",
]

PLAN: Json = {"mode": "plan"}
"""Reads are made; every other effect is listed instead of made."""
APPLY: Json = {"mode": "apply"}
"""The effects of a plan are made, which is the dataset ``$plan`` of the run, and no others."""
REVIEW: Json = {"mode": "review"}
"""First a plan is made and a person asked; then as `APPLY`."""


def is_plan(run: RunRecord) -> bool:
    """Return whether a run is a plan."""
    return run.mode is not None and run.mode["mode"] == "plan"


def is_under_plan(run: RunRecord) -> bool:
    """Return whether a run may only do what a plan lists."""
    return run.mode is not None and run.mode["mode"] in {"apply", "review"}


def has_plan(run: RunRecord) -> bool:
    """Return whether a run goes under a plan of its own, and not under that of the run whose step it is."""
    return is_under_plan(run) and plan_place(run)[0] == run.run_id


def seen_at(run: RunRecord) -> datetime:
    """Return when a run began as its workflow sees it: one under a plan, or beside one, when the plan did."""
    moment = None if run.mode is None else run.mode.get("now")
    return parse_moment(moment) if moment is not None else run.started_at or run.created_at


def as_seen(run: RunRecord) -> RunRecord:
    """Return a run as its workflow sees it."""
    return replace(run, started_at=seen_at(run))


def plan_place(run: RunRecord) -> tuple[str, str]:
    """Return the run that holds the plan under which a run goes, and what the plan's names of its steps begin with."""
    mode: Json = run.mode or {}
    return mode.get("plan_of", run.run_id), mode.get("prefix", "")


def inherited(run: RunRecord, step: str, line: PlanLine | None) -> Json:
    """Return the mode of a run that is a step of `run`; None when it is simply carried out.

    Args:
        step: the step's key.
        line: for plans: the line of doing to which the step belongs.
    """
    now = utc_text(seen_at(run))
    holder, prefix = plan_place(run)
    below = {"now": now, "prefix": f"{prefix}{step} > "}
    if is_plan(run):
        line = line or PlanLine()
        return {**PLAN, **below, "changed": sorted(line.changed), "only_if": line.only_if}
    if is_under_plan(run):
        return {**APPLY, **below, "plan_of": holder}
    return None
