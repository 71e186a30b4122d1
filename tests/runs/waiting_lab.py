"""A lab whose runs can wait: its clock moves by hand, and a waker ends waits when it is asked to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backhaul.json_values import Json
from backhaul.service.approvals import Approvals
from backhaul.service.waker import Waker
from backhaul.store.records import EventRecord, RunRecord
from backhaul.store.service_records import WaitRecord
from backhaul.testing.clock import FakeClock
from world import Lab, open_lab

__all__ = ["WaitingLab", "open_waiting_lab"]


class WaitingLab:
    """A `Lab` with what ends waits.

    Attributes:
        noticed: the runs that the waker and the approvals said to look at, in order.
    """

    def __init__(self, lab: Lab, clock: FakeClock) -> None:
        self.lab = lab
        self.clock = clock
        self.noticed: list[str] = []
        board = lab.executor.waits
        self.waker = Waker(lab.store, clock, board, self.noticed.append)
        self.approvals = Approvals(lab.store, clock, board=board, notice=self.noticed.append)
        self._events = 0

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def run(self, text: str, *, kind: str = "yaml", **inputs: Any) -> RunRecord:
        """Define a workflow and run it to where it stands still."""
        return await self.lab.run(text, kind=kind, **inputs)

    async def go_on(self, run: RunRecord) -> RunRecord:
        """Carry a run out from where it stands."""
        return await self.lab.executor.execute(run.run_id)

    async def after(self, seconds: float) -> None:
        """Let time pass while nothing runs, and end the waits that are due."""
        self.clock.set_time(self.clock.now() + timedelta(seconds=seconds))
        await self.waker.look()

    async def event(self, event_type: str, data: Json = None, *, offered: bool = True) -> EventRecord:
        """Store an event, and offer it to the waits."""
        self._events += 1
        event = EventRecord(
            event_id=f"event{self._events}",
            type=event_type,
            source="tests",
            data=data,
            time=self.now,
            received_at=self.now,
        )
        await self.lab.store.put_event(event).wait()
        if offered:
            await self.waker.offer(event)
        return event

    async def waits(self, run: RunRecord, *, open_only: bool = True) -> list[WaitRecord]:
        return await self.lab.store.waits(run_id=run.run_id, open_only=open_only)

    async def status(self, run: RunRecord) -> str:
        found = await self.lab.store.run(run.run_id)
        assert found is not None
        return found.status.value


@asynccontextmanager
async def open_waiting_lab(url: str, folder: Path, clock: FakeClock | None = None) -> AsyncIterator[WaitingLab]:
    """Open a lab with a clock that moves by hand."""
    clock = clock or FakeClock()
    async with open_lab(url, folder / "world.jsonl", clock=clock) as lab:
        yield WaitingLab(lab, clock)
