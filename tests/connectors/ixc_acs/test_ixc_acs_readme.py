"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
import re
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
    table = README.partition("## Operations and facts")[2].partition("\n## ")[0]
    assert [action for action in ACTIONS if f"`{action}`" not in table] == []


def test_every_test_that_the_readme_names_is_there() -> None:
    here, root = Path(__file__).parent, Path(__file__).parents[3]
    named = set(re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py)`", README))
    missing = [one for one in named if not ((root if one.startswith("tests/") else here) / one).is_file()]
    assert (len(named) > 5, missing) == (True, [])


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [IxcAcs]
