"""Decides which runs an event starts, and says why it starts no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backhaul.errors import BackhaulError
from backhaul.runs.starting import new_run
from backhaul.secrets import redact
from backhaul.store.records import EventRecord
from backhaul.store.service_records import Acceptance, DecisionRecord, StartedRun, Verdict
from backhaul.workflows.dispatching import CauseKind, priority_for, slots_of

if TYPE_CHECKING:
    from backhaul.triggers.event import EventTrigger
    from backhaul.workflows.definition import Workflow

__all__ = ["LONGEST_CHAIN", "EventTriggers"]

LONGEST_CHAIN = 10
"""Runs that may start each other through events before the chain is taken for a loop."""


class EventTriggers:
    """The event triggers of all workflows, by the type of their events.

    Args:
        workflows: by name.
        node: the node that shall carry out what is started.
    """

    def __init__(self, workflows: Mapping[str, Workflow], node: str) -> None:
        self._node = node
        self._by_type: dict[str, list[tuple[str, Workflow, EventTrigger]]] = {}
        for workflow in workflows.values():
            for trigger_id, trigger in workflow.event_triggers().items():
                entry = (trigger_id, workflow, trigger)
                self._by_type.setdefault(trigger.type, []).append(entry)

    def knows(self, event_type: str) -> bool:
        """Return whether any workflow has a trigger for events of a type."""
        return event_type in self._by_type

    def awaits(self, prefix: str) -> bool:
        """Return whether any workflow has a trigger for events whose type begins with `prefix`."""
        return any(name.startswith(prefix) for name in self._by_type)

    def decide(
        self, event: EventRecord, now: datetime, *, depth: int = 0, by_workflow: str | None = None, occurrence: str = ""
    ) -> Acceptance:
        """Return the event with a decision for each trigger of its type, and the runs to start.

        Args:
            event: the event.
            now: the moment of the decision.
            depth: runs that stand before it in a chain of runs and events.
            by_workflow: the workflow whose run's end the event tells of; it does not start itself.
            occurrence: what makes this look at the event the only one; the event's id by default.
        """
        decisions: list[DecisionRecord] = []
        runs: list[StartedRun] = []
        for trigger_id, workflow, trigger in self._by_type.get(event.type, ()):
            decision = DecisionRecord(
                trigger_id=trigger_id,
                occurrence=occurrence or event.event_id,
                workflow=workflow.name,
                verdict=Verdict.STARTED,
                event_id=event.event_id,
                decided_at=now,
                node=self._node,
            )
            if workflow.name == by_workflow:
                decision = replace(
                    decision, verdict=Verdict.SKIPPED, reason="a run's end does not start its own workflow"
                )
            elif depth >= LONGEST_CHAIN:
                reason = f"{depth} runs have started each other through events: this looks like a loop"
                decision = replace(decision, verdict=Verdict.SKIPPED, reason=reason)
            else:
                decision, started = self._decide_one(decision, workflow, trigger, event, depth)
                runs += [started] if started is not None else []
            decisions.append(decision)
        return Acceptance(event=event, decisions=tuple(decisions), runs=tuple(runs))

    def _decide_one(
        self, decision: DecisionRecord, workflow: Workflow, trigger: EventTrigger, event: EventRecord, depth: int
    ) -> tuple[DecisionRecord, StartedRun | None]:
        seen = event.to_json()
        filtered = trigger.explain(seen)
        if filtered is not None:
            details = {"clause": filtered.clause, "values": dict(filtered.values)}
            return replace(decision, verdict=Verdict.FILTERED, reason=redact(filtered.reason), details=details), None
        try:
            started = new_run(
                workflow,
                {},
                cause=f"event {event.type}",
                node=self._node,
                now=decision.decided_at,
                event=seen,
                event_id=event.event_id,
                trigger_id=decision.trigger_id,
                priority=priority_for(workflow, CauseKind.EVENT),
                slots=slots_of(workflow, {}, seen),
                depth=depth + 1,
            )
        except BackhaulError as error:
            return replace(decision, verdict=Verdict.SKIPPED, reason=redact(str(error))), None
        return replace(decision, run_id=started.run.run_id, reason=f"event {event.type}"), started
