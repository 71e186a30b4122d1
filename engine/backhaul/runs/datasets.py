"""Datasets as expressions see them: large outputs that stay in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from backhaul.errors import BackhaulError, EvaluationError
from backhaul.json_values import Json, dump, load
from backhaul.runs.scratch import open_scratch, scratch_errors
from backhaul.workflows.datasets import Dataset, Need, NotReady
from backhaul.workflows.datasets import tally as count_in
from backhaul.workflows.unknown import Unknown, UnknownValueError, known, marked

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["MOST_ITEMS_IN_MEMORY", "ScratchIndex", "StoredDataset", "moved", "restore"]

MOST_ITEMS_IN_MEMORY = 10_000
_MARK = "$dataset"


class ScratchIndex:
    """Texts by key in a private temporary database: in memory while small, on disk when large, never shared."""

    def __init__(self) -> None:
        self._database = open_scratch(cache_kib=8_000)
        self._database.execute("create table entry (key text primary key, value text) without rowid")

    def add(self, entries: list[tuple[str, str]]) -> None:
        """Add entries; the first of a key stays.

        Raises:
            BackhaulError: there is no room on the disk.
        """
        with scratch_errors():
            self._database.execute("begin")
            self._database.executemany("insert or ignore into entry values (?, ?)", entries)
            self._database.execute("commit")

    def add_new(self, key: str) -> bool:
        """Add one key without a value; return whether it was new.

        Raises:
            BackhaulError: there is no room on the disk.
        """
        with scratch_errors():
            return self._database.execute("insert or ignore into entry values (?, '')", (key,)).rowcount == 1

    def get(self, key: str) -> str | None:
        """Return the text of a key."""
        row = self._database.execute("select value from entry where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Give the space back."""
        self._database.close()

    def __del__(self) -> None:
        self._database.close()


class StoredDataset(Dataset):
    """The dataset that a step of a run has stored, page by page.

    What expressions ask of it is prepared on demand: they raise `NotReady`, the interpreter awaits `prepare`
    and evaluates again.

    Args:
        unknown: in a plan: what stands for values that are known after apply.
    """

    def __init__(self, store: Store, run_id: str, key: str, count: int, unknown: type[Unknown] | None = None) -> None:
        self._store = store
        self._unknown = unknown
        self._run_id = run_id
        self._key = key
        self._count = count
        self._indexes: dict[str, ScratchIndex] = {}
        self._tallies: dict[str, dict[str, int]] = {}
        self._items: list[Json] | None = None
        self._not_known: dict[tuple[str, str], str] = {}
        self._lock = anyio.Lock()

    @property
    def count(self) -> int:
        """Number of items."""
        return self._count

    @property
    def place(self) -> tuple[str, str]:
        """The run and the key of the step that has stored it."""
        return self._run_id, self._key

    def find(self, field: str, value: Json) -> Json | None:
        """Return the first item whose `field` is `value`, or None."""
        index = self._indexes.get(field)
        self._require_known("index", field)
        if index is None:
            raise NotReady(self, "index", field)
        if value is None:
            return None
        text = index.get(dump(value))
        return None if text is None else self._usable(load(text))

    def count_by(self, field: str) -> dict[str, int]:
        """Return how many items have each value of `field` (as text)."""
        self._require_known("tally", field)
        if field not in self._tallies:
            raise NotReady(self, "tally", field)
        return dict(self._tallies[field])

    def items(self) -> list[Json]:
        """Return all items, when there are at most `MOST_ITEMS_IN_MEMORY`."""
        if self._items is None:
            raise NotReady(self, "items", "")
        return self._items

    def to_json(self) -> Json:
        """Return the reference that stands for the dataset in the journal."""
        return {_MARK: {"run_id": self._run_id, "step": self._key, "count": self._count}}

    async def pages(self, from_index: int = 0) -> AsyncIterator[tuple[int, list[Json]]]:
        """Yield the index of the first item and the items of each page, beginning with the page of `from_index`.

        Raises:
            BackhaulError: the store no longer holds all items; nothing may be concluded from those that are left.
        """
        seen = 0
        async for page in self._store.pages(self._run_id, self._key):
            if seen >= self._count:
                break  # what is left of an earlier, longer attempt
            seen = page.first_index + page.count
            if seen > from_index:
                yield page.first_index, self._usable(page.items)
        if seen < self._count:
            raise BackhaulError(
                f"the dataset of step {self._key} of run {self._run_id} is not complete: the store holds {seen} of "
                f"its {self._count} items"
            )

    async def prepare(self, need: NotReady) -> None:
        """Make what an expression asked for available.

        Raises:
            EvaluationError: it asked for all items of a dataset that is too large for the memory.
        """
        async with self._lock:
            try:
                await self._prepare(need)
            except UnknownValueError as needed:
                self._not_known[need.kind, need.field] = needed.step

    def _require_known(self, kind: Need, field: str) -> None:
        step = self._not_known.get((kind, field))
        if step is not None:
            raise UnknownValueError(step)

    async def _prepare(self, need: NotReady) -> None:
        match need.kind:
            case "index" if need.field not in self._indexes:
                self._indexes[need.field] = await self._index(need.field)
            case "tally" if need.field not in self._tallies:
                self._tallies[need.field] = await self._tally(need.field)
            case "items" if self._items is None:
                self._items = await self._all_items()
            case _:
                pass

    def _usable(self, value: Json) -> Json:
        return value if self._unknown is None else restore(value, self._store, self._unknown)

    async def _index(self, field: str) -> ScratchIndex:
        index = ScratchIndex()
        async for _, items in self.pages():
            await anyio.to_thread.run_sync(index.add, _entries(items, field))
        return index

    async def _tally(self, field: str) -> dict[str, int]:
        tally: Counter[str] = Counter()
        async for _, items in self.pages():
            tally.update(count_in(items, field))
        return dict(sorted(tally.items()))

    async def _all_items(self) -> list[Json]:
        if self._count > MOST_ITEMS_IN_MEMORY:
            raise EvaluationError(
                self._key,
                f"the dataset has {self._count} items, and at most {MOST_ITEMS_IN_MEMORY} are taken into memory; "
                "use each, lookup() or count_by()",
            )
        return [item async for _, items in self.pages() for item in items]


def restore(value: Json, store: Store, unknown: type[Unknown] | None = None) -> Json:
    """Return `value` with every stored reference to a dataset made usable again.

    Args:
        unknown: in a plan: what stands for values that are known after apply; None leaves their form as it is.
    """
    if isinstance(value, dict):
        if value.keys() == {_MARK}:
            reference = value[_MARK]
            return StoredDataset(store, reference["run_id"], reference["step"], reference["count"], unknown)
        if unknown is not None and (step := marked(value)) is not None:
            return unknown(step)
        return {key: restore(item, store, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [restore(item, store, unknown) for item in value]
    return value


def moved(value: Json, from_run: str, to_run: str) -> Json:
    """Return a stored output whose references to one run's datasets name another run's copies of them."""
    if isinstance(value, dict):
        if value.keys() == {_MARK} and value[_MARK]["run_id"] == from_run:
            return {_MARK: {**value[_MARK], "run_id": to_run}}
        return {key: moved(item, from_run, to_run) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item, from_run, to_run) for item in value]
    return value


def _entries(items: list[Json], field: str) -> list[tuple[str, str]]:
    return [
        (dump(item[field]), dump(item))
        for item in items
        if isinstance(known(item), Mapping) and known(item.get(field)) is not None
    ]
