"""``reconcile``: read both sides, join them, and make the target what the source is, behind a guard."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio.to_thread

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.runs.calls import Caller
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.each_results import OrderedResults
from backhaul.runs.item_workers import work_through
from backhaul.runs.journal import Journal
from backhaul.runs.reconciling.changes import Changes, Ending
from backhaul.runs.reconciling.decision import Decision, Guardian
from backhaul.runs.reconciling.join_file import JoinFile
from backhaul.runs.reconciling.outcomes import DoneKey, OutcomeTally, explained
from backhaul.runs.reconciling.planned import planned_output, seen_in_plan
from backhaul.runs.reconciling.previous import find_previous
from backhaul.runs.reconciling.sides import Fields, Records, read_sides
from backhaul.runs.reconciling.work import OTHER, Joined, Work, list_key, sort_work
from backhaul.runs.scope import Scope
from backhaul.runs.waiting import Waiter
from backhaul.store.records import StepRecord, StepStatus
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.reconcile import Reconcile
from backhaul.workflows.unknown import known

__all__ = ["Reconciler"]

_FORGIVEN = "forgiven"
"""In the step's progress: a person let it go on after too many failures."""


class Reconciler:
    """Carries out the ``reconcile`` steps of one run.

    A crash loses nothing: until the join is stored it is made again, and nothing has been changed; afterwards the
    keys before the last written progress are done, and those after it answer from the journal.

    Args:
        retry: of steps that state none.
    """

    def __init__(self, journal: Journal, caller: Caller, waiter: Waiter, retry: RetryPolicy) -> None:
        self._journal = journal
        self._caller = caller
        self._waiter = waiter
        self._retry = retry

    async def run(self, verb: Reconcile, key: str, scope: Scope, retry: RetryPolicy | None) -> Json:
        """Carry out the step and return its output.

        Args:
            retry: what the step says of its calls.

        Raises:
            StepFailed: a key failed and ends the step, or too many did.
            InputError: the source or the target is no list, or a limit is none.
            Suspended: the deletes wait for a person.
        """
        fields = Fields(verb.key, verb.compare)
        changes = Changes(verb, key, scope, fields, self._journal, self._caller, retry or self._retry)
        return await self.with_changes(verb, key, scope, fields, changes)

    async def with_changes(self, verb: Reconcile, key: str, scope: Scope, fields: Fields, changes: Changes) -> Json:
        """Carry out a step, as `run`, whose changes are made by `changes`."""
        journal = self._journal
        prior = journal.recorded(key)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            scope.take_over(OutcomeTally.restored(prior.progress).line)
            output = journal.restored(prior.output)
            return output if journal.plan is None else seen_in_plan(output, journal.plan.unknown(key))
        source, target = known(await scope.evaluate(verb.source)), known(await scope.evaluate(verb.target))
        record = replace(
            journal.begin(key, "reconcile", params={"key": {"source": verb.key.source, "target": verb.key.target}}),
            progress=prior.progress if prior is not None else None,
        )
        journal.keep(record)
        if prior is None:
            journal.write(record)
        guardian = Guardian(verb, key, scope, journal, self._waiter)
        one = _One(verb, key, scope, journal, fields, changes, guardian)
        if source is None or target is None:
            return await one.incomplete(record, source, target)
        return await one.run(record, _records(source, key, "source"), _records(target, key, "target"), prior)


class _One:
    """One reconcile under way."""

    def __init__(
        self,
        verb: Reconcile,
        key: str,
        scope: Scope,
        journal: Journal,
        fields: Fields,
        changes: Changes,
        guardian: Guardian,
    ) -> None:
        self._verb = verb
        self._key = key
        self._scope = scope
        self._journal = journal
        self._fields = fields
        self._changes = changes
        self._guardian = guardian
        self._failures = 0
        self._counts_all = True  # a person who lets it go on after too many failures begins to count anew

    async def incomplete(self, record: StepRecord, source: Json, target: Json) -> Json:
        """Change nothing, because a side could not be read; a person is to know, where there would be deletes."""
        decision = await self._guardian.missing_side(source, target, self._scope.control)
        counts = OutcomeTally().counts(0)
        sizes = {"source": _count(source), "target": _count(target)}
        guard = decision.to_json()
        output = {**sizes, "total": 0, **counts, "complete": False, "guard": guard, "explained": None, "items": []}
        return self._finished(record, output)

    async def run(self, record: StepRecord, source: Records, target: Records, prior: StepRecord | None) -> Json:
        """Carry out the step whose sides have been read."""
        journal, key = self._journal, self._key
        joined = Joined.restored(record.progress)
        if joined is None:
            with self._scope.control.interruptible():
                joined = await self._join(source, target)
            record = replace(record, progress={**(record.progress or {}), "joined": joined.to_json()})
            journal.write(record)
            journal.keep(record)
        tally = OutcomeTally.restored(record.progress)
        if prior is not None and prior.status is StepStatus.RETRYING:
            record = replace(record, progress={**(record.progress or {}), _FORGIVEN: True})
            journal.keep(record)
        self._counts_all = _FORGIVEN not in (record.progress or {})
        self._failures = tally.outcomes["failed"] if self._counts_all else 0
        results = OrderedResults(journal, record, tally, joined.work)
        await journal.barrier()  # the lists are read back
        decision = await self._work(joined, results, tally)
        await results.close()
        await journal.barrier()
        total = joined.work + joined.same
        output = {
            "source": joined.source,
            "target": joined.target,
            "total": total,
            **tally.counts(joined.same),
            "complete": True,
            "guard": decision.to_json(),
            "explained": explained(tally, joined.source, joined.target, joined.names),
            "items": journal.dataset(key, total),
        }
        self._scope.take_over(tally.line)
        return self._finished(record, output, progress=tally.to_json())

    def _finished(self, record: StepRecord, output: Json, progress: Json = None) -> Json:
        """Write the end of the step, and return its output."""
        unknown = None if self._journal.plan is None else self._journal.plan.unknown(self._key)
        if unknown is not None:
            output = planned_output(output, self._verb, unknown)
        self._journal.finish(record, StepStatus.SUCCEEDED, output=output, progress=progress)
        return output if unknown is None else seen_in_plan(output, unknown)

    async def _join(self, source: Records, target: Records) -> Joined:
        """Join the sides and store what is to be done."""
        verb, journal = self._verb, self._journal
        limits = await self._guardian.limits()
        await journal.barrier()  # what is read back below was written before
        names = await self._guardian.names(source, target)
        previous = None
        if verb.confirm_runs > 1 or verb.reads_last:
            previous = await find_previous(journal.store, journal.run_id, self._key)
        records = len(source) + len(target)

        def advanced(done: int) -> None:
            journal.observer.step_advanced(self._key, done, records)

        with JoinFile() as file:
            if previous is not None:
                async for rows in previous.outcomes(missing_only=not verb.reads_last):
                    await anyio.to_thread.run_sync(file.add_last, rows)
            await read_sides(source, target, self._fields, file, advanced)
            lists, same = await sort_work(file, verb, self._fields, self._key, journal, self._changes.wanted)
        joined = Joined(source=len(source), target=len(target), names=names, lists=lists, same=same)
        return replace(joined, objection=await self._guardian.objection(limits, joined))

    async def _work(self, joined: Joined, results: OrderedResults[DoneKey], tally: OutcomeTally) -> Decision:
        """Make the changes, kind after kind; deletes to which the guard objects come last and wait for a person."""
        names = list(self._verb.order)
        decision = Decision()
        if joined.objection is not None:
            names = [name for name in names if name != "delete"] + ["delete"]
        first = 0
        for name in (*names, OTHER):
            count = joined.lists.get(name, 0)
            if name == "delete" and joined.objection is not None:
                decision = await self._guardian.decision(joined.objection, self._scope.control)
                self._changes.deletes_only_if = self._guardian.asked if decision.supposed else None
            await self._list(name, count, first, results, tally, decision)
            first += count
        return decision

    async def _list(
        self,
        name: str,
        count: int,
        first: int,
        results: OrderedResults[DoneKey],
        tally: OutcomeTally,
        decision: Decision,
    ) -> None:
        """Carry out one list of work; `first` is the place of its first key in the step's dataset."""
        done = max(tally.done - first, 0)
        if done >= count:
            return
        control = self._scope.control.child(stays=True)

        async def room(entry: tuple[int, Work]) -> None:
            await results.room(first + entry[0])
            await self._journal.store.room()

        async def handle(entry: tuple[int, Work]) -> None:
            index, work = entry
            ending = await self._ending(name, work, control, decision)
            change = name if name != OTHER else None
            self._changes.forget(name, work)
            await results.add(first + index, await self._changes.ended(work, ending, change))
            if ending.outcome == "failed":
                self._failed(ending)

        await work_through(
            self._entries(name, count, done),
            handle,
            room=room,
            key=self._key,
            concurrency=min(self._verb.concurrency, count - done),
            control=control,
        )

    async def _ending(self, name: str, work: Work, control: Control, decision: Decision) -> Ending:
        if work.outcome:
            return Ending(outcome=work.outcome, note=work.note)
        match name:
            case "delete" if not decision.approved:
                return Ending(outcome="held", note=decision.held_because)
            case "create" | "update" | "delete":
                return await self._changes.make(name, work, control)
        raise AssertionError(name)

    def _failed(self, ending: Ending) -> None:
        """Count a failure, and end the step when there are too many."""
        most = self._verb.max_failures
        self._failures += ending.fresh or self._counts_all
        if most is not None and self._failures > most:
            message = f"{self._failures} keys failed, and at most {most} may; the last one: {ending.error['message']}"
            raise StepFailed(self._key, "TooManyFailures", message)

    async def _entries(self, name: str, count: int, done: int) -> AsyncGenerator[tuple[int, Work], None]:
        """Give index and work of the keys of a list that are not done, with their records loaded on a resume."""
        async for start, page in self._journal.dataset(list_key(self._key, name), count).pages(done):
            works = [(index, Work(**one)) for index, one in enumerate(page, start) if index >= done]
            if name != OTHER and self._journal.resumed:
                await self._changes.load(name, [one for _, one in works])
            for entry in works:
                yield entry


def _records(value: Json, key: str, side: str) -> Records:
    if isinstance(value, list | StoredDataset):
        return value
    raise InputError(f"{side} of step {key}", [f"needs a list or a dataset, not {type(value).__name__}"])


def _count(value: Json) -> int | None:
    return len(value) if isinstance(value, list | StoredDataset) else None
