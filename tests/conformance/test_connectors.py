"""The conformance suite for every built-in connector: one test per rule and connector (see ``cases/``)."""

from __future__ import annotations

import pytest

from backhaul.plugins.loader import load_plugins
from backhaul.testing import plugin
from conformance.all_cases import CASES

globals().update({f"CASE_{name}": case for name, case in CASES.items()})


def test_every_installed_connector_has_a_case() -> None:
    assert set(load_plugins().connectors) <= set(CASES)


def test_the_suite_is_active(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.is_registered(plugin), "run: pip install -e . (the plugin is an entry point)"
