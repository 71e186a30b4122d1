"""Connector for Akixi, call reporting and wallboards for hosted telephony."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.akixi.connector import Akixi
from backhaul_connectors.akixi.fields import IntegratorClientField
from backhaul_connectors.akixi.models import (
    IntegratorClient,
    IntegratorClientAddition,
    IntegratorClientChange,
    IntegratorClientRemoval,
)
from backhaul_connectors.akixi.reports import Report, ReportRun

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Akixi",
    "IntegratorClient",
    "IntegratorClientAddition",
    "IntegratorClientChange",
    "IntegratorClientField",
    "IntegratorClientRemoval",
    "Report",
    "ReportRun",
    "backhaul_connectors",
]


@hookimpl
def backhaul_connectors() -> Sequence[type[Akixi]]:
    """Register the connector with the engine."""
    return [Akixi]
