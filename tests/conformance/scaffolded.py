"""The scaffold's connector as a test has just made it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path

from backhaul.testing import ConnectorCase

__all__ = ["case_in", "pytest_options"]


@contextmanager
def case_in(folder: Path) -> Iterator[ConnectorCase]:
    """Give the case of a connector that the scaffold made in a folder; its modules are forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder / "src"))
    try:
        spec = importlib.util.spec_from_file_location("scaffolded_case", folder / "tests" / "test_conformance.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        case = module.CASE
        assert isinstance(case, ConnectorCase)
        yield case
    finally:
        sys.path.remove(str(folder / "src"))
        for name in set(sys.modules) - before:
            if name.startswith("backhaul_"):
                del sys.modules[name]


def pytest_options() -> list[str]:
    """Return what loads the suite's plugin, if the installed package does not declare it by itself."""
    declared = any(entry.value == "backhaul.testing.plugin" for entry in entry_points(group="pytest11"))
    return [] if declared else ["-p", "backhaul.testing.plugin"]
