"""What a reconcile came to the last time: the newest run of the same workflow that had read both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from backhaul.errors import BackhaulError, StoreError
from backhaul.json_values import Json, dump
from backhaul.runs.datasets import StoredDataset, restore
from backhaul.runs.planning.modes import is_plan
from backhaul.runs.reconciling.work import Joined
from backhaul.store.records import RunRecord, StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["Previous", "find_previous"]

_LOOK_BACK = 100


class Previous:
    """One finished reconcile of an earlier run.

    Args:
        in_a_row: no later run has read both sides and not come to its end: it may have found what was missing.
    """

    def __init__(self, output: Json, items: StoredDataset, *, in_a_row: bool) -> None:
        self.source: int = output["source"]
        self._items = items
        self._in_a_row = in_a_row

    async def outcomes(self, *, missing_only: bool) -> AsyncIterator[list[tuple[str, str]]]:
        """Give keys, each with what became of it as JSON; what is pruned meanwhile is as if it had never been.

        Args:
            missing_only: only the keys that the source did not have.
        """
        pages = self._items.pages()
        while True:
            try:
                found = await anext(pages, None)
            except StoreError:
                raise
            except BackhaulError:  # the store does not hold all of it any more
                return
            if found is None:
                return
            yield [
                (item["key"], self._outcome(item))
                for item in found[1]
                if item["key"] is not None and (not missing_only or item.get("missing_runs"))
            ]

    def _outcome(self, item: Json) -> str:
        return dump(
            {
                "outcome": item["outcome"],
                "reason": item.get("reason"),
                "missing_runs": item.get("missing_runs", 0) if self._in_a_row else 0,
            }
        )


async def find_previous(store: Store, run_id: str, key: str) -> Previous | None:
    """Return the last finished reconcile of step `key` in an earlier run of the same workflow, plans apart, or None."""
    own = await store.run(run_id)
    if own is None:
        return None
    in_a_row = True
    async for run in _earlier(store, own):
        step = await store.step(run.run_id, key)
        if step is None or step.verb != "reconcile":
            continue
        if (previous := _previous(step, store, in_a_row=in_a_row)) is not None:
            return previous
        in_a_row = in_a_row and Joined.restored(step.progress) is None
    return None


async def _earlier(store: Store, own: RunRecord) -> AsyncIterator[RunRecord]:
    """Give the runs of a workflow before one of them, the newest first; plans and their checks do not count."""
    left, cursor = _LOOK_BACK, None
    while left:
        found, cursor = await store.runs(workflow=own.workflow, limit=_LOOK_BACK, cursor=cursor)
        before = [one for one in found if (one.created_at, one.run_id) < (own.created_at, own.run_id)]
        for run in [one for one in before if not is_plan(one)][:left]:
            left -= 1
            yield run
        if cursor is None:
            return


def _previous(step: StepRecord, store: Store, *, in_a_row: bool) -> Previous | None:
    if step.status is not StepStatus.SUCCEEDED:
        return None
    output: Json = step.output
    items = restore(output.get("items"), store)
    if not output.get("complete") or not isinstance(items, StoredDataset):
        return None
    return Previous(output, items, in_a_row=in_a_row)
