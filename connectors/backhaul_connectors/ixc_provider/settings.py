"""Settings of an `ixc_provider` connection; whatever differs between installs is a setting here."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from backhaul.sdk import Credential, HttpSettings, Secret
from backhaul_connectors.ixc_provider.buttons import BUTTONS, Button, ButtonMethod, ButtonName

__all__ = ["IxcProviderSettings", "ListMethod", "TableName"]

TableName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]
_API = "/webservice/v1"
_RADACCT_CELLS = {
    "id": 0,
    "login": 1,
    "mac": 2,
    "ip": 3,
    "concentrator_ip": 4,
    "nas_port": 5,
    "started": 6,
    "stopped": 7,
    "duration_s": 8,
    "ipv6_prefix": 10,
}
_WAITING_CELLS = {"olt": 0, "chassis": 1, "slot": 2, "pon": 3, "model": 4, "mac": 5}
_POLL_TABLES = {"cliente": "customer.changed", "cliente_contrato": "contract.changed", "radusuarios": "login.changed"}
_ACS_WEBHOOK_BODY = {"event": "{event}", "serialNumber": "{serial}", "pppoeLogin": "{login}", "date": "{time}"}


class ListMethod(StrEnum):
    """How a listing is sent. Both carry the header that marks it as one."""

    GET = "GET"
    """With a JSON body. When a proxy loses the header, the ERP answers 404."""
    POST = "POST"
    """For proxies that drop the body of a GET. When one loses the header, the ERP would insert a row."""


class IxcProviderSettings(HttpSettings):
    """Settings of one ERP. `base_url` is its address, with or without ``/webservice/v1``."""

    token: Credential
    """Token of an ERP user: ``<user id>:<64 hex digits>`` as the ERP shows it, or already in base64."""
    timezone: str = "America/Sao_Paulo"
    """IANA zone of the server's clock; the ERP's times have no offset. Most installs are at UTC-3, some at UTC-4."""
    api_path: Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")] = _API
    """Path of the API below `base_url`."""
    list_method: ListMethod = ListMethod.GET
    """``GET`` or ``POST``."""
    trailing_slash: bool = False
    """End paths with ``/``, as the vendor's own PHP client does."""
    page_size: Annotated[int, Field(ge=1, le=5000)] = 200
    """Records per page. No limit is documented; a page that is too large is answered 504."""
    page_pause_s: Annotated[float, Field(ge=0, le=60)] = 0.1
    """Seconds between two pages of one listing, as public clients do; no rate limit is documented."""
    table_prefixes: dict[TableName, str] = Field(default_factory=dict)
    """Column prefix of resources that use another than their own name, beside the known ones; empty: none."""
    secret_columns: tuple[str, ...] = ()
    """Further columns that `list_records` never returns, such as an install's own."""
    check_tables: tuple[TableName, ...] = ("radusuarios", "acs_device_grid")
    """Tables of which the connection test reads one record each: rights are granted per table."""
    acs_device_resource: TableName = "acs_device_grid"
    """Resource of the devices known through the ACS integration; also for insert, update and delete [assumed]."""
    acs_device_insert: dict[str, str] = Field(default_factory=dict)
    """Further columns of an inserted device, such as ``id_acs_integration`` [assumed: none is required]."""
    acs_device_not_sent: tuple[str, ...] = ("status_contrato", "status_internet_contrato")
    """Columns that come from other tables and are left out of an update."""

    buttons: dict[ButtonName, TableName] = Field(default_factory=dict)
    """Resource of each button whose number differs in this install."""
    button_keys: dict[ButtonName, TableName] = Field(default_factory=dict)
    """Name under which a button takes the id, where it differs (``release_72h`` takes ``id`` in one client)."""
    button_methods: dict[ButtonName, ButtonMethod] = Field(default_factory=dict)
    """How a button is pressed, where it differs: ``POST``, ``GET`` with a body, or ``PUT`` to the id."""
    radacct_login_column: TableName = "username"
    """Column of ``radacct`` that holds the login, for filters [assumed]."""
    radacct_cells: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: dict(_RADACCT_CELLS))
    """Position of each field in a row of ``radacct`` [assumed, by content]."""
    waiting_onu_cells: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=lambda: dict(_WAITING_CELLS))
    """Position of each field in a row of ``fh_onu_nao_autorizadas``."""
    verify_after_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Seconds to wait before looking for a record whose insert was not answered: it may still be under way."""
    clock_tolerance_s: Annotated[float, Field(ge=0, le=600)] = 60.0
    """Seconds by which the server's clock and this machine's may differ when an effect is verified."""
    poll_tables: dict[TableName, EventName] = Field(default_factory=lambda: dict(_POLL_TABLES))
    """Tables whose changes are polled, and the event of each; the table needs the column ``ultima_atualizacao``."""
    poll_overlap_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Seconds before the last change from which a poll reads again: a change may show later than it is stamped."""
    acs_webhook_path: Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")] = "/api-module/acs/webhook"
    """Path below `base_url` on which the ERP receives events of the ACS."""
    acs_webhook_body: dict[str, Any] = Field(default_factory=lambda: dict(_ACS_WEBHOOK_BODY))
    """Body of such an event; ``{event}``, ``{serial}``, ``{login}``, ``{time}`` are filled in [assumed]."""
    acs_webhook_token: bool = False
    """Send this connection's token with it [assumed: how the ERP checks the sender is not documented]."""

    @field_validator("base_url")
    @classmethod
    def _without_api(cls, value: str) -> str:
        return value.removesuffix(_API)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            raise ValueError("is not an IANA time zone, such as America/Sao_Paulo") from None
        return value

    @field_validator("token")
    @classmethod
    def _usable_token(cls, value: Secret) -> Secret:
        _plain_token(value.reveal())
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The server's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def authorization(self) -> Secret:
        """Value of the ``Authorization`` header: a token that is already encoded is not encoded again."""
        plain = Secret(_plain_token(self.token.reveal()))
        return Secret(f"Basic {base64.b64encode(plain.reveal().encode()).decode()}")

    def button(self, name: ButtonName) -> Button:
        """Return where a button is and how it takes the id, as this install has it."""
        known = BUTTONS[name]
        return Button(
            self.buttons.get(name, known.resource),
            self.button_keys.get(name, known.key),
            self.button_methods.get(name, known.method),
        )


def _plain_token(text: str) -> str:
    """Return ``id:hex`` of a token in either form. Source: ixc_provider reference, section 2 and trap 14."""
    if ":" in text:
        return text
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        plain = ""
    if ":" not in plain:
        raise ValueError("is neither <user id>:<hex digits>, as the ERP shows it, nor that in base64")
    return plain
