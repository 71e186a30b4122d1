"""Commands about runs that wait."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest

from cli.program import Cli

ASK = """\
name: ask
steps:
  - {id: first, set: {x: 1}}
  - id: ok
    wait:
      approval:
        to: the night shift
        message: Remove 12 devices?
        schema: {type: object, required: [most], properties: {most: {type: integer}}}
        timeout: 24h
output: ${{ steps.ok.data.most }}
"""


@pytest.fixture
def asking(project: Cli) -> Iterator[tuple[Cli, subprocess.Popen[str], str]]:
    """A command that waits for approval, and its run."""
    project.write("workflows/ask.yaml", ASK)
    process = project.start("run", "ask", "--json")
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    line = next(line for line in lines if "backhaul runs approve" in line)
    yield project, process, line.split()[3]
    if process.poll() is None:
        process.kill()
        process.wait(10)
    process.stderr.close()
    assert process.stdout is not None
    process.stdout.close()


def test_a_command_that_waits_goes_on_after_the_approval(asking: tuple[Cli, subprocess.Popen[str], str]) -> None:
    cli, process, run_id = asking
    assert cli.json("runs", "list", "--status", "waiting")["items"][0]["run_id"] == run_id
    shown = cli("runs", "show", run_id).stdout
    assert "for approval by the night shift" in shown
    assert "Remove 12 devices?" in shown
    assert f"backhaul runs approve {run_id} --step 'ok'" in shown
    assert "none was given; what is needed" in cli("runs", "approve", run_id, code=2).stderr
    assert "most" in cli("runs", "approve", run_id, "--data", "{}", code=2).stderr
    assert "not JSON" in cli("runs", "approve", run_id, "--data", "{", code=2).stderr
    decided = cli.json("runs", "approve", run_id, "--by", "ana", "--note", "fine", "--data", '{"most": 12}')
    assert decided["approved"] is True
    assert (decided["by"], decided["note"], decided["step"]) == ("ana", "fine", "ok")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["output"] == 12
    again = cli("runs", "approve", run_id, "--data", '{"most": 12}', code=1).stderr
    assert "has succeeded" in again


def test_ctrl_c_leaves_it_waiting(asking: tuple[Cli, subprocess.Popen[str], str]) -> None:
    cli, process, run_id = asking
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"backhaul runs resume {run_id}" in err
    assert json.loads(out)["status"] == "waiting"
    rejected = cli("runs", "reject", run_id, "--step", "ok", "--note", "too many")
    assert "rejected" in rejected.stdout
    assert "rejected already" in cli("runs", "approve", run_id, "--data", '{"most": 1}', code=1).stderr
    document = cli.json("runs", "resume", run_id, code=1)
    assert document["error"]["type"] == "RejectedError"
    assert "too many" in document["error"]["message"]


def test_nothing_to_approve_is_a_clear_error(project: Cli) -> None:
    run = project.json("run", "greet")["run_id"]
    assert "nothing waits for approval any more" in project("runs", "approve", run, code=1).stderr
    assert "no run 'zzz'" in project("runs", "reject", "zzz", code=2).stderr
