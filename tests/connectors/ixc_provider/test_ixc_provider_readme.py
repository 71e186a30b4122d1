"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import backhaul_connectors.ixc_provider as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.billing_actions import Boleto
from backhaul_connectors.ixc_provider.bills import Bill, Consumption, FileContent, LentItem, StoredFile
from backhaul_connectors.ixc_provider.buttons import BUTTONS, Pressed
from backhaul_connectors.ixc_provider.contracts import Contract, Customer, Plan
from backhaul_connectors.ixc_provider.device_actions import Notified
from backhaul_connectors.ixc_provider.flexigrid import Session, WaitingOnu
from backhaul_connectors.ixc_provider.models import AcsDevice, AcsDeviceChange, Login, Removal
from backhaul_connectors.ixc_provider.onus import Onu, OnuText, OpticalSummary
from backhaul_connectors.ixc_provider.record_actions import Inserted, RecordChange
from backhaul_connectors.ixc_provider.support import ServiceOrder, Ticket
from connector_kit.readme import actions_left_out, missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name in dir(IxcProvider) if hasattr(getattr(IxcProvider, name), "__backhaul_action__")]
OWN_SETTINGS = IxcProvider.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(IxcProvider, action)).parameters}
FIELDS = {
    name
    for model in (
        AcsDevice,
        AcsDeviceChange,
        Bill,
        Consumption,
        FileContent,
        LentItem,
        Login,
        Notified,
        Removal,
        StoredFile,
        Boleto,
        Pressed,
        Contract,
        Customer,
        Plan,
        Session,
        WaitingOnu,
        Onu,
        OnuText,
        OpticalSummary,
        Inserted,
        RecordChange,
        ServiceOrder,
        Ticket,
    )
    for name in model.model_fields
}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self", "cursor"})}))
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


@pytest.mark.parametrize("button", sorted(BUTTONS))
def test_the_readme_names_every_button_and_its_resource(button: str) -> None:
    known = next(one for name, one in BUTTONS.items() if name == button)
    assert f"`{button}`" in README
    assert f"`{known.resource}`" in README


def test_the_table_of_operations_names_every_action() -> None:
    assert actions_left_out(README, ACTIONS) == []


def test_every_test_that_the_readme_names_is_there() -> None:
    assert len(named_tests(README)) > 5
    assert missing_tests(README, Path(__file__).parent) == []


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [IxcProvider]
