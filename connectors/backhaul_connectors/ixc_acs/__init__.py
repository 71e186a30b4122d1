"""Connector for IXC ACS, the TR-069 device manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.ixc_acs.connector import IxcAcs
from backhaul_connectors.ixc_acs.models import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Device", "IxcAcs", "backhaul_connectors"]


@hookimpl
def backhaul_connectors() -> Sequence[type[IxcAcs]]:
    """Register the connector with the engine."""
    return [IxcAcs]
