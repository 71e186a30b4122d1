"""A secret in every secret setting of every connector shows nowhere, at debug level, while all HTTP fails."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError

from backhaul.cli.main import main
from backhaul.errors import InputError
from backhaul.plugins.action import ActionSpec, actions_of
from backhaul.plugins.connector import HttpSettings
from backhaul.plugins.loader import load_plugins
from backhaul.sdk import Json, Secret
from backhaul.testing import ConnectorCase
from backhaul.testing.conformance.bench import example_of
from backhaul.testing.conformance.planted import altered, leaks, secret_settings
from conformance.all_cases import CASES
from conformance.echo import WAYS, EchoServer, serving_echo

INSTALLED = sorted(set(load_plugins().connectors) & set(CASES))


@dataclass(frozen=True, slots=True)
class Planted:
    """A connection with a known text in every secret setting, and what its actions are called with."""

    settings: Mapping[str, Json]
    secrets: Mapping[str, str]
    examples: Mapping[str, Mapping[str, Json]]


@dataclass(slots=True)
class Program:
    """Runs commands in a project at debug level and keeps all that they print."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    shown: dict[str, str]

    def __call__(self, *arguments: str, note: str = "") -> str:
        with pytest.raises(SystemExit):
            main(["--project", str(self.folder), "-v", *arguments])
        out, err = self.capture.readouterr()
        self.shown[f"backhaul {' '.join(arguments)} {note}".strip()] = out + err
        return out


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Program(tmp_path, capsys, {})
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with serving_echo() as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTALLED)
def test_a_planted_secret_is_shown_nowhere(
    name: str, program: Program, echo: EchoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = asyncio.run(plant(CASES[name], echo.url))
    write_project(program.folder, name, planted, monkeypatch)
    program("check")
    for way in WAYS:
        echo.way = way
        program("connections", "check", note=way)
        program("run", "everything", note=way)
        program("run", "everything", "--json", note=way)
    echo.way = "500"
    first = next(iter(planted.examples))
    given = [f"{key}={json.dumps(value)}" for key, value in planted.examples[first].items()]
    program("call", f"planted.{first}", *given)
    listed = json.loads(program("runs", "list", "--json"))["items"]
    for run in listed:
        program("runs", "show", run["run_id"])
        program("runs", "show", run["run_id"], "--json")
    for command in (("connections", "list"), ("connectors", "show", name), ("connectors", "list"), ("schema",)):
        program(*command)

    assert_it_was_sent(planted, echo)
    assert len(listed) == 2 * len(WAYS)
    assert any("http request" in text for text in program.shown.values()), "the log is not at debug level"
    program.shown["the history"] = history(program.folder)
    assert not list(leaks(planted.secrets, program.shown))


@pytest.mark.parametrize("name", INSTALLED)
def test_a_mistake_in_a_secret_setting_is_told_without_it(
    name: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = asyncio.run(plant(CASES[name], "http://127.0.0.1:9"))
    for what, secret in planted.secrets.items():
        spoilt = {one: f"{text} {text}" if one == what else text for one, text in planted.secrets.items()}
        write_project(program.folder, name, Planted(planted.settings, spoilt, planted.examples), monkeypatch)
        program("check", note=what)
        program("connections", "check", note=what)
        program("connections", "list", note=what)
        assert not list(leaks({what: secret}, program.shown))


async def plant(case: ConnectorCase, url: str) -> Planted:
    """Return settings that lead to `url`, with texts in all secrets that the sandbox does not know."""
    model = case.connector.Settings
    async with case.serve() as sandbox:
        settings: dict[str, Any] = dict(sandbox.settings)
        if issubclass(model, HttpSettings):
            settings["base_url"] = url
        examples = {
            name: example
            for name, spec in actions_of(case.connector).items()
            if fits(spec, example := example_of(case, sandbox, name))
        }
    for field, info in model.model_fields.items():
        if field not in settings and "Secret" in repr(info.annotation):
            settings = accepted(case, settings, field)
    secrets = {}
    for one in secret_settings(model.model_validate(settings)):
        # A URL, such as one with a secret in its path, would not be one any more.
        secrets[str(one)] = one.value if "://" in one.value else altered(one.value)
        settings = one.replaced(settings, f"${{{variable(str(one))}}}")
    return Planted(settings, {**secrets, "hook_secrets": "planted-hook-secret-7f3a9c"}, examples)


def fits(spec: ActionSpec, example: Mapping[str, Json]) -> bool:
    """Tell whether an action can be called with its example; that each has a good one is a rule of the suite."""
    try:
        spec.arguments(example)
    except InputError:
        return False
    return True


def accepted(case: ConnectorCase, settings: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the settings with a text in a secret that the sandbox does not need, if it may stand beside the others."""
    more = {**settings, field: f"planted-{field}-4b8d0e6f1a"}
    try:
        case.connector.Settings.model_validate(more)
    except ValidationError:
        return settings
    return more


def write_project(folder: Path, name: str, planted: Planted, patch: pytest.MonkeyPatch) -> None:
    for what, text in planted.secrets.items():
        patch.setenv(variable(what), text)
    table = {"connector": name, **planted.settings, "hook_secrets": [f"${{{variable('hook_secrets')}}}"]}
    lines = ["[defaults]", "retry = {attempts = 1}", "[connections.planted]"]
    lines += [f"{key} = {toml(value)}" for key, value in table.items() if value is not None]
    (folder / "backhaul.toml").write_text("\n".join(lines) + "\n")
    (folder / "workflows").mkdir(exist_ok=True)
    steps = [
        {"id": action, "call": f"planted.{action}", "with": params, "on_error": "continue"}
        for action, params in planted.examples.items()
    ]
    workflow = {"name": "everything", "steps": [{"id": "all", "parallel": steps}]}
    (folder / "workflows" / "everything.yaml").write_text(json.dumps(workflow))


def variable(what: str) -> str:
    return f"PLANTED_{what.upper().replace('.', '_')}"


def toml(value: Json) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(toml(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def history(folder: Path) -> str:
    """Return everything that the history's tables hold, and the bytes of its files."""
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted((folder / ".backhaul").iterdir())]
    with sqlite3.connect(folder / ".backhaul" / "backhaul.db") as database:
        texts += database.iterdump()
    database.close()
    return "\n".join(texts)


def assert_it_was_sent(planted: Planted, echo: EchoServer) -> None:
    """Show that the test can see what it looks for: the other system did hear a secret."""
    if isinstance(planted.settings.get("base_url"), str):
        assert echo.heard
        assert list(leaks(planted.secrets, {"the wire": "\n".join(echo.heard)})), Secret.__name__
