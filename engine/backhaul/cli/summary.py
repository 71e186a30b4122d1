"""What became of a run, when it was just carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from backhaul.cli.drift import drift_found
from backhaul.cli.output import as_text, clean, duration, emit_json, number, paint, say, table
from backhaul.runs.planning.modes import APPLY
from backhaul.runs.planning.review import DRIFT
from backhaul.store.records import RunRecord, RunStatus, StepRecord
from backhaul.views.run_screen import remember_given
from backhaul.views.runs import interrupted, outcome, seconds_between
from backhaul.views.screen import Screen
from backhaul.views.steps import steps_shown

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.json_values import Json

__all__ = ["STEP_HEADINGS", "advice", "emit_outcome", "error_text", "show_outcome", "step_row"]

STEP_HEADINGS = ("STEP", "STATUS", "ATTEMPTS", "TIME", "")


async def emit_outcome(app: App, run: RunRecord) -> Callable[[], None]:
    """Return what prints the JSON document of a run that was just carried out."""
    document = outcome(run, interrupted=await interrupted(app.store, run))
    return lambda: emit_json(document)


async def show_outcome(app: App, run: RunRecord) -> Callable[[], None]:
    """Return what prints how a run went that was just carried out."""
    steps = await steps_shown(app.store, run)
    screen = Screen(app.connections.actions)
    remember_given(run, screen)
    screen.learn(steps)
    stands = "interrupted" if await interrupted(app.store, run) else run.status.value

    def show() -> None:
        took = duration(seconds_between(run))
        say(f"\nrun {run.run_id} of {run.workflow}: {paint(stands)}" + (f" in {took}" if took else ""))
        if steps:
            say()
            table(STEP_HEADINGS, [step_row(step, screen) for step in steps], status=1)
        if run.status is RunStatus.SUCCEEDED and run.output is not None:
            say(f"\noutput:\n{as_text(screen.value(run.output), indent=2)}")
        if run.error:
            say(f"\n{screen.text(error_text(run.error))}")
        for line in drift_found(steps, screen):
            say(line)
        for line in advice(run):
            say(line)

    return show


def step_row(step: StepRecord, screen: Screen) -> tuple[str, ...]:
    """Return the cells of a step in a table with `STEP_HEADINGS`."""
    took = "" if step.finished_at is None else duration((step.finished_at - step.started_at) / timedelta(seconds=1))
    return step.key, step.status.value, str(step.attempt), took, screen.text(_remark(step))


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
    if run.status is RunStatus.FAILED and (run.error or {}).get("type") == DRIFT:
        return [_new_plan(run)]
    if run.status is RunStatus.FAILED:
        return [f"Once its cause is gone, continue from there with: backhaul runs resume {run.run_id}"]
    return []


def _new_plan(run: RunRecord) -> str:
    """Return how to get a new plan where one does not hold any more: resuming would look at the old one again."""
    command = f"backhaul run {run.workflow}" + (f" --event {run.event_id}" if run.event_id else "")
    same = " (with the same inputs)" if run.inputs else ""
    if run.mode is not None and run.mode["mode"] == APPLY["mode"]:
        return f"Make a new plan with: {command} --plan --out FILE{same}"
    return f"A new run makes a new plan: {command}{same}"


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
