"""`backhaul runs approve` and `reject`: the decision that a run waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.output import emit_json, say
from backhaul.cli.state import AsJson, RunName, json_option, state_of

if TYPE_CHECKING:
    from backhaul.store.service_records import WaitRecord

__all__ = ["approve", "reject"]

Step = Annotated[str | None, typer.Option("--step", metavar="KEY", help="The step that waits; needed when several do.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides; the user of this machine.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever reads it later.")]
Data = Annotated[str | None, typer.Option("--data", metavar="JSON", help="What the workflow asks for.")]


def approve(
    context: typer.Context,
    run: RunName,
    step: Step = None,
    by: By = None,
    note: Note = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say yes to what a run waits for. It then goes on: in the service, or in the command that waits with it."""
    _decide(context, run, step, by, note, data, approved=True, as_json=as_json)


def reject(
    context: typer.Context,
    run: RunName,
    step: Step = None,
    by: By = None,
    note: Note = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say no to what a run waits for: the step fails with RejectedError."""
    _decide(context, run, step, by, note, data, approved=False, as_json=as_json)


def _decide(
    context: typer.Context,
    run: str,
    step: str | None,
    by: str | None,
    note: str,
    data: str | None,
    *,
    approved: bool,
    as_json: bool,
) -> None:
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async
    from backhaul.service.approvals import Approvals

    project = state_of(context).project()
    value = json_option("--data", data)

    async def decide() -> WaitRecord:
        async with open_history(project) as store:
            found = await store.find_run(run)
            approvals = Approvals(store, store.clock)
            return await approvals.decide(
                found.run_id, key=step, approved=approved, by=by or _user(), note=note, data=value
            )

    wait = run_async(decide)
    decided = (wait.details or {}).get("step", wait.key)
    if as_json:
        emit_json({"run_id": wait.run_id, "step": decided, **(wait.outcome or {})})
        return
    say(f"step {decided} of run {wait.run_id}: {'approved' if approved else 'rejected'}")
    say(f"A service goes on with it by itself; without one: backhaul runs resume {wait.run_id}")


def _user() -> str:
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):  # a user id without a name
        return "unknown"
