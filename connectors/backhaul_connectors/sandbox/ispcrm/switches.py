"""What can be switched in the ISPCRM sandbox while it runs."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from backhaul_connectors.sandbox.switches import VendorSwitches

__all__ = ["CrmSwitches", "DetailAnswer"]

DetailAnswer = Literal["data", "success_false", "status_error", "empty_null", "empty_list", "empty_object"]


class CrmSwitches(VendorSwitches):
    """What the vendor leaves undocumented or contradicts itself about (ispcrm.md sections 1, 8 and 9)."""

    accept_bearer: bool = True
    accept_x_auth_token: bool = False
    """The vendor's samples send ``X-Auth-Token``, its text asks for Bearer."""
    unauthenticated: Literal["by_accept", "json_401", "redirect"] = "by_accept"
    """``by_accept``: 401 as JSON to who asks for JSON, else 302 to the login page."""
    accept_v0: bool = False
    accept_capital_path: bool = False
    """Whether ``/api/v0`` and ``/Users`` of the vendor's samples exist."""
    root: Literal["links", "users"] = "links"
    """The vendor shows two different answers of the root."""
    foreign_links: bool = False
    """The root's links point to another host."""
    filter_ignored: bool = False
    """The ``status`` filter has no effect."""
    paging: Literal["none", "laravel", "resource"] = "none"
    """``laravel``: ``next_page_url`` beside ``data``; ``resource``: ``links.next`` and ``meta.last_page``."""
    page_size: int = Field(default=15, ge=1)
    list_envelope: Literal["users", "data_users", "data", "bare"] = "users"
    detail_answer: DetailAnswer = "data"
    """What a detail answers with 200; all but ``data`` mean that there is none."""
    success_as: Literal["text", "bool", "int", "ok"] = "text"
    """Form of ``success``; the vendor's page has the text ``true``."""
    create_answer: Literal["data", "status", "empty"] = "data"
    create_status: Literal[200, 201] = 201
    missing_field_status: Literal[400, 422] = 422
    zone: str = "America/Sao_Paulo"
    """IANA zone of the tenant's zone-less dates."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"unknown zone {value}") from error
        return value
