"""Settings of an `ispcrm` connection; whatever the vendor does not document is a setting here."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from backhaul.sdk import Credential, HttpSettings

__all__ = ["AuthStyle", "IspCrmSettings"]


class AuthStyle(StrEnum):
    """The header that carries the token."""

    BEARER = "bearer"
    """``Authorization: Bearer <token>``, by the vendor's text."""
    X_AUTH_TOKEN = "x-auth-token"  # noqa: S105  (a header's name)
    """``X-Auth-Token: <token>``, by the vendor's samples, which probably come from another product."""


class IspCrmSettings(HttpSettings):
    """Settings of one tenant. `base_url` is its domain, with or without ``/api/v1``."""

    token: Credential
    """API access token, made in the web interface at ``/Admin/getToken``. Blanks around it are removed."""
    auth_style: AuthStyle = AuthStyle.BEARER
    """Header that carries the token: ``bearer`` or ``x-auth-token``."""
    auth_probe: bool = False
    """On a 401, try the other header once, and keep to it if it works."""
    api_prefix: Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")] = "/api/v1"
    """Path of the API below `base_url`; two of the vendor's samples say ``/api/v0``."""
    capital_users: bool = False
    """On a 404, try ``Users`` instead of ``users``, as one of the vendor's samples writes it."""
    follow_links: bool = False
    """List users where the API's root says, instead of at ``users`` below `api_prefix`."""
    timezone: str = "UTC"
    """IANA zone of the tenant's times, which have none; expiry is at midnight of this zone [assumed]."""
    page_cap: Annotated[int, Field(ge=1)] = 1000
    """Pages after which a list that does not end is taken for broken; paging is not documented."""
    username_field: str = "username"
    """Key of the username among the fields of a new user, for looking it up [assumed]."""
    look_before_create: bool = True
    """Look whether the username exists before creating a user."""

    @field_validator("base_url")
    @classmethod
    def _without_api(cls, value: str) -> str:
        return re.sub(r"/api(/v\d+)?$", "", value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("is not an IANA time zone, such as Asia/Kolkata") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return ZoneInfo(self.timezone)
