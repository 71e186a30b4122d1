"""A real sandbox process for the connectors' tests, and small servers for answers that no sandbox gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from connector_kit.sandbox import Sandbox
from connector_kit.script import Script, ScriptMaker

DEVICES = 300


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "backhaul_connectors.sandbox",
        "--devices",
        str(DEVICES),
        "--seed",
        "7",
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            assert "ready at" in line, line + process.stderr.read()
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture
def sandbox(sandbox_process: str) -> Iterator[Sandbox]:
    """A sandbox in its initial state: no faults, default switches, an untouched ISP."""
    with httpx.Client(base_url=f"{sandbox_process}/_sandbox", timeout=30, trust_env=False) as control:
        control.post("/reset", json={}).raise_for_status()
        yield Sandbox(url=sandbox_process, control=control, credentials=control.get("/credentials").json())


@pytest.fixture
def script() -> ScriptMaker:
    """Return a maker of scripted vendors: ``script(httpx.Response(200, json={...}), ...)``."""
    return lambda *answers: Script(list(answers))
