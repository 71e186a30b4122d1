"""The installed program, driven from outside as a user does: nothing of the repository is imported.

``BACKHAUL_BIN`` names the folder that holds the ``backhaul`` command; by default this interpreter's own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BIN = Path(os.environ.get("BACKHAUL_BIN") or Path(sys.executable).parent)
DEVICES = 300

CONNECTOR = '''\
"""A connector in one file."""

from backhaul.sdk import Connector, Effect, action


class Dice(Connector):
    """Dice that always show the same."""

    name = "dice"

    @action(effect=Effect.READ)
    async def throw(self, *, sides: int = 6) -> int:
        """Return a number that was chosen by a fair throw."""
        return min(4, sides)
'''

WORKFLOW = """\
name: throw-twice
inputs:
  sides: {type: integer, default: 6}
steps:
  - id: both
    parallel:
      - {id: one, call: dice.throw, with: {sides: "${{ inputs.sides }}"}}
      - {id: two, call: dice.throw}
output: ${{ steps.one + steps.two }}
"""


def start(folder: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start the program in a folder."""
    return subprocess.Popen(
        [str(BIN / "backhaul"), *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def backhaul(folder: Path, *arguments: str, code: int = 0, **environ: str) -> str:
    """Run the program to its end and return its standard output."""
    process = start(folder, *arguments, **environ)
    out, err = process.communicate(timeout=180)
    assert process.returncode == code, (arguments, process.returncode, out, err)
    return out


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a sandbox ISP."""
    ready = tmp_path_factory.mktemp("sandbox") / "ready"
    command = ["sandbox", "--devices", str(DEVICES), "--seed", "11", "--port", "0", "--ready-file", str(ready)]
    process = subprocess.Popen([str(BIN / "backhaul"), *command], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, "the sandbox ended"
        assert time.monotonic() < until, "the sandbox does not start"
        time.sleep(0.05)
    yield ready.read_text().strip()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def ask(sandbox: str, path: str) -> Any:
    """Return what the sandbox's control interface says."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{sandbox}/_sandbox/{path}", timeout=30) as answer:
        return json.load(answer)


def test_version_and_help(tmp_path: Path) -> None:
    assert backhaul(tmp_path, "--version").startswith("backhaul ")
    text = backhaul(tmp_path, "--help")
    for command in ("init", "check", "run", "runs", "call", "sandbox", "demo"):
        assert f" {command} " in text


def test_a_folder_without_a_project_gets_advice(tmp_path: Path) -> None:
    document = json.loads(backhaul(tmp_path, "check", "--json", code=2))
    assert "backhaul init" in document["error"]["message"]


def test_from_an_empty_folder_to_a_synced_isp(tmp_path: Path, sandbox: str) -> None:
    backhaul(tmp_path, "init")
    known = ask(sandbox, "credentials")
    environ = {
        "ACS_URL": f"{sandbox}/acs",
        "ACS_CLIENT_ID": known["acs"]["client_id"],
        "ACS_CLIENT_SECRET": known["acs"]["client_secret"],
        "PROVIDER_URL": f"{sandbox}/provider",
        "PROVIDER_TOKEN": known["provider"]["token"],
    }
    assert json.loads(backhaul(tmp_path, "check", "--json", **environ))["count"] == 0
    assert all(
        one["ok"] for one in json.loads(backhaul(tmp_path, "connections", "check", "--json", **environ))["items"]
    )
    expected = ask(sandbox, "expected_sync?counts=1")
    assert expected["create"] > 0
    assert expected["update"] > 0
    first = json.loads(backhaul(tmp_path, "run", "nightly-sync", "--json", **environ))
    assert first["status"] == "succeeded"
    assert (first["output"]["added"], first["output"]["updated"]) == (expected["create"], expected["update"])
    second = json.loads(backhaul(tmp_path, "run", "nightly-sync", "--json", **environ))
    assert (second["output"]["added"], second["output"]["updated"]) == (0, 0)
    left = ask(sandbox, "expected_sync?counts=1")
    assert (left["create"], left["update"]) == (0, 0)
    assert ask(sandbox, "requests/repeated")["items"] == []
    listed = json.loads(backhaul(tmp_path, "runs", "list", "--json", **environ))["items"]
    assert [run["run_id"] for run in listed] == [second["run_id"], first["run_id"]]
    shown = backhaul(tmp_path, "runs", "show", first["run_id"], **environ)
    assert "devices" in shown
    assert f"added: {expected['create']}" in shown
    for secret in (environ["ACS_CLIENT_SECRET"], environ["PROVIDER_TOKEN"]):
        assert secret.encode() not in b"".join(path.read_bytes() for path in (tmp_path / ".backhaul").iterdir())


def test_a_connector_in_one_file_with_a_broken_one_beside_it(tmp_path: Path) -> None:
    for name, text in {
        "backhaul.toml": '[connections.dice]\nconnector = "dice"\n',
        "connectors/dice.py": CONNECTOR,
        "connectors/broken.py": "from backhaul.sdk import NothingOfThatName\n",
        "workflows/throw.yaml": WORKFLOW,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    listed = json.loads(backhaul(tmp_path, "connectors", "list", "--json"))
    assert "dice" in {one["name"] for one in listed["items"]}
    (broken,) = listed["broken"]
    assert "NothingOfThatName" in broken["reason"]
    assert "connectors/broken.py:1:1: broken-plugin" in backhaul(tmp_path, "check", code=2)
    run = json.loads(backhaul(tmp_path, "run", "throw-twice", "--input", "sides=3", "--json"))
    assert (run["status"], run["output"]) == ("succeeded", 7)


def test_the_demo_agrees_with_the_sandbox(tmp_path: Path) -> None:
    text = backhaul(tmp_path, "demo", "--devices", "400", "--keep", str(tmp_path / "demo"))
    assert "DIFFERENT" not in text
    assert text.count("-> equal") == 18
    runs = json.loads(backhaul(tmp_path / "demo", "runs", "list", "--json"))["items"]
    assert [run["workflow"] for run in runs].count("nightly-sync") == 2
