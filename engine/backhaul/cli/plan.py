"""Plans for people and for files: what `backhaul run --plan` shows and writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, TextIO, cast

from backhaul.cli.output import clean, columns, duration, emit_json, note, number, paint, say
from backhaul.cli.summary import error_text
from backhaul.errors import RunStateError
from backhaul.json_values import dump
from backhaul.runs.planning.modes import is_plan
from backhaul.store.records import RunStatus
from backhaul.views.plan import PlanView, plan_head, read_plan
from backhaul.views.screen import Screen

if TYPE_CHECKING:
    from backhaul.app import App, Project
    from backhaul.cli.carrying_out import Show
    from backhaul.cli.run_page import Page
    from backhaul.json_values import Json
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store

__all__ = ["plan_lines", "plan_page", "show_plan", "write_plan"]


def show_plan(out: Path | None, *, as_json: bool) -> Show:
    """Return what shows a plan that was just made, and writes it to a file.

    Only a plan that came to its end is written: what a broken one would have gone on to do is not known.
    """

    async def show(app: App, run: RunRecord) -> Callable[[], None]:
        limits = {name: app.connections.settings(name).limits for name in app.connections.names}
        if out is not None and run.status is RunStatus.SUCCEEDED:
            await write_plan(app, run, out)
        screen = Screen(app.connections.actions)
        now = app.clock.now()
        if as_json:
            effects: list[Json] = []
            view = await read_plan(app.store, run, limits, now, screen=screen, each=effects.append)
            document = {**view.head, "effects": effects, **view.tail()}
            return lambda: emit_json(document)
        view = await read_plan(app.store, run, limits, now, screen=screen)

        def lines() -> None:
            for line in plan_lines(view):
                say(line)
            if out is not None and run.status is RunStatus.SUCCEEDED:
                note(f"written to {out} (with personal data, readable by you alone); do it with: backhaul apply {out}")
            elif out is not None:
                note(f"{out} was not written: the plan is not complete")

        return lines

    return show


async def plan_page(project: Project, store: Store, run: RunRecord, screen: Screen) -> Page:
    """Return the document and the lines of a plan in the history.

    Raises:
        RunStateError: the run is no plan.
    """
    if not is_plan(run):
        raise RunStateError(f"run {run.run_id} is no plan; make one with: backhaul run {run.workflow} --plan")
    limits = {one.name: one.limits for one in project.settings.connections}
    effects: list[Json] = []
    view = await read_plan(store, run, limits, store.clock.now(), screen=screen, each=effects.append)
    return {**view.head, "effects": effects, **view.tail()}, lambda: plan_lines(view)


async def write_plan(app: App, run: RunRecord, out: Path) -> None:
    """Write a plan's file, readable by its owner alone: it holds what the effects need, personal data among it.

    Raises:
        OSError: it cannot be written. What was there before is still there.
    """
    limits = {name: app.connections.settings(name).limits for name in app.connections.names}
    with _replacing(out) as file:
        await _write(app, run, limits, file)


@contextmanager
def _replacing(out: Path) -> Iterator[TextIO]:
    """Give a new file, only its owner's, that takes the place of `out` at the end, unless something goes wrong."""
    with NamedTemporaryFile("w", dir=out.parent, prefix=f".{out.name}.", delete=False, encoding="utf-8") as file:
        new = Path(file.name)
        try:
            yield cast("TextIO", file)
            file.flush()
            os.fsync(file.fileno())
            new.replace(out)
        except BaseException:
            new.unlink()
            raise


async def _write(app: App, run: RunRecord, limits: Json, file: TextIO) -> None:
    """Write the document effect by effect, so that a plan of any size fits into the memory."""
    separator = "\n"

    def write(effect: Json) -> None:
        nonlocal separator
        file.write(separator + "    " + dump(effect))
        separator = ",\n"

    file.write("{\n")
    for name, value in plan_head(run).items():
        file.write(f"  {json.dumps(name)}: {dump(value)},\n")
    file.write('  "effects": [')
    view = await read_plan(app.store, run, limits, app.clock.now(), each=write)
    file.write("\n  ]" if view.effects else "]")
    for name, value in view.tail().items():
        file.write(f",\n  {json.dumps(name)}: {dump(value)}")
    file.write("\n}\n")


def plan_lines(view: PlanView) -> Iterator[str]:
    """Give the lines of a plan for people: effects by step, what is not known yet, summary, forecast."""
    head, tail = view.head, view.tail()
    yield f"\nplan of {head['workflow']}, made by run {head['run_id']}: {paint(head['status'])}"
    if head["error"]:
        yield clean(error_text(head["error"]))
        yield "the plan is not complete: what would have followed is not known"
    for group, count in view.groups.items():
        yield f"\n{group}: {number(count)} effect{'s' if count > 1 else ''}"
        for effect in view.shown[group]:
            yield from _effect(effect)
        if count > len(view.shown[group]):
            yield f"  and {number(count - len(view.shown[group]))} more"
    if not view.effects:
        yield "\nno effects: nothing would be changed"
    yield from _not_known(tail)
    if view.effects:
        yield "\nsummary"
        rows = [(one["action"], one["effect"], number(one["count"])) for one in tail["summary"]["by_action"]]
        yield from ("  " + line for line in columns(("ACTION", "EFFECT", "COUNT"), rows))
    yield from _forecast(view.forecast)


def _effect(effect: Json) -> Iterator[str]:
    yield f"  {effect['effect']:<6}  {clean(effect['describe'])}"
    before, after = effect.get("before") or {}, effect.get("after") or {}
    # What a connector says in words holds the fields already.
    if (before or after) and effect["describe"].startswith(f"{effect['action']} "):
        for name in dict.fromkeys((*before, *after)):
            yield f"            {clean(name)}: {_value(before, name)} -> {_value(after, name)}"


def _value(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return "nothing" if value is None else clean(value if isinstance(value, str) else dump(value))


def _not_known(tail: Mapping[str, Json]) -> Iterator[str]:
    open_parts = [one for one in tail["undetermined"] if one["may_change"]]
    reads = [one for one in tail["undetermined"] if not one["may_change"]]
    if open_parts:
        yield "\nknown after apply: these parts may have effects that are not in the plan, and would stop at them"
    for one in open_parts:
        times = f" ({number(one['count'])} times)" if one["count"] > 1 else ""
        yield f"  {clean(one['step'])}{times}: {clean(one['reason'])}"
    if reads:
        yield "\nread after apply"
    for one in reads:
        yield f"  {clean(one['step'])}: {clean(one['reason'])}"
    if tail["waits"]:
        yield f"\nwaits: {', '.join(clean(one['step']) for one in tail['waits'])}"


def _forecast(found: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    if not found:
        return
    rows = []
    for connection, one in found.items():
        limit = f"{number(one['per_minute'])} a minute" if one["per_minute"] else f"{one['concurrency'] or 1} at once"
        left = "" if one["left_today"] is None else f"{number(one['left_today'])} left today"
        left += "" if one["fits_today"] else ": TOO FEW"
        rows.append((connection, number(one["reads"]), number(one["calls"]), duration(one["seconds"]), limit, left))
    yield "\nforecast (to apply it, what was read is read twice again)"
    headings = ("CONNECTION", "READS", "CALLS TO COME", "AT LEAST", "LIMIT", "DAY")
    yield from ("  " + line for line in columns(headings, rows))
