"""Connector for any other system with a JSON API over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import hookimpl
from backhaul_connectors.http.connector import Http
from backhaul_connectors.http.models import HttpAnswer
from backhaul_connectors.http.paging import Paging
from backhaul_connectors.http.proof import Proof

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Http", "HttpAnswer", "Paging", "Proof", "backhaul_connectors"]


@hookimpl
def backhaul_connectors() -> Sequence[type[Http]]:
    """Register the connector with the engine."""
    return [Http]
