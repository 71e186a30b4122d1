"""Everything about one run, gathered once: as JSON, and for whoever writes it for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backhaul.runs.wait_outcomes import is_cancelling
from backhaul.store.records import AttemptRecord, RunRecord, StepRecord, StepStatus
from backhaul.views.ledger import DecisionView, WaitView, decision_view, wait_view
from backhaul.views.run_screen import remember_given
from backhaul.views.runs import RunFields, RunView, described, interrupted, listed
from backhaul.views.steps import StepView, step_view, steps_shown

if TYPE_CHECKING:
    from backhaul.store.service_records import DecisionRecord, WaitRecord
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["RunPage", "ShownRun", "gather"]

_AT_ONCE = 1_000


class RunPage(RunFields):
    """A run with its steps, what it waits for and has waited for, and the decisions that name it, newest first."""

    step_counts: dict[str, int]
    steps: list[StepView]
    children: list[RunView]
    decisions: list[DecisionView]
    waits: list[WaitView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """What the history holds of one run.

    Attributes:
        lost: it was interrupted.
        steps: those to show, in the order in which they began.
        attempts: by step, for those that needed more than one or did not succeed.
        children: the runs that its steps started, each with whether it was interrupted.
        recorded: number of steps in the history by status.
        decisions: why it was started, and other decisions that name it, newest first.
        waits: what it waits for or has waited for, oldest first.
    """

    run: RunRecord
    lost: bool
    steps: list[StepRecord]
    attempts: dict[str, list[AttemptRecord]]
    children: list[tuple[RunRecord, bool]]
    recorded: dict[StepStatus, int]
    decisions: list[DecisionRecord]
    waits: list[WaitRecord]

    def document(self, screen: Screen) -> RunPage:
        """Return it as JSON."""
        fields = described(self.run, screen, interrupted=self.lost)
        return {
            **fields,
            "step_counts": dict(self.run.step_counts or {one.value: count for one, count in self.recorded.items()}),
            "steps": [step_view(step, self.attempts.get(step.key), screen) for step in self.steps],
            "children": [described(child, screen, interrupted=gone) for child, gone in self.children],
            "decisions": [decision_view(decision, screen) for decision in self.decisions],
            "waits": [wait_view(wait, screen) for wait in self.waits],
        }


async def gather(store: Store, run: RunRecord, screen: Screen, *, every: bool) -> ShownRun:
    """Return everything about a run, and have the screen learn from its steps.

    Args:
        every: also the steps of the items inside each.
    """
    steps = await _all_steps(store, run) if every else await steps_shown(store, run)
    remember_given(run, screen)
    screen.learn(steps)
    telling = [step for step in steps if step.attempt > 1 or step.error or step.status is StepStatus.UNKNOWN]
    decisions, _ = await store.decisions(run_id=run.run_id)
    return ShownRun(
        run=run,
        lost=await interrupted(store, run),
        steps=steps,
        attempts={step.key: await store.attempts(run.run_id, step.key) for step in telling[:_AT_ONCE]},
        children=await listed(store, await store.children(run.run_id)),
        recorded=await store.step_counts(run.run_id),
        decisions=decisions,
        waits=[wait for wait in await store.waits(run_id=run.run_id, open_only=False) if not is_cancelling(wait)],
    )


async def _all_steps(store: Store, run: RunRecord) -> list[StepRecord]:
    found: list[StepRecord] = []
    while part := await store.steps(run.run_id, limit=_AT_ONCE, after_seq=found[-1].seq if found else None):
        found += part
    return found
