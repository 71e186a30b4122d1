"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import backhaul_connectors.ispcrm as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.ispcrm import CreatedUser, Discovery, IspCrm, ListedUser, User
from connector_kit.readme import missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name, method in vars(IspCrm).items() if hasattr(method, "__backhaul_action__")]
OWN_SETTINGS = IspCrm.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(IspCrm, action)).parameters}
MODELS = (CreatedUser, Discovery, ListedUser, User)
FIELDS = {name for model in MODELS for name in model.model_fields}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self", "cursor"})}))
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [IspCrm]


def test_every_test_file_that_the_readme_names_exists() -> None:
    assert named_tests(README)
    assert missing_tests(README, Path(__file__).parent) == []


def test_every_trap_has_a_test() -> None:
    docs = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    covered = {
        int(number) for found in re.findall(r"Traps? ([\d, and]+)", docs) for number in re.findall(r"\d+", found)
    }
    assert covered >= set(range(1, 15))
