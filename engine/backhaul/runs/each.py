"""``each``: the same steps for every item of a list or a dataset of any size, some at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.each_results import PAGE, DoneItem, ItemTally, OrderedResults
from backhaul.runs.item_workers import work_through
from backhaul.runs.journal import Journal
from backhaul.runs.labels import Labels
from backhaul.runs.scope import Scope, render
from backhaul.store.records import StepRecord, StepStatus
from backhaul.workflows.definition import Each, Group, Parallel, Step
from backhaul.workflows.templates import Template
from backhaul.workflows.unknown import known

__all__ = ["EachRunner"]

Block = Callable[[tuple[Step, ...], Scope], Awaitable[Json]]


class EachRunner:
    """Carries out ``each`` steps of one run.

    A crash loses nothing: the items before the last written progress are done; those after it are carried out
    again, and what they did to the outside answers from the journal.
    """

    def __init__(self, journal: Journal, block: Block) -> None:
        self._journal = journal
        self._block = block

    async def run(self, verb: Each, key: str, scope: Scope) -> Json:
        """Carry out the step and return its counts and results."""
        journal = self._journal
        prior = journal.recorded(key)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            tally = ItemTally.restored(prior.progress)
            scope.unrecorded.update(tally.unrecorded)
            scope.take_over(tally.line)
            return journal.restored(prior.output)
        items = verb.items
        source = known(await (scope.render(items) if isinstance(items, Template) else scope.evaluate(items)))
        if not isinstance(source, list | StoredDataset):
            raise InputError(f"each of step {key}", [f"needs a list or a dataset, not {type(source).__name__}"])
        record = replace(journal.begin(key, "each"), progress=prior.progress if prior is not None else None)
        tally = ItemTally.restored(record.progress)
        journal.keep(record)
        if prior is None:
            journal.write(record)
        results = OrderedResults(journal, record, tally, len(source))
        await _EachRun(verb, key, scope, journal, self._block, results, source).run()
        await results.close()
        await journal.barrier()  # what is read back below was written before
        output = {
            "total": len(source),
            **self._all_counts(key, tally.items),
            "steps": {name: self._all_counts(key, tally.steps.get(name, Counter())) for name in _step_ids(verb.body)},
            "results": journal.dataset(key, len(source)),
        }
        journal.finish(record, StepStatus.SUCCEEDED, output=output, progress=tally.to_json())
        scope.unrecorded.update(tally.unrecorded)
        scope.take_over(tally.line)
        return output

    def _all_counts(self, key: str, counts: Counter[str]) -> dict[str, Json]:
        """Return the counts by status; they are not known when some of what is counted was only planned."""
        names = ("succeeded", "failed", "skipped")
        if counts[StepStatus.PLANNED] and self._journal.plan is not None:
            return dict.fromkeys(names, self._journal.plan.unknown(key))
        return {name: counts[name] for name in names}


class _EachRun:
    """One ``each`` under way."""

    def __init__(
        self,
        verb: Each,
        key: str,
        scope: Scope,
        journal: Journal,
        block: Block,
        results: OrderedResults[DoneItem],
        source: list[Json] | StoredDataset,
    ) -> None:
        self._verb = verb
        self._key = key
        self._scope = scope
        self._journal = journal
        self._block = block
        self._results = results
        self._source = source
        self._control = scope.control.child(stays=True)
        self._labels = Labels()

    async def run(self) -> None:
        """Carry out all items that are not done yet."""
        items = self._items()
        try:
            await work_through(
                items,
                self._item,
                room=self._room,
                key=self._key,
                concurrency=max(min(self._verb.concurrency, len(self._source)), 1),
                control=self._control,
            )
        finally:
            self._labels.close()

    async def _room(self, entry: tuple[int, str, Json]) -> None:
        await self._results.room(entry[0])
        await self._journal.store.room()

    async def _item(self, entry: tuple[int, str, Json]) -> None:
        index, label, item = entry
        key = f"{self._key}[{label}]"
        inner = self._scope.item(key, item, index, self._control)
        result = await self._block(self._verb.body, inner)
        if self._verb.output is not None:
            result = await inner.render(self._verb.output)
        self._journal.forget(inner.prefix)
        await self._results.add(index, DoneItem(result, inner.own_status, inner.unrecorded, inner.line))

    async def _items(self) -> AsyncGenerator[tuple[int, str, Json], None]:
        """Yield index, label and value of the items that are not done, with their records loaded on a resume."""
        first = self._results.tally.done
        async for start, page in self._pages(0 if self._verb.key is not None and first else first):
            labelled = [(index, await self._label(item, index), item) for index, item in enumerate(page, start)]
            todo = [entry for entry in labelled if entry[0] >= first]
            await self._load(todo)
            for entry in todo:
                yield entry

    async def _label(self, item: Json, index: int) -> str:
        """Return the item's label: by the workflow's ``key``, else its index."""
        if self._verb.key is None:
            return str(index)
        context = {**self._scope.context, "item": item, "index": index}
        return self._labels.of(str(await render(self._verb.key, context)), index)

    async def _pages(self, first: int) -> AsyncIterator[tuple[int, list[Json]]]:
        if isinstance(self._source, StoredDataset):
            async for start, page in self._source.pages(first):
                yield start, page
        else:
            for start in range(first - first % PAGE, len(self._source), PAGE):
                yield start, self._source[start : start + PAGE]

    async def _load(self, entries: list[tuple[int, str, Json]]) -> None:
        """Load what an earlier process recorded of these items."""
        if not self._journal.resumed or not entries:
            return
        names = _step_ids(self._verb.body)
        found = await self._journal.load(
            keys=[f"{self._key}[{label}]/{name}" for _, label, _ in entries for name in names]
        )
        nested = {record.key.rpartition("/")[0] for record in found if _holds_more(record)}
        for prefix in nested:
            await self._journal.load(prefix=f"{prefix}/")


def _step_ids(steps: tuple[Step, ...]) -> list[str]:
    """Return the ids of steps and of the steps in their groups, whose status one item counts."""
    ids: list[str] = []
    for step in steps:
        ids.append(step.id)
        if isinstance(step.verb, Group):
            ids.extend(_step_ids(step.verb.body))
        elif isinstance(step.verb, Parallel):
            ids.extend(_step_ids(step.verb.branches))
    return ids


def _holds_more(record: StepRecord) -> bool:
    """Whether there may be records under this one: of the steps it holds, or of its ``on_error``."""
    return record.verb in {"each", "do", "parallel"} or record.status is StepStatus.FAILED
