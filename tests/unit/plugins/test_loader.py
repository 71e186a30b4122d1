"""Plug-ins are found, and a broken one disables itself and nothing else."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from backhaul.errors import ConfigurationError, UnknownNameError
from backhaul.plugins.action import Effect
from backhaul.plugins.loader import load_plugins
from backhaul.plugins.registry import PluginRegistry

GOOD = """
    from backhaul.sdk import Connector, Effect, action

    class Good(Connector):
        name = "good"

        @action(effect=Effect.READ)
        async def look(self, *, town: str) -> float:
            return 1.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "connectors"
    path.mkdir()
    (path / "good.py").write_text(dedent(GOOD))
    return path


def load(folder: Path, **files: str) -> PluginRegistry:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return load_plugins(folder, installed=[])


def reason(folder: Path, text: str) -> str:
    registry = load(folder, bad=text)
    assert list(registry.connectors) == ["good"]
    (broken,) = registry.broken
    assert (broken.name, broken.source) == ("bad", "connectors/bad.py")
    return broken.reason


def test_one_file_is_a_connector(folder: Path) -> None:
    found = load(folder).connectors["good"]
    assert found.actions["look"].effect is Effect.READ
    assert (found.source, found.version) == ("connectors/good.py", "")


def test_there_need_be_no_folder(tmp_path: Path) -> None:
    assert load_plugins(tmp_path / "none", installed=[]) == PluginRegistry()


def test_files_that_begin_with_an_underscore_are_for_the_others_to_import(folder: Path) -> None:
    registry = load(
        folder,
        _shared="NAME = 'sharing'",
        sharing="""
            from backhaul.sdk import Connector
            from ._shared import NAME

            class Sharing(Connector):
                name = NAME
        """,
    )
    assert sorted(registry.connectors) == ["good", "sharing"]
    assert registry.broken == ()


def test_a_package_is_a_plugin(folder: Path) -> None:
    package = folder / "crm"
    package.mkdir()
    (package / "__init__.py").write_text("from .connector import Crm")
    (package / "connector.py").write_text(dedent(GOOD).replace("Good", "Crm").replace("good", "crm"))
    assert sorted(load(folder).connectors) == ["crm", "good"]


def test_a_hook_in_a_file_decides_by_itself(folder: Path) -> None:
    registry = load(
        folder,
        hooked=GOOD.replace('"good"', '"hooked"')
        + """
    from backhaul.sdk import hookimpl

    @hookimpl
    def backhaul_connectors():
        return [Good]

    class Other(Connector):
        name = "other"
    """,
    )
    assert sorted(registry.connectors) == ["good", "hooked"]


def test_imported_and_base_classes_do_not_count(folder: Path) -> None:
    registry = load(
        folder,
        two="""
            from backhaul.sdk import Connector
            from .good import Good

            class Base(Connector):
                pass

            class One(Base):
                name = "one"

            class Two(Base):
                name = "two"
        """,
    )
    assert sorted(registry.connectors) == ["good", "one", "two"]


def test_a_changed_file_is_read_again(folder: Path) -> None:
    assert list(load(folder).connectors) == ["good"]
    (folder / "good.py").write_text(dedent(GOOD).replace('"good"', '"better"'))
    assert list(load(folder).connectors) == ["better"]


def test_a_syntax_error_names_its_line(folder: Path) -> None:
    assert reason(folder, "x = 1\nclass (") == "bad.py:2: SyntaxError: invalid syntax"


def test_a_missing_module_is_named_with_the_line_that_wants_it(folder: Path) -> None:
    assert reason(folder, "\nimport no_such_thing") == (
        "bad.py:2: ModuleNotFoundError: No module named 'no_such_thing'"
    )


def test_an_error_deep_inside_is_found(folder: Path) -> None:
    assert reason(folder, "def f():\n    raise OSError('deep')\nf()") == "bad.py:2: OSError: deep"


def test_a_file_that_ends_the_program_does_not(folder: Path) -> None:
    assert "ends the program" in reason(folder, "import sys\nsys.exit(3)")


def test_a_file_without_a_connector_is_told_what_to_write(folder: Path) -> None:
    assert "inherits from backhaul.sdk.Connector" in reason(folder, "x = 1")


def test_a_misspelt_hook_is_found(folder: Path) -> None:
    text = "from backhaul.sdk import hookimpl\n@hookimpl\ndef backhaul_conectors():\n    return []"
    assert "unknown hook 'backhaul_conectors'" in reason(folder, text)


def test_a_hook_with_an_argument_that_there_is_not_is_found(folder: Path) -> None:
    text = "from backhaul.sdk import hookimpl\n@hookimpl\ndef backhaul_connectors(settings):\n    return []"
    assert "settings" in reason(folder, text)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [("None", "must return a list"), ("'x'", "must return a list"), ("[1]", "1 is not a class"), ("[str]", "str")],
)
def test_a_hook_that_returns_something_else_is_found(folder: Path, returned: str, expected: str) -> None:
    text = f"from backhaul.sdk import hookimpl\n@hookimpl\ndef backhaul_connectors():\n    return {returned}"
    assert expected in reason(folder, text)


def test_the_second_of_two_connectors_with_one_name_is_broken(folder: Path) -> None:
    registry = load(folder, zweite=GOOD)
    assert registry.connectors["good"].source == "connectors/good.py"
    assert [broken.name for broken in registry.broken] == ["zweite"]
    assert "the name 'good' is already taken by connectors/good.py" in registry.broken[0].reason


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", "Bad has no name: add  name = 'bad'"),
        ("name = 'Not A Name'", "must be lower-case letters"),
        ("name = 'bad'; Settings = dict", "Settings must be a class that inherits from ConnectorSettings"),
        ("name = 'bad'\n    @action(effect='read')\n    async def a(self, x: int) -> int: ...", "must be keyword-only"),
        (
            "name = 'bad'\n    @action(effect='read')\n    async def a(self, *, x) -> int: ...",
            "needs a type annotation",
        ),
        ("name = 'bad'\n    @action(effect='read')\n    async def a(self): ...", "needs a return annotation"),
        ("name = 'bad'\n    @action(effect='read')\n    def a(self) -> int: ...", "must be 'async def'"),
        ("name = 'bad'\n    @action(effect='sometimes')\n    async def a(self) -> int: ...", "'sometimes'"),
        ("name = 'bad'\n    @action()\n    async def a(self) -> int: ...", "effect"),
        ("name = 'bad'\n    @action(effect='read')\n    async def a(self, *, x: 'Nowhere') -> int: ...", "Nowhere"),
        ("name = 'bad'\n    @action(effect='once', verify='v')\n    async def a(self) -> int: ...", "no method 'v'"),
    ],
)
def test_a_class_that_cannot_be_used_says_why(folder: Path, body: str, expected: str) -> None:
    text = f"from backhaul.sdk import Connector, action\nclass Bad(Connector):\n    {body}\n"
    assert expected in reason(folder, text)


def test_a_plugin_with_one_bad_class_brings_none(folder: Path) -> None:
    text = "from backhaul.sdk import Connector\nclass Fine(Connector):\n    name = 'fine'\nclass Bad(Connector): ...\n"
    assert "Bad has no name" in reason(folder, text)


def test_an_entry_point_that_cannot_be_imported_is_broken() -> None:
    registry = load_plugins(installed=[EntryPoint("lost", "no_such_package.connector", "backhaul")])
    assert registry.broken[0].name == "lost"
    assert "No module named 'no_such_package'" in registry.broken[0].reason


def test_an_entry_point_without_a_hook_is_told_to_add_it() -> None:
    registry = load_plugins(installed=[EntryPoint("json", "json", "backhaul")])
    assert "@hookimpl" in registry.broken[0].reason


def test_a_broken_plugin_is_named_when_its_connector_is_asked_for(folder: Path) -> None:
    registry = load(folder, bad="import no_such_thing")
    with pytest.raises(ConfigurationError, match=r"'bad' \(connectors/bad.py\) cannot be used: .*no_such_thing"):
        registry.connector("bad")
    with pytest.raises(UnknownNameError, match="did you mean 'good'"):
        registry.connector("goood")
