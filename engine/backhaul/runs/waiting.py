"""Steps that wait: their wait goes to disk, and then the run rests in memory or leaves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio

from backhaul.clock import set_at_latest, utc_text
from backhaul.errors import StoreError
from backhaul.json_values import Json
from backhaul.runs.calls import failed_before
from backhaul.runs.control import Abandoned, Control, Suspended
from backhaul.runs.journal import Journal
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.wait_matching import WaitMatcher
from backhaul.runs.wait_outcomes import (
    ABANDONED,
    due_outcome,
    event_outcome,
    is_abandoned,
    is_cut_short,
    result_of,
)
from backhaul.store.records import RunRecord, StepRecord, StepStatus
from backhaul.store.service_records import WaitKind, WaitRecord

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["SHORT_S", "Waiter", "Wanted"]

SHORT_S = 5.0
"""A wait that is over within so many seconds stays in memory."""

_LOOK_S = 1.0
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a step wants to wait for.

    Attributes:
        until: the moment that a wait for a time is for, and at which the others give up; None is never.
        details: what else is kept with the wait (`WaitRecord.details`).
        shown: the step's parameters as the history shows them.
    """

    kind: WaitKind
    until: datetime | None = None
    event_type: str | None = None
    details: dict[str, Json] = field(default_factory=dict)
    shown: Json = None


class Waiter:
    """Lets the steps of one run wait.

    Args:
        run: the run, which has started.
        journal: its journal.
        board: where waits that are held in memory are woken.
        above: the runs whose step it is, from its parent to the topmost one.
    """

    def __init__(self, run: RunRecord, journal: Journal, board: WaitBoard, above: tuple[str, ...] = ()) -> None:
        self._run = run
        self._journal = journal
        self._store: Store = journal.store
        self._clock = journal.clock
        self._board = board
        self._above = above
        self._matcher = WaitMatcher(self._store)

    async def wait(self, key: str, control: Control, want: Callable[[], Awaitable[Wanted]]) -> Json:
        """Return the output of a step that waits.

        Args:
            key: the step's key.
            control: the step's control.
            want: says what for; it is asked once, so that a deadline stays what it was through crashes and restarts.

        Raises:
            StepFailed: a person said no, or nobody approved in time.
            Suspended: all that the run does waits.
            Abandoned: the run stops.
        """
        prior = self._journal.recorded(key)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return self._journal.restored(prior.output)
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        record, wait = await self._begun(key, prior, control, want)
        place = (wait.run_id, wait.key)
        control.lines.waits.add(place)
        goes_on = False
        try:
            wait = await self._ended(wait, control)
            if is_cut_short(wait):
                with control.interruptible():  # whose time is over ends this
                    await anyio.sleep_forever()
        except Suspended:
            goes_on = True
            raise
        except Abandoned:
            if not control.stopped_as_a_whole:
                await self._settle(wait, ABANDONED)
            raise
        finally:
            if not goes_on:
                control.lines.waits.discard(place)
        output = result_of(key, wait)
        self._journal.finish(record, StepStatus.SUCCEEDED, output=output)
        return output

    async def _begun(
        self, key: str, prior: StepRecord | None, control: Control, want: Callable[[], Awaitable[Wanted]]
    ) -> tuple[StepRecord, WaitRecord]:
        """Return the step's record and its wait, which are on disk: from before, or new ones."""
        number = 1 if prior is None else (prior.progress or {}).get("wait", 1)
        if prior is not None and prior.status is StepStatus.RETRYING:
            number += 1
        elif prior is not None:
            wait = await self._store.wait(self._run.run_id, _name(key, number))
            if wait is not None and not is_abandoned(wait):
                self._journal.observer.step_started(key, "wait", None)
                await self._look_back(wait)
                return prior, wait
            number += wait is not None
        control.check()
        return await self._new(key, prior, number, control, await want())

    async def _new(
        self, key: str, prior: StepRecord | None, number: int, control: Control, wanted: Wanted
    ) -> tuple[StepRecord, WaitRecord]:
        assert self._run.started_at is not None  # noqa: S101 (a run that is carried out has started)
        wait = WaitRecord(
            run_id=self._run.run_id,
            key=_name(key, number),
            kind=wanted.kind,
            event_type=wanted.event_type,
            wake_at=min((moment for moment in (wanted.until, control.until) if moment is not None), default=None),
            details={
                **wanted.details,
                "step": key,
                "until": None if wanted.until is None else utc_text(wanted.until),
                "since": utc_text(self._run.started_at),
                "counts_from": utc_text(self._journal.since),
                "above": list(self._above),
            },
            created_at=self._clock.now(),
        )
        begun = self._journal.begin(key, "wait", params=wanted.shown, attempt=1 if prior is None else prior.attempt)
        progress = {**((prior.progress if prior is not None else None) or {}), "wait": number}
        record = replace(begun, status=StepStatus.WAITING, progress=progress)
        self._journal.follow(self._store.put_wait(wait))
        self._journal.write(record)
        self._journal.keep(record)
        await self._journal.barrier()
        self._board.on_wait(wait)
        await self._look_back(wait)
        return record, wait

    async def _look_back(self, wait: WaitRecord) -> None:
        """Take the first event that came after the run began and before anybody could know of this wait."""
        if wait.kind is not WaitKind.EVENT or wait.event_type is None or wait.outcome is not None:
            return
        assert self._run.started_at is not None  # noqa: S101 (a run that is carried out has started)
        after: tuple[datetime, str] | None = None
        while True:
            found = await self._store.events_of_type(wait.event_type, self._run.started_at, after=after, limit=_PAGE)
            for event in found:
                if await self._matcher.fits(wait, event):
                    await self._settle(wait, event_outcome(event))
                    return
            if len(found) < _PAGE:
                return
            after = (found[-1].received_at, found[-1].event_id)

    async def _ended(self, wait: WaitRecord, control: Control) -> WaitRecord:
        """Return the wait once it has ended."""
        while True:
            with self._board.held(wait) as event:
                # Behind the line above: whoever ends it from here on sets the event. And an earlier process may have
                # written it before this one, with an earlier deadline.
                wait = await self._stored(wait)
                if wait.outcome is not None:
                    return wait
                left_s = None if wait.wake_at is None else (wait.wake_at - self._clock.now()) / timedelta(seconds=1)
                if left_s is not None and left_s <= 0:
                    await self._settle(wait, due_outcome(wait))
                else:
                    await self._rest(event, left_s, control)

    async def _rest(self, event: anyio.Event, left_s: float | None, control: Control) -> None:
        """Return when the wait may have ended."""
        look_s = _LOOK_S if left_s is None else min(left_s, _LOOK_S)
        with control.interruptible():
            if control.stays or (left_s is not None and left_s <= SHORT_S):
                await set_at_latest(event, partial(self._clock.sleep, look_s))
            else:
                with control.lines.resting(event, control):
                    await set_at_latest(event, partial(self._clock.sleep, look_s))
                if control.lines.suspending:
                    raise Suspended

    async def _stored(self, wait: WaitRecord) -> WaitRecord:
        stored = await self._store.wait(wait.run_id, wait.key)
        if stored is None:
            raise StoreError(f"the wait of step {wait.key} of run {wait.run_id} is not in the store any more")
        return stored

    async def _settle(self, wait: WaitRecord, outcome: Json) -> None:
        with anyio.CancelScope(shield=True):
            await self._store.settle_wait(wait.run_id, wait.key, outcome, self._clock.now()).wait()


def _name(key: str, number: int) -> str:
    """Return the key of a step's wait; a step that is tried again waits anew."""
    return key if number == 1 else f"{key}#{number}"
