"""What the history says of runs: for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from backhaul.cli.output import as_text, columns, duration, iso, local_time, number, paint
from backhaul.cli.summary import (
    STEP_HEADINGS,
    advice,
    error_text,
    interrupted,
    outcome,
    plain,
    seconds_between,
    step_row,
    steps_shown,
)
from backhaul.errors import StoreError, UnknownNameError
from backhaul.store.records import AttemptRecord, RunRecord, StepRecord, StepStatus, WorkflowVersionRecord

if TYPE_CHECKING:
    from backhaul.json_values import Json
    from backhaul.store.store import Store

__all__ = [
    "HEADINGS",
    "Page",
    "definition_page",
    "described",
    "listed",
    "page",
    "row",
    "step_page",
    "stored_definition",
]

Page: TypeAlias = tuple["Json", Callable[[], Iterable[str]]]
"""A JSON document, and what gives the lines for people."""

HEADINGS = ("RUN", "WORKFLOW", "STATUS", "STARTED", "TIME", "CAUSE")
_AT_ONCE = 1_000


async def listed(store: Store, runs: Iterable[RunRecord]) -> list[tuple[RunRecord, bool]]:
    """Return runs with whether each was interrupted."""
    return [(run, await interrupted(store, run)) for run in runs]


def row(run: RunRecord, *, interrupted: bool) -> tuple[str, ...]:
    """Return the cells of a run in a table with `HEADINGS`."""
    status = "interrupted" if interrupted else run.status.value
    started = local_time(run.started_at or run.created_at)
    return run.run_id, run.workflow, status, started, duration(seconds_between(run)), run.cause


def described(run: RunRecord, *, interrupted: bool) -> dict[str, Json]:
    """Return the JSON form of a run with where it comes from."""
    return {
        **outcome(run, interrupted=interrupted),
        "digest": run.digest,
        "inputs": run.inputs,
        "event": run.event,
        "parent_run_id": run.parent_run_id,
        "parent_step": run.parent_step,
        "forked_from": run.forked_from,
        "cancel_requested": run.cancel_requested,
        "node": run.node,
    }


async def stored_definition(store: Store, run: RunRecord) -> WorkflowVersionRecord:
    """Return the text of the workflow that a run started with.

    Raises:
        StoreError: it is not there.
    """
    version = await store.workflow_version(run.digest)
    if version is None:
        raise StoreError(f"the definition of run {run.run_id} is not in the store (digest {run.digest})")
    return version


async def definition_page(store: Store, run: RunRecord) -> Page:
    """Return the workflow's text as it was run."""
    version = await stored_definition(store, run)
    document = {
        "run_id": run.run_id,
        "workflow": version.name,
        "digest": version.digest,
        "kind": version.kind,
        "path": version.path,
        "source": version.source,
    }
    return document, lambda: [version.source.removesuffix("\n")]


async def page(store: Store, run: RunRecord, *, every: bool) -> Page:
    """Return everything about a run, its steps folded unless `every` one is wanted."""
    lost = await interrupted(store, run)
    steps = await _all_steps(store, run) if every else await steps_shown(store, run)
    telling = [step for step in steps if step.attempt > 1 or step.error or step.status is StepStatus.UNKNOWN]
    attempts = {step.key: await store.attempts(run.run_id, step.key) for step in telling[:_AT_ONCE]}
    children = await listed(store, await store.children(run.run_id))
    recorded = await store.step_counts(run.run_id)
    document = {
        **described(run, interrupted=lost),
        "step_counts": dict(run.step_counts or recorded),
        "steps": [_step(step, attempts.get(step.key)) for step in steps],
        "children": [described(child, interrupted=gone) for child, gone in children],
    }

    def lines() -> Iterator[str]:
        yield from _head(run, lost)
        if steps:
            yield ""
            yield from columns(STEP_HEADINGS, [step_row(step) for step in steps], status=1)
            folded = sum(recorded.values()) - len(steps)
            if folded > 0 and not every:
                yield f"and {number(folded)} steps inside of these: backhaul runs show {run.run_id} --all"
        yield from _attempts(attempts)
        if children:
            yield ""
            yield from columns(HEADINGS, [row(child, interrupted=gone) for child, gone in children], status=2)
        if run.output is not None:
            yield f"\noutput:\n{as_text(plain(run.output), indent=2)}"
        if run.error:
            yield f"\n{error_text(run.error)}"
        yield from advice(run)
        if lost:
            yield f"No process carries it out any more. Continue with: backhaul runs resume {run.run_id}"

    return document, lines


async def step_page(store: Store, run: RunRecord, key: str, items: int) -> Page:
    """Return everything about one step, with some records of its dataset.

    Raises:
        UnknownNameError: the run has no such step.
    """
    step = await store.step(run.run_id, key)
    if step is None:
        known = [one.key for one in await store.steps(run.run_id, limit=_AT_ONCE)]
        raise UnknownNameError(f"step of run {run.run_id}", key, known)
    attempts = await store.attempts(run.run_id, key)
    records = await _records(store, run.run_id, key, items)
    document = {**_step(step, attempts), "run_id": run.run_id, "records": records}

    def lines() -> Iterator[str]:
        yield f"step {step.key} of run {run.run_id}: {paint(step.status.value)}"
        shown = {name: value for name, value in document.items() if name not in {"key", "run_id", "status"} and value}
        yield as_text(shown)

    return document, lines


async def _records(store: Store, run_id: str, key: str, most: int) -> list[Json]:
    records: list[Json] = []
    async for part in store.pages(run_id, key):
        records += part.items
        if len(records) >= most:
            break
    return records[:most]


async def _all_steps(store: Store, run: RunRecord) -> list[StepRecord]:
    found: list[StepRecord] = []
    while part := await store.steps(run.run_id, limit=_AT_ONCE, after_seq=found[-1].seq if found else None):
        found += part
    return found


def _step(step: StepRecord, attempts: list[AttemptRecord] | None) -> dict[str, Json]:
    took = None if step.finished_at is None else (step.finished_at - step.started_at) / timedelta(seconds=1)
    return {
        "key": step.key,
        "verb": step.verb,
        "action": step.action,
        "effect": step.effect,
        "status": step.status.value,
        "attempt": step.attempt,
        "handled": step.handled,
        "started_at": iso(step.started_at),
        "finished_at": iso(step.finished_at),
        "duration_s": took,
        "next_attempt_at": iso(step.next_attempt_at),
        "params": plain(step.params),
        "output": plain(step.output),
        "error": step.error,
        "attempts": [_attempt(attempt) for attempt in attempts or ()],
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Json]:
    return {
        "number": attempt.number,
        "status": attempt.status.value,
        "error": attempt.error,
        "started_at": iso(attempt.started_at),
        "finished_at": iso(attempt.finished_at),
        "next_attempt_at": iso(attempt.next_attempt_at),
    }


def _head(run: RunRecord, lost: bool) -> Iterator[str]:
    stands = "interrupted" if lost else run.status.value
    took = duration(seconds_between(run))
    yield f"run {run.run_id} of {run.workflow}: {paint(stands)}" + (f" in {took}" if took else "")
    yield f"  cause       {run.cause}"
    yield f"  started     {local_time(run.started_at) or 'not yet'}"
    if run.finished_at:
        yield f"  finished    {local_time(run.finished_at)}"
    yield f"  definition  {run.digest} (backhaul runs show {run.run_id} --definition)"
    if run.forked_from:
        yield f"  forked from {run.forked_from}"
    if run.parent_run_id:
        yield f"  part of     step {run.parent_step} of run {run.parent_run_id}"
    if run.inputs:
        yield "  inputs"
        yield as_text(run.inputs, indent=4)


def _attempts(attempts: dict[str, list[AttemptRecord]]) -> Iterator[str]:
    """Give what went wrong in each attempt of the steps that needed more than one, or did not succeed."""
    for key, made in attempts.items():
        failed = [attempt for attempt in made if attempt.error]
        if failed:
            yield f"\nattempts of {key}"
        for attempt in failed:
            error = attempt.error or {}
            yield f"  {attempt.number}  {local_time(attempt.started_at)}  {error_text({**error, 'step': None})}"
