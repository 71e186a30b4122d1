"""Ends one run when an event comes that makes it pointless, as its workflow's ``cancel_on`` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from backhaul.clock import utc_text
from backhaul.json_values import Json
from backhaul.plugins.action import Effect
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.wait_matching import WaitMatcher, values_for
from backhaul.runs.wait_outcomes import (
    ABANDONED,
    CANCEL_PREFIX,
    event_outcome,
    is_abandoned,
    is_cancelling,
)
from backhaul.store.records import EventRecord, RunRecord, StepStatus
from backhaul.store.service_records import WaitKind, WaitRecord

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket
    from backhaul.workflows.cancelling import CancelRule

__all__ = ["Cancelling", "abandon_waits", "cancel_steps"]

_LOOK_S = 1.0
_PAGE = 50
_OPEN = frozenset({StepStatus.WAITING, StepStatus.RETRYING, StepStatus.RUNNING})


async def abandon_waits(run_id: str, store: Store, clock: Clock) -> None:
    """Write that nobody waits any more for what a run waits for.

    It is on disk with the next thing that is written and waited for.
    """
    for wait in await store.waits(run_id=run_id):
        store.settle_wait(run_id, wait.key, ABANDONED, clock.now())


async def cancel_steps(run_id: str, store: Store, clock: Clock) -> None:
    """Write that what a cancelled run waited for, or only read, is not gone on with.

    A call with an effect that was under way stays as it is: nobody knows what became of it.
    """
    ended = [
        replace(step, status=StepStatus.CANCELLED, finished_at=clock.now())
        for step in await store.steps(run_id, statuses=_OPEN)
        if step.status is not StepStatus.RUNNING or step.effect in {None, Effect.READ}
    ]
    if ended:
        await store.put_steps(ended).wait()


class Cancelling:
    """The rules by which events cancel one run: each is a wait in the store, beside those of the run's steps.

    The waker ends it like any other wait for an event, whether the run is under way, waits, or lies in the store of a
    process that was killed. What has come before the wait was there, from the making of the run on, is looked for.

    Args:
        run: the run, which has started.
        store: the history.
        clock: source of time.
        board: where waits that are held in memory are woken.
        above: the runs whose step it is, from its parent to the topmost one.
    """

    def __init__(self, run: RunRecord, store: Store, clock: Clock, board: WaitBoard, above: tuple[str, ...]) -> None:
        self._run = run
        self._store = store
        self._clock = clock
        self._board = board
        self._above = above
        self._matcher = WaitMatcher(store)
        self._waits: list[WaitRecord] = []
        self._written: list[Ticket] = []

    @property
    def places(self) -> set[tuple[str, str]]:
        """Run and key of every wait."""
        return {(wait.run_id, wait.key) for wait in self._waits}

    async def begin(self, rules: Sequence[CancelRule], inputs: Mapping[str, Json]) -> str | None:
        """Write the waits, and return why the run is cancelled already, or None.

        Nobody waits until they are on disk: `watch` does.

        Raises:
            InputError: a condition needs too many values of the run.
            StoreError: the store cannot be read.
        """
        before = await self._known()
        for number, rule in enumerate(rules, start=1):
            own = [wait for wait in before if wait.key.split("#")[0] == f"{CANCEL_PREFIX}{number}"]
            wait = next((one for one in own if not is_abandoned(one)), None)
            if wait is None:
                wait = self._new(rule, f"{CANCEL_PREFIX}{number}" + (f"#{len(own) + 1}" if own else ""), inputs)
                self._written.append(self._store.put_wait(wait))
            self._waits.append(wait)
        await self._look_back()
        return self._reason()

    async def watch(self, cancel: Callable[[str], None]) -> None:
        """Return when the run is cancelled, after calling `cancel` with the reason; it may never be.

        Raises:
            StoreError: the store cannot be read or written.
        """
        for ticket in self._written:
            await ticket.wait()
        for wait in self._waits:
            self._board.on_wait(wait)
        # Again: an event may have come between the look of `begin` and the moment at which the waits were there.
        await self._look_back()
        reason = self._reason()
        while reason is None:
            with ExitStack() as stack:
                woken = [stack.enter_context(self._board.held(wait)) for wait in self._waits]
                reason = await self._ended()  # behind the line above: whoever ends a wait from here on sets its event
                if reason is None:
                    await self._rest(woken)
        cancel(reason)

    def _new(self, rule: CancelRule, key: str, inputs: Mapping[str, Json]) -> WaitRecord:
        details: dict[str, Json] = {}
        if rule.where is not None:
            context = {"trigger": self._run.event, "inputs": inputs}
            details = {"where": rule.where.source, "values": values_for(rule.where, context)}
        return WaitRecord(
            run_id=self._run.run_id,
            key=key,
            kind=WaitKind.EVENT,
            event_type=rule.type,
            details={
                **details,
                "except": self._run.event_id,  # what starts a run does not end it, also when its type does
                "since": utc_text(self._run.created_at),
                "above": list(self._above),
            },
            created_at=self._clock.now(),
        )

    async def _known(self) -> list[WaitRecord]:
        """Return the waits that the rules have left at an earlier beginning of the run, oldest first."""
        if await self._store.wait(self._run.run_id, f"{CANCEL_PREFIX}1") is None:
            return []
        known = await self._store.waits(run_id=self._run.run_id, open_only=False)
        return [wait for wait in known if is_cancelling(wait)]

    async def _look_back(self) -> None:
        """End the waits for which an event has come since the run was made."""
        for number, wait in enumerate(self._waits):
            if wait.outcome is None:
                event = await self._first_event(wait)
                if event is not None:
                    with anyio.CancelScope(shield=True):
                        settling = self._store.settle_wait(
                            wait.run_id, wait.key, event_outcome(event), self._clock.now()
                        )
                        await settling.wait()
                    # Somebody else may have been first.
                    self._waits[number] = await self._store.wait(wait.run_id, wait.key) or wait

    async def _first_event(self, wait: WaitRecord) -> EventRecord | None:
        assert wait.event_type is not None  # noqa: S101 (it waits for an event)
        after = None
        while True:
            found = await self._store.events_of_type(wait.event_type, self._run.created_at, after=after, limit=_PAGE)
            for event in found:
                if await self._matcher.fits(wait, event):
                    return event
            if len(found) < _PAGE:
                return None
            after = (found[-1].received_at, found[-1].event_id)

    async def _ended(self) -> str | None:
        """Return the reason once a wait has ended, by whomever."""
        for number, wait in enumerate(self._waits):
            if wait.outcome is None:
                self._waits[number] = await self._store.wait(wait.run_id, wait.key) or wait
        return self._reason()

    def _reason(self) -> str | None:
        for wait in self._waits:
            outcome: Json = wait.outcome
            if outcome is not None and "event" in outcome:
                return f"event {outcome['event']['type']} ({outcome['event']['id']})"
        return None

    async def _rest(self, woken: Sequence[anyio.Event]) -> None:
        """Return when one of the waits may have ended; after a while in any case: another process may have ended it."""
        async with anyio.create_task_group() as group:

            async def first(event: anyio.Event) -> None:
                await event.wait()
                group.cancel_scope.cancel()

            for event in woken:
                group.start_soon(first, event)
            await self._clock.sleep(_LOOK_S)
            group.cancel_scope.cancel()
