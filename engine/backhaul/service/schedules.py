"""The project's cron triggers with how far each has been decided; pausing them and letting them go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from backhaul.errors import UnknownNameError
from backhaul.store.service_records import DecisionRecord, ScheduleRecord, Verdict
from backhaul.triggers.catch_up import SkippedTicks, skipped_ticks
from backhaul.triggers.ticks import Tick, ticks

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store
    from backhaul.triggers.cron import CronTrigger
    from backhaul.workflows.definition import Workflow

__all__ = ["Schedule", "Schedules", "definition_of", "schedules_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One cron trigger of one workflow.

    Attributes:
        record: what the store knows of it; None before a service has seen it.
    """

    trigger_id: str
    workflow: str
    trigger: CronTrigger
    record: ScheduleRecord | None = None

    @property
    def paused(self) -> bool:
        """Whether somebody has paused it."""
        return self.record is not None and self.record.paused


class Schedules:
    """The cron triggers of the present workflows.

    Args:
        store: keeps what has been decided, and which are paused.
        clock: source of time.
        workflows: gives the present workflows by name.
        node: this process's node, for the ledger.
        broken_files: gives the files whose workflows are not known, because they have problems.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        workflows: Callable[[], Mapping[str, Workflow]],
        *,
        node: str,
        broken_files: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._store = store
        self._clock = clock
        self._workflows = workflows
        self._node = node
        self._broken_files = broken_files

    async def all(self, name: str | None = None) -> list[Schedule]:
        """Return the schedules, in the order of the workflows' names.

        Args:
            name: only those of this workflow, or the one with this trigger id (``nightly-sync/cron/1``).

        Raises:
            UnknownNameError: there is none of this name.
        """
        records = {record.trigger_id: record for record in await self._store.schedules()}
        found = [
            Schedule(
                trigger_id=trigger_id,
                workflow=workflow.name,
                trigger=trigger,
                record=records.get(trigger_id),
            )
            for trigger_id, workflow, trigger in schedules_of(self._workflows())
        ]
        if name is None:
            return found
        named = [one for one in found if name in (one.trigger_id, one.workflow)]
        if not named:
            known = [one.trigger_id for one in found]
            raise UnknownNameError("schedule", name, known, broken_files=self._broken_files())
        return named

    def next(self, schedule: Schedule, count: int) -> list[Tick]:
        """Return the next ticks of a schedule as if it were not paused; fewer when it ends before."""
        return list(islice(ticks(schedule.trigger, self._clock.now(), seed=schedule.trigger_id), count))

    async def pause(self, name: str, note: str) -> list[Schedule]:
        """Pause a workflow's schedules, or one by its trigger id; ticks are skipped until they are resumed.

        One that is paused already stays so since when it was, with its note unless another is given.

        Args:
            name: a workflow or a trigger id.
            note: why, for those who wonder later; may be empty.

        Raises:
            UnknownNameError: there is none of this name.
        """
        return await self._set_paused(name, paused=True, note=note)

    async def resume(self, name: str) -> list[Schedule]:
        """Let paused schedules fire again; what was skipped meanwhile is not made up for.

        Raises:
            UnknownNameError: there is none of this name.
        """
        return await self._set_paused(name, paused=False, note=None)

    async def _set_paused(self, name: str, *, paused: bool, note: str | None) -> list[Schedule]:
        now = self._clock.now()
        for schedule in await self.all(name):
            since, why = now, note
            if schedule.record is None:
                definition = definition_of(schedule.trigger)
                record = ScheduleRecord(trigger_id=schedule.trigger_id, definition=definition, decided_until=now)
                self._store.put_schedule(record)
            elif schedule.paused and not paused:
                self._pass_over(schedule, schedule.record, now)
            elif schedule.paused:
                since, why = schedule.record.paused_at or now, note or schedule.record.note
            ticket = self._store.pause_schedule(
                schedule.trigger_id, paused=paused, note=why, at=since if paused else None
            )
            await ticket.wait()
        return await self.all(name)

    def _pass_over(self, schedule: Schedule, record: ScheduleRecord, now: datetime) -> None:
        """Skip what came due during the pause and no service has seen."""
        if record.definition == definition_of(schedule.trigger):
            skipped = skipped_ticks(schedule.trigger, record.decided_until, now, "paused")
            if skipped is not None:
                decision = skipped_decision(
                    schedule.trigger_id,
                    schedule.workflow,
                    skipped,
                    Verdict.SKIPPED,
                    paused_because(record.note),
                    now=now,
                    node=self._node,
                )
                self._store.put_decision(decision, decided_until=skipped.last)


def paused_because(note: str | None) -> str:
    """Return in words why a paused schedule's ticks start nothing."""
    return "paused" + (f": {note}" if note else "")


def skipped_decision(
    trigger_id: str, workflow: str, skipped: SkippedTicks, verdict: Verdict, reason: str, *, now: datetime, node: str
) -> DecisionRecord:
    """Return what the ledger says of a row of ticks that start nothing."""
    several = {"first": skipped.first.isoformat(), "last": skipped.last.isoformat(), "count": skipped.count}
    return DecisionRecord(
        trigger_id=trigger_id,
        occurrence=skipped.first.isoformat(),
        workflow=workflow,
        verdict=verdict,
        reason=reason if skipped.count == 1 else f"{skipped.count} ticks {reason}",
        details=several if skipped.count > 1 else None,
        due_at=skipped.first,
        decided_at=now,
        node=node,
    )


def schedules_of(workflows: Mapping[str, Workflow]) -> list[tuple[str, Workflow, CronTrigger]]:
    """Return the cron triggers of workflows with their ids, ordered by the workflows' names."""
    return [
        (trigger_id, workflow, trigger)
        for _, workflow in sorted(workflows.items())
        for trigger_id, trigger in workflow.cron_triggers().items()
    ]


def definition_of(trigger: CronTrigger) -> str:
    """Return what makes a trigger the same schedule as before: its times."""
    return f"{trigger.fields} {trigger.timezone}"
