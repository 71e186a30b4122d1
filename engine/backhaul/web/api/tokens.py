"""`/tokens`: who may use the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from backhaul.store.service_records import Role
from backhaul.views.tokens import NewTokenView, TokenView, token_view
from backhaul.web.access import router_for
from backhaul.web.api.requests import Body, TheApp, TheTokens
from backhaul.workflows.durations import parse_duration

__all__ = ["routers"]

_admin = router_for(Role.ADMIN, "tokens")
routers = (_admin,)


class NewToken(Body):
    """A token to make."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """For people: who or what uses it."""
    role: Role
    """What its holder may do."""
    expires_in: Annotated[
        Annotated[float, BeforeValidator(parse_duration, json_schema_input_type=float | str)] | None,
        Field(description="How long it is good, in seconds or as `90d`; null is for ever."),
    ] = None


class TokenList(TypedDict):
    """All tokens, those that are good for nothing any more included, the oldest first."""

    items: list[TokenView]


@_admin.get("/tokens")
async def list_tokens(app: TheApp) -> TokenList:
    """List the tokens."""
    now = app.clock.now()
    return {"items": [token_view(one, now) for one in await app.store.tokens()]}


@_admin.post("/tokens", status_code=201)
async def create_token(app: TheApp, tokens: TheTokens, wanted: NewToken) -> NewTokenView:
    """Make a token. It is in the answer and cannot be had again."""
    expires_in = None if wanted.expires_in is None else timedelta(seconds=wanted.expires_in)
    record, token = await tokens.create(wanted.name, wanted.role, expires_in=expires_in)
    return {**token_view(record, app.clock.now()), "token": token.reveal()}


@_admin.post("/tokens/{token_id}/revoke")
async def revoke_token(app: TheApp, tokens: TheTokens, token_id: str) -> TokenView:
    """Make a token good for nothing. Other processes of the same store notice within seconds."""
    return token_view(await tokens.revoke(token_id), app.clock.now())
