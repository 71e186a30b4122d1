"""The `ispcrm` connector: its actions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from backhaul.sdk import (
    AttemptInfo,
    Connector,
    ConnectorContext,
    Effect,
    InvalidAnswerError,
    Json,
    NotFoundError,
    Page,
    Personal,
    RefusedError,
    Verdict,
    action,
)
from backhaul_connectors.ispcrm.api import IspCrmApi
from backhaul_connectors.ispcrm.links import Discovery, discovery_of
from backhaul_connectors.ispcrm.listing import UserListing, UserQuery
from backhaul_connectors.ispcrm.models import CreatedUser, ListedUser, User, text_of
from backhaul_connectors.ispcrm.settings import IspCrmSettings
from backhaul_connectors.ispcrm.users import Users, fields_of

__all__ = ["IspCrm"]


def _user_id(value: str) -> str:
    if value in {".", ".."} or "%" in value:
        raise ValueError("is no id of a user; write it plain, not percent-encoded")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
UserId = Annotated[Text, AfterValidator(_user_id), Field(max_length=200)]


class IspCrm(Connector[IspCrmSettings]):
    """ISPCRM, a hosted CRM and billing system of internet service providers: its users.

    Source: vendor page on the API, which contradicts itself; see the README beside this file for what is assumed.
    Changing and deleting users is not documented, and not offered.
    """

    name = "ispcrm"
    Settings = IspCrmSettings

    def __init__(self, settings: IspCrmSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._api = IspCrmApi(settings, context)
        self._listing = UserListing(self._api, settings)
        self._users = Users(self._api, self._listing, settings, context)

    @action(effect=Effect.READ)
    async def discover(self) -> Discovery:
        """Return the links that the API's root advertises; those to another host apart, and never followed.

        Raises:
            InvalidAnswerError: the root answers neither with links nor with users.
        """
        return discovery_of(await self._api.get(self._api.root, "root of the API"), self._api)

    @action(effect=Effect.READ)
    async def list_users(
        self,
        *,
        status: Text | None = None,
        filters: dict[Text, str] | None = None,
        fields: Sequence[Text] = (),
        cursor: str | None = None,
    ) -> AsyncIterator[Page[ListedUser]]:
        """List users, each once.

        Whether the API pages and filters is not documented: whatever paging appears is followed on the same host, and
        each row is compared with the conditions again. A list that repeats itself, points to another host or ends
        before its total is an error.

        Args:
            status: only users with this status, such as ``active``.
            filters: further query parameters by name; a row that shows the field is checked, others are left to ISPCRM.
            fields: further fields of the rows to return in `other`. Rows hold personal data: take what you need.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
            AuthenticationError: the token is not accepted, or its user may not list users.
        """
        conditions = dict(filters or {})
        if status is not None and "status" in conditions:
            raise RefusedError("give status or filters.status, not both")
        wanted = status if status is not None else conditions.pop("status", None)
        query = UserQuery(status=wanted, filters=conditions, fields=tuple(fields))
        async with aclosing(self._listing.pages(query, cursor)) as pages:
            async for page in pages:
                yield page

    @action(effect=Effect.READ)
    async def get_user(self, *, id: UserId) -> User:  # noqa: A002  (the vendor's name)
        """Return one user in detail.

        Args:
            id: the `id` of the list; a username works, too, where the tenant's API takes one [assumed].

        Raises:
            NotFoundError: there is none.
        """
        return await self._users.get(id)

    @action(effect=Effect.ONCE, verify="verify_creation")
    async def create_user(
        self, *, fields: Personal[dict[str, Json] | str], username: Personal[UserId | None] = None
    ) -> CreatedUser:
        """Create a user with the fields given, never twice.

        The vendor documents no fields (its sample is not usable: it names one key twice): take them from your tenant.

        Args:
            fields: the body, by the tenant's own names; as an object, or as JSON text.
            username: the new user's username, for looking it up; by default the field named `username_field`.

        Raises:
            RefusedError: the username exists, a key is given twice, or ISPCRM does not accept the values (400, 422).
            UnknownOutcomeError: no proper answer came, and looking up the username did not settle it.
        """
        body = fields_of(fields)
        return await self._users.create(body, self._username(body, username))

    async def verify_creation(
        self, *, fields: dict[str, Json] | str, username: UserId | None = None, attempt: AttemptInfo
    ) -> Verdict:
        """Tell by the username whether a user was created."""
        return await self._users.verdict(self._username(fields_of(fields), username), attempt.started_at)

    async def check(self) -> None:
        """Prove address and token by the API's root; where it has none, by the list of users."""
        try:
            await self._api.get(self._api.root, "root of the API")
        except NotFoundError:
            try:
                await self._api.get(self._api.users(), "list of users")
            except NotFoundError as error:
                raise InvalidAnswerError(
                    f"ISPCRM has no API at {self._api.root} (404). Check base_url and api_prefix", status=error.status
                ) from None

    def _username(self, fields: dict[str, Json], username: str | None) -> str | None:
        return username or text_of(fields.get(self.settings.username_field))
