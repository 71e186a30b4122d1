"""A sandbox on loopback, and projects to work in."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cli.program import COMMAND, Cli, Sandbox

DEVICES = 120

WORKFLOW = """\
name: {name}
inputs:
  town: {{type: string, default: Recife}}
  times: {{type: integer, default: 1}}
steps:
  - id: said
    set: {{text: "${{{{ inputs.town }}}}", twice: "${{{{ inputs.times * 2 }}}}"}}
output: ${{{{ steps.said }}}}
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """The program in an empty folder. What it does to this process's logging is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Cli(tmp_path, monkeypatch, capsys)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def project(cli: Cli) -> Cli:
    """A project without connections and with one small workflow."""
    cli.write("backhaul.toml", "")
    cli.write("workflows/greet.yaml", WORKFLOW.format(name="greet"))
    return cli


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with a small ISP, one for all tests of a process."""
    ready = tmp_path_factory.mktemp("sandbox") / "ready"
    command = [*COMMAND, "sandbox", "--devices", str(DEVICES), "--seed", "3", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, "the sandbox ended"
        assert time.monotonic() < until, "the sandbox does not start"
        time.sleep(0.02)
    yield Sandbox(ready.read_text().strip())
    process.terminate()
    process.wait(20)


@pytest.fixture
def synced(cli: Cli, sandbox: Sandbox) -> Cli:
    """A project as ``backhaul init`` makes it, connected to a sandbox in its first state."""
    sandbox.ask("reset", {})
    cli("init")
    known = sandbox.ask("credentials")
    cli.environ.update(
        ACS_URL=f"{sandbox.url}/acs",
        ACS_CLIENT_ID=known["acs"]["client_id"],
        ACS_CLIENT_SECRET=known["acs"]["client_secret"],
        PROVIDER_URL=f"{sandbox.url}/provider",
        PROVIDER_TOKEN=known["provider"]["token"],
    )
    return cli
