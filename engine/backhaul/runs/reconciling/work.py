"""The work of a reconcile: what the join makes of every key, stored so that a resumed run need not join again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from backhaul.errors import EvaluationError
from backhaul.json_values import Json, load
from backhaul.runs.each_results import PAGE
from backhaul.runs.journal import Journal
from backhaul.runs.labels import Labels
from backhaul.runs.reconciling.join_file import Found, Group, JoinFile
from backhaul.store.records import PageRecord
from backhaul.workflows.reconcile import ChangeName, Reconcile, Side

if TYPE_CHECKING:
    from backhaul.runs.reconciling.sides import Fields

__all__ = ["OTHER", "Joined", "Sort", "Work", "list_key", "sort_work"]

OTHER = "other"
"""The list of the keys for which there is nothing to do."""

_SAME_AT_ONCE = 1_000
_LONGEST_LABEL = 200
_NOT_COMPARED = frozenset({Group.DUPLICATE, Group.NO_KEY})

Sort = Callable[[ChangeName, "Work"], Awaitable[bool]]
"""Whether a change is wanted: what its ``if`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One key that is not the same on both sides, or one record without a key.

    Attributes:
        label: what stands in the brackets of its step keys.
        item: the source's record, or None.
        target: the target's, or None.
        before: the target's fields that differ, as they are.
        after: as they will be.
        source_positions: of its records in the source; the first ones, when there are many.
        source_count: number of these records.
        outcome: what has become of it already; empty when it is still to be done.
        note: why it has come to that, in words.
        fault: the condition that cannot be evaluated, and why: the key fails with it when its turn comes; else None.
        missing_runs: how many runs in a row, with this one, have not found it in the source; 0 when this one has.
        last: what became of the key the last time: ``outcome``, ``reason``, ``missing_runs``; None when it was not
            there, or when nobody asks.
    """

    label: str
    key: str | None
    item: Json
    target: Json
    before: Json
    after: Json
    source_positions: list[int]
    target_positions: list[int]
    source_count: int
    target_count: int
    outcome: str = ""
    note: str | None = None
    fault: list[str] | None = None
    missing_runs: int = 0
    last: Json = None

    def to_json(self) -> Json:
        """Return the form in which it is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What the join has found, as it is kept in the step's progress.

    Attributes:
        source: number of records.
        lists: number of keys in each list: of the changes, and `OTHER`.
        same: keys that are the same on both sides.
        names: the two sides in words, such as ``acs.list_devices``.
        objection: why the deletes wait for a person; None when they need not.
    """

    source: int
    target: int
    names: dict[Side, str]
    lists: dict[str, int]
    same: int
    objection: str | None = None

    @classmethod
    def restored(cls, progress: Json) -> Joined | None:
        """Return what a step's progress holds, or None when the join has not been finished."""
        found = (progress or {}).get("joined")
        return None if found is None else cls(**found)

    def to_json(self) -> Json:
        """Return the form that a step's progress holds."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def work(self) -> int:
        """Number of keys that are not the same."""
        return sum(self.lists.values())


def list_key(key: str, name: str) -> str:
    """Return the key of the dataset that holds a list of a step's work."""
    return f"{key}/${name}"


async def sort_work(
    file: JoinFile, verb: Reconcile, fields: Fields, key: str, journal: Journal, wanted: Sort
) -> tuple[dict[str, int], int]:
    """Store the lists of work, and what is the same at the end of the step's dataset.

    Returns:
        The number of keys in each list, and the number of those that are the same.
    """
    await anyio.to_thread.run_sync(file.join)
    other = _List(journal, key, OTHER)
    lists = {OTHER: other}
    for group in (Group.CREATE, Group.UPDATE, Group.DELETE):
        name: ChangeName = group.value  # type: ignore[assignment]  # the three are changes
        kept = lists[name] = _List(journal, key, name)
        async for found in _chunks(file.found(group, PAGE)):
            for one in found:
                work = kept.worked(one, group, fields)
                if group is Group.DELETE:
                    work = _counted(work, verb.confirm_runs)
                try:
                    is_wanted = verb.change(name) is not None and await wanted(name, work)
                except EvaluationError as error:
                    is_wanted, work = True, _with(work, fault=[error.source, error.reason])
                if not is_wanted:
                    await other.add(_ended(work, "skipped"))
                else:
                    await (other if work.outcome else kept).add(work)
        await kept.close()
    for group in (Group.DUPLICATE, Group.NO_KEY):
        async for found in _chunks(file.found(group, PAGE)):
            for one in found:
                await other.add(_ended(other.worked(one, group, fields), group.value))
    await other.close()
    counts = {name: one.count for name, one in lists.items()}
    return counts, await _store_same(file, key, journal, sum(counts.values()))


async def _store_same(file: JoinFile, key: str, journal: Journal, others: int) -> int:
    """Write the records of the keys that are the same behind the place of all others, and return how many there are."""
    first, number = others, -(-others // PAGE)
    async for keys in _chunks(file.same(_SAME_AT_ONCE)):
        items: list[Json] = [{"key": one, "outcome": "same", "reason": None} for one in keys]
        await _store(journal, key, number, first, items)
        number, first = number + 1, first + len(items)
    return first - others


class _List:
    """One list of work, written page by page."""

    def __init__(self, journal: Journal, key: str, name: str) -> None:
        self.count = 0
        self._journal = journal
        self._key = list_key(key, name)
        self._labels = Labels()
        self._page: list[Json] = []
        self._pages = 0

    def worked(self, found: Found, group: Group, fields: Fields) -> Work:
        """Return a key as work of this list."""
        item = None if found.source is None else load(found.source)
        target = None if found.target is None else load(found.target)
        before, after = ({}, {}) if group in _NOT_COMPARED else fields.differing(item, target)
        return Work(
            label=self._labels.of(_label(found.key), self.count),
            key=found.key,
            item=item,
            target=target,
            before=before if target is not None and before else None,
            after=after if item is not None and after else None,
            source_positions=list(found.source_positions),
            target_positions=list(found.target_positions),
            source_count=found.source_count,
            target_count=found.target_count,
            last=None if found.last is None else load(found.last),
        )

    async def add(self, work: Work) -> None:
        self._page.append(work.to_json())
        self.count += 1
        if len(self._page) == PAGE:
            await self._write()

    async def close(self) -> None:
        self._labels.close()
        if self._page:
            await self._write()

    async def _write(self) -> None:
        items, self._page = self._page, []
        await _store(self._journal, self._key, self._pages, self._pages * PAGE, items)
        self._pages += 1


def _label(key: str | None) -> str:
    text = key or ""
    if len(text) <= _LONGEST_LABEL:
        return text
    return text[:_LONGEST_LABEL] + "~" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _counted(work: Work, confirm_runs: int) -> Work:
    """Return a key that the source lacks with the number of runs in which it did."""
    missing_runs = 1 + (work.last or {}).get("missing_runs", 0)
    if missing_runs >= confirm_runs:
        return _with(work, missing_runs=missing_runs)
    note = f"not found in {missing_runs} of {confirm_runs} runs in a row"
    return _with(work, missing_runs=missing_runs, outcome="unconfirmed", note=note)


def _ended(work: Work, outcome: str) -> Work:
    return _with(work, outcome=outcome, note=None)


def _with(work: Work, **values: Json) -> Work:
    return Work(**{**work.to_json(), **values})


async def _store(journal: Journal, key: str, number: int, first: int, items: list[Json]) -> None:
    page = PageRecord(run_id=journal.run_id, key=key, number=number, first_index=first, count=len(items), items=items)
    journal.follow(journal.store.put_page(page))
    await journal.store.room()


async def _chunks(chunks: Iterator[list[Json]]) -> AsyncIterator[list[Json]]:
    """Give what an iterator gives that blocks."""
    while (found := await anyio.to_thread.run_sync(next, chunks, None)) is not None:
        yield found
