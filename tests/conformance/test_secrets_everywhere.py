"""A secret in every secret setting of every connector shows nowhere, at debug level, while all HTTP fails."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from backhaul.plugins.loader import load_plugins
from backhaul.testing.conformance.planted import leaks
from conformance.all_cases import CASES
from conformance.echo import WAYS, serving_echo
from conformance.planting import (
    HOOKS,
    MANNERS,
    Planted,
    Program,
    history,
    plant,
    secret_fields,
    takes_webhooks,
    write_project,
)

NOBODY = "http://127.0.0.1:9"
SPOILT = {"blank": "{0} {0}", "line": "{0}\n{0}", "accent": "{0}é"}
each_manner = pytest.mark.parametrize(("name", "manner"), MANNERS, ids=[".".join(one) for one in MANNERS])


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Program]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Program(tmp_path, capsys, {})
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def planted_in(name: str, manner: str, url: str) -> Planted:
    return asyncio.run(plant(CASES[name], url, MANNERS[name, manner]))


def test_every_secret_setting_of_every_connector_is_planted() -> None:
    assert {name for name, _ in MANNERS} == set(CASES) == set(load_plugins().connectors) & set(CASES)
    for name, case in CASES.items():
        kinds = [planted_in(*one, NOBODY) for one in MANNERS if one[0] == name]
        planted = {what.partition(".")[0] for kind in kinds for what in kind.secrets}
        assert planted == secret_fields(case) | ({HOOKS} if takes_webhooks(case) else set())
        assert any(kind.examples.keys() == set(load_plugins().connectors[name].actions) for kind in kinds)


@pytest.mark.slow
@each_manner
def test_a_planted_secret_is_shown_nowhere(
    name: str, manner: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_echo() as echo:
        planted = planted_in(name, manner, echo.url)
        write_project(program.folder, planted, planted.secrets, monkeypatch)
        program("check")
        for echo.way in WAYS:
            program("connections", "check", note=echo.way)
            program("run", "everything", "--json", note=echo.way)
        echo.way = "500"
        program("run", "everything")
        first = next(iter(planted.examples))
        given = [f"{key}={json.dumps(value)}" for key, value in planted.examples[first].items()]
        program("call", f"planted.{first}", *given)
    program("connections", "check", note="nobody listens")
    program("run", "everything", "--json", note="nobody listens")
    listed = json.loads(program("runs", "list", "--json"))["items"]
    for run in listed:
        program("runs", "show", run["run_id"], "--show-personal")
        program("runs", "show", run["run_id"], "--show-personal", "--json")
    for command in (("connections", "list"), ("connectors", "show", name), ("connectors", "list"), ("schema",)):
        program(*command)

    assert_it_was_sent(planted, echo.heard, manner)
    assert len(listed) == len(WAYS) + 2
    assert any("http request" in text for text in program.shown.values()), "the log is not at debug level"
    program.shown["the history"] = history(program.folder)
    assert "everything" in program.shown["the history"]
    assert not list(leaks(planted.texts, program.shown))
    assert not [where for where, text in program.shown.items() if signed_tokens([text])]


@pytest.mark.slow
@each_manner
def test_a_spoilt_secret_is_told_without_it(
    name: str, manner: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = planted_in(name, manner, NOBODY)
    first = next(iter(planted.examples))
    planted = replace(planted, examples={first: planted.examples[first]})
    for what in planted.secrets:
        for how, form in SPOILT.items():
            spoilt = {**planted.secrets, what: form.format(planted.secrets[what])}
            write_project(program.folder, planted, spoilt, monkeypatch)
            assert program("connections", "check", "--json", note=f"{what} {how}")
        program("run", "everything", "--json", note=what)
        program("check", note=what)
    program("connections", "list")
    program.shown["the history"] = history(program.folder)
    assert not list(leaks(planted.texts, program.shown))


@pytest.mark.parametrize("name", CASES)
def test_a_blank_inside_of_a_credential_is_a_mistake_that_is_told(
    name: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = planted_in(*next(one for one in MANNERS if one[0] == name), NOBODY)
    told = []
    for what in set(planted.secrets) - {HOOKS}:
        write_project(
            program.folder,
            planted,
            {**planted.secrets, what: f"{planted.secrets[what]} {planted.secrets[what]}"},
            monkeypatch,
        )
        problems = json.loads(program("check", "--json", note=what))
        told += [what] * (what.partition(".")[0] in json.dumps(problems))
    assert told, "the test must see that a mistake is told at all"


def assert_it_was_sent(planted: Planted, heard: list[str], manner: str) -> None:
    """Show that the test can see what it looks for: the other system did hear a secret, or what it signed."""
    assert heard
    sent = "\n".join(heard)
    assert signed_tokens(heard) if manner == "key_pair" else list(leaks(planted.secrets, {"the wire": sent}))


def signed_tokens(texts: list[str]) -> list[str]:
    """Return what looks like a signed token (JWT): three parts of base64."""
    return [found for text in texts for found in re.findall(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}", text)]
