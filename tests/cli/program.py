"""The command line as its users meet it: a process of its own in a project folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from backhaul.cli.main import main

__all__ = ["COMMAND", "Cli", "Done", "Sandbox"]

COMMAND = (sys.executable, "-m", "backhaul.cli.main")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox."""

    url: str

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Return what its control interface answers."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/_sandbox/{path}", data=data, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return json.load(answer)


@dataclass(slots=True)
class Cli:
    """Runs the program in a project folder: `start` in a process of its own, a call in this one, which is faster."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    environ: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **options,
        )

    def __call__(self, *arguments: str, code: int = 0) -> Done:
        """Run a command to its end and check its exit code."""
        self.capture.readouterr()
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        out, err = self.capture.readouterr()
        done = Done(int(ended.value.code or 0), out, err)
        assert done.code == code, done
        assert "Traceback" not in err or "-v" in arguments, err
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with ``--json`` and return its document: standard output is exactly that."""
        done = self(*arguments, "--json", code=code)
        assert done.stdout.count("\n") == 1, done
        return json.loads(done.stdout)

    def connect(self, name: str, connector: str, settings: Mapping[str, object]) -> None:
        """Make this a project with one connection."""
        table = {"connector": connector, **settings}
        lines = [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
        self.write("backhaul.toml", "\n".join([f"[connections.{name}]", *lines, ""]))

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


def _toml(value: object) -> str:
    """Return a JSON value as TOML writes it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value)
