"""Sources that are polled: events and cursor together, one process at a time, and only when somebody waits for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from backhaul.plugins.action import actions_of
from backhaul.plugins.events import Event, PollPage, polls_of
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.project import Project
from backhaul.sdk import RetryableError, poll
from backhaul.service.poller import Poller
from backhaul.store.journal import WriteObserver
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from service.faults import Faults
from service.plant import Plant, make_project, open_plant, until
from world import World

pytestmark = pytest.mark.anyio

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOTE = """
on:
  - event: world.moved
steps:
  - id: did
    call: world.put
    with: {name: "${{ event.data.number }}"}
"""
WAITS = """
steps:
  - id: w
    wait: {event: world.moved, timeout: 7d}
"""


class Watched(World):
    """Each look brings the event of the next number; the cursor is the last one."""

    @poll(every_s=60)
    async def moves(self, *, cursor: str | None = None) -> AsyncIterator[PollPage]:
        """Look for moves."""
        number = int(cursor or 0) + 1
        self._append("look", cursor=cursor)
        if (self.settings.file.parent / "fails").exists():
            raise RetryableError("the vendor is down")
        if (self.settings.file.parent / "breaks").exists():
            raise KeyError("a mistake of the connector")
        event = Event(type="moved", data={"number": str(number)}, time=START, key=str(number))
        yield PollPage(events=[event], next=str(number))


def watched(folder: Path, workflows: dict[str, str], *, url: str | None = None) -> Project:
    project = make_project(folder, workflows, url=url)
    loaded = LoadedConnector(
        name="world", cls=Watched, actions=actions_of(Watched), polls=polls_of(Watched), source="tests", version=""
    )
    project.registry = PluginRegistry(connectors={"world": loaded})
    return project


@asynccontextmanager
async def polling(
    project: Project, clock: FakeClock, *, write_observer: WriteObserver | None = None
) -> AsyncIterator[Plant]:
    """Poll beside the body; nothing else of the service goes on."""
    async with (
        open_plant(project, clock=clock, write_observer=write_observer, going=False) as plant,
        anyio.create_task_group() as group,
    ):
        group.start_soon(plant.app.poller.run)
        try:
            yield plant
        finally:
            group.cancel_scope.cancel()


async def looks(plant: Plant, clock: FakeClock, count: int) -> None:
    """Let the time go on until there were so many looks."""

    async def look() -> bool:
        await clock.advance(5)
        return len(plant.done("look")) >= count

    await until(look)


async def stored(plant: Plant, count: int) -> None:
    """Return when so many runs are queued."""

    async def look() -> bool:
        return len(await plant.runs()) == count

    await until(look)


async def quiet(plant: Plant, clock: FakeClock, seconds: int) -> None:
    """Let the time go on, with the loops at rest in between."""
    for _ in range(seconds // 10):
        await clock.advance(10)
        await anyio.wait_all_tasks_blocked()


async def test_each_look_goes_on_where_the_last_one_ended_and_starts_the_runs_of_its_events(tmp_path: Path) -> None:
    clock = FakeClock(START)
    async with polling(watched(tmp_path, {"note.yaml": NOTE}), clock) as plant:
        await looks(plant, clock, 3)
        await stored(plant, 3)
        assert [line["cursor"] for line in plant.done("look")] == [None, "1", "2"]
        assert clock.now() - START >= timedelta(seconds=120)
    async with polling(watched(tmp_path, {"note.yaml": NOTE}), clock) as plant:
        await looks(plant, clock, 4)
        assert plant.done("look")[3]["cursor"] == "3"
        await stored(plant, 4)
        assert [(run.event or {})["data"]["number"] for run in await plant.runs()] == ["1", "2", "3", "4"]


async def test_a_page_that_cannot_be_stored_is_looked_at_again(tmp_path: Path) -> None:
    clock, faults = FakeClock(START), Faults()
    project = watched(tmp_path, {"note.yaml": NOTE})
    async with polling(project, clock, write_observer=faults) as plant:
        faults.break_disk()
        await looks(plant, clock, 2)
        await until(lambda: faults.failed == 2)
        assert {line["cursor"] for line in plant.done("look")} == {None}
        faults.clear()
        before = len(plant.done("look"))
        await looks(plant, clock, before + 1)
        await stored(plant, 1)
        assert plant.done("look")[before]["cursor"] is None
        assert (await plant.runs())[0].event is not None


@pytest.mark.parametrize("how", ["fails", "breaks"])
async def test_a_source_that_fails_is_asked_later_and_later_and_goes_on_afterwards(tmp_path: Path, how: str) -> None:
    clock = FakeClock(START)
    (tmp_path / how).touch()
    async with polling(watched(tmp_path, {"note.yaml": NOTE}), clock) as plant:
        moments = []
        for count in range(1, 5):
            await looks(plant, clock, count)
            moments.append(clock.now())
        pauses = [(later - earlier) / timedelta(seconds=1) for earlier, later in pairwise(moments)]
        assert pauses[0] >= 50
        assert pauses[1] >= 110
        assert pauses[2] >= 230
        (tmp_path / how).unlink()
        await looks(plant, clock, 5)
        await stored(plant, 1)
        await looks(plant, clock, 6)
    assert plant.done("look")[5]["cursor"] == "1"


async def test_a_source_that_nobody_waits_for_is_not_polled(tmp_path: Path) -> None:
    clock = FakeClock(START)
    idle = {"other.yaml": "on: [{event: other.moved}]\nsteps: [{id: x, set: {a: 1}}]\n", "waits.yaml": WAITS}
    async with polling(watched(tmp_path, idle), clock) as plant:
        await quiet(plant, clock, 300)
        assert plant.done("look") == []
        # Now a run waits for one.
        run, _ = await plant.app.dispatcher.start("waits", {}, cause="test")
        await plant.app.executor.execute(run.run_id)
        assert (await plant.runs())[0].status is RunStatus.WAITING
        await looks(plant, clock, 1)


async def test_two_processes_on_one_store_ask_a_source_no_more_often_than_one(tmp_path: Path, store_url: str) -> None:
    clock = FakeClock(START)
    project = watched(tmp_path, {"note.yaml": NOTE}, url=store_url)
    async with polling(project, clock) as one, polling(project, clock):
        await looks(one, clock, 5)
        assert [line["cursor"] for line in one.done("look")] == [None, "1", "2", "3", "4"]
        assert clock.now() - START >= timedelta(seconds=4 * 60 - 30)
        await stored(one, 5)


class Late:
    """A store; right after its first answer about a cursor, something else happens."""

    def __init__(self, store: Store, then: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._then = [then]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def poll_cursor(self, connection: str, name: str) -> tuple[str | None, datetime | None]:
        place = await self._store.poll_cursor(connection, name)
        while self._then:
            await self._then.pop()()
        return place


async def test_a_source_that_another_process_asks_at_the_same_moment_is_not_asked_again(tmp_path: Path) -> None:
    clock = FakeClock(START)
    async with open_plant(watched(tmp_path, {"note.yaml": NOTE}), clock=clock, going=False) as plant:
        app = plant.app
        (spec,) = app.connections.polls("world")

        async def wanted(prefix: str) -> bool:
            return True

        late = Late(app.store, lambda: app.poller.look("world", spec, None))
        other = Poller(cast("Store", late), clock, lambda: app.connections, app.intake, wanted)
        async with anyio.create_task_group() as group:
            group.start_soon(other.run)
            await until(lambda: clock.sleepers == 2)
            group.cancel_scope.cancel()
        assert len(plant.done("look")) == 1


async def test_a_clock_that_was_set_back_does_not_keep_a_source_from_being_asked(tmp_path: Path) -> None:
    clock = FakeClock(START)
    async with polling(watched(tmp_path, {"note.yaml": NOTE}), clock) as plant:
        await looks(plant, clock, 1)
        await stored(plant, 1)
        clock.set_time(START - timedelta(days=30))
        began = clock.monotonic()
        await looks(plant, clock, 2)
        assert clock.monotonic() - began < 600


async def test_a_source_whose_connection_is_gone_is_left_alone_and_followed_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    clock = FakeClock(START)
    project = watched(tmp_path, {"note.yaml": NOTE})
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "backhaul.toml").touch()
    async with polling(project, clock) as plant:
        await looks(plant, clock, 1)
        connections = plant.app.connections
        plant.app.connections = Project(tmp_path / "bare").connections(clock=clock)
        await quiet(plant, clock, 300)
        count = len(plant.done("look"))
        assert count <= 2
        plant.app.connections = connections
        await looks(plant, clock, count + 1)
