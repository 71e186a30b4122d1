"""The plan under which a run goes: which effects it may have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from backhaul.json_values import Json, dump, load
from backhaul.runs.control import Parked
from backhaul.runs.datasets import ScratchIndex
from backhaul.store.records import PageRecord
from backhaul.workflows.unknown import marked

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["NOT_PLANNED", "PLAN_KEY", "ApprovedPlan", "NotPlanned", "differing", "effects_in", "store_effects"]

PLAN_KEY = "$plan"
"""Key of the dataset that holds the effects of a run's plan, and of the step that waits for a person's yes."""
NOT_PLANNED = "NotPlannedError"
_PAGE = 200


class NotPlanned(Parked):
    """A run under a plan came to an effect that the plan does not list. Nothing takes care of this: the run ends."""


class ApprovedPlan:
    """The effects of one plan by the names of their steps, on disk when there are many."""

    def __init__(self) -> None:
        self._index = ScratchIndex()

    @classmethod
    async def load(cls, store: Store, run_id: str) -> ApprovedPlan:
        """Return the plan that a run holds."""
        plan = cls()
        async for page in effects_in(store, run_id):
            plan._index.add([(effect["step"], dump(effect)) for effect in page])
        return plan

    def find(self, name: str) -> Json:
        """Return the effect of a step, or None."""
        text = self._index.get(name)
        return None if text is None else load(text)

    def require(self, name: str, key: str, action: str, params: Json) -> None:
        """Return when the plan lists an effect.

        Args:
            name: the step's name in the plan.
            key: the step's key in its run.

        Raises:
            NotPlanned: it does not.
        """
        planned = self.find(name)
        advice = "nothing of it was done; plan again to see what is left"
        if planned is None:
            raise NotPlanned(key, f"{action} of step {name} is not in the plan: {advice}")
        if planned["action"] != action:
            raise NotPlanned(key, f"step {name} would do {action}, and the plan says {planned['action']}: {advice}")
        found = differing(planned["params"], load(dump(params)))
        if found:
            what = ", ".join(found)
            raise NotPlanned(key, f"{action} of step {name} has other parameters than in the plan ({what}): {advice}")


async def store_effects(store: Store, run_id: str, effects: AsyncIterator[Json]) -> int:
    """Store the effects of a plan with the run that goes under it, and return their number. Durable on return."""
    page: list[Json] = []
    number = 0

    async def write() -> None:
        first = number * _PAGE
        record = PageRecord(
            run_id=run_id, key=PLAN_KEY, number=number, first_index=first, count=len(page), items=page, next=None
        )
        await store.put_page(record).wait()

    async for effect in effects:
        page.append(effect)
        if len(page) == _PAGE:
            await write()
            number, page = number + 1, []
    total = number * _PAGE + len(page)
    await write()  # also an empty one: it says that the plan is complete
    return total


async def effects_in(store: Store, run_id: str) -> AsyncIterator[list[Json]]:
    """Yield the effects of the plan that a run holds, page by page."""
    async for page in store.pages(run_id, PLAN_KEY):
        yield page.items
        if page.count < _PAGE:
            return


def differing(planned: Json, found: Json) -> list[str]:
    """Return the names of the parts that differ; what is known after apply in the plan may be anything."""
    if marked(planned) is not None:
        return []
    if isinstance(planned, Mapping) and isinstance(found, Mapping):
        names = dict.fromkeys((*planned, *found))
        return [
            f"{name}.{inner}" if inner else name
            for name in names
            for inner in (differing(planned[name], found[name]) if name in planned and name in found else [""])
        ]
    if isinstance(planned, list) and isinstance(found, list) and len(planned) == len(found):
        pairs = enumerate(zip(planned, found, strict=True))
        return [f"{index}.{inner}" if inner else str(index) for index, pair in pairs for inner in differing(*pair)]
    return [] if type(planned) is type(found) and planned == found else [""]
