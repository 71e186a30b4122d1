"""What a reconcile came to the last time: the newest run of the same workflow that had read both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from backhaul.json_values import Json, dump
from backhaul.runs.datasets import StoredDataset, restore
from backhaul.runs.planning.modes import is_plan
from backhaul.store.records import StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["Previous", "find_previous"]

_LOOK_BACK = 100


class Previous:
    """One finished reconcile of an earlier run."""

    def __init__(self, output: Json, items: StoredDataset) -> None:
        self.source: int = output["source"]
        self._items = items

    async def outcomes(self, *, missing_only: bool) -> AsyncIterator[list[tuple[str, str]]]:
        """Give keys, each with what became of it as JSON.

        Args:
            missing_only: only the keys that the source did not have.
        """
        async for _, page in self._items.pages():
            yield [
                (item["key"], _outcome(item))
                for item in page
                if item["key"] is not None and (not missing_only or item.get("missing_runs"))
            ]


async def find_previous(store: Store, run_id: str, key: str) -> Previous | None:
    """Return the last finished reconcile of step `key` in an earlier run of the same workflow, plans apart, or None."""
    own = await store.run(run_id)
    if own is None:
        return None
    found, _ = await store.runs(workflow=own.workflow, limit=_LOOK_BACK)
    for run in found:
        if not is_plan(run) and (run.created_at, run.run_id) < (own.created_at, own.run_id):
            step = await store.step(run.run_id, key)
            if step is not None and (previous := _previous(step, store)) is not None:
                return previous
    return None


def _previous(step: StepRecord, store: Store) -> Previous | None:
    if step.verb != "reconcile" or step.status is not StepStatus.SUCCEEDED:
        return None
    output: Json = step.output
    items = restore(output.get("items"), store)
    return Previous(output, items) if output.get("complete") and isinstance(items, StoredDataset) else None


def _outcome(item: Json) -> str:
    return dump(
        {
            "outcome": item["outcome"],
            "reason": item.get("reason"),
            "missing_runs": item.get("missing_runs", 0),
        }
    )
