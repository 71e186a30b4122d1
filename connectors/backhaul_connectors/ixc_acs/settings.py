"""Settings of an `ixc_acs` connection; whatever the vendor does not document is a setting here."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from backhaul.sdk import Credential, HttpSettings, PlainId, Secret
from backhaul_connectors.ixc_acs.hook_settings import HookFields
from backhaul_connectors.ixc_acs.optical import OpticalScale, OpticalUnit
from backhaul_connectors.ixc_acs.routes import Routes

__all__ = ["ApiVersion", "ClientType", "IxcAcsSettings", "SearchBy", "TokenBody"]

SearchBy: TypeAlias = Literal["serial", "pppoe_login", "cpf", "company_name", "phone"]
"""What devices can be searched by. Source: ixc_acs reference, rule S8."""

ApiPath = Annotated[str, Field(pattern=r"^/[\w./-]*[\w-]$")]
PathPart = Annotated[str, Field(pattern=r"^[\w.-]+$")]
FileSize = Annotated[int, Field(ge=1)]
_PING_FIELDS = {
    "host": "Host",
    "repetitions": "NumberOfRepetitions",
    "timeout_ms": "Timeout",
    "data_block_size": "DataBlockSize",
    "dscp": "DSCP",
    "interface": "Interface",
    "protocol_version": "ProtocolVersion",
}
_TRACEROUTE_FIELDS = {
    "host": "Host",
    "tries": "NumberOfTries",
    "timeout_ms": "Timeout",
    "data_block_size": "DataBlockSize",
    "dscp": "DSCP",
    "max_hops": "MaxHopCount",
    "interface": "Interface",
}
_SEARCH_COLUMNS: dict[SearchBy, str] = {
    "serial": "serialNumber",
    "pppoe_login": "connection.pppoeLogin",
    "cpf": "cpf",
    "company_name": "companyName",
    "phone": "phone",
}


class ApiVersion(StrEnum):
    """Version of the API in the path. The vendor keeps both side by side and mixes them per operation."""

    V1 = "v1"
    V2 = "v2"


class ClientType(StrEnum):
    """Integration type of the API client. Source: vendor page on API clients."""

    GENERIC = "generic"
    """Client id and secret."""
    IXC_PROVIDER = "ixc_provider"
    """A key pair, whose public half is pasted into the ACS: for what acts as the ERP."""


class TokenBody(StrEnum):
    """How the token request carries the credentials."""

    FORM = "form"
    JSON = "json"


class IxcAcsSettings(HttpSettings):
    """Settings of one ACS. `base_url` is the address of the ACS itself, without ``/api/v1`` or ``/api/v2``."""

    client_id: PlainId
    """Id of the API client (ACS menu Tools > API Clients). Blanks around it are removed."""
    client_secret: Credential | None = None
    """Client secret of a *generic* API client. Blanks around it are removed."""
    client_type: ClientType = ClientType.GENERIC
    """``generic`` (id and secret) or ``ixc_provider`` (id and key pair)."""
    private_key: Secret | None = None
    """Private key (EC P-256, PEM) of an ERP-type client; line ends may be written as ``\\n``."""
    private_key_file: Path | None = None
    """File with that private key, instead of `private_key`."""
    jwt_life_s: Annotated[float, Field(ge=10, le=3600)] = 300.0
    """Seconds that the signed request of an ERP-type client is valid [assumed]."""
    jwt_token_path: ApiPath = "/token"  # noqa: S105  (a path)
    """Path of an ERP-type client's token request below ``/api/<version>`` [seen in an emulator]."""
    jwt_token_version: ApiVersion = ApiVersion.V1
    """API version of that request [seen in an emulator]."""
    token_body: TokenBody = TokenBody.FORM
    """Form of the token request: ``form`` or ``json`` [assumed; both occur in public clients]."""
    token_path: ApiPath = "/token/oauth"  # noqa: S105  (a path)
    """Path of the token request below ``/api/<version>`` [assumed]."""
    token_version: ApiVersion = ApiVersion.V2
    """API version of the token request [assumed]."""
    token_grant_type: str = ""
    """Value of ``grant_type`` in the token request, such as ``client_credentials``; empty: not sent [assumed]."""
    token_renewal_margin_s: Annotated[float, Field(ge=0, le=3600)] = 45.0
    """Seconds before its end at which a token is renewed; at most half of its life."""
    token_default_life_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """Seconds that a token counts as valid when the answer tells no usable end [assumed]."""
    renew_on_400: bool = False
    """Take status 400 for an expired token, as 401 [assumed; one public client does]."""
    list_path: ApiPath = "/devices/views/natural"
    """Path of the device list below ``/api/<version>`` [assumed]."""
    list_version: ApiVersion = ApiVersion.V2
    """API version of the device list [assumed]."""
    page_size: Annotated[int, Field(ge=1, le=1000)] = 50
    """Devices per page. The ACS's maximum is not documented; public clients use 10 to 50 [assumed]."""
    page_cap: Annotated[int, Field(ge=1)] = 100_000
    """Pages after which a listing that does not end is taken for broken."""
    optical_range_dbm: tuple[float, float] = (-60.0, 15.0)
    """Optical levels outside of this range are not believed [assumed]."""
    optical_units: dict[str, OpticalUnit] = Field(default_factory=dict)
    """Unit of the optical levels by model, ``*`` for all others; ``dBm`` when not named [assumed: not documented]."""

    routes: Routes = Field(default_factory=Routes)
    """Version and path of every other operation [assumed]."""
    search_columns: dict[SearchBy, str] = Field(default_factory=dict)
    """Column of the device list for each kind of search, beside or instead of the default ones [assumed]."""
    search_max_hits: Annotated[int, Field(ge=1)] = 50
    """Most devices that a search by CPF, company name or phone may find: more, and the ACS ignores the column."""
    bands: dict[str, str] = Field(default_factory=lambda: {"2.4": "2.4", "5": "5.8"})
    """Our name of each Wi-Fi band and the ACS's key for it [seen in one client]."""
    speed_test_kind: PathPart = "speedTest"
    """Name of the speed test in `routes` [seen in one client]."""
    neighbor_kind: PathPart = "neighbor"
    """Name of the neighbour scan in `routes` [seen in one client]."""
    ping_kind: PathPart = "ping"
    """Name of the ping in `routes` [assumed]."""
    traceroute_kind: PathPart = "traceroute"
    """Name of the traceroute in `routes` [assumed]."""
    speed_test_download_sizes: tuple[FileSize, FileSize] = (52_428_800, 524_288_000)
    """Bytes of the two files of a download test [seen in one client]."""
    speed_test_upload_sizes: tuple[FileSize, FileSize] = (10_485_760, 52_428_800)
    """Bytes of the two files of an upload test [seen in one client]."""
    ping_fields: dict[str, str] = Field(default_factory=lambda: dict(_PING_FIELDS))
    """Parameters of `start_ping` and their names in the ACS's body: those of TR-069 [assumed]."""
    traceroute_fields: dict[str, str] = Field(default_factory=lambda: dict(_TRACEROUTE_FIELDS))
    """Parameters of `start_traceroute` and their names in the ACS's body: those of TR-069 [assumed]."""
    poll_interval_s: Annotated[float, Field(gt=0, le=600)] = 2.0
    """Seconds between two looks at the state of a diagnosis; each costs one request of the daily limit."""
    speed_test_deadline_s: Annotated[float, Field(gt=0, le=3600)] = 180.0
    """Seconds in which a speed test must end."""
    diagnostic_deadline_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds in which a neighbour scan, ping or traceroute must end."""
    clock_tolerance_s: Annotated[float, Field(ge=0, le=600)] = 30.0
    """Seconds by which the clocks of the ACS and of this machine may differ when a restart is verified."""
    webhook_fields: HookFields = Field(default_factory=HookFields)
    """Where a webhook's body holds what [assumed]."""

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if self.client_type is ClientType.GENERIC:
            if self.client_secret is None:
                raise ValueError("client_secret is missing: a generic API client has an id and a secret")
        elif (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("an ERP-type client (ixc_provider) needs private_key or private_key_file, one of the two")
        return self

    @field_validator("private_key")
    @classmethod
    def _is_pem(cls, value: Secret | None) -> Secret | None:
        if value is None:
            return None
        pem = value.reveal().replace("\\n", "\n").strip()
        if not pem.startswith("-----BEGIN "):
            raise ValueError("is no private key in PEM form: it begins with -----BEGIN")
        return Secret(pem)

    @field_validator("base_url")
    @classmethod
    def _without_api(cls, value: str) -> str:
        return re.sub(r"/api(/v\d+)?$", "", value)

    def url(self, version: ApiVersion, path: str) -> str:
        """Return the URL of an API path, relative to `base_url`."""
        return f"/api/{version.value}{path}"

    def optical_scale(self) -> OpticalScale:
        """Return what the optical levels of this ACS mean."""
        return OpticalScale(believed_dbm=self.optical_range_dbm, units=self.optical_units)

    def search_column(self, by: SearchBy) -> str:
        """Return the column of the device list for a kind of search."""
        return self.search_columns.get(by, _SEARCH_COLUMNS[by])
