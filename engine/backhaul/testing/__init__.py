"""What authors of connectors and workflows test with.

The conformance suite is a pytest plugin: a `ConnectorCase` at the top level of a test module becomes one test per rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhaul.testing.case import ConnectorCase as ConnectorCase
    from backhaul.testing.case import ServedSandbox as ServedSandbox
    from backhaul.testing.clock import FakeClock as FakeClock
    from backhaul.testing.connection import connection_for as connection_for
    from backhaul.testing.server import serve_app as serve_app

__all__ = ["ConnectorCase", "FakeClock", "ServedSandbox", "connection_for", "serve_app"]

_HOMES = {
    "ConnectorCase": "backhaul.testing.case",
    "FakeClock": "backhaul.testing.clock",
    "ServedSandbox": "backhaul.testing.case",
    "connection_for": "backhaul.testing.connection",
    "serve_app": "backhaul.testing.server",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: pytest loads this package at every start."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
