"""Starting: what is imported, what help and version say, what a wrong command line gets."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import backhaul
from cli.program import Cli

HEAVY = {"sqlmodel", "sqlalchemy", "httpx", "aiohttp", "structlog", "rich", "anyio", "starlette", "ruamel"}


def _modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    assert _modules_after("import backhaul.cli.main").isdisjoint(HEAVY | {"pydantic"})


# Typer itself may need pydantic where a command has parameters.
@pytest.mark.parametrize("command", [[], ["run"], ["runs"], ["runs", "show"], ["connectors", "show"]])
def test_help_needs_nothing_heavy(command: list[str]) -> None:
    arguments = [*command, "--help"]
    statement = (
        f"import contextlib, backhaul.cli.main as m\nwith contextlib.suppress(SystemExit):\n    m.main({arguments!r})"
    )
    assert _modules_after(statement).isdisjoint(HEAVY)


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"backhaul {backhaul.__version__}\n"


def test_help_names_every_group(cli: Cli) -> None:
    text = cli("--help").stdout
    for name in ("init", "check", "schema", "run", "call", "runs", "workflows", "connections", "connectors", "sandbox"):
        assert f"\n  {name} " in text


def test_without_a_project_the_advice_is_init(cli: Cli) -> None:
    done = cli("check", code=2)
    assert done.stdout == ""
    assert "there is no backhaul.toml" in done.stderr
    assert "backhaul init" in done.stderr


def test_the_project_is_searched_upwards(project: Cli) -> None:
    inner = project.folder / "workflows" / "deep"
    inner.mkdir()
    project.folder = inner
    assert project.json("workflows", "list")["items"][0]["name"] == "greet"


def test_the_project_can_be_named(project: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    named = str(project.folder)
    project.folder = tmp_path_factory.mktemp("elsewhere")
    assert project.json("--project", named, "workflows", "list")["items"][0]["name"] == "greet"
    error = project.json("--project", str(project.folder), "workflows", "list", code=2)["error"]
    assert error["type"] == "SettingError"


def test_a_wrong_option_is_a_wrong_command_line(cli: Cli) -> None:
    done = cli("run", "--inptu", "a=1", code=2)
    assert done.stdout == ""
    assert "--inptu" in done.stderr
    assert "backhaul run --help" in done.stderr


def test_a_wrong_option_with_json_is_one_document(cli: Cli) -> None:
    done = cli("runs", "list", "--json", "--status", "odd", code=2)
    assert json.loads(done.stdout)["error"]["type"] == "UsageError"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["run", "x"],
        ["call", "a.b"],
        ["runs", "list"],
        ["runs", "show", "x"],
        ["runs", "resume", "x"],
        ["runs", "cancel", "x"],
        ["runs", "fork", "x", "--from", "a"],
        ["runs", "resolve", "x", "a", "--as", "done"],
        ["workflows", "list"],
        ["workflows", "show", "x"],
        ["connections", "list"],
        ["connections", "check"],
        ["db", "path"],
        ["db", "stats"],
        ["db", "upgrade"],
    ],
)
def test_errors_are_one_json_document_and_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    error = cli.json(*arguments, code=2)["error"]
    assert error["type"] == "SettingError"
    assert "backhaul init" in error["message"]


def test_a_reader_that_has_enough_is_no_error(project: Cli) -> None:
    process = project.start("schema")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
