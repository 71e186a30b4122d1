"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import backhaul_connectors.ixc_acs as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.capabilities import Capabilities, PppInterface
from backhaul_connectors.ixc_acs.diagnostics import DiagnosticStarted
from backhaul_connectors.ixc_acs.hook_settings import EVENT_TYPES, HookFields
from backhaul_connectors.ixc_acs.models import Device
from backhaul_connectors.ixc_acs.parameters import ParameterUpdate
from backhaul_connectors.ixc_acs.reachability import Hop, Neighbor, NeighborScan, Ping, Traceroute
from backhaul_connectors.ixc_acs.removal_actions import MOST_REPORTS, Removal
from backhaul_connectors.ixc_acs.restart_actions import RestartAsked
from backhaul_connectors.ixc_acs.routes import Routes
from backhaul_connectors.ixc_acs.speed_test import SpeedTest
from backhaul_connectors.ixc_acs.wifi import WifiChange, WifiInterface
from connector_kit.readme import actions_left_out, missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name in dir(IxcAcs) if hasattr(getattr(IxcAcs, name), "__backhaul_action__")]
OWN_SETTINGS = IxcAcs.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(IxcAcs, action)).parameters}
MODELS = (
    Device, Capabilities, PppInterface, DiagnosticStarted, ParameterUpdate, Hop, Neighbor, NeighborScan, Ping,
    Traceroute, Removal, RestartAsked, SpeedTest, WifiChange, WifiInterface, Routes, HookFields,
)  # fmt: skip
FIELDS = {name for model in MODELS for name in model.model_fields}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self", "cursor"})}))
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


@pytest.mark.parametrize("event", EVENT_TYPES)
def test_the_readme_names_the_event(event: str) -> None:
    assert f"`{event}`" in README


def test_the_readme_says_how_many_reports_are_read() -> None:
    assert f"at most {MOST_REPORTS:,} reports" in README


def test_the_table_of_operations_names_every_action() -> None:
    assert actions_left_out(README, ACTIONS) == []


def test_every_test_that_the_readme_names_is_there() -> None:
    assert len(named_tests(README)) > 5
    assert missing_tests(README, Path(__file__).parent) == []


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [IxcAcs]
