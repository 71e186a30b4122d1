"""Who may do what over HTTP: a token with a role for every request to the API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from backhaul.errors import BackhaulError
from backhaul.json_values import Json, load
from backhaul.store.service_records import Role, TokenRecord
from backhaul.web.problems import PROBLEM_RESPONSE, problem, problem_of
from backhaul.web.tokens import Tokens, includes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TokenRequired", "require", "router_for", "token_of"]

_KEY = "backhaul.token"
_CHALLENGE = 'Bearer realm="backhaul"'
# Only for the OpenAPI document: `TokenRequired` has checked the token before.
_SCHEME = HTTPBearer(auto_error=False, description="A token that `backhaul tokens create` has printed.")


class TokenRequired:
    """Lets requests with a good token through to an ASGI application, before anything else of them is read."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to what has no good token."""
        given = _given(scope)
        try:
            token = await self._tokens.recognise(given) if given else None
        except BackhaulError as error:
            await problem_of(error)(scope, receive, send)
            return
        if token is None:
            challenge = _CHALLENGE + (', error="invalid_token"' if given else "")
            detail = "The token is unknown, revoked or expired." if given else "Send Authorization: Bearer bh_..."
            await problem(401, detail, headers={"WWW-Authenticate": challenge})(scope, receive, send)
            return
        scope[_KEY] = token
        await self._app(scope, receive, send)


def token_of(request: Request) -> TokenRecord:
    """Return the token with which a request was made."""
    token: TokenRecord = request.scope[_KEY]
    return token


def require(request: Request, role: Role) -> None:
    """Return when the holder of a request's token may do what needs a role.

    Raises:
        HTTPException: 403, it may not.
    """
    held = token_of(request).role
    if not includes(held, role):
        raise HTTPException(403, f"This needs a token with the role {role.value}; this one has {held.value}.")


def router_for(role: Role, tag: str) -> APIRouter:
    """Return a router whose routes need a role, which is checked before a request's body is read."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                require(request, role)
                return await handle(_StrictRequest(request.scope, request.receive))

            return guarded

    return APIRouter(
        route_class=GuardedRoute,
        tags=[tag],
        dependencies=[Security(_SCHEME)],
        responses={"default": dict(PROBLEM_RESPONSE)},
    )


class _StrictRequest(Request):
    """A request whose JSON holds only what can be stored: whole characters, and no endless nesting."""

    async def json(self) -> Json:
        try:
            return load(await self.body())
        except ValueError as error:
            raise HTTPException(400, f"The body is not JSON: {error}") from None


def _given(scope: Scope) -> str:
    """Return the text of the bearer token of a request, empty without one."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, text = value.decode("latin-1").partition(" ")
            return text.strip() if scheme.lower() == "bearer" else ""
    return ""
