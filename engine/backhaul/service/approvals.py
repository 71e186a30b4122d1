"""Decisions of people that runs wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backhaul.errors import InputError, RunStateError, UnknownNameError
from backhaul.json_values import Json, dump
from backhaul.runs.running import ENDED
from backhaul.runs.wait_board import WaitBoard
from backhaul.runs.wait_outcomes import approval_outcome, root_of
from backhaul.store.service_records import WaitKind, WaitRecord
from backhaul.workflows.data_schema import data_faults

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.store import Store

__all__ = ["Approvals"]


class Approvals:
    """What waits for a person's decision, and taking it.

    Args:
        store: the history.
        clock: source of time.
        board: where this process holds waits in memory (`Executor.waits`); None when it carries out no runs.
        notice: called with the topmost run of a wait that has ended: it may be queued now.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        board: WaitBoard | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._board = board
        self._notice = notice

    async def open(self) -> list[WaitRecord]:
        """Return what waits for a decision, the oldest first."""
        return await self._store.waits(kind=WaitKind.APPROVAL)

    async def decide(
        self, run_id: str, *, key: str | None = None, approved: bool, by: str, note: str = "", data: Json = None
    ) -> WaitRecord:
        """Write a person's decision, on which the run goes on, and return the wait with it.

        Args:
            run_id: the run whose step waits, or one above it.
            key: the step's key; it can be left out when only one step waits for a decision.
            approved: yes or no.
            by: who decides.
            note: why, for whoever reads it later.
            data: what the step's schema asks for. With a no it is not checked.

        Raises:
            UnknownNameError: there is no such run, or no such step waits.
            RunStateError: nothing waits for a decision, or it has been made already.
            InputError: several steps wait, or the data does not fit the schema.
        """
        wait = await self._wanted(run_id, key)
        schema = (wait.details or {}).get("schema")
        if approved and schema is not None and (faults := data_faults(schema, data)):
            if data is None:
                faults = [f"none was given; what is needed: {dump(schema)}"]
            raise InputError(f"data of the approval of step {_step(wait)}", faults)
        now = self._clock.now()
        outcome = approval_outcome(approved=approved, by=by, at=now, note=note, data=data)
        above = (wait.details or {}).get("above", ())
        ticket = self._store.settle_wait(wait.run_id, wait.key, outcome, now, above=above)
        await ticket.wait()
        decided = await self._store.wait(wait.run_id, wait.key)
        if decided is None or not ticket.value:
            raise _decided_already(decided or wait)
        if self._board is not None:
            self._board.wake(decided.run_id, decided.key)
        if self._notice is not None:
            self._notice(root_of(decided))
        return decided

    async def _wanted(self, run_id: str, key: str | None) -> WaitRecord:
        run = await self._store.run(run_id)
        if run is None:
            raise UnknownNameError("run", run_id)
        waits = await self._approvals_of(run_id)
        waiting = [wait for wait in waits if wait.outcome is None]
        if key is not None:
            named = [wait for wait in waits if key in {_step(wait), wait.key}]
            if not named:
                known = [_step(wait) for wait in waiting]
                raise UnknownNameError(f"step of run {run_id} that waits for approval", key, known)
            waits, waiting = named, [wait for wait in named if wait.outcome is None]
        if run.status in ENDED:
            raise RunStateError(f"run {run_id} has {run.status}; nothing waits for approval any more")
        if len(waiting) > 1:
            keys = ", ".join(_step(wait) for wait in waiting)
            raise InputError(f"run {run_id}", [f"several steps wait for approval: say which with --step ({keys})"])
        if waiting:
            return waiting[0]
        if waits:
            raise _decided_already(waits[-1])
        raise RunStateError(f"nothing in run {run_id} waits for approval; it is {run.status}")

    async def _approvals_of(self, run_id: str) -> list[WaitRecord]:
        """Return the approvals of a run and of the runs that are its steps, oldest first."""
        found = await self._store.waits(run_id=run_id, kind=WaitKind.APPROVAL, open_only=False)
        for child in await self._store.children(run_id):
            found += await self._approvals_of(child.run_id)
        return found


def _step(wait: WaitRecord) -> str:
    return str((wait.details or {}).get("step", wait.key))


def _decided_already(wait: WaitRecord) -> RunStateError:
    outcome: Json = wait.outcome or {}
    if "approved" not in outcome:
        return RunStateError(f"step {_step(wait)} of run {wait.run_id} does not wait for approval any more")
    word = "approved" if outcome["approved"] else "rejected"
    return RunStateError(f"step {_step(wait)} was {word} already, by {outcome['by']} at {outcome['at']}")
