"""What can be switched in the Akixi sandbox while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backhaul_connectors.sandbox.switches import VendorSwitches

__all__ = ["AkixiSwitches", "ErrorShape", "Trouble"]

ErrorShape = Literal["full", "code_only", "name_only", "nested"]
Trouble = Literal[10000, 10001, 10101, 10102, 10103, 10104, 10105]


class AkixiSwitches(VendorSwitches):
    """What the vendor leaves undocumented, and the accounts' flags (akixi.md sections 3, 4, 8 and 11)."""

    keys_accepted: bool = True
    """Whether ``x-api-key`` signs in."""
    unauthorized_status: Literal[400, 401, 403] = 401
    """Answer to a missing key or a dead session; 400 says ``not signed in``."""
    session_idle_s: float = Field(default=1800.0, gt=0)
    """A session that nobody used for so long is over."""
    sessions_per_user: int = Field(default=1, ge=1)
    """A login beyond these ends the user's oldest session."""
    evicting_login: Literal["message_400", "quiet_200"] = "message_400"
    """Answer to a login that ended another session; the login is usable either way."""
    failed_login_status: Literal[400, 401] = 401
    lock_after: int | None = Field(default=5, ge=1)
    """Failed logins in a row until the user is locked out; None: never."""
    locked_users: set[str] = Field(default_factory=set)
    password_change_required: bool = False
    mfa_required: bool = False

    error_status: Literal["semantic", "always_400", "always_200"] = "semantic"
    """HTTP status of errors by code; the vendor documents none."""
    error_shape: ErrorShape = "full"
    trouble: Trouble | None = None
    """A general error that answers every admin and report call, such as 10105 (maintenance)."""
    denied: set[Literal["add", "change", "delete", "list", "get", "reports"]] = Field(default_factory=set)
    """Operations that are refused to everybody (30000)."""

    strict_fields: bool = True
    """``Policies`` and ``Settings`` are written only if ``IntegratorClientFields`` names them."""
    strict_slash: bool = False
    """Add needs its trailing slash and List none; else 404."""
    put_mode: Literal["replace", "merge"] = "replace"
    """What happens to the keys that a PUT leaves out."""
    unique_scope: bool = True
    """A second client for the same server, partition and device is refused (30005)."""
    wrong_scope: Literal[30003, 30004] = 30003
    """Answer to a right id under the wrong server, partition or device."""
    environments: list[str] = Field(default_factory=list)
    """Known CMEnvironmentIDs, others are refused (30007); empty: every well-formed one is known."""
    limit_max: int = Field(default=100, ge=1)
    """A larger ``limit`` is silently reduced to this."""
    total_drift: int = 0
    """``Total`` changes by this much after every page of a listing."""
    nbsp: bool = False
    """Blanks in descriptions become non-breaking spaces."""

    report_waits: int = Field(default=2, ge=0)
    """How often a report answers WAITING before its data."""
    report_limits: bool = True
    """One download per report and three reports per rolling ten minutes."""
    report_error_status: Literal[200, 400] = 400
