"""`backhaul tokens`: who may use the HTTP API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from backhaul.cli.output import emit_json, local_time, note, say, table
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from backhaul.store.service_records import TokenRecord
    from backhaul.store.store import Store

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke tokens of the HTTP API.")

AnswerT = TypeVar("AnswerT")


class RoleName(StrEnum):
    """What a token may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what uses it, for people.")],
    role: Annotated[
        RoleName,
        typer.Option("--role", help="A viewer looks; an operator also starts and steers runs; an admin may do all."),
    ] = RoleName.VIEWER,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="How long it is good, as in 90d; else for ever.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it. It is shown this once: only its SHA-256 is stored."""
    from backhaul.store.service_records import Role
    from backhaul.views.tokens import token_view
    from backhaul.web.tokens import Tokens

    expires_in = _duration(expires)

    async def make(store: Store) -> tuple[dict[str, object], str]:
        tokens = Tokens(store, store.clock)
        record, token = await tokens.create(name, Role(role.value), expires_in=expires_in)
        return dict(token_view(record, store.clock.now())), token.reveal()

    view, token = _ask(context, make)
    if as_json:
        emit_json({**view, "token": token})
        return
    note(f"token {view['token_id']} of {name}, role {role.value}; keep it safe, it is not shown again:")
    say(token)


@app.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tokens, the oldest first. The tokens themselves are not known any more."""
    from backhaul.views.tokens import token_view

    records, now = _ask(context, _all)
    views = [token_view(record, now) for record in records]
    if as_json:
        emit_json({"items": views, "next": None})
        return
    rows = [
        (
            view["token_id"],
            view["name"],
            view["role"],
            view["status"],
            local_time(record.expires_at),
            local_time(record.last_used_at),
        )
        for view, record in zip(views, records, strict=True)
    ]
    table(("TOKEN", "NAME", "ROLE", "STATUS", "EXPIRES", "LAST USED"), rows)


@app.command()
def revoke(
    context: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The token's id, as 'tokens list' shows it.")],
    as_json: AsJson = False,
) -> None:
    """Make a token good for nothing. A service that runs notices within seconds."""
    from backhaul.views.tokens import token_view
    from backhaul.web.tokens import Tokens

    async def end(store: Store) -> dict[str, object]:
        record = await Tokens(store, store.clock).revoke(token)
        return dict(token_view(record, store.clock.now()))

    view = _ask(context, end)
    if as_json:
        emit_json(view)
    else:
        say(f"token {view['token_id']} of {view['name']} is revoked")


async def _all(store: Store) -> tuple[list[TokenRecord], datetime]:
    return await store.tokens(), store.clock.now()


def _ask(context: typer.Context, question: Callable[[Store], Awaitable[AnswerT]]) -> AnswerT:
    from backhaul.cli.history import open_history
    from backhaul.cli.running import run_async

    project = state_of(context).project()

    async def ask() -> AnswerT:
        async with open_history(project) as store:
            return await question(store)

    return run_async(ask)


def _duration(text: str | None) -> timedelta | None:
    from datetime import timedelta

    from backhaul.errors import InputError
    from backhaul.workflows.durations import parse_duration

    if text is None:
        return None
    try:
        return timedelta(seconds=parse_duration(text))
    except ValueError as error:
        raise InputError("--expires", [str(error)]) from None
