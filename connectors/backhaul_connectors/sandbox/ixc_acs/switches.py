"""What can be switched in the ACS sandbox while it runs."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backhaul_connectors.sandbox.daily import TIME_OF_DAY
from backhaul_connectors.sandbox.ixc_acs.bodies import DEEPEST, is_flat
from backhaul_connectors.sandbox.switches import VendorSwitches
from backhaul_connectors.sandbox.webhooks import require_loopback

__all__ = [
    "DIAGNOSTICS",
    "AcsSwitches",
    "DiagnosticName",
    "ErpClientSwitches",
    "Family",
    "OpticalUnit",
    "PathName",
    "Permission",
]

Permission = Literal["devices", "wifi", "ppp", "capabilities", "parameters", "diagnostics", "reboot", "reset"]
Family = Literal["device", "parameters", "restart", "diagnosis"]
DiagnosticName = Literal["speedTest", "neighbor", "ping", "traceroute"]
PathName = Literal["reboot", "reset", "diagnostic_start", "diagnostic_state"]
OpticalUnit = Literal["dBm", "dBm/10", "dBm/100", "dBm/1000", "uW"]
"""What a model reports optical levels in (tr069.md section 5); ``uW`` is microwatt."""
DIAGNOSTICS: tuple[DiagnosticName, ...] = get_args(DiagnosticName)


def _paths() -> dict[PathName, str]:
    """Return the paths that no client shows: made by analogy (ixc_acs.md section 9)."""
    return {
        "reboot": "/devices/{serial}/reboot",
        "reset": "/devices/{serial}/reset",
        "diagnostic_start": "/devices/{serial}/diagnostics/{name}/start",
        "diagnostic_state": "/devices/{serial}/diagnostics/{name}/state",
    }


def _diagnostic_s() -> dict[DiagnosticName, float]:
    return {"speedTest": 8.0, "neighbor": 4.0, "ping": 3.0, "traceroute": 5.0}


class ErpClientSwitches(BaseModel):
    """The settings of the API client of type IXC Provider; what is left out is as at the start."""

    model_config = ConfigDict(extra="forbid")

    per_minute: int | None = Field(default=None, ge=1)
    per_day: int | None = Field(default=None, ge=1)
    blocked: bool = False
    permissions: set[Permission] = Field(default=set(get_args(Permission)))


class AcsSwitches(VendorSwitches):
    """The settings of the generic API client, those of the ERP's, and what the vendor leaves undocumented."""

    erp_client: ErpClientSwitches = Field(default_factory=ErpClientSwitches)
    """Limits, permissions and blocked flag of the ERP-type client: each API client has its own."""

    token_life_s: int = Field(default=3600, ge=1, le=86_400)
    """Life of new tokens; the vendor allows at most 86,400 s."""
    token_answer: Literal["both", "expires_at", "expires_in", "neither"] = "both"  # noqa: S105
    unauthorized_status: Literal[400, 401] = 401
    """Answer to a dead token; one client in the wild treats 400 like 401."""
    blocked: bool = False
    """The API client is blocked: every call is answered 403."""
    permissions: set[Permission] = Field(default=set(get_args(Permission)))
    """Granted features; a call outside them is answered 403."""
    page_size_max: int = Field(default=1000, ge=1)
    """A larger pageSize is silently reduced to this."""
    search_mode: Literal["exact_then_contains", "exact", "contains"] = "exact_then_contains"
    """How ``search[search]`` compares; the vendor does not say."""
    optical_drift_db: float = Field(default=0.4, ge=0, le=20)
    """How far optical levels move to either side in the course of a day."""
    optical_units: dict[str, OpticalUnit] = Field(default_factory=dict)
    """Models (``modelName``) whose optical levels the ACS shows raw, in the unit that they report; others: dBm."""
    webhook_uri: str | None = None
    """Where events go by POST; loopback only."""
    webhook_lost: bool = False
    """Events reach neither the URI nor the ERP."""
    erp_webhook_lost: bool = False
    """Events do not reach the ERP, which keeps the rows of devices that are deleted by hand; they reach the URI."""
    webhook_copies: int = Field(default=1, ge=1, le=10)
    webhook_delay_ms: float = Field(default=0.0, ge=0)
    """A pause of the real clock before each event."""
    webhook_families: set[Family] = Field(default=set(get_args(Family)))
    """The families that the API client subscribed to."""
    webhook_template: dict[str, Any] | None = None
    """Body of an event: texts may hold ``{event}`` and the other names of the standard body; None: that body."""
    webhook_loss: float = Field(default=0.0, ge=0, le=1)
    """Share of events that are lost."""
    webhook_duplicate: float = Field(default=0.0, ge=0, le=1)
    """Share of events that are sent once more."""
    webhook_reorder: float = Field(default=0.0, ge=0, le=1)
    """Share of events that are held back until the next one was delivered, or for 30 s."""
    webhook_retries: int = Field(default=0, ge=0, le=20)
    """How often an event is sent again that was not answered with 2xx."""
    webhook_retry_s: float = Field(default=10.0, ge=0)
    """World seconds before the first repetition; each further pause is twice as long."""
    webhook_invalid_certificate: bool = False
    """The vendor's flag "invalid certificate": skip the TLS check of the webhook URI."""
    contact_s: float = Field(default=2.0, ge=0)
    """Until a reachable device answers the ACS's call; one behind NAT waits for its periodic inform (300 s)."""
    reboot_s: float = Field(default=40.0, ge=0)
    """Offline time of a restart."""
    reset_loses_pppoe: bool = False
    """A factory reset forgets the PPPoE login: the device never comes back."""
    paths: dict[PathName, str] = Field(default_factory=_paths)
    """Undocumented paths, with ``{serial}`` and, for diagnostics, ``{name}``."""
    diagnostic_s: dict[DiagnosticName, float] = Field(default_factory=_diagnostic_s)
    """How long each test runs."""
    diagnostic_busy: Literal["conflict", "ignore", "restart"] = "conflict"
    """A second start while a test runs: 409, accepted without effect, or the test begins anew."""
    diagnostic_errors: dict[DiagnosticName, str] = Field(default_factory=dict)
    """Tests that end in this error word, such as ``Error_Timeout``."""
    finished_word: Literal["by_model", "Complete", "Completed"] = "by_model"
    """How a finished test is spelt; by default as the data model of the device has it (tr069.md section 3)."""
    counters_wrap: bool = False
    """Byte counters of speed tests wrap at 32 bits."""
    deleted_reappears: bool = False
    """A deleted device registers again at its next periodic inform."""
    daily_sync_at: str | None = Field(default=None, pattern=TIME_OF_DAY)
    """``HH:MM`` in the ERP's zone of the daily synchronisation with the ERP (S5); None: only by hand."""
    pairing: Literal["ok", "wrong_credentials", "wrong_url", "network"] = "ok"
    """Why the synchronisation with the ERP fails (question 2 of ixc_acs.md section 8)."""

    @field_validator("paths")
    @classmethod
    def _all_paths(cls, value: dict[PathName, str]) -> dict[PathName, str]:
        for name, path in value.items():
            if not path.startswith("/") or "{serial}" not in path:
                raise ValueError(f"the path of {name} must start with / and hold {{serial}}")
        return {**_paths(), **value}

    @field_validator("diagnostic_s")
    @classmethod
    def _all_durations(cls, value: dict[DiagnosticName, float]) -> dict[DiagnosticName, float]:
        return {**_diagnostic_s(), **value}

    @field_validator("webhook_template")
    @classmethod
    def _flat(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if not is_flat(value):
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        return value

    @field_validator("webhook_uri")
    @classmethod
    def _loopback(cls, value: str | None) -> str | None:
        return None if value is None else require_loopback(value)
