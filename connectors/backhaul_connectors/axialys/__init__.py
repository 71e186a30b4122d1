"""Connector for Axialys Centrex, hosted business telephony: click-to-call and call notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.axialys.call_state import CallState, Progress, join
from backhaul_connectors.axialys.connector import Axialys
from backhaul_connectors.axialys.models import CallAccepted, CallbackChanged, CallData

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Axialys",
    "CallAccepted",
    "CallData",
    "CallState",
    "CallbackChanged",
    "Progress",
    "backhaul_connectors",
    "join",
]


@hookimpl
def backhaul_connectors() -> Sequence[type[Axialys]]:
    """Register the connector with the engine."""
    return [Axialys]
