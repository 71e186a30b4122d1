"""What people get to see of one run among others: what it was given and what its steps held is covered in all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backhaul.views.ledger import EventView, event_view
from backhaul.views.runs import RunView, described, interrupted

if TYPE_CHECKING:
    from backhaul.store.records import EventRecord, RunRecord
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["event_views", "remember_given", "run_view", "run_views", "screen_of_event", "screen_of_run"]

_MOST_STEPS = 1_000


async def screen_of_run(store: Store, run: RunRecord, screen: Screen) -> Screen:
    """Return a screen for one run, which has learnt from its event, its inputs and its steps outside each."""
    own = screen.fresh()
    remember_given(run, own)
    own.learn(await store.steps(run.run_id, outside_each=True, limit=_MOST_STEPS))
    return own


def remember_given(run: RunRecord, screen: Screen) -> None:
    """Have a screen cover, wherever it stands, what a run's inputs and its event hold in fields of personal names."""
    screen.remember(run.inputs)
    data = run.event.get("data") if isinstance(run.event, Mapping) else None
    screen.remember(data if isinstance(data, Mapping) else None)


async def screen_of_event(store: Store, event: EventRecord, screen: Screen) -> Screen:
    """Return a screen for one event: that of the run which emitted it, if one did."""
    run = None if event.run_id is None else await store.run(event.run_id)
    return screen if run is None else await screen_of_run(store, run, screen)


async def run_view(store: Store, run: RunRecord, screen: Screen) -> RunView:
    """Return the JSON form of a run."""
    return described(run, await screen_of_run(store, run, screen), interrupted=await interrupted(store, run))


async def run_views(store: Store, runs: Iterable[RunRecord], screen: Screen) -> list[RunView]:
    """Return the JSON form of runs."""
    return [await run_view(store, run, screen) for run in runs]


async def event_views(store: Store, events: Iterable[EventRecord], screen: Screen) -> list[EventView]:
    """Return the JSON form of events."""
    return [event_view(event, await screen_of_event(store, event, screen)) for event in events]
