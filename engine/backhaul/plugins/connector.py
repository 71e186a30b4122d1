"""The base class of connectors, its settings, and what the engine hands to a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypeVar

from backhaul.plugins.events import EventReader, no_events

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from backhaul.clock import Clock
    from backhaul.plugins.http import HttpClient

__all__ = ["BaseUrl", "Connector", "ConnectorContext", "ConnectorSettings", "HttpSettings"]


class ConnectorSettings(BaseModel):
    """Base of a connector's settings. Unknown keys are refused; errors never show the value given."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def _base_url(value: str) -> str:
    text = value.strip().rstrip("/")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"http", "https"} or not rest:
        raise ValueError("must be a URL that begins with http:// or https://")
    if any(character.isspace() for character in text) or "?" in text or "#" in text or "@" in rest:
        raise ValueError("must be a plain URL without blanks, query, fragment or user name")
    return text


BaseUrl = Annotated[str, AfterValidator(_base_url)]


class HttpSettings(ConnectorSettings):
    """Settings of a connector that speaks HTTP."""

    base_url: BaseUrl
    """Root of the other system's API, without a final slash."""
    verify_tls: bool = True
    """Check the server's certificate. Switch it off only for a self-signed host that you know."""
    ca_file: Path | None = None
    """File with the certificate authority (PEM) that signed the server's certificate."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds that the other system may take for an answer."""
    proxy: BaseUrl | None = None
    """HTTP proxy through which to go."""
    max_response_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024 * 1024
    """Longest answer to accept, after decompression."""


SettingsT = TypeVar("SettingsT", bound=ConnectorSettings, default=ConnectorSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorContext:
    """What the engine gives to one connection.

    Attributes:
        connection: name of the connection in the project, such as ``acs``.
        http: HTTP client with the connection's limits, TLS policy and timeouts.
        clock: source of time.
        log: logger bound to the connection.
        events: reads the events that this connection has received.
    """

    connection: str
    http: HttpClient
    clock: Clock
    log: FilteringBoundLogger
    events: EventReader = no_events


class Connector(Generic[SettingsT]):
    """One kind of system. A subclass states `name` and `Settings`; its `@action` methods are what it can do.

    One object serves all runs of a connection at the same time.
    """

    name: ClassVar[str]
    """Name in the ``connector`` setting, such as ``ixc_acs``."""
    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    """Model of the connection's settings."""

    def __init__(self, settings: SettingsT, context: ConnectorContext) -> None:
        self.settings: SettingsT = settings
        self.context: ConnectorContext = context
        self.http: HttpClient = context.http
        self.clock: Clock = context.clock
        self.log: FilteringBoundLogger = context.log

    @classmethod
    def event_types(cls, settings: SettingsT) -> Mapping[str, str]:
        """Return the types of the events that a connection brings, each with what has happened, in a sentence.

        Workflows are checked against them: ``on: {event: acs.device.aded}`` is an error. Empty: they are not known,
        and any type is taken.

        Args:
            settings: the connection's, or the class's defaults, unchecked, when its documentation is shown.
        """
        return {}

    async def check(self) -> None:
        """Prove that the connection works, with the least rights and without changing anything.

        Raises:
            ActionError: it does not; the text says what to do.
        """

    async def close(self) -> None:
        """Give back what the connector itself has opened. The HTTP client is closed by the engine."""
