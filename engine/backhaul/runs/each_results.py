"""The results of an ``each``: taken in the order in which items end, written in the order of the source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import anyio

from backhaul.json_values import Json
from backhaul.runs.journal import Journal
from backhaul.runs.planning.line import PlanLine
from backhaul.store.records import PageRecord, StepRecord, StepStatus

__all__ = ["AHEAD", "PAGE", "DoneItem", "HasResult", "ItemTally", "OrderedResults", "Tally"]

PAGE = 200
"""Results in one page of the results' dataset, and items between two writes of the progress."""
AHEAD = 2_000
"""Most items that may be ahead of the first one that is not done."""


class HasResult(Protocol):
    """One item that is done."""

    @property
    def result(self) -> Json:
        """What it adds to the results."""
        ...


DoneT = TypeVar("DoneT", bound=HasResult)
DoneT_contra = TypeVar("DoneT_contra", bound=HasResult, contravariant=True)


class Tally(Protocol[DoneT_contra]):
    """What has become of the items of a step, as it is kept in its progress.

    Attributes:
        done: items that are done, counted from the first one.
        pages: pages of results that are written.
    """

    done: int
    pages: int

    def count(self, done: DoneT_contra) -> None:
        """Count one item."""
        ...

    def to_json(self) -> Json:
        """Return the form that a step's progress holds."""
        ...


@dataclass(slots=True)
class ItemTally:
    """What has become of the items, as it is kept in the step's progress.

    Attributes:
        done: counts from the first item.
        line: in a plan: what the items have planned.
    """

    done: int = 0
    pages: int = 0
    items: Counter[str] = field(default_factory=Counter)
    steps: dict[str, Counter[str]] = field(default_factory=dict)
    unrecorded: Counter[str] = field(default_factory=Counter)
    line: PlanLine | None = None

    @classmethod
    def restored(cls, progress: Json) -> ItemTally:
        """Return the tally that a step's progress holds."""
        if not progress or "done" not in progress:
            return cls()
        return cls(
            done=progress["done"],
            pages=progress["pages"],
            items=Counter(progress["items"]),
            steps={name: Counter(counts) for name, counts in progress["steps"].items()},
            unrecorded=Counter(progress["unrecorded"]),
            line=PlanLine(**progress["planned"]) if "planned" in progress else None,
        )

    def count(self, done: DoneItem) -> None:
        """Count one item."""
        self.items[_of_item(done.status)] += 1
        for name, status in done.status.items():
            self.steps.setdefault(name, Counter())[status] += 1
        self.unrecorded.update(done.unrecorded)
        if done.line is not None:
            self.line = self.line or PlanLine()
            self.line.merge(done.line)

    def to_json(self) -> Json:
        """Return the form that a step's progress holds."""
        form = {
            "done": self.done,
            "pages": self.pages,
            "items": dict(self.items),
            "steps": {name: dict(counts) for name, counts in self.steps.items()},
            "unrecorded": dict(self.unrecorded),
        }
        return form if self.line is None else {**form, "planned": self.line.to_json()}


@dataclass(frozen=True, slots=True)
class DoneItem:
    """One item that is done."""

    result: Json
    status: dict[str, str]
    unrecorded: Counter[str]
    line: PlanLine | None = None


class OrderedResults(Generic[DoneT]):
    """Takes items in the order in which they end and writes them in the order of the source."""

    def __init__(self, journal: Journal, record: StepRecord, tally: Tally[DoneT], total: int) -> None:
        self._journal = journal
        self._record = record
        self._total = total
        self.tally = tally
        self._waiting: dict[int, DoneT] = {}
        self._page: list[Json] = []
        self._moved = anyio.Event()

    async def add(self, index: int, done: DoneT) -> None:
        """Take the end of one item."""
        self._waiting[index] = done
        while (ready := self._waiting.pop(self.tally.done, None)) is not None:
            self.tally.count(ready)
            self._page.append(ready.result)
            self.tally.done += 1
            if len(self._page) == PAGE:
                await self._write_page()
        moved, self._moved = self._moved, anyio.Event()
        moved.set()

    async def room(self, index: int) -> None:
        """Wait until item `index` is not too far ahead of the first one that is not done."""
        while index - self.tally.done >= AHEAD:
            await self._moved.wait()

    async def close(self) -> None:
        """Write what is left."""
        if self._page:
            await self._write_page()

    async def _write_page(self) -> None:
        items, self._page = self._page, []
        number = self.tally.pages
        self.tally.pages += 1
        page = PageRecord(
            run_id=self._record.run_id,
            key=self._record.key,
            number=number,
            first_index=number * PAGE,
            count=len(items),
            items=items,
        )
        self._journal.follow(self._journal.store.put_page(page))
        self._record = replace(self._record, progress={**(self._record.progress or {}), **self.tally.to_json()})
        self._journal.write(self._record)
        self._journal.keep(self._record)
        self._journal.observer.step_advanced(self._record.key, self.tally.done, self._total)


def _of_item(status: dict[str, str]) -> str:
    """An item failed when one of its steps did, and was skipped when all of them were."""
    found = set(status.values())
    if StepStatus.PLANNED in found:
        return StepStatus.PLANNED.value
    if StepStatus.FAILED in found:
        return StepStatus.FAILED.value
    return StepStatus.SKIPPED.value if found == {StepStatus.SKIPPED} else StepStatus.SUCCEEDED.value
