"""`Run.each`: one function for every item, some at a time, each result in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio

from backhaul.errors import BackhaulError
from backhaul.json_values import dump, load
from backhaul.runs.branches import Branch, in_branch
from backhaul.runs.control import raise_first
from backhaul.runs.journal import Journal
from backhaul.runs.labels import Labels
from backhaul.runs.planning.line import PlanLine
from backhaul.runs.planning.stopping import WorkflowStops, stopped
from backhaul.store.records import StepStatus
from backhaul.workflows.unknown import first_unknown

__all__ = ["PythonEach"]

_PAGE = 200
_DONE = frozenset({StepStatus.SUCCEEDED, StepStatus.PLANNED})


class PythonEach:
    """One `Run.each` under way. An item's result has a record of its own: ``name[key]``."""

    def __init__(
        self,
        journal: Journal,
        branch: Branch,
        key: str,
        function: Callable[[Any], Awaitable[Any]],
        label: Callable[[Any], str] | None,
        concurrency: int,
    ) -> None:
        self._journal = journal
        self._branch = branch
        self._key = key
        self._function = function
        self._label = label
        self._concurrency = max(concurrency, 1)
        self._control = branch.control.child(stays=True)
        self._labels = Labels()
        self._results: dict[int, Any] = {}
        self._ended: list[Exception] = []
        self._searched = 0

    async def run(self, items: Any) -> list[Any]:
        """Carry out all items and return their results."""
        source = self._items(items)
        turn = anyio.Lock()

        async def worker() -> None:
            try:
                while not self._control.stopped:
                    async with turn:
                        entry = await anext(source, None)
                    if entry is None:
                        return
                    await self._item(*entry)
            except Exception as end:  # noqa: BLE001 (whatever it is, the items beside it come to their end first)
                self._end(end)

        try:
            async with anyio.create_task_group() as group:
                for _ in range(self._concurrency):
                    group.start_soon(worker)
        finally:
            self._labels.close()
            with anyio.CancelScope(shield=True):
                await source.aclose()  # type: ignore[attr-defined]  # an async generator
        raise_first(self._ended)
        self._control.check()
        return [self._results[index] for index in range(len(self._results))]

    def _end(self, end: Exception) -> None:
        self._ended.append(end)
        self._control.stop()

    async def _item(self, index: int, key: str, item: Any) -> None:
        prior = self._journal.recorded(key)
        if prior is not None and prior.status in _DONE:
            self._results[index] = self._journal.restored(prior.output)
            self._branch.below.merge(PlanLine(**(prior.progress or {}).get("planned", {})))
            self._journal.forget(key)
            return
        record = self._journal.begin(key, "item")
        branch = Branch(f"{key}/", self._control)
        try:
            async with in_branch(branch):
                result = await self._function(item)
        except (Exception, BaseExceptionGroup, WorkflowStops) as error:
            result = stopped(error, key, self._journal, self._branch.below)
            if result is None:
                raise
        else:
            _plain(key, result)
            planned = {"planned": branch.line.to_json()} if branch.line is not None else None
            self._journal.finish(record, StepStatus.SUCCEEDED, output=result, progress=planned)
        self._journal.forget(key)
        self._results[index] = result

    async def _items(self, items: Any) -> AsyncIterator[tuple[int, str, Any]]:
        index = 0
        async for page in _pages(items):
            entries = []
            for item in page:
                entries.append((index, f"{self._key}[{self._name(item, index)}]", item))
                index += 1
            await self._load([key for _, key, _ in entries])
            for entry in entries:
                yield entry

    def _name(self, item: Any, index: int) -> str:
        if self._label is None:
            return str(index)
        return self._labels.of(str(self._label(item)), index)

    async def _load(self, keys: list[str]) -> None:
        """Load what an earlier process recorded of these items.

        Items begin in order and at most `concurrency` are under way at once, so at the crash only the first
        `concurrency` items without a result can have steps of their own.
        """
        if not self._journal.resumed:
            return
        done = {record.key for record in await self._journal.load(keys=keys) if record.status in _DONE}
        for key in keys:
            if key not in done and self._searched < self._concurrency:
                self._searched += 1
                await self._journal.load(prefix=f"{key}/")


def _plain(key: str, result: Any) -> None:
    """Refuse a result that would come back from the journal as something else."""
    if first_unknown(result) is not None:
        return
    if result is not None and load(dump(result)) != result:
        raise BackhaulError(
            f"{key}: the function returned a {type(result).__name__}, which the journal cannot give back as it was; "
            "return text, numbers, booleans, or lists and dictionaries of them"
        )


async def _pages(items: Any) -> AsyncIterator[list[Any]]:
    if hasattr(items, "__aiter__"):
        async for page in items:
            yield list(page.items)
    else:
        page = []
        for item in items:
            page.append(item)
            if len(page) == _PAGE:
                yield page
                page = []
        yield page
