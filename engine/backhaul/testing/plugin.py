"""The pytest plugin: a `ConnectorCase` in a test module becomes one test per rule of the conformance suite.

pytest loads it at each start, so it imports nothing of the suite before there is a case.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_pycollect_makeitem"]

_CASE = "backhaul.testing.case"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("backhaul", "conformance of connectors")
    group.addoption(
        "--backhaul-write-quality",
        action="store_true",
        help="write the quality of each connector that is examined to quality.json beside its module",
    )


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> pytest.Collector | None:
    """Collect a case that a test module defines or imports."""
    module = sys.modules.get(_CASE)
    if module is None or not isinstance(obj, module.ConnectorCase):
        return None
    from backhaul.testing.conformance.items import CaseCollector

    return CaseCollector.of(collector, name=name, case=obj)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that sum up behind those of the rules, whatever order the others have."""
    if _CASE in sys.modules:
        items.sort(key=_sums_up)


def _sums_up(item: pytest.Item) -> bool:
    keywords: Sequence[str] = item.nodeid.rpartition("::")[2].split("@")
    return keywords[0] == "quality-recorded" and _CASE in sys.modules
