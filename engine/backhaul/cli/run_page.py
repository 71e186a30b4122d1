"""What the history says of runs, for people beside its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from backhaul.cli.drift import drift_found, drift_lines
from backhaul.cli.output import as_text, clean, columns, duration, local_time, number, paint
from backhaul.cli.summary import STEP_HEADINGS, advice, error_text, step_row
from backhaul.cli.waiting import wait_lines
from backhaul.store.records import AttemptRecord, RunRecord, RunStatus
from backhaul.views import steps
from backhaul.views.differences import DifferenceView, differences
from backhaul.views.run_page import gather
from backhaul.views.runs import seconds_between, stored_definition

if TYPE_CHECKING:
    from backhaul.json_values import Json
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["HEADINGS", "Page", "definition_page", "differences_page", "page", "row", "step_page"]

Page: TypeAlias = tuple["Json", Callable[[], Iterable[str]]]
"""A JSON document, and what gives the lines for people."""

HEADINGS = ("RUN", "WORKFLOW", "STATUS", "STARTED", "TIME", "CAUSE")


def row(run: RunRecord, *, interrupted: bool) -> tuple[str, ...]:
    """Return the cells of a run in a table with `HEADINGS`."""
    status = "interrupted" if interrupted else run.status.value
    started = local_time(run.started_at or run.created_at)
    return run.run_id, run.workflow, status, started, duration(seconds_between(run)), run.cause


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


async def page(store: Store, run: RunRecord, screen: Screen, *, every: bool) -> Page:
    """Return everything about a run, its steps folded unless `every` one is wanted."""
    shown = await gather(store, run, screen, every=every)

    def lines() -> Iterator[str]:
        yield from _head(run, shown.lost, screen)
        if shown.steps:
            yield ""
            yield from columns(STEP_HEADINGS, [step_row(step, screen) for step in shown.steps], status=1)
            folded = sum(shown.recorded.values()) - len(shown.steps)
            if folded > 0 and not every:
                yield f"and {number(folded)} steps inside of these: backhaul runs show {run.run_id} --all"
        yield from _attempts(shown.attempts, screen)
        if shown.children:
            yield ""
            yield from columns(HEADINGS, [row(child, interrupted=gone) for child, gone in shown.children], status=2)
        if run.output is not None:
            yield f"\noutput:\n{as_text(screen.value(run.output), indent=2)}"
        if run.error:
            yield f"\n{screen.text(error_text(run.error))}"
        yield from drift_found(shown.steps, screen)
        yield from advice(run)
        if run.status in {RunStatus.WAITING, RunStatus.RUNNING, RunStatus.QUEUED}:
            yield from wait_lines(shown.waits, screen.text)
        if shown.lost:
            yield f"No process carries it out any more. Continue with: backhaul runs resume {run.run_id}"

    return shown.document(screen), lines


async def step_page(store: Store, run: RunRecord, key: str, screen: Screen, *, items: int) -> Page:
    """Return everything about one step, with some records of its dataset.

    Raises:
        UnknownNameError: the run has no such step.
    """
    document = await steps.step_page(store, run, key, screen, items=items)

    def lines() -> Iterator[str]:
        yield f"step {key} of run {run.run_id}: {paint(document['status'])}"
        shown = {name: value for name, value in document.items() if name not in {"key", "run_id", "status"} and value}
        found = document["output"] if document["verb"] == "plan" else None
        if isinstance(found, dict) and "drift" in found:
            shown["output"] = {name: value for name, value in found.items() if name != "drift"}
            yield as_text(shown)
            yield from drift_lines(found)
            return
        yield as_text(shown)

    return document, lines


async def differences_page(store: Store, run: RunRecord) -> Page:
    """Return how the two sides of the run's reconciles differ, with the reasons.

    Raises:
        InputError: no reconcile of the run has ended.
    """
    found = await differences(store, run)

    def lines() -> Iterator[str]:
        for one in found["differences"]:
            yield from _difference(one)

    return found, lines


def _difference(one: DifferenceView) -> Iterator[str]:
    more = "the same number" if not one["difference"] else f"{number(abs(one['difference']))} "
    if one["difference"]:
        more += "fewer" if one["difference"] > 0 else "more"
    yield f"step {one['step']}"
    yield f"  source  {_records('source', one['source'], one['source_name'])}"
    yield f"  target  {_records('target', one['target'], one['target_name'])}: {more}"
    for side in ("source", "target"):
        reasons = [reason for reason in one["reasons"] if reason["side"] == side]
        total = sum(reason["count"] for reason in reasons)
        yield f"\n  only in the {side}: {number(total)}"
        rows = [(number(reason["count"]), reason["reason"]) for reason in reasons]
        yield from (f"    {line}" for line in columns(("RECORDS", "REASON"), rows) if rows)
    for rule, error in one["problems"].items():
        yield f"\n  the rule {clean(rule)!r} could not be evaluated on every record: {clean(error)}"


def _records(side: str, count: int, name: str) -> str:
    """Return the size of a side; records that a Python workflow has made itself are of nothing with a name."""
    return f"{number(count)} record{'' if count == 1 else 's'}" + (f" of {clean(name)}" if name != side else "")


def _head(run: RunRecord, lost: bool, screen: Screen) -> Iterator[str]:
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
        yield as_text(screen.value(run.inputs), indent=4)


def _attempts(attempts: dict[str, list[AttemptRecord]], screen: Screen) -> Iterator[str]:
    """Give what went wrong in each attempt of the steps that needed more than one, or did not succeed."""
    for key, made in attempts.items():
        failed = [attempt for attempt in made if attempt.error]
        if failed:
            yield f"\nattempts of {key}"
        for attempt in failed:
            said = screen.text(error_text({**(attempt.error or {}), "step": None}))
            yield f"  {attempt.number}  {local_time(attempt.started_at)}  {said}"
