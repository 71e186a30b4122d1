"""All cases of built-in connectors: each is a module in ``cases/`` with the name of its connector."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from backhaul.testing import ConnectorCase

__all__ = ["CASES"]


def _case(name: str) -> ConnectorCase:
    case = import_module(f"conformance.cases.{name}").CASE
    assert isinstance(case, ConnectorCase)
    assert case.connector.name == name
    return case


CASES = {path.stem: _case(path.stem) for path in sorted((Path(__file__).parent / "cases").glob("[a-z]*.py"))}
"""By the connector's name."""
