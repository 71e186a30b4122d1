"""Settings of an `akixi` connection; whatever the vendor does not document is a setting here."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from backhaul.sdk import Credential, HttpSettings, PlainId, Secret
from backhaul_connectors.akixi.fields import FieldsForm, IntegratorClientField

__all__ = ["AkixiSettings", "AuthMode", "Locale"]

_API = "/CCS/API/v1"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DESCRIPTIONS = (
    IntegratorClientField.TEL_SYS_DESCRIPTION,
    IntegratorClientField.PARTITION_DESCRIPTION,
    IntegratorClientField.DEVICE_DESCRIPTION,
)


class Locale(StrEnum):
    """Language of a login."""

    EN_GB = "en_GB"
    EN_US = "en_US"


class AuthMode(StrEnum):
    """How a connection authenticates."""

    API_KEY = "api_key"
    """By the header ``x-api-key``."""
    SESSION = "session"
    """By user and password: the login in three steps, and its cookie."""


class AkixiSettings(HttpSettings):
    """Settings of one Akixi service instance. `base_url` is its host, with or without ``/CCS/API/v1``."""

    api_key: Credential | None = None
    """Key for the header ``x-api-key``. When it is given, it alone is used, unless `auth_mode` says otherwise."""
    username: PlainId | None = None
    """User of the three-step login. Give Backhaul a user of its own: each login ends the others of that user."""
    password: Secret | None = None
    """Password of that user."""
    auth_mode: AuthMode | None = None
    """``api_key`` or ``session``; by default the key if there is one. A rejected key never leads to a login."""
    locale: Locale = Locale.EN_GB
    """Language of the login: ``en_GB`` or ``en_US``."""
    api_path: Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")] = _API
    """Path of the API below `base_url`."""
    allow_http: bool = False
    """Accept a `base_url` without TLS that is not on this machine. The vendor supports HTTPS only."""
    session_idle_s: Annotated[float, Field(gt=0, le=86_400)] = 1500.0
    """Seconds without a call after which a login is taken for ended and renewed [assumed]."""
    login_pause_s: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    """Seconds for which no login is tried after Akixi has rejected one: users are locked out [assumed]."""
    login_accepted_messages: tuple[str, ...] = ("There were other browser sessions active for",)
    """Beginnings of a message with which a login answered 400 is usable all the same, as seen in a public client."""
    session_ended_messages: tuple[str, ...] = ("not signed in", "not logged in")
    """Texts in an error's message that say that the login has ended [assumed]."""
    timezone: str = "UTC"
    """IANA zone of the stored times, which have none [assumed]."""
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 25
    """Entries per page (``limit``), as in the vendor's sample; the maximum is not documented."""
    page_cap: Annotated[int, Field(ge=1)] = 10_000
    """Pages after which a listing that does not end is taken for broken."""
    trust_total: bool = True
    """An empty page before ``Total`` entries is an error. Off: it is the end, for users who may see fewer [assumed]."""
    list_fields: tuple[IntegratorClientField, ...] = _DESCRIPTIONS
    """Additional fields that a listing asks for, as in the vendor's sample."""
    info_fields: tuple[IntegratorClientField, ...] = (
        *_DESCRIPTIONS,
        IntegratorClientField.POLICIES,
        IntegratorClientField.SETTINGS,
    )
    """Additional fields that reading one entry asks for; Policies and Settings [assumed] are what a change merges."""
    fields_form: FieldsForm = FieldsForm.BRACKETS
    """How ``IntegratorClientFields`` is written: ``brackets``, ``quoted`` or ``plain``."""
    add_trailing_slash: bool = True
    """End the path of adding with ``/``, as the vendor page does."""
    check_info_id: bool = True
    """Refuse an answer about another id than the one asked for (the vendor's sample shows one) [assumed]."""
    cm_environment_id: str | None = None
    """Central management environment of added entries, unless the call names one."""
    require_unique_description: bool = True
    """Refuse to add an entry whose description exists in its scope: only by it can the new id be told."""
    adds_per_hour: Annotated[int, Field(ge=0)] = 100
    """Entries that may be added in any hour: whether an entry is billed is not documented."""
    report_window_s: Annotated[float, Field(ge=0)] = 600.0
    """Length of the vendor's report windows: ten minutes."""
    reports_per_window: Annotated[int, Field(ge=1)] = 3
    """Distinct reports in one window; each of them once."""
    report_polls: Annotated[int, Field(ge=1, le=1000)] = 5
    """How often a report is asked for while Akixi prepares it, as seen in a public client."""
    report_poll_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Seconds between two of these."""
    report_waiting_states: tuple[str, ...] = ("WAITING",)
    """Values of ``ExecutionStatus`` that mean that a report is still being prepared, as seen in a public client."""
    check_by: Literal["list", "reports"] = "list"
    """What the connection test reads: one entry, or the list of reports."""

    @field_validator("base_url")
    @classmethod
    def _without_api(cls, value: str) -> str:
        return re.sub(r"/CCS(/API(/v1(/admin)?)?)?$", "", value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("is not an IANA time zone, such as Europe/London") from None
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> AkixiSettings:
        by_key = self.api_key is not None if self.auth_mode is None else self.auth_mode is AuthMode.API_KEY
        if by_key and self.api_key is None:
            raise ValueError("auth_mode is api_key, but there is no api_key")
        if not by_key and (self.username is None or not self.password):
            raise ValueError("give api_key, or username and password")
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not self.allow_http:
            raise ValueError("base_url must begin with https:// (the vendor supports no other; or set allow_http)")
        return self

    @property
    def key(self) -> Secret | None:
        """The key to send, None for a connection that logs in."""
        return None if self.auth_mode is AuthMode.SESSION else self.api_key

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the stored times."""
        return ZoneInfo(self.timezone)
