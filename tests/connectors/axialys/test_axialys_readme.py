"""The README names every setting, action, parameter, field and event, and which test covers which trap."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import backhaul_connectors.axialys as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.axialys import Axialys, CallAccepted, CallbackChanged, CallData, CallState
from backhaul_connectors.axialys.call_state import EXPIRED
from backhaul_connectors.axialys.models import CALL_EVENTS
from backhaul_connectors.axialys.watching import SILENT
from connector_kit.readme import missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name, method in vars(Axialys).items() if hasattr(method, "__backhaul_action__")]
OWN_SETTINGS = Axialys.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(Axialys, action)).parameters}
FIELDS = {name for model in (CallAccepted, CallbackChanged, CallData, CallState) for name in model.model_fields}
TESTS = Path(__file__).parent


@pytest.mark.parametrize(
    "word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self"}), *CALL_EVENTS, EXPIRED, SILENT})
)
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


def test_every_trap_has_a_test() -> None:
    docs = "\n".join(path.read_text() for path in TESTS.glob("test_*.py"))
    covered = {
        int(number) for found in re.findall(r"Traps? ([\d, and]+)", docs) for number in re.findall(r"\d+", found)
    }
    assert covered >= set(range(1, 15))


def test_every_test_file_that_the_readme_names_is_there() -> None:
    assert named_tests(README)
    assert missing_tests(README, TESTS) == []


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [Axialys]
