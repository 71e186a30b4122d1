"""Connector for ISPCRM, a hosted CRM and billing system of internet service providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.ispcrm.connector import IspCrm
from backhaul_connectors.ispcrm.links import Discovery
from backhaul_connectors.ispcrm.models import CreatedUser, ListedUser, User

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CreatedUser", "Discovery", "IspCrm", "ListedUser", "User", "backhaul_connectors"]


@hookimpl
def backhaul_connectors() -> Sequence[type[IspCrm]]:
    """Register the connector with the engine."""
    return [IspCrm]
