"""What one due tick of a cron trigger does while earlier runs of the trigger may still be going."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from backhaul.clock import utc_text
from backhaul.errors import BackhaulError, RunStateError, UnknownNameError
from backhaul.json_values import Json
from backhaul.runs.starting import new_run
from backhaul.secrets import redact
from backhaul.store.service_records import DecisionRecord, StartedRun, Verdict
from backhaul.workflows.dispatching import CauseKind, priority_for, slots_of

if TYPE_CHECKING:
    from backhaul.triggers.cron import CronTrigger
    from backhaul.triggers.ticks import Tick
    from backhaul.workflows.definition import Workflow

__all__ = ["TickRuns"]


class TickRuns:
    """Makes the run of a tick, or says why there is none.

    Args:
        cancel: stops a run.
        node: the node that shall carry the runs out.
    """

    def __init__(self, cancel: Callable[[str], Awaitable[object]], *, node: str) -> None:
        self._cancel = cancel
        self._node = node

    async def decide(
        self,
        workflow: Workflow,
        trigger: CronTrigger,
        trigger_id: str,
        tick: Tick,
        now: datetime,
        going: Sequence[str],
    ) -> tuple[DecisionRecord, StartedRun | None]:
        """Return what becomes of a tick, by the trigger's ``overlap``.

        Args:
            going: the trigger's runs that are queued, running or waiting, oldest first.
        """
        record = DecisionRecord(
            trigger_id=trigger_id,
            occurrence=tick.at.isoformat(),
            workflow=workflow.name,
            verdict=Verdict.STARTED,
            reason=f"cron {trigger.expression}" + (f" ({tick.note})" if tick.note else ""),
            due_at=tick.at,
            decided_at=now,
            node=self._node,
        )
        if going and trigger.overlap == "skip":
            reason = f"skipped by overlap: run {going[0]} is still going"
            return replace(record, verdict=Verdict.SKIPPED, reason=reason, run_id=going[0]), None
        try:
            started = self._run(workflow, trigger, trigger_id, tick, now)
        except BackhaulError as error:
            return replace(record, verdict=Verdict.SKIPPED, reason=redact(str(error))), None
        if trigger.overlap == "cancel_running":
            for run_id in going:
                with suppress(RunStateError, UnknownNameError):  # it has ended, or was pruned, meanwhile
                    await self._cancel(run_id)
        return replace(record, run_id=started.run.run_id), started

    def _run(self, workflow: Workflow, trigger: CronTrigger, trigger_id: str, tick: Tick, now: datetime) -> StartedRun:
        event: Json = {
            "id": f"{trigger_id}/{tick.at.isoformat()}",
            "type": "backhaul.tick",
            "source": trigger_id,
            "subject": None,
            "time": utc_text(tick.at),
            "received_at": utc_text(now),
            "data": {"wall_time": tick.wall.isoformat(), "timezone": trigger.timezone},
        }
        slots = slots_of(workflow, {}, event)
        if trigger.overlap in {"queue", "cancel_running"}:
            # One after the other: the next waits for its place behind the one before.
            slots = [*slots, [trigger_id, 1]]
        return new_run(
            workflow,
            {},
            cause=f"cron {trigger.expression}",
            node=self._node,
            now=now,
            event=event,
            trigger_id=trigger_id,
            priority=priority_for(workflow, CauseKind.CRON),
            slots=slots,
        )
