"""Fires the cron triggers: decides every tick once, and queues the runs that are to start."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import structlog
from anyio.lowlevel import checkpoint

from backhaul.clock import set_at_latest
from backhaul.service.schedules import definition_of, paused_because, schedules_of, skipped_decision
from backhaul.service.tick_runs import TickRuns
from backhaul.store.service_records import ScheduleRecord, Verdict
from backhaul.triggers.catch_up import SkippedTicks, decide_due, skipped_ticks
from backhaul.triggers.ticks import next_tick

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket
    from backhaul.triggers.cron import CronTrigger
    from backhaul.workflows.definition import Workflow

__all__ = ["Scheduler"]

_log = structlog.get_logger(__name__)

_LONGEST_SLEEP_S = 30.0
_AT_ONCE = 50
"""Schedules between two moments at which other tasks go on."""
_CLOCK_SET_BACK = timedelta(hours=1)


@dataclass(slots=True)
class _Entry:
    """A cron trigger in memory; `decided_until` follows what the store has."""

    trigger_id: str
    workflow: Workflow
    trigger: CronTrigger
    decided_until: datetime
    paused: bool
    note: str | None


class Scheduler:
    """Decides the ticks of all cron triggers as they come due.

    Each decision is one transaction with its run; when several processes decide the same tick, the store's unique key
    lets one of them through.

    Args:
        store: the ledger, and how far each trigger is decided.
        clock: source of time.
        workflows: gives the present workflows by name.
        node: the node that shall carry the runs out.
        on_run: is called with each run that has been queued.
        cancel: stops a run for a tick whose ``overlap`` says so.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        workflows: Callable[[], Mapping[str, Workflow]],
        *,
        node: str,
        on_run: Callable[[RunRecord], None],
        cancel: Callable[[str], Awaitable[object]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._workflows = workflows
        self._node = node
        self._on_run = on_run
        self._tick_runs = TickRuns(cancel, node=node)
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[datetime, str]] = []
        self._stale = True
        self._change = anyio.Event()

    def reload(self) -> None:
        """Look at the workflows anew: their files have changed."""
        self._stale = True
        self._change.set()

    async def run(self) -> None:
        """Fire until cancelled.

        Raises:
            StoreError: the store failed; what was not decided is decided when it is called again.
        """
        self._stale = True
        while True:
            self._change = anyio.Event()
            if self._stale:
                self._stale = False
                await self.load()
            await self.fire_due()
            await set_at_latest(self._change, self._sleep)

    async def _sleep(self) -> None:
        # In slices, because the clock may be set.
        moment = self._clock.now() + timedelta(seconds=_LONGEST_SLEEP_S)
        if self._heap:
            moment = min(moment, self._heap[0][0])
        await self._clock.sleep_until(moment)

    async def load(self) -> None:
        """Bring the entries in line with the workflows; a new trigger begins now, a known one where it was."""
        now = self._clock.now()
        records = {record.trigger_id: record for record in await self._store.schedules()}
        self._entries, self._heap, ahead = {}, [], 0
        last: Ticket | None = None
        for number, (trigger_id, workflow, trigger) in enumerate(schedules_of(self._workflows()), 1):
            if number % _AT_ONCE == 0:
                await checkpoint()
            record, definition = records.get(trigger_id), definition_of(trigger)
            if record is None or record.definition != definition:
                fresh = ScheduleRecord(trigger_id=trigger_id, definition=definition, decided_until=now)
                last = self._store.put_schedule(fresh)
                paused = record is not None and record.paused
                record = replace(fresh, paused=paused, note=record.note if record is not None else None)
            entry = _Entry(trigger_id, workflow, trigger, record.decided_until, record.paused, record.note)
            self._entries[trigger_id] = entry
            self._push(entry)
            ahead += record.decided_until > now + _CLOCK_SET_BACK
        if ahead:
            _log.warning(
                "the clock is behind what was decided before: schedules fire when it has caught up", count=ahead
            )
        if last is not None:
            await last.wait()

    def _push(self, entry: _Entry) -> None:
        upcoming = next_tick(entry.trigger, entry.decided_until, seed=entry.trigger_id)
        if upcoming is not None:
            heapq.heappush(self._heap, (upcoming.due, entry.trigger_id))

    async def fire_due(self) -> None:
        """Decide every tick that is due now.

        Raises:
            StoreError: the decisions could not be stored; they are made again.
        """
        now = self._clock.now()
        due: list[_Entry] = []
        while self._heap and self._heap[0][0] <= now:
            entry = self._entries.get(heapq.heappop(self._heap)[1])
            if entry is not None:
                due.append(entry)
        if not due:
            return
        wanted = [entry.trigger_id for entry in due]
        # The runs first: what another process has started for a tick until here is then known to be decided, too.
        going = await self._store.going_by_trigger(wanted)
        await self._refresh(wanted)
        written: list[tuple[Ticket, RunRecord | None]] = []
        for number, entry in enumerate(due, 1):
            if number % _AT_ONCE == 0:
                await checkpoint()
            written += await self._decide(entry, now, going.get(entry.trigger_id, []))
        for ticket, run in written:
            await ticket.wait()
            if run is not None and ticket.value:
                self._on_run(run)
        for entry in due:
            self._push(entry)

    async def _refresh(self, trigger_ids: Sequence[str]) -> None:
        """See what other processes have decided or paused."""
        for record in await self._store.schedules(trigger_ids):
            entry = self._entries.get(record.trigger_id)
            if entry is not None:
                entry.decided_until = max(entry.decided_until, record.decided_until)
                entry.paused, entry.note = record.paused, record.note

    async def _decide(self, entry: _Entry, now: datetime, going: list[str]) -> list[tuple[Ticket, RunRecord | None]]:
        if entry.paused:
            return self._pass_over(entry, now)
        decision = decide_due(entry.trigger, last=entry.decided_until, now=now, seed=entry.trigger_id)
        written: list[tuple[Ticket, RunRecord | None]] = []
        for skipped in decision.skipped:
            verdict = Verdict.LATE if skipped.by == "max_lateness" else Verdict.SKIPPED
            written.append((self._put_skipped(entry, skipped, verdict, f"skipped by {skipped.by}", now), None))
        for tick in decision.start:
            made, started = await self._tick_runs.decide(
                entry.workflow, entry.trigger, entry.trigger_id, tick, now, going
            )
            ticket = self._store.put_decision(made, started, decided_until=tick.at)
            written.append((ticket, started.run if started is not None else None))
            if len(decision.start) > 1:
                # The next one is to see what became of this one, also when another process was first.
                await ticket.wait()
                going = [run.run_id for run in await self._store.going_runs(entry.trigger_id)]
        self._store.decide_schedule_until(entry.trigger_id, decision.decided_until)
        entry.decided_until = decision.decided_until
        return written

    def _pass_over(self, entry: _Entry, now: datetime) -> list[tuple[Ticket, RunRecord | None]]:
        """Record that ticks were skipped because the schedule is paused."""
        skipped = skipped_ticks(entry.trigger, entry.decided_until, now, "paused")
        if skipped is None:
            return []
        ticket = self._put_skipped(entry, skipped, Verdict.SKIPPED, paused_because(entry.note), now)
        entry.decided_until = skipped.last
        return [(ticket, None)]

    def _put_skipped(
        self, entry: _Entry, skipped: SkippedTicks, verdict: Verdict, reason: str, now: datetime
    ) -> Ticket:
        record = skipped_decision(
            entry.trigger_id, entry.workflow.name, skipped, verdict, reason, now=now, node=self._node
        )
        return self._store.put_decision(record, decided_until=skipped.last)
