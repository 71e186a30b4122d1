"""docs/cli.md names every command and every option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from backhaul.cli.main import app

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, f"{path} {name}")


COMMANDS = dict(_commands(get_command(app), "backhaul"))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_documented(path: str) -> None:
    assert path in " ".join(TEXT.split())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_is_documented(path: str) -> None:
    section = TEXT
    if path != "backhaul":
        heading = " ".join(path.split()[:2])
        found = re.search(rf"^## {heading}\b.*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
        assert found, heading
        section = found[0] + TEXT[TEXT.index("**Output.**") : TEXT.index("**Exit codes.**")]
    for option in (name for one in COMMANDS[path].params for name in (*one.opts, *one.secondary_opts)):
        if option.startswith("-") and option not in {"-h", "--help"} | (
            {"--quiet", "-q"} if " runs " in path else set()
        ):
            assert re.search(rf"`{option}\b|[ (,\n]{option}\b", section), f"{path} {option}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    for path in re.findall(r"`(backhaul(?: [a-z]+)+)", TEXT):
        words = path.split()
        known = [path for path in COMMANDS if words[: len(path.split())] == path.split()]
        assert len(known) > 1, path
