"""Plans for people and for files: what `backhaul run --plan` shows and writes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, TextIO, cast

from backhaul.cli.output import clean, columns, duration, emit_json, note, number, paint, say
from backhaul.cli.summary import error_text
from backhaul.json_values import dump
from backhaul.store.records import RunStatus
from backhaul.views.plan import PlanView, read_plan
from backhaul.views.plan_document import plan_text, planned_run
from backhaul.views.screen import Screen

if TYPE_CHECKING:
    from backhaul.app import App, Project
    from backhaul.cli.carrying_out import Show
    from backhaul.cli.run_page import Page
    from backhaul.json_values import Json
    from backhaul.store.records import RunRecord
    from backhaul.store.store import Store

__all__ = ["plan_lines", "plan_page", "show_plan", "write_plan"]

_LABELS = re.compile(r"\[([^\[\]]*)\]")
"""The labels of items in a step's key: ``sync/update[SN1]``."""


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
    """Return the document and the lines of a plan in the history: of the run, or the one that it made first.

    Raises:
        RunStateError: the run is no plan, and has made none.
    """
    run = await planned_run(store, run)
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
        async for text in plan_text(app.store, run, limits, app.clock.now()):
            file.write(text)


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


def plan_lines(view: PlanView) -> Iterator[str]:
    """Give the lines of a plan for people: effects by step, what is not known yet, summary, forecast."""
    head, tail = view.head, view.tail()
    yield f"\nplan of {head['workflow']}, made by run {head['run_id']}: {paint(head['status'])}"
    is_complete = head["status"] == RunStatus.SUCCEEDED.value
    if head["error"]:
        yield clean(error_text(head["error"]))
    if not is_complete:
        yield "the plan is not complete: what would have followed is not known"
    for group, count in view.groups.items():
        asked = {effect["only_if"] for effect in view.shown[group] if "only_if" in effect}
        after = f", only after a yes to {clean(', '.join(sorted(asked)))}" if asked else ""
        yield f"\n{group}: {number(count)} effect{'s' if count > 1 else ''}{after}"
        for effect in view.shown[group]:
            yield from _effect(effect)
        if count > len(view.shown[group]):
            yield f"  and {number(count - len(view.shown[group]))} more"
    if not view.effects and is_complete:
        yield "\nno effects: nothing would be changed"
    yield from _not_known(tail)
    if view.effects:
        yield "\nsummary"
        rows = [(one["action"], one["effect"], number(one["count"])) for one in tail["summary"]["by_action"]]
        yield from ("  " + line for line in columns(("ACTION", "EFFECT", "COUNT"), rows))
    yield from _forecast(view.forecast)


def _effect(effect: Json) -> Iterator[str]:
    label = "/".join(_LABELS.findall(effect["step"]))
    of = f"{clean(label)}: " if label and label not in effect["describe"] else ""
    yield f"  {effect['effect']:<6}  {of}{clean(effect['describe'])}"
    before, after, params = effect.get("before") or {}, effect.get("after") or {}, effect["params"] or {}
    # What a call that deletes nothing makes of a record that is to go, nobody has said.
    is_open = "after" not in effect and effect["effect"] != "delete"
    # What a connector says in words holds the fields already.
    if (before or after) and effect["describe"].startswith(f"{effect['action']} "):
        for name in dict.fromkeys((*before, *after)):
            if name in before or name not in params or params[name] != after[name]:
                change = "" if is_open else f" -> {_value(after, name)}"
                yield f"            {clean(name)}: {_value(before, name)}{change}"


def _value(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    return "nothing" if value is None else _text(value)


def _not_known(tail: Mapping[str, Json]) -> Iterator[str]:
    open_parts = [one for one in tail["undetermined"] if one["may_change"]]
    others = [one for one in tail["undetermined"] if not one["may_change"]]
    if open_parts:
        yield "\nknown after apply: these parts may have effects that are not in the plan, and would stop at them"
    for one in open_parts:
        times = f" ({number(one['count'])} times)" if one["count"] > 1 else ""
        yield f"  {clean(one['step'])}{times}: {clean(one['reason'])}"
    if others:
        yield "\nknown after apply, and changing nothing"
    for one in others:
        yield f"  {clean(one['step'])} ({one['verb']}): {clean(one['reason'])}"
    if tail["waits"]:
        yield "\nwaits"
    for one in tail["waits"]:
        yield f"  {clean(one['step'])}: {_awaited(one['for'] or {})}"


def _awaited(what: Mapping[str, Json]) -> str:
    """Return what a run would wait for."""
    match what:
        case {"approval": {"message": message}}:
            return f"a person's yes or no: {_text(message)}"
        case {"event": event}:
            return f"the event {_text(event)}"
        case {"until": until}:
            return f"until {_text(until)}"
        case {"depends_on": step}:
            return f"known after {_text(step)}"
    return clean(dump(what))


def _text(value: Json) -> str:
    return clean(value if isinstance(value, str) else dump(value))


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
