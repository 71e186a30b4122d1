"""Settings of an `axialys` connection; whatever the vendor does not document is a setting here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Self

import phonenumbers
from pydantic import AfterValidator, Field, field_validator, model_validator

from backhaul.sdk import Credential, HttpSettings, PlainId, Secret
from backhaul_connectors.axialys.callback_host import ALLOWED_QUERY, callback_host

__all__ = ["AxialysSettings", "CallCredential", "Method", "NumberFormat", "ParametersIn"]

_PATHS = "/centrex/v1"
_LONGEST_CALL_S = 7 * 86_400.0


class Method(StrEnum):
    """HTTP method of the two functions."""

    GET = "GET"
    POST = "POST"


class ParametersIn(StrEnum):
    """Where a request carries its parameters."""

    QUERY = "query"
    FORM = "form"


class NumberFormat(StrEnum):
    """How a number is written in a request."""

    DIGITS = "digits"
    """E.164 without ``+``: the vendor's habit."""
    PLUS = "plus"
    """E.164 with ``+``, percent-encoded."""


class CallCredential(StrEnum):
    """What a call order proves itself with."""

    AUTO = "auto"
    """The API key if there is one, else the account's SIP password."""
    API_KEY = "api_key"
    PASSWORD = "password"  # noqa: S105  (the name of a kind)


def _network(value: str) -> str:
    try:
        return str(ip_network(value.strip(), strict=False))
    except ValueError:
        raise ValueError("is not an IP address or network, such as 192.0.2.0/28") from None


class AxialysSettings(HttpSettings):
    """Settings of one Axialys customer. `base_url` is the API's address (``https://.../api``)."""

    api_key: Credential | None = None
    """API key of the customer, from Axialys: for both functions and all accounts."""
    sip_passwords: dict[PlainId, Credential] = Field(default_factory=dict)
    """SIP password by account id, for calls without API key. A leaked one allows toll fraud: prefer `api_key`."""
    call_credential: CallCredential = CallCredential.AUTO
    """``auto``, ``api_key`` or ``password``: what `call` sends."""
    account_ids: tuple[PlainId, ...] = ()
    """The customer's Centrex accounts. When given, calls and events of other accounts are refused."""
    default_region: str | None = None
    """Two letters of the country whose national numbers are understood, such as ``FR``."""
    number_format: NumberFormat = NumberFormat.DIGITS
    """``digits`` or ``plus`` [assumed: the page says E.164, other guides of the vendor write no ``+``]."""
    method: Method = Method.GET
    """``GET`` or ``POST`` [assumed: the page does not state it]."""
    parameters_in: ParametersIn = ParametersIn.QUERY
    """``query``, or, with POST, ``form`` [assumed: the page says that most are in the URL]."""
    callback_url: Secret | None = None
    """This project's callback URL: `https`, ending in ``/``, with the hook's secret in its path."""
    callback_hosts: tuple[str, ...] = ()
    """Hosts to which `set_callback` may point; empty: any that Axialys can reach."""
    manage_callback: bool = True
    """Whether this project may change the callback. There is one URL per key: false in every environment but one."""
    allow_http_callback: bool = False
    """Accept a callback URL without TLS, as the vendor's page shows it."""
    callback_slash: bool = True
    """End the callback URL in ``/`` [assumed: how parameters are added is not documented]."""
    callback_query: Annotated[str, Field(pattern=ALLOWED_QUERY)] = ""
    """Text after the callback URL, such as ``?call_id={call_id}&event={event}``, if Axialys asks for one [assumed]."""
    callback_ips: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Addresses or networks from which callbacks are accepted, as Axialys confirmed them in writing; empty: any."""
    correlation_window_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds within which the start event of an ordered call comes [assumed]."""
    no_event_means_no_call: bool = False
    """Take a missing start event for the proof that nothing rang. Events do get lost: then a telephone rings twice."""
    repeat_guard_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    """Seconds for which a second call of the same account to the same number is refused (a double click); 0: never."""
    call_time_limit_s: Annotated[float, Field(ge=60, le=_LONGEST_CALL_S)] = 14_400.0
    """Seconds after which a call without end event is `call.expired` [assumed]."""
    silence_alert_s: Annotated[float, Field(ge=60)] | None = None
    """Seconds without any callback after which `callbacks.silent` is emitted; none: never."""
    status_map: dict[str, str] = Field(
        default_factory=lambda: {
            "ANSWER": "answered",
            "NOANSWER": "no_answer",
            "CANCEL": "cancelled",
            "ABORT": "aborted",
            "BUSY": "busy",
            "SIP": "failed",
        }
    )
    """Outcome by end status, in any case [assumed: words of another API of the vendor]."""
    check_sets_callback: bool = False
    """Let the connection test register `callback_url` again, which is all that can prove the API key."""

    @field_validator("base_url")
    @classmethod
    def _without_paths(cls, value: str) -> str:
        return value.removesuffix(_PATHS)

    @field_validator("default_region")
    @classmethod
    def _known_region(cls, value: str | None) -> str | None:
        if value is not None and value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("is not a country's two letters, such as FR or BR")
        return value.upper() if value else None

    @field_validator("callback_hosts")
    @classmethod
    def _lower_case(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.strip().lower() for host in value)

    @field_validator("status_map")
    @classmethod
    def _upper_case(cls, value: dict[str, str]) -> dict[str, str]:
        return {word.strip().upper(): outcome for word, outcome in value.items()}

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.api_key is None and not self.sip_passwords:
            raise ValueError("api_key is missing (or, for calls alone, sip_passwords)")
        if self.call_credential is CallCredential.API_KEY and self.api_key is None:
            raise ValueError("call_credential = api_key needs api_key")
        if self.call_credential is CallCredential.PASSWORD and not self.sip_passwords:
            raise ValueError("call_credential = password needs sip_passwords")
        if self.parameters_in is ParametersIn.FORM and self.method is Method.GET:
            raise ValueError("parameters_in = form needs method = POST")
        if self.check_sets_callback and (self.callback_url is None or self.api_key is None):
            raise ValueError("check_sets_callback needs callback_url and api_key")
        return self

    def path_of(self, function: str) -> str:
        """Return the path of ``call`` or ``set_callback`` below `base_url`."""
        return f"{_PATHS}/{function}"

    def secrets(self) -> Iterator[str]:
        """Give what must not come back in an answer."""
        for secret in (self.api_key, self.callback_url, *self.sip_passwords.values()):
            if secret:
                yield secret.reveal()

    @property
    def is_on_loopback(self) -> bool:
        """Whether the API is a stand-in on this machine."""
        return callback_host(self.base_url).is_loopback
