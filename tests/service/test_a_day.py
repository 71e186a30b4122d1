"""A day of 25 hours: a nightly sync, polls, calls, an outage, a quota; the ledger explains all of it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backhaul.plugins.action import actions_of
from backhaul.plugins.events import Event, PollPage, polls_of
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.project import Project
from backhaul.runs.progress import RunObserver
from backhaul.sdk import Connector, Effect, HttpSettings, action, poll
from backhaul.store.records import RunRecord, RunStatus, StepStatus
from backhaul.store.service_records import DecisionRecord, Verdict
from backhaul.testing import FakeClock
from service.plant import Plant, make_project, open_plant, until
from world import World

pytestmark = pytest.mark.anyio

PARIS = ZoneInfo("Europe/Paris")
MIDNIGHT = datetime(2026, 10, 25, tzinfo=PARIS).astimezone(UTC)
END = datetime(2026, 10, 26, 0, 20, tzinfo=PARIS).astimezone(UTC)
DOWN = datetime(2026, 10, 25, 10, 5, tzinfo=PARIS).astimezone(UTC)
UP = DOWN + timedelta(hours=2)
QUOTA = 68
PATIENCE_S = 0.05

WORKFLOWS = {
    # 02:30 comes twice in this night.
    "nightly.yaml": """
on: [{cron: "30 2 * * *", timezone: Europe/Paris}]
steps:
  - {id: things, call: world.things, with: {count: 30}}
  - id: all
    each: ${{ steps.things }}
    concurrency: 5
    do: [{id: put, call: world.put, with: {name: "${{ item.name }}"}}]
""",
    "state.yaml": """
on: [{cron: "*/15 * * * *", timezone: Europe/Paris}]
steps: [{id: read, call: erp.read, with: {name: state}, retry: {attempts: 3, delay: 30s}}]
""",
    "moved.yaml": """
on: [{event: world.moved}]
steps: [{id: noted, call: world.put, with: {name: "move ${{ event.data.number }}"}}]
""",
    "call.yaml": """
on: [{event: world.call, where: "${{ event.data.account == 'acc-501' }}"}]
steps: [{id: customer, call: crm.read, with: {name: "${{ event.data.number }}"}}]
""",
}


class Office(World):
    """Has something new each time that it is asked."""

    @poll(every_s=600)
    async def moves(self, *, cursor: str | None = None) -> AsyncIterator[PollPage]:
        """Look for moves."""
        number = int(cursor or 0) + 1
        event = Event(type="moved", data={"number": number}, time=MIDNIGHT, key=str(number))
        yield PollPage(events=[event], next=str(number))


class Vendor(Connector[HttpSettings]):
    """A system that is read over HTTP."""

    name = "vendor"
    Settings = HttpSettings

    @action(effect=Effect.READ)
    async def read(self, *, name: str) -> str:
        """Read."""
        return (await self.http.request("GET", f"/{name}")).text


class Line:
    """The way to the vendor's server, which can be cut: then connections are refused."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def join(self) -> None:
        """Let requests through."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests[head.split(b" ")[1].decode()] += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


class Attempts(RunObserver):
    """Counts the attempts of steps that are under way."""

    def __init__(self) -> None:
        self.under_way = 0

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        self.under_way += 1

    def step_retrying(self, key: str, attempt: int, delay_s: float, message: str) -> None:
        self.under_way -= 1

    def step_finished(self, key: str, status: StepStatus) -> None:
        self.under_way -= 1


class Day:
    """The day, moment by moment, each with time enough for the service to do its work."""

    def __init__(self, plant: Plant, clock: FakeClock, line: Line, attempts: Attempts) -> None:
        self._plant = plant
        self._clock = clock
        self._line = line
        self._attempts = attempts
        self.calls: list[dict[str, Any]] = []
        self.delivered = 0

    async def live(self) -> None:
        """Let it pass."""
        ticks = 0
        for now in moments():
            await self._clock.advance((now - self._clock.now()).total_seconds())
            if now == DOWN:
                await self._line.cut()
            if now == UP:
                await self._line.join()
            await self._ring(now)
            ticks += state_is_due(now) + nightly_is_due(now)
            await self._rest(ticks)

    async def _rest(self, ticks: int) -> None:
        """Return when nothing more happens in this moment; a client that pauses between two requests gets a second."""
        for _ in range(300):
            with contextlib.suppress(TimeoutError):
                await until(lambda: self._is_at_rest(ticks), seconds=PATIENCE_S)
                return
            await self._clock.advance(1)
        raise AssertionError(f"{self._clock.now()}: the service does not come to rest")

    def _is_at_rest(self, ticks: int) -> bool:
        app = self._plant.app
        if self._attempts.under_way or app.store.writer.pending or len(app.dispatcher.queue):
            return False
        path = self._plant.folder / "history.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            (decided,) = database.execute("select count(*) from decisions where due_at is not null").fetchone()
            (sleeping,) = database.execute("select count(*) from steps where status = 'retrying'").fetchone()
        return bool(decided >= ticks and app.dispatcher.queue.under_way == sleeping)

    async def _ring(self, now: datetime) -> None:
        """Deliver a call every ten minutes from 7 to 22: one in five of another account, one in seven twice."""
        local = now.astimezone(PARIS)
        if not (7 <= local.hour < 22 and local.minute % 10 == 5 and local.day == 25):
            return
        number = len(self.calls)
        data = {"number": f"caller-{number}", "account": "acc-999" if number % 5 == 4 else "acc-501"}
        self.calls.append(data)
        for _ in range(2 if number % 7 == 6 else 1):
            self.delivered += 1
            event = Event(type="call", data=data, time=now, key=f"call {number}")
            await self._plant.app.intake.take("world", [event], received_at=now)


def state_is_due(now: datetime) -> bool:
    """Tell whether a quarter of an hour begins: also in the hour that comes twice."""
    return now.minute % 15 == 0


def nightly_is_due(now: datetime) -> bool:
    """Tell whether it is 02:30 for the first time of the day."""
    local = now.astimezone(PARIS)
    return (local.hour, local.minute, local.fold) == (2, 30, 0)


def moments() -> Iterator[datetime]:
    """Give every fifth minute, and every one while the vendor is down: no attempt may run into its end."""
    now = MIDNIGHT
    while now < END:
        now += timedelta(minutes=1 if DOWN <= now < UP else 5)
        yield now


def office(folder: Path, erp: Line, crm: Line) -> Project:
    """Write a project with an office, an ERP that may be asked at any time, and a CRM with a quota."""
    project = make_project(folder, WORKFLOWS, server="max_runs = 200")
    with (folder / "backhaul.toml").open("a") as file:
        for name, line in (("erp", erp), ("crm", crm)):
            file.write(f'[connections.{name}]\nconnector = "vendor"\nbase_url = "http://127.0.0.1:{line.port}"\n')
        file.write(f'limits = {{per_day = {QUOTA}, day_zone = "Europe/Paris", reserve = 0.0}}\n')
    connectors = {
        one.name: LoadedConnector(
            name=one.name, cls=one, actions=actions_of(one), polls=polls_of(one), source="tests", version=""
        )
        for one in (Office, Vendor)
    }
    project.registry = PluginRegistry(connectors=connectors)
    return project


@pytest.mark.slow
async def test_the_ledger_explains_every_tick_and_event_of_a_day(tmp_path: Path) -> None:
    erp, crm, clock, attempts = Line(), Line(), FakeClock(MIDNIGHT), Attempts()
    await erp.join()
    await crm.join()
    async with open_plant(office(tmp_path, erp, crm), clock=clock, observer=attempts) as plant:
        await until(lambda: clock.sleepers >= 2)
        day = Day(plant, clock, erp, attempts)
        await day.live()
        runs = {run.run_id: run for run in await plant.runs()}
        decisions = await plant.decisions()
        events, _ = await plant.app.store.events(limit=10_000)
    await erp.cut()
    await crm.cut()
    by_trigger = {trigger: [one for one in decisions if one.trigger_id == trigger] for trigger in TRIGGERS}
    assert sum(map(len, by_trigger.values())) == len(decisions), "a decision is about nothing that happened"
    assert sorted(one.run_id or "" for one in decisions if one.verdict is Verdict.STARTED) == sorted(runs)

    check_ticks(by_trigger, runs)
    assert [run.status for run in of(by_trigger["nightly/cron/1"], runs)] == [RunStatus.SUCCEEDED]
    assert len({line["name"] for line in plant.done("put") if line["name"].startswith("T")}) == 30
    check_outage(of(by_trigger["state/cron/1"], runs), erp)
    moves = [event for event in events if event.type == "world.moved"]
    assert len(moves) >= (END - MIDNIGHT) // timedelta(minutes=11)
    assert {one.event_id for one in by_trigger["moved/event/1"]} == {event.event_id for event in moves}
    assert {run.status for run in of(by_trigger["moved/event/1"], runs)} == {RunStatus.SUCCEEDED}
    check_calls(day, by_trigger, runs, crm)


TRIGGERS = ("nightly/cron/1", "state/cron/1", "moved/event/1", "call/event/1", "-")


def of(decisions: list[DecisionRecord], runs: dict[str, RunRecord]) -> list[RunRecord]:
    """Return the runs that were started, one for each such decision."""
    return [runs[one.run_id or ""] for one in decisions if one.verdict is Verdict.STARTED]


def check_ticks(decisions: dict[str, list[DecisionRecord]], runs: dict[str, RunRecord]) -> None:
    """Check that each tick has one decision, and was on time."""
    for trigger, is_due in (("nightly/cron/1", nightly_is_due), ("state/cron/1", state_is_due)):
        assert [one.due_at for one in decisions[trigger]] == [now for now in moments() if is_due(now)]
        assert {one.verdict for one in decisions[trigger]} == {Verdict.STARTED}
        assert len(of(decisions[trigger], runs)) == len(decisions[trigger])


def check_outage(runs: list[RunRecord], line: Line) -> None:
    """Check that exactly those runs failed that found nobody, and say so."""
    failed = [run for run in runs if run.status is RunStatus.FAILED]
    assert [run for run in runs if DOWN <= run.created_at < UP] == failed
    assert len(failed) == timedelta(hours=2) // timedelta(minutes=15)
    assert {run.error["type"] for run in failed} == {"RetryableError"}  # type: ignore[index]
    assert {run.status for run in runs if run not in failed} == {RunStatus.SUCCEEDED}
    assert line.requests["/state"] == len(runs) - len(failed)


def check_calls(day: Day, decisions: dict[str, list[DecisionRecord]], runs: dict[str, RunRecord], line: Line) -> None:
    """Check that each delivery is accounted for, and that calls beyond the quota waited for the next day."""
    verdicts = Counter(one.verdict for one in decisions["call/event/1"])
    others = sum(one["account"] == "acc-999" for one in day.calls)
    assert verdicts == {Verdict.STARTED: len(day.calls) - others, Verdict.FILTERED: others}
    assert {one.verdict for one in decisions["-"]} == {Verdict.DUPLICATE}
    assert len(decisions["-"]) == day.delivered - len(day.calls) > 0
    called = of(decisions["call/event/1"], runs)
    assert {run.status for run in called} == {RunStatus.SUCCEEDED}
    next_day = datetime(2026, 10, 26, tzinfo=PARIS).astimezone(UTC)
    late = [run for run in called if run.finished_at is not None and run.finished_at >= next_day]
    assert len(late) == len(called) - QUOTA > 0
    assert max(line.requests[f"/caller-{number}"] for number in range(len(day.calls))) == 1
