"""The README names every setting, action, parameter and field."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import backhaul_connectors.http as package
from backhaul.sdk import HttpSettings
from backhaul_connectors.http import Http, HttpAnswer, Paging, Proof
from connector_kit.readme import missing_tests, named_tests

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
ACTIONS = [name for name, method in vars(Http).items() if hasattr(method, "__backhaul_action__")]
OWN_SETTINGS = Http.Settings.model_fields.keys() - HttpSettings.model_fields.keys()
PARAMETERS = {name for action in ACTIONS for name in inspect.signature(getattr(Http, action)).parameters}
FIELDS = {name for model in (HttpAnswer, Paging, Proof) for name in model.model_fields}


@pytest.mark.parametrize("word", sorted({*ACTIONS, *OWN_SETTINGS, *FIELDS, *(PARAMETERS - {"self", "cursor"})}))
def test_the_readme_names(word: str) -> None:
    assert f"`{word}`" in README


def test_every_test_file_that_the_readme_names_is_there() -> None:
    assert named_tests(README)
    assert missing_tests(README, Path(__file__).parent) == []


def test_the_package_registers_its_connector() -> None:
    assert list(package.backhaul_connectors()) == [Http]
