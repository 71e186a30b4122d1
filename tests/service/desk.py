"""A scheduler that tests move by hand: nothing happens between two calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from backhaul.store.records import RunStatus
from backhaul.store.service_records import DecisionRecord, ScheduleRecord
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from service.plant import Plant, make_project, open_plant

AnswerT = TypeVar("AnswerT")
NIGHTLY = """
on:
  - cron: "0 3 * * *"
    timezone: America/Sao_Paulo
    {policy}
steps:
  - id: did
    call: world.put
    with: {{name: "${{{{ event.time }}}}"}}
"""
HOURLY = """
on:
  - cron: "0 * * * *"
    {policy}
steps:
  - id: did
    call: world.put
    with: {{name: "${{{{ event.time }}}}"}}
"""
MIDNIGHT = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def nightly(policy: str = "overlap: skip") -> dict[str, str]:
    return {"nightly.yaml": NIGHTLY.format(policy=policy)}


def hourly(policy: str = "overlap: skip") -> dict[str, str]:
    return {"hourly.yaml": HOURLY.format(policy=policy)}


def hours(count: float) -> datetime:
    return MIDNIGHT + timedelta(hours=count)


class Desk:
    """A project whose scheduler is moved by hand: nothing happens between two calls."""

    def __init__(self, plant: Plant, clock: FakeClock) -> None:
        self.plant = plant
        self.app = plant.app
        self.clock = clock

    async def at(self, moment: datetime) -> None:
        """Set the clock, forward or back, and let the scheduler look."""
        self.clock.set_time(moment)
        await self.app.scheduler.fire_due()

    async def decided(self) -> list[DecisionRecord]:
        """Return all decisions in the order of their ticks."""
        return sorted(await self.plant.decisions(), key=lambda one: one.due_at or MIDNIGHT)

    async def verdicts(self) -> list[str]:
        """Return what was decided, in the order of the ticks."""
        return [one.verdict.value for one in await self.decided()]

    async def finish(self) -> None:
        """Carry out every run that is queued."""
        for run in await self.app.store.unfinished_runs("here", (RunStatus.QUEUED,)):
            await self.app.executor.execute(run.run_id)


@asynccontextmanager
async def desk(folder: Path, workflows: dict[str, str], *, now: datetime = MIDNIGHT) -> AsyncIterator[Desk]:
    clock = FakeClock(now)
    async with open_plant(make_project(folder, workflows), clock=clock, going=False) as plant:
        await plant.app.scheduler.load()
        yield Desk(plant, clock)


class Late:
    """A store; right after its first answer about schedules or runs that are going, something else happens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.then: list[Callable[[], Awaitable[None]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def schedules(self, trigger_ids: Collection[str] = ()) -> list[ScheduleRecord]:
        return await self._answered(await self._store.schedules(trigger_ids))

    async def going_by_trigger(self, trigger_ids: Collection[str] = ()) -> dict[str, list[str]]:
        return await self._answered(await self._store.going_by_trigger(trigger_ids))

    async def _answered(self, answer: AnswerT) -> AnswerT:
        while self.then:
            await self.then.pop()()
        return answer
