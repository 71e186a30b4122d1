"""Carrying out a workflow of steps: conditions, time limits, failures, and the verbs that hold no items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio

from backhaul.errors import BackhaulError, InputError, StoreError
from backhaul.json_values import Json
from backhaul.runs.calls import Caller, CallRequest, failed_before
from backhaul.runs.control import Abandoned, Control, Parked, StepFailed, Suspended, raise_first
from backhaul.runs.each import EachRunner
from backhaul.runs.failures import text_of
from backhaul.runs.journal import Journal
from backhaul.runs.reconciling.reconciler import Reconciler
from backhaul.runs.repetition import repeat
from backhaul.runs.scope import Scope
from backhaul.runs.wait_verb import wanted
from backhaul.runs.waiting import Waiter
from backhaul.store.records import EventRecord, StepRecord, StepStatus
from backhaul.workflows.definition import (
    Call,
    Each,
    Emit,
    Fail,
    Group,
    Parallel,
    Reconcile,
    RetryPolicy,
    RunWorkflow,
    Set,
    Step,
    Wait,
    visible_ids,
)
from backhaul.workflows.unknown import known

if TYPE_CHECKING:
    from backhaul.workflows.definition import Verb

__all__ = ["ChildRuns", "Interpreter"]


class ChildRuns(Protocol):
    """Starts and resumes the runs that steps start."""

    async def run_child(
        self, key: str, workflow: str, inputs: Mapping[str, Json], journal: Journal, control: Control
    ) -> Json:
        """Return the output of another workflow's run, which is a step of this one."""
        ...


class Interpreter:
    """Carries out the steps of one run."""

    def __init__(
        self, journal: Journal, caller: Caller, children: ChildRuns, waiter: Waiter, *, source: str, retry: RetryPolicy
    ) -> None:
        self.journal = journal
        self._caller = caller
        self._children = children
        self._waiter = waiter
        self._source = source
        self._retry = retry

    async def block(self, steps: tuple[Step, ...], scope: Scope) -> Json:
        """Carry out steps one after the other and return the last one's output."""
        output: Json = None
        for step in steps:
            output = await self.step(step, scope)
        return output

    async def step(self, step: Step, scope: Scope) -> Json:
        """Carry out one step and return its output.

        Raises:
            StepFailed: it gave up, and its ``on_error`` says so.
            Parked: a person has to decide.
            Suspended: all that the run does waits.
            Abandoned: the run stops.
        """
        key = scope.key(step.id)
        prior = self.journal.recorded(key)
        if prior is None and not isinstance(step.verb, Set):
            scope.control.check()
        try:
            if prior is not None and prior.status is StepStatus.FAILED and (prior.handled or scope.replays):
                await self._seen_again(step, key, scope)
                raise failed_before(prior)
            if await self._is_skipped(step, scope, prior):
                output = self._skip(step, key, scope, prior)
            else:
                output = await self._limited(step, key, scope, prior)
                scope.ended(step.id, StepStatus.SUCCEEDED, output)
        except StepFailed as failed:
            output = await self._failed(step, key, scope, failed)
        except StoreError:
            raise
        except BackhaulError as error:
            output = await self._failed(step, key, scope, StepFailed(key, type(error).__name__, text_of(error)))
        if step.holds_steps:
            scope.not_reached(visible_ids((step,)))
        return output

    async def _is_skipped(self, step: Step, scope: Scope, prior: StepRecord | None) -> bool:
        if prior is not None:
            return prior.status is StepStatus.SKIPPED
        return step.condition is not None and not await scope.evaluate(step.condition)

    async def _seen_again(self, step: Step, key: str, scope: Scope) -> None:
        """Make the ends of the steps inside one that has failed for good visible again. Nothing is carried out."""
        replay = scope.replay()
        inner = replay.block(key, replay.control)
        match step.verb:
            case Group(body=steps):
                lines = [steps]
            case Parallel(branches=branches):
                lines = [(branch,) for branch in branches]
            case _:
                lines = []
        for line in lines:
            with suppress(StepFailed, Abandoned):
                await self.block(line, inner)

    def _skip(self, step: Step, key: str, scope: Scope, prior: StepRecord | None) -> Json:
        if scope.inside_each:
            scope.unrecorded[StepStatus.SKIPPED] += prior is None
        elif prior is None:
            self.journal.finish(self.journal.begin(key, _word(step.verb)), StepStatus.SKIPPED)
        output = prior.output if prior is not None else None
        scope.ended(step.id, StepStatus.SKIPPED, output)
        return output

    async def _limited(self, step: Step, key: str, scope: Scope, prior: StepRecord | None) -> Json:
        """Carry out the verb within the step's time, counted from when it began, or a person let it be tried again."""
        if step.timeout_s is None:
            return await self._tried(step, key, scope)
        now = self.journal.clock.now()
        goes_on = prior is not None and prior.status is not StepStatus.FAILED
        began = max(prior.started_at, self.journal.since) if prior is not None and goes_on else now
        over = began + timedelta(seconds=step.timeout_s)
        with anyio.move_on_after(max((over - now) / timedelta(seconds=1), 0)):
            return await self._tried(step, key, scope.within(scope.control.child(until=over)))
        if key in self.journal.unknown:
            with suppress(Abandoned):  # then it was certainly not done
                return await self._verb(step, key, scope.replay())
        for name in self.journal.unknown:
            if name.startswith((f"{key}/", f"{key}[")):
                raise Parked(name, "the time of the step around it was over before the call's answer came")
        raise StepFailed(key, "TimeoutError", f"not finished within {step.timeout_s:g} s")

    async def _tried(self, step: Step, key: str, scope: Scope) -> Json:
        """Carry out the verb as often as the step's ``retry`` says. Calls see to their attempts themselves."""
        if step.retry is None or isinstance(step.verb, Call | Reconcile):
            return await self._verb(step, key, scope)
        attempt = partial(self._verb, step, key, scope)
        return await repeat(key, step.retry, self.journal, scope.control, attempt)

    async def _failed(self, step: Step, key: str, scope: Scope, failed: StepFailed) -> Json:
        error = failed.to_json()
        handled = step.on_error.action != "fail"
        prior = self.journal.recorded(key)
        is_known = failed.step == key or (prior is not None and prior.status is StepStatus.FAILED)
        if not (failed.recorded and is_known):
            record = prior or self.journal.begin(key, _word(step.verb))
            self.journal.finish(record, StepStatus.FAILED, error=error, handled=handled)
        scope.ended(step.id, StepStatus.FAILED, None, error)
        if not handled:
            raise failed
        if step.on_error.action == "do":
            return await self.block(step.on_error.body, scope.block(key, scope.control))
        return None

    async def _verb(self, step: Step, key: str, scope: Scope) -> Json:
        verb, prior = step.verb, self.journal.recorded(key)
        match verb:
            case Call():
                return await self._call(step, verb, key, scope)
            case Set():
                return await self._leaf(step, key, scope, prior, lambda: scope.render(verb.values))
            case Each():
                return await EachRunner(self.journal, self.block).run(verb, key, scope)
            case Group():
                return await self._container(
                    step, key, prior, lambda: self.block(verb.body, scope.block(key, scope.control))
                )
            case Parallel():
                return await self._container(step, key, prior, lambda: self._parallel(verb, key, scope))
            case Emit():
                return await self._leaf(step, key, scope, prior, lambda: self._emit(verb, key, scope))
            case RunWorkflow():
                inputs = await scope.render(verb.inputs)
                return await self._children.run_child(key, verb.workflow, inputs, self.journal, scope.control)
            case Wait():
                now = self.journal.clock.now()
                return await self._waiter.wait(key, scope.control, lambda: wanted(verb, scope, now))
            case Reconcile():
                reconciler = Reconciler(self.journal, self._caller, self._waiter, self._retry)
                return await reconciler.run(verb, key, scope, step.retry)
            case Fail():
                raise StepFailed(key, "Fail", str(await scope.render(verb.message)))

    async def _call(self, step: Step, verb: Call, key: str, scope: Scope) -> Json:
        params = known(await scope.render(verb.params))
        if not isinstance(params, Mapping):
            raise InputError(f"parameters of {verb.action}", ["with must give a mapping of names to values"])
        request = CallRequest(
            key=key,
            connection=verb.connection,
            action=verb.action,
            params=params,
            retry=step.retry or self._retry,
            handled=step.on_error.action != "fail",
            line=scope.line,
        )
        return await self._caller.perform(request, scope.control)

    async def _leaf(
        self,
        step: Step,
        key: str,
        scope: Scope,
        prior: StepRecord | None,
        compute: Callable[[], Awaitable[Json]],
    ) -> Json:
        """Compute a value; it is recorded outside ``each``, and computed again inside."""
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return self.journal.restored(prior.output)
        if scope.inside_each and isinstance(step.verb, Set):
            output = await compute()
            scope.unrecorded[StepStatus.SUCCEEDED] += 1
            return output
        record = self.journal.begin(key, _word(step.verb))
        output = await compute()
        self.journal.finish(record, StepStatus.SUCCEEDED, output=output)
        return output

    async def _container(
        self, step: Step, key: str, prior: StepRecord | None, body: Callable[[], Awaitable[Json]]
    ) -> Json:
        """Carry out a verb that holds steps. They answer from the journal themselves, so it always goes in."""
        record = self.journal.begin(key, _word(step.verb))
        self.journal.keep(record)
        if prior is None:
            self.journal.write(record)
        output = await body()
        if prior is None or prior.status is not StepStatus.SUCCEEDED:
            self.journal.finish(record, StepStatus.SUCCEEDED, output=output)
        return output

    async def _parallel(self, verb: Parallel, key: str, scope: Scope) -> Json:
        control = scope.control.child()
        inner = scope.block(key, control)
        ended: list[BaseException] = []

        async def branch(step: Step, own: Scope) -> None:
            try:
                await self.step(step, own)
            except Suspended as end:
                ended.append(end)
            except Exception as end:  # noqa: BLE001 (whatever it is, the branches beside it come to their end first)
                ended.append(end)
                control.stop()
            finally:
                end_line()

        with control.lines.split(len(verb.branches)) as end_line:
            scopes = [inner.branch() for _ in verb.branches]
            async with anyio.create_task_group() as group:
                for step, own in zip(verb.branches, scopes, strict=True):
                    group.start_soon(branch, step, own)
        for own in scopes:
            scope.take_over(own.line)
        raise_first(ended)
        return {step.id: scope.context["steps"][step.id] for step in verb.branches}

    async def _emit(self, verb: Emit, key: str, scope: Scope) -> Json:
        event_id = f"{self.journal.run_id}/{key}"
        now = self.journal.clock.now()
        event = EventRecord(
            event_id=event_id,
            type=str(await scope.render(verb.type)),
            source=self._source,
            subject=None if verb.subject is None else str(await scope.render(verb.subject)),
            data=await scope.render(verb.data),
            time=now,
            received_at=now,
            dedupe_key=event_id if verb.key is None else str(await scope.render(verb.key)),
            run_id=self.journal.run_id,
            step_key=key,
        )
        self.journal.emit(event)
        return {"id": event_id, "type": event.type}


def _word(verb: Verb) -> str:
    return {RunWorkflow: "run", Group: "do"}.get(type(verb), type(verb).__name__.lower())
