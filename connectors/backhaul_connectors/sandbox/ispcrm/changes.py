"""Changes that people make in the CRM's own pages, as control routes under ``/_sandbox/crm``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.ispcrm.creation import parse_date
from backhaul_connectors.sandbox.ispcrm.switches import CrmSwitches
from backhaul_connectors.sandbox.ispcrm.tokens import ApiToken, TokenBook
from backhaul_connectors.sandbox.ispcrm.users import PROFILES, CrmUser, UserBook
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["CrmChanges"]


class _Tenant(Protocol):
    """What the control routes need of the face."""

    state: SandboxState
    switches: CrmSwitches

    def detail_of(self, user: CrmUser) -> dict[str, object]: ...


class _Change(BaseModel):
    """Values to set; dates as ``YYYY-MM-DD HH:MM:SS`` without a zone, null clears."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    customer_id: str | None = None
    profile_id: int | None = None
    mac: str | None = None
    activated_at: str | None = None
    expiration: str | None = None


class _Renewal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=30, ge=1, le=3660)
    profile_id: int | None = None


class _NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1)
    user: str = "admin"
    may_write: bool = True
    life_s: float | None = Field(default=None, gt=0)


class CrmChanges:
    """Activates, renews, expires, changes and removes users; makes and revokes tokens."""

    def __init__(self, users: Callable[[], UserBook], tokens: Callable[[], TokenBook], tenant: _Tenant) -> None:
        self._users = users
        self._tokens = tokens
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """Return the control routes; ``{key}`` is a radius id or a username."""
        return [
            Route("/tokens", self.add_token, methods=["POST"]),
            Route("/tokens/{token}", self.revoke, methods=["DELETE"]),
            Route("/users/{key}", self.show, methods=["GET"]),
            Route("/users/{key}", self.change, methods=["POST"]),
            Route("/users/{key}", self.remove, methods=["DELETE"]),
            Route("/users/{key}/renew", self.renew, methods=["POST"]),
            Route("/users/{key}/expire", self.expire, methods=["POST"]),
        ]

    async def show(self, request: Request) -> JSONResponse:
        """Return a user as the detail shows it, with the name that only lists show."""
        return self._shown(self._user(request))

    async def change(self, request: Request) -> JSONResponse:
        """Set values of a user."""
        user = self._user(request)
        wanted = await read_body(request, _Change)
        changes: dict[str, Any] = wanted.model_dump(exclude_unset=True)
        _check_profile(wanted.profile_id)
        try:
            for name in ("activated_at", "expiration"):
                if name in changes:
                    changes[name] = parse_date(changes[name])
        except ValueError as error:
            raise ControlError(str(error)) from error
        return self._keep(replace(user, **changes))

    async def renew(self, request: Request) -> JSONResponse:
        """Activate or renew: the expiration moves to the midnight ``days`` after today, or after the present one."""
        user = self._user(request)
        wanted = await read_body(request, _Renewal)
        _check_profile(wanted.profile_id)
        now = self._users().now(self._tenant.switches.zone)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        start = user.expiration if user.expiration is not None and user.expiration > now else today
        renewed = replace(
            user,
            activated_at=user.activated_at or today,
            expiration=start + timedelta(days=wanted.days),
            profile_id=wanted.profile_id or user.profile_id,
        )
        return self._keep(renewed)

    async def expire(self, request: Request) -> JSONResponse:
        """Let a user's service expire at the last midnight."""
        user = self._user(request)
        now = self._users().now(self._tenant.switches.zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return self._keep(replace(user, activated_at=user.activated_at or user.created_at, expiration=midnight))

    async def remove(self, request: Request) -> JSONResponse:
        """Delete a user, which the API cannot."""
        user = self._user(request)
        self._users().remove(user.radius_id)
        return JSONResponse({"radius_id": user.radius_id})

    async def add_token(self, request: Request) -> JSONResponse:
        """Make a token, with an end after ``life_s`` seconds of the world's time if given."""
        wanted = await read_body(request, _NewToken)
        ends_at = None if wanted.life_s is None else self._tenant.state.clock.now() + wanted.life_s
        token = ApiToken(token=wanted.token, user=wanted.user, may_write=wanted.may_write, ends_at=ends_at)
        self._tokens().add(token)
        return JSONResponse({"user": wanted.user, "may_write": wanted.may_write}, 201)

    async def revoke(self, request: Request) -> JSONResponse:
        """Revoke a token."""
        if not self._tokens().revoke(request.path_params["token"]):
            raise ControlError("there is no such token", 404)
        return JSONResponse({"revoked": True})

    def _user(self, request: Request) -> CrmUser:
        key = request.path_params["key"]
        user = self._users().find(key)
        if user is None:
            raise ControlError(f"the CRM has no user {key}", 404)
        return user

    def _keep(self, user: CrmUser) -> JSONResponse:
        self._users().put(user)
        return self._shown(user)

    def _shown(self, user: CrmUser) -> JSONResponse:
        return JSONResponse({"name": user.name, **self._tenant.detail_of(user)})


def _check_profile(profile_id: int | None) -> None:
    if profile_id is not None and profile_id not in PROFILES:
        raise ControlError(f"no profile {profile_id}; there are: {', '.join(map(str, PROFILES))}")
