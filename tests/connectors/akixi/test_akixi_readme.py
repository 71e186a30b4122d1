"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import backhaul_connectors.akixi as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.akixi import (
    Akixi,
    IntegratorClient,
    IntegratorClientAddition,
    IntegratorClientChange,
    IntegratorClientField,
    IntegratorClientRemoval,
    Report,
    ReportRun,
)
from backhaul_connectors.akixi.errors import ERRORS
from connector_kit.readme import missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name, method in vars(Akixi).items() if hasattr(method, "__backhaul_action__")]
OWN_SETTINGS = Akixi.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(Akixi, action)).parameters}
MODELS = (
    IntegratorClient,
    IntegratorClientAddition,
    IntegratorClientChange,
    IntegratorClientRemoval,
    Report,
    ReportRun,
)
FIELDS = {name for model in MODELS for name in model.model_fields}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self", "cursor"})}))
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [Akixi]


def test_every_test_file_that_the_readme_names_exists() -> None:
    assert named_tests(README)
    assert missing_tests(README, Path(__file__).parent) == []


@pytest.mark.parametrize("word", [*(str(field) for field in IntegratorClientField), *map(str, ERRORS)])
def test_the_readme_names_the_vendors(word: str) -> None:
    assert word in README


def test_every_trap_has_a_test() -> None:
    docs = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    covered = {
        int(number) for found in re.findall(r"Traps? ([\d, and]+)", docs) for number in re.findall(r"\d+", found)
    }
    assert covered >= set(range(1, 15))
