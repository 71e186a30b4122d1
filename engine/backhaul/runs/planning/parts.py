"""What a run is carried out with, by its mode: the parts that make, list or refuse its effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.runs.calls import Caller
from backhaul.runs.planning.applying import ApplyingCaller, planned_events
from backhaul.runs.planning.approved import ApprovedPlan
from backhaul.runs.planning.caller import PlanningCaller
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.planning.modes import is_plan, is_under_plan, plan_place
from backhaul.runs.planning.stopping import OpaqueUnknown
from backhaul.runs.planning.waiter import PlanningWaiter
from backhaul.runs.planning.writer import PlanWriter
from backhaul.runs.waiting import Waiter
from backhaul.workflows.unknown import Unknown

if TYPE_CHECKING:
    from backhaul.plugins.connections import Connections
    from backhaul.runs.journal import Journal
    from backhaul.runs.running import Running
    from backhaul.runs.wait_board import WaitBoard
    from backhaul.store.records import RunRecord
    from backhaul.workflows.definition import Workflow

__all__ = ["caller_for", "prepare", "waiter_for"]


def prepare(run: RunRecord, workflow: Workflow, journal: Journal) -> None:
    """Let the journal of a plan list its effects."""
    if is_plan(run) and run.mode is not None:
        kind = Unknown if workflow.function is None else OpaqueUnknown
        line = PlanLine(run.mode.get("changed", ()), only_if=run.mode.get("only_if"))
        journal.plan = PlanWriter(journal, kind, line, run.mode.get("prefix", ""))


async def caller_for(running: Running, journal: Journal, connections: Connections) -> Caller:
    """Return what performs the calls of a run; the events of one under a plan have to be in the plan, too."""
    run, root = running.run, running.root.run
    if journal.plan is not None:
        return PlanningCaller(journal, connections, journal.plan, root=root)
    if not is_under_plan(run):
        return Caller(journal, connections, root=root)
    holder, prefix = plan_place(run)
    top = running.root
    if top.run.run_id != holder:  # a run that is a step, carried on by itself
        top = running
    if top.approved is None:
        top.approved = await ApprovedPlan.load(journal.store, holder)
    journal.sink = planned_events(top.approved, prefix, journal.sink)
    return ApplyingCaller(journal, connections, top.approved, prefix, root=root)


def waiter_for(running: Running, journal: Journal, board: WaitBoard) -> Waiter:
    """Return what lets the steps of a run wait."""
    if journal.plan is not None:
        return PlanningWaiter(running.run, journal, journal.plan)
    return Waiter(running.run, journal, board, running.above)
