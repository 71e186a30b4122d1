"""The hooks through which plug-ins register what they bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from backhaul.plugins.connector import Connector

__all__ = ["PROJECT", "backhaul_connectors", "hookimpl", "hookspec"]

PROJECT = "backhaul"
"""Name of the pluggy project, and of the entry-point group of installed plug-ins."""

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plug-in's module as the implementation of a hook of the same name."""


@hookspec
def backhaul_connectors() -> Sequence[type[Connector[Any]]]:  # type: ignore[empty-body]  # pluggy calls only implementations
    """Return the connector classes of this plug-in.

    Called once, when the plug-in is loaded; it must not contact anything.
    """
