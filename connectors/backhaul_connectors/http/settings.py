"""Settings of an `http` connection: how to prove oneself, what counts as success, what a request may do."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from backhaul.sdk import Credential, Effect, HttpSettings, Json, Secret
from backhaul_connectors.http.extraction import ValuePath
from backhaul_connectors.http.models import MethodName
from backhaul_connectors.http.paging import Paging
from backhaul_connectors.http.paths import problem_of

__all__ = ["RESERVED_HEADERS", "Auth", "EffectRule", "HttpApiSettings"]

RESERVED_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding", "connection"}
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Auth(StrEnum):
    """How requests prove who sends them."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"


def _status(value: str) -> str:
    if not re.fullmatch(r"[1-5](xx|[0-9]{2})", value):
        raise ValueError("is not a status such as 200 or 2xx")
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        raise ValueError("is not the name of a header")
    return value.lower()


def _plain_header(value: str) -> str:
    if _header_name(value) in RESERVED_HEADERS:
        raise ValueError("is not set here: use auth or secret_headers")
    return value.lower()


HeaderName = Annotated[str, AfterValidator(_header_name)]


class EffectRule(BaseModel):
    """What the requests to some paths do; stated once, for all steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: MethodName
    path: Annotated[str, Field(pattern="^/")]
    effect: Effect


class HttpApiSettings(HttpSettings):
    """Settings of one API. `base_url` is the root below which all paths are."""

    auth: Auth = Auth.NONE
    """``none``, ``basic``, ``bearer``, ``header`` or ``query``."""
    username: str | None = None
    """User of ``basic``."""
    password: Secret | None = None
    """Password of ``basic``."""
    token: Credential | None = None
    """Token of ``bearer``, ``header`` and ``query``."""
    auth_name: str | None = None
    """Name of the header or query parameter that carries the token."""
    auth_prefix: str = ""
    """Text before the token in the header, such as ``Token ``."""
    headers: dict[Annotated[str, AfterValidator(_plain_header)], str] = Field(default_factory=dict)
    """Headers of every request; a step's own win."""
    secret_headers: dict[HeaderName, Credential] = Field(default_factory=dict)
    """Further headers of every request that hold secrets."""
    query: dict[str, str] = Field(default_factory=dict)
    """Query parameters of every request; a step's own win."""
    effects: tuple[EffectRule, ...] = ()
    """Effects by method and path (``*`` is any text); a step that states another one is refused. The first fits."""
    allow_post_reads: bool = False
    """Let `read` and `list` use POST, for APIs that search with a body."""
    allow_get_effects: bool = False
    """Let `write`, `remove` and `once` use GET, for APIs that act on it."""
    success_status: tuple[Annotated[str, AfterValidator(_status)], ...] = ("2xx",)
    """Statuses that are a success, such as ``2xx`` or ``200``."""
    success_field: ValuePath | None = None
    """Path of the value in a JSON answer that tells success; none: the status tells it."""
    success_values: tuple[Json, ...] = (True,)
    """Values at `success_field` that mean success."""
    success_missing_ok: bool = False
    """Take an answer without `success_field` for a success."""
    error_fields: tuple[ValuePath, ...] = ("error.message", "error", "errors", "message", "detail", "title")
    """Paths at which an answer says what went wrong; the first that is there is shown."""
    missing_is_removed: bool = True
    """Take 404 and 410 of `remove` for done, so that repeating it is."""
    answer_headers: tuple[HeaderName, ...] = ("content-type", "etag", "last-modified", "link", "location")
    """Headers of an answer that steps see."""
    paging: Paging = Paging()
    """How listings go on, unless a step says otherwise."""
    page_cap: Annotated[int, Field(ge=1)] = 100_000
    """Pages after which a listing that does not end is taken for broken."""
    page_pause_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Seconds between two pages of one listing."""
    check_path: str | None = None
    """Path that the connection test reads; none: the base URL, of which only the credentials' refusal counts."""

    @field_validator("success_status", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        return [str(item) for item in value] if isinstance(value, list | tuple) else value

    @field_validator("check_path")
    @classmethod
    def _below(cls, value: str | None) -> str | None:
        if value is not None and problem_of(value):
            raise ValueError(problem_of(value))
        return value

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        credentials: dict[Auth, dict[str, object]] = {
            Auth.NONE: {},
            Auth.BASIC: {"username": self.username, "password": self.password},
            Auth.BEARER: {"token": self.token},
            Auth.HEADER: {"token": self.token, "auth_name": self.auth_name},
            Auth.QUERY: {"token": self.token, "auth_name": self.auth_name},
        }
        missing = [name for name, value in credentials[self.auth].items() if not value]
        if missing:
            raise ValueError(f"auth = {self.auth} needs {' and '.join(missing)}")
        if self.auth is Auth.BASIC and ":" in (self.username or ""):
            raise ValueError("username must not hold a colon")
        if self.auth is Auth.HEADER:
            _header_name(self.auth_name or "")
        if self.auth is Auth.NONE and (self.password or self.token):
            raise ValueError("auth is missing: basic, bearer, header or query")
        return self

    def auth_headers(self) -> dict[str, str]:
        """Return the headers that hold secrets."""
        found = {name: value.reveal() for name, value in self.secret_headers.items()}
        token = self.token.reveal() if self.token else ""
        match self.auth:
            case Auth.BASIC:
                found["authorization"] = f"Basic {self._basic()}"
            case Auth.BEARER:
                found["authorization"] = f"Bearer {token}"
            case Auth.HEADER:
                found[(self.auth_name or "").lower()] = f"{self.auth_prefix}{token}"
            case Auth.NONE | Auth.QUERY:
                pass
        return found

    def auth_query(self) -> dict[str, str]:
        """Return the query parameter that holds a secret, if there is one."""
        if self.auth is not Auth.QUERY or self.token is None or self.auth_name is None:
            return {}
        return {self.auth_name: self.token.reveal()}

    def secrets(self) -> Iterator[str]:
        """Give what must not come back in an answer."""
        for secret in (self.password, self.token, *self.secret_headers.values()):
            if secret:
                yield secret.reveal()
        if self.auth is Auth.BASIC:
            yield self._basic()

    def is_success(self, status: int) -> bool:
        """Whether a status counts as a success."""
        return f"{status}" in self.success_status or f"{status // 100}xx" in self.success_status

    def _basic(self) -> str:
        password = self.password.reveal() if self.password else ""
        return base64.b64encode(f"{self.username}:{password}".encode()).decode()
