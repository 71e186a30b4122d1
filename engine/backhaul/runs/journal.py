"""The journal of one run: what is on disk of its steps, what is on its way there, and the barrier between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from backhaul.errors import StoreError
from backhaul.json_values import Json
from backhaul.plugins.action import Effect
from backhaul.runs.datasets import StoredDataset, restore
from backhaul.runs.progress import RunObserver
from backhaul.store.records import AttemptRecord, EventRecord, PageRecord, StepRecord, StepStatus
from backhaul.workflows.unknown import Unknown

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.runs.planning.writer import PlanWriter
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket

__all__ = ["Journal"]


class Journal:
    """The durable record of one run, written in order.

    `write` and its relatives return at once; `barrier` returns when everything written so far is on disk. One
    barrier serves all runs that wait at the same moment (group commit). What an earlier process wrote is in
    `recorded`, loaded by `open` and, inside ``each``, by `load`.
    """

    def __init__(self, store: Store, clock: Clock, run_id: str, observer: RunObserver) -> None:
        self.store = store
        self.clock = clock
        self.run_id = run_id
        self.observer = observer
        self.resumed = False
        self.unknown: set[str] = set()
        """Keys of steps whose outcome is unknown: the run may not end before a person has spoken."""
        self.sink: Callable[[EventRecord], Ticket] = store.put_event
        """Where emitted events go."""
        self.since = clock.now()
        """The moment before which no time limit of the run's steps began."""
        self.plan: PlanWriter | None = None
        """For a planned run: what lists its effects."""
        self._recorded: dict[str, StepRecord] = {}
        self._seq = 0
        self._tickets: deque[Ticket] = deque()
        self._lost: StoreError | None = None

    async def open(self) -> None:
        """Load what an earlier process recorded of the steps outside ``each``, and doubt what was in flight anywhere.

        A `once` that was in flight is unknown from now on, whether or not the run comes back to it: a time limit
        around it may be over.
        """
        self._seq = await self.store.max_seq(self.run_id)
        self.resumed = self._seq > 0
        if self.resumed:
            self._remember(await self.store.steps(self.run_id, outside_each=True))
            for record in await self.store.steps(self.run_id, statuses={StepStatus.RUNNING, StepStatus.UNKNOWN}):
                if record.status is StepStatus.RUNNING and record.effect == Effect.ONCE:
                    self.doubt(record, "the process ended during the call")
                elif record.status is StepStatus.UNKNOWN:
                    self.unknown.add(record.key)

    @property
    def steps(self) -> int:
        """How many steps have begun, in earlier processes too."""
        return self._seq

    async def load(
        self, *, keys: Collection[str] | None = None, prefix: str | None = None, outside_each: bool = False
    ) -> list[StepRecord]:
        """Load the records of a resumed run with these keys or this prefix; what was found."""
        found: list[StepRecord] = []
        if self.resumed:
            found = await self.store.steps(self.run_id, keys=keys, prefix=prefix, outside_each=outside_each)
            self._remember(found)
        return found

    def forget(self, prefix: str) -> None:
        """Let go of the loaded records under `prefix`, when they have been used."""
        if self._recorded:
            for key in [key for key in self._recorded if key.startswith(prefix)]:
                del self._recorded[key]

    def recorded(self, key: str) -> StepRecord | None:
        """Return what an earlier process wrote of a step, or this one of a step that is settled later."""
        return self._recorded.get(key)

    def keep(self, record: StepRecord) -> None:
        """Make `recorded` answer with this record from now on."""
        self._recorded[record.key] = record

    def begin(
        self,
        key: str,
        verb: str,
        *,
        action: str | None = None,
        effect: str | None = None,
        params: Json = None,
        attempt: int = 1,
    ) -> StepRecord:
        """Return the record of a step that begins now. It is not written yet."""
        prior = self._recorded.get(key)
        if prior is not None:
            seq, started_at = prior.seq, prior.started_at
        else:
            self._seq += 1
            seq, started_at = self._seq, self.clock.now()
        self.observer.step_started(key, verb, action)
        return StepRecord(
            run_id=self.run_id,
            key=key,
            seq=seq,
            verb=verb,
            action=action,
            effect=effect,
            status=StepStatus.RUNNING,
            attempt=attempt,
            params=params,
            started_at=started_at,
        )

    def finish(
        self,
        record: StepRecord,
        status: StepStatus,
        *,
        output: Json = None,
        error: Json = None,
        handled: bool = False,
        progress: Json = None,
    ) -> StepRecord:
        """Write the end of a step and return its last record."""
        # Field by field: dataclasses.replace takes three times as long, and this is the hottest place of a run.
        ended = StepRecord(
            run_id=record.run_id,
            key=record.key,
            seq=record.seq,
            verb=record.verb,
            action=record.action,
            effect=record.effect,
            status=status,
            attempt=record.attempt,
            handled=handled,
            params=record.params,
            output=output,
            error=error,
            progress=progress if progress is not None else record.progress,
            started_at=record.started_at,
            finished_at=self.clock.now(),
        )
        self.write(ended)
        self.observer.step_finished(record.key, status)
        return ended

    def write(self, record: StepRecord) -> None:
        """Append a step's record."""
        self.follow(self.store.put_step(record))

    def doubt(self, record: StepRecord, reason: str) -> StepRecord:
        """Write that the outcome of a call is unknown. Needs no await: it works while cancelled."""
        error = {"type": "UnknownOutcomeError", "message": reason}
        doubtful = replace(record, status=StepStatus.UNKNOWN, error=error)
        self.unknown.add(record.key)
        self.write(doubtful)
        self.keep(doubtful)
        self.observer.step_finished(record.key, StepStatus.UNKNOWN)
        return doubtful

    def write_attempt(self, record: AttemptRecord) -> None:
        """Append the record of an attempt that did not succeed."""
        self.follow(self.store.put_attempt(record))

    def emit(self, event: EventRecord) -> None:
        """Append an event, unless it is not new, with what follows from it."""
        self.follow(self.sink(event))

    async def write_page(self, record: PageRecord) -> None:
        """Append a page of a dataset and wait until it is on disk, so that a fast source cannot fill the memory."""
        ticket = self.store.put_page(record)
        self.follow(ticket)
        await ticket.wait()

    def follow(self, ticket: Ticket) -> None:
        """Have the next barrier wait for another write, too."""
        self._settle()
        self._tickets.append(ticket)

    async def barrier(self) -> None:
        """Return when everything written so far is on disk.

        Raises:
            StoreError: something written since the last barrier could not be stored.
        """
        if self._tickets:
            await self._tickets[-1].wait()
        self._settle()

    def dataset(self, key: str, count: int) -> StoredDataset:
        """Return the dataset that step `key` of this run has stored."""
        return StoredDataset(self.store, self.run_id, key, count, self._unknown)

    def restored(self, value: Json) -> Json:
        """Return a recorded output with its datasets usable again."""
        return restore(value, self.store, self._unknown)

    @property
    def _unknown(self) -> type[Unknown] | None:
        return None if self.plan is None else self.plan.kind

    def _settle(self) -> None:
        """Look at the writes that have ended. After a lost one nothing may rely on this journal any more."""
        while self._tickets and self._tickets[0].done:
            error = self._tickets.popleft().error
            self._lost = self._lost or error
        if self._lost is not None:
            raise self._lost

    def _remember(self, records: Iterable[StepRecord]) -> None:
        for record in records:
            self._recorded[record.key] = record
            if record.status is StepStatus.UNKNOWN:
                self.unknown.add(record.key)
