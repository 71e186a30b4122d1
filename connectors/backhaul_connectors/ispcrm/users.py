"""Single users: reading one, creating one at most once, finding out whether a lost creation took place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    UnknownOutcomeError,
    Verdict,
)
from backhaul_connectors.ispcrm.listing import UserListing, UserQuery
from backhaul_connectors.ispcrm.models import CreatedUser, User, text_of, user_of, without_secrets

if TYPE_CHECKING:
    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ispcrm.api import IspCrmApi
    from backhaul_connectors.ispcrm.settings import IspCrmSettings

__all__ = ["Users", "fields_of"]

_WHAT = "new user"
# The tenant's zone may be set wrong, which moves `created_at` by up to 14 hours.
_SLACK = timedelta(days=1)


class Users:
    """Single users of one connection."""

    def __init__(
        self, api: IspCrmApi, listing: UserListing, settings: IspCrmSettings, context: ConnectorContext
    ) -> None:
        self._api = api
        self._listing = listing
        self._settings = settings
        self._log = context.log

    async def get(self, user_id: str) -> User:
        """Return one user.

        Raises:
            NotFoundError: there is none: 404, or a success without data.
            InvalidAnswerError: the answer is no user.
        """
        what = f"user {user_id}"
        try:
            answer = await self._api.get(self._api.users(user_id), what)
        except NotFoundError as error:
            raise NotFoundError(
                f"{what}: ISPCRM has no such user, or base_url or api_prefix is wrong (404)", status=error.status
            ) from None
        data = answer.get("data", answer) if isinstance(answer, dict) else answer
        if isinstance(data, list) and len(data) == 1:
            data = data[0]
        if not data:
            raise NotFoundError(f"{what}: ISPCRM answered without data, so it has no such user", status=200)
        if not isinstance(data, dict) or not data.keys() & {"username", "radius_id", "customer_id"}:
            raise InvalidAnswerError(f"{what}: ISPCRM's answer is no user. Check base_url and api_prefix", status=200)
        return user_of(data, self._settings.zone)

    async def create(self, fields: Mapping[str, Json], username: str | None) -> CreatedUser:
        """Create a user, never twice.

        Raises:
            RefusedError: the username exists already, or ISPCRM does not accept the values; nothing was created.
            UnknownOutcomeError: no proper answer came, and looking the user up did not settle it.
        """
        look = username is not None and self._settings.look_before_create
        if look and await self._named(username or "") is not None:
            raise RefusedError("ISPCRM has a user with this username already, so none was created")
        try:
            answer = await self._api.post(self._api.users(), _WHAT, fields)
        except (UnknownOutcomeError, InvalidAnswerError, AuthenticationError) as error:
            if isinstance(error, AuthenticationError) and error.status in (401, 403):
                raise
            found = await self._sought(username or "") if look else None
            if found is not None:
                return _created(found)
            if isinstance(error, AuthenticationError) or error.status in (404, 405, 419):
                raise
            raise UnknownOutcomeError(f"{_WHAT}: {error}. It may have been created", status=error.status) from error
        return _created_of(answer, username)

    async def verdict(self, username: str | None, started_at: datetime) -> Verdict:
        """Tell whether a user whose creation is not known exists.

        That nobody is found by the username proves something only where users can be looked up by it, which is not
        documented: then that is tried with another user first.
        """
        if username is None:
            return Verdict.unknown(f"the fields hold no {self._settings.username_field}, so it cannot be looked up")
        found = await self._named(username)
        if found is not None:
            if found.created_at is not None and found.created_at < started_at - _SLACK:
                return Verdict.unknown(f"a user with this username exists, but since {found.created_at:%Y-%m-%d}")
            return Verdict.done(_created(found))
        if await self._finds_by_username():
            return Verdict.not_done()
        return Verdict.unknown("ISPCRM finds nobody by the username, but it does not find other users so either")

    async def _sought(self, username: str) -> User | None:
        """Return the user after a lost creation; a failing look-up says nothing, and must not hide what was lost."""
        try:
            return await self._named(username)
        except ActionError as error:
            self._log.info("a user could not be looked up after a lost creation", error=str(error))
            return None

    async def _named(self, username: str) -> User | None:
        try:
            user = await self.get(username)
        except RefusedError as error:
            # Some tenants may word "nobody" as a negative envelope.
            if isinstance(error, NotFoundError) or error.status == 200:
                return None
            raise
        return user if user.username == username else None

    async def _finds_by_username(self) -> bool:
        """Tell whether looking up by username works, by a user that is certainly there."""
        async for page in self._listing.pages(UserQuery(filters={}), None):
            for listed in page.items[:3]:
                try:
                    username = (await self.get(listed.id)).username
                except NotFoundError:
                    continue
                if username is not None and username != listed.id:
                    return await self._named(username) is not None
            return False
        return False


def fields_of(fields: Mapping[str, Json] | str) -> dict[str, Json]:
    """Return the fields of a new user, given as an object or as its JSON text.

    Raises:
        RefusedError: it is no JSON object, or two keys are the same (in any case): which one counts is up to chance.
    """
    pairs: list[tuple[str, Json]]
    if isinstance(fields, str):
        try:
            pairs = json.loads(fields, object_pairs_hook=lambda found: found)
        except (ValueError, RecursionError):
            raise RefusedError("fields is no JSON object; nothing was sent") from None
        if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
            raise RefusedError("fields is no JSON object; nothing was sent")
        _raise_for_duplicates([name for name, _ in pairs])
        return dict(json.loads(fields))
    _raise_for_duplicates(list(fields))
    return dict(fields)


def _raise_for_duplicates(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.strip().casefold() in seen:
            raise RefusedError(f"fields has the key {name!r} more than once; nothing was sent")
        seen.add(name.strip().casefold())
    if not seen or "" in seen:
        raise RefusedError("fields is empty or has an empty key; nothing was sent")


def _created(user: User) -> CreatedUser:
    return CreatedUser(id=None if user.radius_id is None else str(user.radius_id), username=user.username)


def _created_of(answer: Json, username: str | None) -> CreatedUser:
    outer = answer if isinstance(answer, dict) else {}
    inner = outer.get("data")
    parts = [part for part in (inner, outer) if isinstance(part, dict)]
    told = [text_of(part.get(key)) for part in parts for key in ("id", "radius_id", "user_id", "ID")]
    names = [text_of(part.get("username")) for part in parts]
    return CreatedUser(
        id=next((value for value in told if value is not None), None),
        username=next((name for name in names if name is not None), username),
        answer=without_secrets(answer),
    )
