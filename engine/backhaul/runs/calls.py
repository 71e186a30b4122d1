"""One call of an action as a step: attempts, retries, and what a crash or a doubt means for its effect."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, assert_never

import anyio
import structlog

from backhaul.errors import BackhaulError, ReplayMismatchError, StoreError
from backhaul.json_values import Json, JsonObject
from backhaul.plugins.action import ActionSpec, Effect, Verdict
from backhaul.plugins.calls import CallContext
from backhaul.runs.attempts import Attempts, attempt_of, attempts_after
from backhaul.runs.control import Abandoned, Control, Parked, StepFailed
from backhaul.runs.failures import Consequence, Failure, failure_of, text_of
from backhaul.runs.journal import Journal
from backhaul.runs.listings import store_listing
from backhaul.runs.planning.line import PlanLine
from backhaul.secrets import redact
from backhaul.store.records import AttemptRecord, RunRecord, StepRecord, StepStatus
from backhaul.workflows.definition import RetryPolicy

if TYPE_CHECKING:
    from backhaul.plugins.connections import Connections

__all__ = ["CallRequest", "Caller", "failed_before"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """What a step asks for.

    Attributes:
        key: the step's key.
        handled: a failure is taken care of by the step's ``on_error``.
        change: for plans: ``{"before", "after"}``, the fields that it changes, where whoever asks knows them.
        line: in a plan: what was planned before, on the way to this call; None: it is not told.
    """

    key: str
    connection: str
    action: str
    params: JsonObject
    retry: RetryPolicy
    handled: bool = False
    change: Json = None
    line: PlanLine | None = None

    @property
    def full_action(self) -> str:
        """``connection.action``."""
        return f"{self.connection}.{self.action}"


class Caller:
    """Performs the calls of one run through its journal.

    Args:
        journal: of the run.
        connections: the project's.
        root: the run itself, or the one of whose steps it is one: for its share of the connections and its priority.
    """

    def __init__(self, journal: Journal, connections: Connections, *, root: RunRecord) -> None:
        self._journal = journal
        self._connections = connections
        self._clock = journal.clock
        self._root = root

    def actions(self, connection: str) -> Mapping[str, ActionSpec]:
        """Return the actions of a connection by name."""
        return self._connections.actions()[connection]

    async def perform(self, request: CallRequest, control: Control) -> Json:
        """Return the output of a call: from the journal when it is there, else by calling.

        Raises:
            StepFailed: it gave up; the journal says so.
            Parked: the outcome is unknown, and a person has to say what became of it.
            Abandoned: the run stops; nothing was begun.
        """
        journal = self._journal
        spec = self._connections.spec(request.connection, request.action)
        prior = journal.recorded(request.key)
        attempts = Attempts()
        if prior is not None:
            match prior.status:
                case StepStatus.SUCCEEDED | StepStatus.SKIPPED:
                    return journal.restored(prior.output)
                case StepStatus.FAILED | StepStatus.CANCELLED:
                    raise failed_before(prior)
                case StepStatus.RETRYING:
                    attempts = attempts_after(prior, spec.effect)
                case StepStatus.RUNNING | StepStatus.UNKNOWN:
                    attempts = attempts_after(prior, spec.effect)
                    if not spec.effect.repeatable:
                        settled = await self._settle(request, spec, prior)
                        if settled is not None:
                            return journal.restored(settled.output)
                case StepStatus.WAITING | StepStatus.PLANNED:
                    was = "a wait" if prior.status is StepStatus.WAITING else "a plan"
                    raise ReplayMismatchError(request.key, was, f"a call of {request.full_action}")
                case _:
                    assert_never(prior.status)
        return await self._attempt(request, spec, attempts, control)

    async def _attempt(self, request: CallRequest, spec: ActionSpec, attempts: Attempts, control: Control) -> Json:
        params = request.params if attempts.params is None else attempts.params
        while True:
            await self._wait(attempts.not_before, control)
            control.check()
            record = self._journal.begin(
                request.key,
                "call",
                action=request.full_action,
                effect=spec.effect.value,
                params=params,
                attempt=attempts.number,
            )
            began = self._clock.now()
            if attempts.number > 1:
                so_far = {"attempt_started_at": began.isoformat(), "failed_attempts": attempts.failed}
                record = replace(record, progress=so_far)
            if spec.effect is not Effect.READ:
                await self._intend(record, attempts)
            elif spec.is_stream:
                self._journal.write(record)  # so that after a crash it goes on at its cursor
            try:
                output = await self._once(request, spec, record, control)
                self._journal.finish(record, StepStatus.SUCCEEDED, output=output)
            except (Abandoned, Parked, StoreError):
                raise
            except Exception as error:  # noqa: BLE001 (the attempt's boundary: any connector's error ends here)
                failure = failure_of(error, spec.effect, request.retry)
                _explain(self._journal.run_id, request, error, failure)
                settled = await self._after(request, spec, record, began, attempts, failure)
                if settled is not None:
                    return self._journal.restored(settled.output)
                continue
            return output

    async def _intend(self, record: StepRecord, attempts: Attempts) -> None:
        """Have the intent on disk. When that is interrupted, nothing was called, and the journal will say so."""
        self._journal.write(record)
        try:
            await self._journal.barrier()
        except anyio.get_cancelled_exc_class():
            so_far = {**(record.progress or {}), "failed_attempts": attempts.failed}
            self._journal.write(replace(record, status=StepStatus.RETRYING, progress=so_far))
            raise

    async def _once(self, request: CallRequest, spec: ActionSpec, record: StepRecord, control: Control) -> Json:
        """Make one attempt. What may not be interrupted leaves a record when it is interrupted all the same."""
        connection = await self._connections.open(request.connection)
        context = self._context(request, spec.effect, until=control.until)
        limit = anyio.fail_after(spec.timeout_s) if spec.timeout_s is not None else nullcontext()
        if spec.effect is Effect.READ:
            with control.interruptible(), limit:
                if spec.is_stream:
                    pages = partial(connection.stream, request.action, record.params or {}, context=context)
                    return await store_listing(self._journal, request.key, pages, goes_on=record.attempt > 1)
                return await connection.call(request.action, record.params or {}, context)
        try:
            with limit:
                return await connection.call(request.action, record.params or {}, context)
        except anyio.get_cancelled_exc_class():
            if not spec.effect.repeatable:
                self._journal.doubt(record, "the call was interrupted before its answer came")
            raise

    async def _after(
        self,
        request: CallRequest,
        spec: ActionSpec,
        record: StepRecord,
        began: datetime,
        attempts: Attempts,
        failure: Failure,
    ) -> StepRecord | None:
        """Write what a failed attempt means. None: `attempts` says when to try again; a record: it was done."""
        if failure.consequence is Consequence.UNKNOWN:
            settled = await self._settle(request, spec, self._journal.doubt(record, failure.message))
            if settled is not None:
                return settled
        attempts.failed += 1
        gives_up = failure.consequence is Consequence.GIVE_UP or not failure.wanted
        again = not gives_up and attempts.failed < request.retry.attempts
        next_at = None
        if again:
            delay_s = max(request.retry.delay_before(attempts.failed + 1), failure.retry_after_s or 0.0)
            next_at = self._clock.now() + timedelta(seconds=delay_s)
            self._journal.observer.step_retrying(request.key, attempts.number + 1, delay_s, failure.message)
        ended = AttemptRecord(
            run_id=record.run_id,
            key=record.key,
            number=attempts.number,
            status=StepStatus.FAILED,
            error=failure.to_json(),
            started_at=began,
            finished_at=self._clock.now(),
            next_attempt_at=next_at,
        )
        self._journal.write_attempt(ended)
        if not again:
            self._journal.finish(record, StepStatus.FAILED, error=failure.to_json(), handled=request.handled)
            failed = StepFailed(request.key, failure.error_type, failure.message)
            failed.recorded = True
            raise failed
        progress = {**(record.progress or {}), "failed_attempts": attempts.failed}
        error = failure.to_json()
        waiting = replace(record, status=StepStatus.RETRYING, error=error, next_attempt_at=next_at, progress=progress)
        self._journal.write(waiting)
        self._journal.keep(waiting)
        await self._journal.barrier()
        attempts.number += 1
        attempts.not_before = next_at
        return None

    async def _settle(self, request: CallRequest, spec: ActionSpec, record: StepRecord) -> StepRecord | None:
        """Find out what became of a call that must not be repeated blindly.

        Returns the record of the step when the effect happened, None when it certainly did not.
        """
        reason = (record.error or {}).get("message") or "the process ended during the call"
        if record.status is not StepStatus.UNKNOWN:
            record = self._journal.doubt(record, reason)
        if spec.verify is None:
            raise Parked(request.key, reason)
        try:
            verdict = await self._verdict(request, record)
            settled: StepRecord | None = None
            match verdict.state:
                case "done":
                    settled = self._journal.finish(record, StepStatus.SUCCEEDED, output=verdict.result)
                case "not_done":
                    pass
                case _:
                    raise Parked(request.key, f"{reason}; {redact(verdict.reason)}")
        except (Parked, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 (the attempt's boundary: whatever it is, the doubt stays)
            failed = f"asking the system what became of it failed, too: {text_of(error)}"
            raise Parked(request.key, f"{reason}; {failed}") from None
        self._journal.unknown.discard(record.key)
        return settled

    async def _verdict(self, request: CallRequest, record: StepRecord) -> Verdict:
        connection = await self._connections.open(request.connection)
        context = self._context(request, Effect.READ)
        return await connection.verify(request.action, record.params or {}, attempt_of(record), context)

    def _context(self, request: CallRequest, effect: Effect, *, until: datetime | None = None) -> CallContext:
        return CallContext(
            effect=effect,
            priority=self._root.priority,
            connection=request.connection,
            action=request.action,
            run_id=self._journal.run_id,
            root_run_id=self._root.run_id,
            step=request.key,
            until=until,
        )

    async def _wait(self, moment: datetime | None, control: Control) -> None:
        if moment is not None:
            with control.interruptible():
                await self._clock.sleep_until(moment)


def failed_before(prior: StepRecord) -> StepFailed:
    """Return the failure that the journal holds of a step. Only `reopen` lets the step be tried again."""
    error = prior.error or {}
    failed = StepFailed(error.get("step") or prior.key, error.get("type", "StepError"), error.get("message", ""))
    failed.recorded = True
    failed.siblings = tuple(error.get("also", ()))
    return failed


def _explain(run_id: str, request: CallRequest, error: Exception, failure: Failure) -> None:
    log = _log.bind(run_id=run_id, step=request.key, action=request.full_action)
    if isinstance(error, BackhaulError | TimeoutError):
        log.debug("attempt failed", error=failure.message, error_type=failure.error_type)
    else:
        log.error("connector raised an unexpected error", exc_info=error)
