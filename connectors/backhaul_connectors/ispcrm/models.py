"""What the connector returns of ISPCRM's users: typed, with times in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal

__all__ = ["CreatedUser", "ListedUser", "User", "listed_user_of", "moment", "text_of", "user_of", "without_secrets"]

_SECRET = re.compile(r"pass|secret|token", re.IGNORECASE)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ListedUser(_Model):
    """A user as the list shows it. No key that the detail has too is documented: `get_user` tells more of one.

    Personal data: `name`, `username`.
    """

    id: str
    """Id for `get_user`, always text here, as in the list."""
    name: Personal[str | None]
    """Full name."""
    status: str | None
    """Such as ``active``, ``expired``, ``new``; others occur."""
    username: Personal[str | None] = None
    """RADIUS login, if this tenant's list has it; the vendor's sample does not."""
    other: Personal[dict[str, Json]] = {}
    """The further fields that were asked for by name."""


class User(_Model):
    """A user in detail.

    Personal data: `username`, `customer_id`, `mac`.
    """

    username: Personal[str | None]
    """RADIUS login."""
    customer_id: Personal[str | None]
    """Customer number, letters and digits."""
    status: str | None
    """The customer's state, such as ``active``, ``expired``, ``new``; others occur."""
    expiration: datetime | None
    """When the service ends, UTC by the connection's `timezone`."""
    created_at: datetime | None
    """When the user was made, in the same way."""
    activated_at: datetime | None
    """When the service was activated, in the same way."""
    expiration_text: str | None
    """The end of service as ISPCRM writes it, local and without a zone; midnight of this day is a boundary."""
    created_at_text: str | None
    """`created_at` as ISPCRM writes it."""
    activated_at_text: str | None
    """`activated_at` as ISPCRM writes it."""
    mac: Personal[str | None]
    """Bound hardware address."""
    profile_id: int | None
    """Id of the plan."""
    profile_name: str | None
    """Name of the plan."""
    radius_id: int | None
    """Id in RADIUS, a number; whether it is the list's `id` is not documented."""


class CreatedUser(_Model):
    """What became of creating a user; the answer's form is not documented."""

    id: str | None
    """Id of the new user, if the answer or looking it up told one."""
    username: Personal[str | None]
    """Its username, if known."""
    answer: Personal[Json] = None
    """The answer as it came, without passwords and tokens; None when it had no body or was lost."""


def listed_user_of(record: Json, fields: Sequence[str] = ()) -> ListedUser:
    """Return the user of a list's record, with the further fields named.

    Raises:
        InvalidAnswerError: it is no object or has no id.
    """
    user_id = text_of(record.get("id")) if isinstance(record, dict) else None
    if user_id is None:
        raise InvalidAnswerError("list of users: ISPCRM gave a user without id")
    return ListedUser(
        id=user_id,
        name=text_of(record.get("name")),
        status=text_of(record.get("status")),
        username=text_of(record.get("username")),
        other={name: record[name] for name in fields if name in record and not _SECRET.search(name)},
    )


def user_of(record: Mapping[str, Json], zone: ZoneInfo) -> User:
    """Return the user of a detail's record."""
    return User(
        username=text_of(record.get("username")),
        customer_id=text_of(record.get("customer_id")),
        status=text_of(record.get("status")),
        expiration=moment(record.get("expiration"), zone),
        created_at=moment(record.get("created_at"), zone),
        activated_at=moment(record.get("activated_at"), zone),
        expiration_text=text_of(record.get("expiration")),
        created_at_text=text_of(record.get("created_at")),
        activated_at_text=text_of(record.get("activated_at")),
        mac=text_of(record.get("mac")),
        profile_id=_whole(record.get("profile_id")),
        profile_name=text_of(record.get("profile_name")),
        radius_id=_whole(record.get("radius_id")),
    )


def text_of(value: Json) -> str | None:
    """Return a text or number as text without blanks at its ends; None for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def moment(value: Json, zone: ZoneInfo) -> datetime | None:
    """Return the UTC moment of a local time such as ``2031-02-28 00:00:00``; None for anything else.

    Of a time that occurs twice when clocks go back, the first is taken. A time with an offset keeps its meaning.
    """
    text = text_of(value)
    if text is None or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) or text.startswith("0000"):
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def without_secrets(value: Json) -> Json:
    """Return a JSON value with the values of keys that name a password, secret or token left out."""
    if isinstance(value, dict):
        return {key: without_secrets(inner) for key, inner in value.items() if not _SECRET.search(str(key))}
    return [without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _whole(value: Json) -> int | None:
    text = text_of(value) or ""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
