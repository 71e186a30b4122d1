"""Connector for IXC Provider, the ERP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.ixc_provider.connector import IxcProvider
from backhaul_connectors.ixc_provider.models import AcsDevice, Login

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AcsDevice", "IxcProvider", "Login", "backhaul_connectors"]


@hookimpl
def backhaul_connectors() -> Sequence[type[IxcProvider]]:
    """Register the connector with the engine."""
    return [IxcProvider]
