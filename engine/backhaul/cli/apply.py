"""`backhaul apply`: what a plan lists, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import clean, columns, emit_json, note, number, say
from backhaul.cli.state import AsJson, Quiet, state_of

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.cli.carrying_out import Show
    from backhaul.json_values import Json
    from backhaul.store.records import RunRecord
    from backhaul.workflows.definition import Workflow

__all__ = ["apply"]

_MOST_LINES = 50


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'backhaul run --plan --out FILE' has written.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is nobody to ask.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Do what a plan lists, and nothing else.

    First everything is read again: when the plan would be another one now, the differences are shown and nothing is
    done. The run stops before any change that the plan does not list. 'backhaul runs resume' continues one that was
    interrupted, under the same plan.
    """
    from backhaul.cli.carrying_out import carry_out
    from backhaul.cli.problems import checked_workflow
    from backhaul.runs.planning.plan_file import read_plan_file, start_apply

    project = state_of(context).project()
    plan = read_plan_file(file)
    definition = checked_workflow(project, plan["workflow"])
    _require_same(plan, definition, file)
    _ask(plan, yes=yes)

    async def begin(app: App) -> RunRecord:
        return await start_apply(app.executor, app.store, definition, plan)

    raise typer.Exit(carry_out(project, begin, as_json=as_json, quiet=quiet, show=_show(as_json=as_json)))


def _require_same(plan: Mapping[str, Json], definition: Workflow, file: Path) -> None:
    from backhaul.errors import InputError

    if plan["digest"] != definition.digest:
        reason = (
            f"the workflow {definition.name} has changed since the plan was made: "
            f"plan again with: backhaul run {definition.name} --plan --out {file}"
        )
        raise InputError(f"plan {file}", [reason])


def _ask(plan: Mapping[str, Json], *, yes: bool) -> None:
    """Show what the plan comes to, and go on only when a person says yes.

    Raises:
        InputError: there is nobody to ask.
        Abort: the answer is no.
    """
    from backhaul.errors import InputError

    counts: dict[tuple[str, str], int] = {}
    for effect in plan["effects"]:
        place = (effect["action"], effect["effect"])
        counts[place] = counts.get(place, 0) + 1
    note(f"plan of {plan['workflow']}, made at {plan['created_at']}: {number(len(plan['effects']))} effects")
    rows = [(action, effect, number(count)) for (action, effect), count in sorted(counts.items())]
    for line in columns(("ACTION", "EFFECT", "COUNT"), rows) if rows else ():
        note(f"  {line}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("apply", ["there is nobody to ask here: say --yes when the plan may be applied"])
    typer.confirm("Do this?", abort=True, err=True)


def _show(*, as_json: bool) -> Show:
    """Return what shows how an apply went: as a run, and what was not done."""
    from backhaul.cli.summary import show_outcome
    from backhaul.runs.planning.review import APPLIED_KEY, CHECK_KEY
    from backhaul.views.drift import drift_shown, has_drift
    from backhaul.views.runs import interrupted, outcome
    from backhaul.views.screen import Screen

    async def show(app: App, run: RunRecord) -> Callable[[], None]:
        check = await app.store.step(run.run_id, CHECK_KEY)
        applied = await app.store.step(run.run_id, APPLIED_KEY)
        drift: list[Json] = []
        if check is not None and has_drift(check):
            drift = drift_shown(check, Screen(app.connections.actions))["drift"]
        balance: Json = applied.output if applied is not None and not drift else None
        if as_json:
            document = outcome(run, interrupted=await interrupted(app.store, run))
            return lambda: emit_json({**document, "drift": drift, "applied": balance})
        usual = await show_outcome(app, run)

        def lines() -> None:
            usual()
            if balance:
                say(f"\n{number(balance['done'])} of {number(balance['planned'])} effects of the plan were made")
                for name in balance["not_done_steps"][:_MOST_LINES]:
                    say(f"  not made: {clean(name)}")
                if balance["not_done"] > _MOST_LINES:
                    say(f"  and {number(balance['not_done'] - _MOST_LINES)} more")

        return lines

    return show
