"""What became of a run: for people and as the JSON document of `run --json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from backhaul.cli.output import as_text, clean, duration, emit_json, iso, number, paint, say, table
from backhaul.secrets import MASK, is_secret_name
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.json_values import Json
    from backhaul.store.store import Store

__all__ = ["advice", "emit_outcome", "interrupted", "outcome", "plain", "show_outcome", "step_row", "steps_shown"]

_MOST = 1_000
STEP_HEADINGS = ("STEP", "STATUS", "ATTEMPTS", "TIME", "")


async def emit_outcome(app: App, run: RunRecord) -> Callable[[], None]:
    """Return what prints the JSON document of a run that was just carried out."""
    document = outcome(run, interrupted=await interrupted(app.store, run))
    return lambda: emit_json(document)


async def show_outcome(app: App, run: RunRecord) -> Callable[[], None]:
    """Return what prints how a run went that was just carried out."""
    steps = await steps_shown(app.store, run)
    stands = "interrupted" if await interrupted(app.store, run) else run.status.value

    def show() -> None:
        took = duration(seconds_between(run))
        say(f"\nrun {run.run_id} of {run.workflow}: {paint(stands)}" + (f" in {took}" if took else ""))
        if steps:
            say()
            table(STEP_HEADINGS, [step_row(step) for step in steps], status=1)
        if run.status is RunStatus.SUCCEEDED and run.output is not None:
            say(f"\noutput:\n{as_text(plain(run.output), indent=2)}")
        if run.error:
            say(f"\n{error_text(run.error)}")
        for line in advice(run):
            say(line)

    return show


def outcome(run: RunRecord, *, interrupted: bool) -> dict[str, Json]:
    """Return the JSON form of a run as it stands.

    The keys ``run_id``, ``workflow``, ``status``, ``output``, ``error`` and ``steps`` (number of steps by status) are
    fixed, so that scripts can rely on them.
    """
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "status": run.status.value,
        "interrupted": interrupted,
        "output": plain(run.output),
        "error": run.error and {"type": None, "message": None, "step": None, **run.error},
        "steps": dict(run.step_counts or {}),
        "cause": run.cause,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "duration_s": seconds_between(run),
    }


async def interrupted(store: Store, run: RunRecord) -> bool:
    """Return whether a run says that it is under way while no process carries it out."""
    return run.status is RunStatus.RUNNING and not await store.is_claimed(run.run_id)


async def steps_shown(store: Store, run: RunRecord) -> list[StepRecord]:
    """Return the steps of a run without those of the items of an ``each``, and what failed or is unknown of those."""
    found = {step.key: step for step in await store.steps(run.run_id, outside_each=True)}
    unfinished = await store.steps(run.run_id, unfinished=True, limit=_MOST)
    found.update({step.key: step for step in unfinished if step.status is StepStatus.UNKNOWN})
    error = run.error or {}
    keys = [key for key in (error.get("step"), *error.get("also", ())) if key and key not in found]
    found.update({step.key: step for step in await store.steps(run.run_id, keys=keys)})
    return sorted(found.values(), key=lambda step: (step.seq, step.key))


def step_row(step: StepRecord) -> tuple[str, ...]:
    """Return the cells of a step in a table with `STEP_HEADINGS`."""
    took = "" if step.finished_at is None else duration((step.finished_at - step.started_at) / timedelta(seconds=1))
    return step.key, step.status.value, str(step.attempt), took, _remark(step)


def plain(value: Json) -> Json:
    """Return a recorded value as it is shown: datasets in words, and what a field like ``password`` holds masked."""
    if isinstance(value, Mapping):
        if value.keys() == {"$dataset"}:
            return {"dataset": value["$dataset"]["step"], "items": value["$dataset"]["count"]}
        return {key: MASK if item and is_secret_name(key) else plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def error_text(error: Mapping[str, Json]) -> str:
    """Return a recorded error as one sentence."""
    place = f"step {error['step']}: " if error.get("step") else ""
    return clean(f"{place}{error.get('type')}: {error.get('message')}")


def advice(run: RunRecord) -> list[str]:
    """Return what a person can do about a run that has stopped."""
    if run.status is RunStatus.NEEDS_ATTENTION:
        step = (run.error or {}).get("step") or "STEP"
        return [
            "Find out what became of it in the other system, then say so:",
            f"  backhaul runs resolve {run.run_id} '{step}' --as done|retry|skip",
        ]
    if run.status is RunStatus.FAILED:
        return [f"Once its cause is gone, continue from there with: backhaul runs resume {run.run_id}"]
    return []


def seconds_between(run: RunRecord) -> float | None:
    """Return how long a run took from its start to its end, or None."""
    if run.started_at is None or run.finished_at is None:
        return None
    return round((run.finished_at - run.started_at) / timedelta(seconds=1), 3)


def _remark(step: StepRecord) -> str:
    """Return what else there is to say about a step: its count, its error, what it did."""
    if step.error:
        return f"{step.error.get('type')}: {step.error.get('message')}"
    output = step.output
    if isinstance(output, Mapping):
        if output.keys() == {"$dataset"}:
            return f"{number(output['$dataset']['count'])} items"
        if step.verb == "each" and "total" in output:
            return f"{number(output['total'])} items{_inner_counts(output.get('steps', {}))}"
    return step.action or ""


def _inner_counts(steps: Mapping[str, Mapping[str, int]]) -> str:
    done = [
        f"{name} {number(counts['succeeded'])}" + (f" ({number(counts['failed'])} failed)" if counts["failed"] else "")
        for name, counts in steps.items()
        if counts.get("skipped") or counts.get("failed")
    ]
    return f": {', '.join(done)}" if done else ""
