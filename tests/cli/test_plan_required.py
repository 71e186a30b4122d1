"""What people see of runs that must be planned: the plan, what has changed since, and what to do then."""

from __future__ import annotations

import json
import signal

import pytest

from cli.program import Cli

CONNECTOR = """\
import json
from pathlib import Path
from typing import Any

from backhaul.sdk import Change, Connector, ConnectorSettings, Effect, Personal, RefusedError, action


class RadioSettings(ConnectorSettings):
    file: Path


class Radio(Connector[RadioSettings]):
    \"\"\"Radios and their power.\"\"\"

    name = "radio"
    Settings = RadioSettings

    @action(effect=Effect.READ)
    async def radios(self, *, side: str) -> list[dict[str, Any]]:
        \"\"\"Return what is wanted, or what is there.\"\"\"
        if not self.settings.file.exists():
            raise RefusedError("the system is down")
        return json.loads(self.settings.file.read_text())[side]

    @action(effect=Effect.WRITE, describe="describe_set_power")
    async def set_power(self, *, serial: str, power_dbm: float, keeper: Personal[str] = "") -> None:
        \"\"\"Set the power of a radio.\"\"\"

    async def describe_set_power(self, *, serial: str, power_dbm: float, keeper: str) -> Change:
        \"\"\"Read it once more.\"\"\"
        return Change(text="described")

    @action(effect=Effect.DELETE)
    async def remove(self, *, serial: str) -> None:
        \"\"\"Remove a radio.\"\"\"
"""
WORKFLOW = """\
name: tune
plan: required
inputs: {low: {type: integer, default: 0}}
steps:
  - {id: wanted, call: radio.radios, with: {side: wanted}}
  - {id: there, call: radio.radios, with: {side: there}}
  - id: tune
    reconcile:
      source: ${{ steps.wanted }}
      target: ${{ steps.there }}
      key: serial
      compare: {power_dbm: power_dbm, keeper: keeper}
      update:
        call: radio.set_power
        with: {serial: "${{ target.serial }}", power_dbm: "${{ item.power_dbm }}", keeper: "${{ item.keeper }}"}
      delete: {call: radio.set_power, with: {serial: "${{ target.serial }}", power_dbm: "${{ inputs.low }}"}}
      guard: {max_delete: "100%"}
"""


@pytest.fixture
def radios(project: Cli) -> Cli:
    """Two radios, of which one is to be changed and the other one to go."""
    project.write("connectors/radio.py", CONNECTOR)
    project.write("workflows/tune.yaml", WORKFLOW)
    project.connect("radio", "radio", {"file": str(project.folder / "radios.json")})
    put(project, wanted={"R1": 36}, there={"R1": 35.0, "R2": 35.0})
    return project


def put(cli: Cli, *, keeper: str = "Ana Souza", **sides: dict[str, float]) -> None:
    keepers = {"wanted": keeper, "there": "Ana Souza"}
    found = {
        side: [{"serial": serial, "power_dbm": power, "keeper": keepers[side]} for serial, power in powers.items()]
        for side, powers in sides.items()
    }
    cli.write("radios.json", json.dumps(found))


def waiting(cli: Cli) -> str:
    """Start a run that waits for a yes to its plan, and return its id."""
    process = cli.start("run", "tune")
    with process:
        assert process.stderr is not None
        line = next(line for line in iter(process.stderr.readline, "") if "backhaul runs approve" in line)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    return line.split()[3]


def test_fields_go_to_nothing_only_where_a_call_deletes(radios: Cli) -> None:
    lines = radios("run", "tune", "--plan", "--quiet").stdout.splitlines()
    first = lines.index("  write   radio.set_power serial=R2 power_dbm=0")
    assert lines[first + 1 : first + 2] == ["            power_dbm: 35.0"]
    assert "            power_dbm: 35.0 -> 36" in lines
    assert not any("described" in line for line in lines)
    delete = 'delete: {call: radio.remove, with: {serial: "${{ target.serial }}"}}\n'
    start, end = WORKFLOW.index("delete: "), WORKFLOW.index("      guard:")
    radios.write("workflows/tune.yaml", WORKFLOW[:start] + delete + WORKFLOW[end:])
    assert "            power_dbm: 35.0 -> nothing\n" in radios("run", "tune", "--plan", "--quiet").stdout


def test_a_plan_that_is_not_complete_does_not_say_that_nothing_would_be_changed(radios: Cli) -> None:
    (radios.folder / "radios.json").unlink()
    out = radios("run", "tune", "--plan", "--quiet", code=1).stdout
    assert "the plan is not complete: what would have followed is not known\n" in out
    assert "no effects" not in out
    put(radios, wanted={"R1": 35}, there={"R1": 35.0})
    assert "\nno effects: nothing would be changed\n" in radios("run", "tune", "--plan", "--quiet").stdout


def test_the_plan_of_a_run_that_waits_for_a_yes_to_it_is_shown(radios: Cli) -> None:
    run = waiting(radios)
    out = radios("runs", "show", run, "--plan").stdout
    assert "plan of tune, made by run " in out
    assert "tune/update[]: 1 effect\n" in out
    document = radios.json("runs", "show", run, "--plan")
    assert (document["plan"], document["run_id"] != run, len(document["effects"])) == (1, True, 2)


def test_what_has_changed_since_the_plan_is_listed_in_words_with_what_to_do(radios: Cli) -> None:
    run = waiting(radios)
    radios("runs", "approve", run, "--by", "adm")
    put(radios, keeper="Bia Lima", wanted={"R1": 36, "R3": 1}, there={"R1": 35.5, "R3": 2})
    resumed = radios("runs", "resume", run, "--quiet", code=1).stdout
    told = [
        '  changed tune/update[R1]: radio.set_power (keeper: "***" -> "***"; before power_dbm: 35.0 -> 35.5; '
        'before keeper: null -> "***"; after keeper: null -> "***")',
        "  added   tune/update[R3]: radio.set_power serial=R3 power_dbm=1 keeper=***",
        "  gone    tune/delete[R2]: radio.set_power serial=R2 power_dbm=0",
    ]
    shown = radios("runs", "show", run).stdout
    for out in (resumed, shown):
        assert "since it was made 1 effect has come, 1 effect is gone, 1 effect has changed. Make a new plan\n" in out
        assert [line for line in out.splitlines() if line in told] == told
        assert out.endswith("\nA new run makes a new plan: backhaul run tune (with the same inputs)\n")
        assert "runs resume" not in out
    step = radios("runs", "show", run, "--step", "$check").stdout
    assert [line for line in step.splitlines() if line in told] == told
    document = radios.json("runs", "show", run, "--step", "$check")
    assert [f"  {one['kind']:<8}{one['text']}" for one in document["output"]["drift"]] == told
    everything = step + shown + resumed + json.dumps(document)
    assert ("Souza" in everything, "Lima" in everything) == (False, False)
    assert "Souza" in radios("runs", "show", run, "--step", "$check", "--show-personal").stdout


def test_the_hint_after_the_drift_of_a_plan_in_a_file_is_a_new_file(radios: Cli) -> None:
    file = str(radios.folder / "plan.json")
    radios("run", "tune", "--plan", "--quiet", "--out", file)
    put(radios, wanted={"R1": 35}, there={"R1": 35.0, "R2": 35.0})
    out = radios("apply", file, "--yes", "--quiet", code=1).stdout
    assert out.count("  gone    tune/update[R1]: radio.set_power serial=R1 ") == 1
    assert out.endswith("\nMake a new plan with: backhaul run tune --plan --out FILE (with the same inputs)\n")
    run = out.splitlines()[1].split()[1]
    refused = radios("runs", "show", run, "--plan", code=1).stderr
    (command,) = [line for line in refused.splitlines() if "backhaul runs show" in line]
    assert radios("runs", "show", command.split()[-2], "--plan").stdout.startswith("\nplan of tune, made by run ")
