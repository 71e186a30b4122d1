"""Runs: `run`, its documents and exit codes, the history, and what a person does to a run."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from cli.program import Cli, Sandbox

FAILING = """\
name: failing
inputs:
  broken: {type: boolean, default: true}
steps:
  - id: first
    set: {x: 1}
  - id: stop
    if: ${{ inputs.broken }}
    fail: "no ${{ steps.first.x }}"
output: fine
"""

PHONE = '''\
from pathlib import Path

from backhaul.sdk import Connector, ConnectorSettings, Effect, UnknownOutcomeError, action


class PhoneSettings(ConnectorSettings):
    """Settings."""

    folder: str


class Phone(Connector[PhoneSettings]):
    """A phone system that takes a call and never answers the first time."""

    name = "phone"
    Settings = PhoneSettings

    @action(effect=Effect.ONCE)
    async def ring(self, *, number: str) -> str:
        """Ring a number."""
        rung = Path(self.settings.folder, "rung")
        before = rung.read_text() if rung.exists() else ""
        rung.write_text(before + number + " ")
        if not before:
            raise UnknownOutcomeError("the connection was cut")
        return "rung"
'''

RING = """\
name: ring
steps:
  - id: ring
    call: phone.ring
    with: {number: "100"}
  - id: after
    set: {was: "${{ steps.ring }}"}
output: ${{ steps.after.was }}
"""


def _phone(project: Cli) -> None:
    project.write("connectors/phone.py", PHONE)
    project.write("backhaul.toml", f'[connections.phone]\nconnector = "phone"\nfolder = "{project.folder}"\n')
    project.write("workflows/ring.yaml", RING)


def _rung(project: Cli) -> str:
    return (project.folder / "rung").read_text()


def test_a_run_prints_one_document(project: Cli) -> None:
    document = project.json("run", "greet", "--input", "times=4", "-i", "town=São Luís")
    assert document["workflow"] == "greet"
    assert document["status"] == "succeeded"
    assert document["output"] == {"text": "São Luís", "twice": 8}
    assert document["error"] is None
    assert document["steps"] == {"succeeded": 1}
    assert project.json("runs", "list")["items"][0]["run_id"] == document["run_id"]


def test_a_run_of_a_file_outside_of_the_project(project: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("elsewhere") / "other.yaml"
    file.write_text('steps: [{id: a, set: {x: 1}}]\noutput: "${{ steps.a.x }}"\n')
    assert project.json("run", str(file))["output"] == 1
    assert project.json("run", "workflows/greet.yaml")["workflow"] == "greet"
    assert project.json("run", "workflows/nothing.yaml", code=2)["error"]["kind"] == "workflow file"


def test_progress_goes_to_standard_error_and_can_be_silenced(project: Cli) -> None:
    done = project("run", "greet")
    assert "said: succeeded" in done.stderr
    assert "greet: succeeded" in done.stdout
    assert "text: Recife" in done.stdout
    assert project("run", "greet", "--quiet").stderr == ""


def test_nothing_is_stored_of_a_workflow_with_problems(project: Cli) -> None:
    project.write("workflows/wrong.yaml", "name: wrong\nsteps: [{id: a, call: acs.list_devices}]\n")
    error = project.json("run", "wrong", code=2)["error"]
    assert error["type"] == "DefinitionError"
    assert error["problems"][0].startswith("workflows/wrong.yaml:2:")
    assert "unknown-connection" in error["problems"][0]
    assert not (project.folder / ".backhaul").exists()


def test_wrong_inputs_and_names_end_with_2_and_store_nothing(project: Cli) -> None:
    assert "did you mean 'greet'?" in project.json("run", "gret", code=2)["error"]["message"]
    assert "times" in project.json("run", "greet", "-i", "times=many", code=2)["error"]["message"]
    assert "did you mean 'town'?" in project.json("run", "greet", "-i", "twon=x", code=2)["error"]["message"]
    assert project.json("run", "greet", "-i", "town", code=2)["error"]["type"] == "InputError"
    assert project.json("runs", "list")["items"] == []


def test_a_failed_run_ends_with_1_and_names_the_step(project: Cli) -> None:
    project.write("workflows/failing.yaml", FAILING)
    document = project.json("run", "failing", code=1)
    assert document["status"] == "failed"
    assert document["error"]["step"] == "stop"
    assert "no 1" in document["error"]["message"]
    assert {"type", "message", "step"} <= document["error"].keys()
    assert document["steps"] == {"failed": 1, "succeeded": 1}
    assert "backhaul runs resume" in project("run", "failing", code=1).stdout


def test_a_failed_run_is_resumed_from_its_step_and_forked_with_other_inputs(project: Cli) -> None:
    project.write("workflows/failing.yaml", FAILING)
    failed = project.json("run", "failing", code=1)["run_id"]
    assert project.json("runs", "resume", failed, code=1)["run_id"] == failed
    forked = project.json("runs", "fork", failed, "--from", "stop", "-i", "broken=false")
    assert (forked["status"], forked["output"]) == ("succeeded", "fine")
    assert forked["run_id"] != failed
    assert project.json("runs", "show", forked["run_id"])["forked_from"] == failed
    assert project.json("runs", "fork", failed, "--from", "stpo", code=2)["error"]["type"] == "UnknownNameError"


def test_a_fork_uses_the_stored_definition_unless_the_current_one_is_wanted(project: Cli) -> None:
    file = project.write("workflows/failing.yaml", FAILING)
    failed = project.json("run", "failing", code=1)["run_id"]
    file.write_text(FAILING.replace("output: fine", "output: mended"))
    arguments = ("runs", "fork", failed, "--from", "stop", "-i", "broken=false")
    assert project.json(*arguments)["output"] == "fine"
    assert project.json(*arguments, "--current")["output"] == "mended"
    assert project("runs", "show", failed, "--definition").stdout == FAILING


def test_the_history_is_listed_in_pages(project: Cli) -> None:
    ids = [project.json("run", "greet")["run_id"] for _ in range(3)]
    first = project.json("runs", "list", "--limit", "2")
    rest = project.json("runs", "list", "--limit", "2", "--cursor", first["next"])
    assert [item["run_id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert {"run_id", "workflow", "status", "started_at"} <= first["items"][0].keys()
    assert project.json("runs", "list", "--status", "failed")["items"] == []
    assert len(project.json("runs", "list", "--workflow", "greet")["items"]) == 3
    assert "--cursor" in project("runs", "list", "--limit", "2").stderr
    assert project.json("runs", "list", "--cursor", "odd", code=2)["error"]["type"] == "InputError"


def test_the_history_needs_no_secrets_of_connections(project: Cli) -> None:
    run_id = project.json("run", "greet")["run_id"]
    project.write("backhaul.toml", '[connections.acs]\nconnector = "ixc_acs"\nclient_secret = "${NOT_SET_ANYWHERE}"\n')
    assert project.json("runs", "list")["items"][0]["run_id"] == run_id
    assert project.json("runs", "show", run_id)["status"] == "succeeded"
    assert project.json("db", "stats")["tables"]


def test_a_connection_with_a_missing_secret_stops_only_the_workflows_that_use_it(project: Cli) -> None:
    project.write("backhaul.toml", '[connections.acs]\nconnector = "ixc_acs"\nclient_secret = "${NOT_SET_ANYWHERE}"\n')
    project.write("workflows/uses.yaml", "steps: [{id: devices, call: acs.list_devices}]\n")
    assert project.json("run", "greet")["status"] == "succeeded"
    assert "NOT_SET_ANYWHERE" in project.json("run", "uses", code=2)["error"]["message"]


def test_a_run_is_shown_by_a_beginning_of_its_id(project: Cli) -> None:
    run_id = project.json("run", "greet")["run_id"]
    shown = project.json("runs", "show", run_id[:-2])
    assert shown["run_id"] == run_id
    assert [step["key"] for step in shown["steps"]] == ["said"]
    assert shown["inputs"] == {"town": "Recife", "times": 1}
    step = project.json("runs", "show", run_id, "--step", "said")
    assert step["output"] == {"text": "Recife", "twice": 2}
    assert project.json("runs", "show", "zzz", code=2)["error"]["kind"] == "run"
    assert project.json("runs", "show", run_id, "--step", "siad", code=2)["error"]["type"] == "UnknownNameError"
    assert "said" in project("runs", "show", run_id).stdout
    assert "twice: 2" in project("runs", "show", run_id, "--step", "said").stdout


def test_an_ended_run_cannot_be_resumed_or_cancelled(project: Cli) -> None:
    run_id = project.json("run", "greet")["run_id"]
    assert project.json("runs", "resume", run_id, code=1)["error"]["type"] == "RunStateError"
    assert project.json("runs", "cancel", run_id, code=1)["error"]["type"] == "RunStateError"


@pytest.mark.parametrize(("how", "rung"), [("done", "100 "), ("skip", "100 "), ("retry", "100 100 ")])
def test_an_unknown_outcome_waits_for_a_person(project: Cli, how: str, rung: str) -> None:
    _phone(project)
    document = project.json("run", "ring", code=3)
    assert document["status"] == "needs_attention"
    assert document["error"]["step"] == "ring"
    assert _rung(project) == "100 "
    run_id = document["run_id"]
    assert "runs resolve" in project("runs", "resume", run_id, code=3).stderr
    assert "runs resolve" in project("runs", "show", run_id).stdout
    resolved = project.json("runs", "resolve", run_id, "ring", "--as", how, "--output", '"by hand"')
    assert resolved["status"] == "succeeded"
    assert resolved["output"] == ("rung" if how == "retry" else "by hand")
    assert _rung(project) == rung


def test_a_resolved_run_can_be_left_for_later(project: Cli) -> None:
    _phone(project)
    run_id = project.json("run", "ring", code=3)["run_id"]
    assert project.json("runs", "resolve", run_id, "ring", "--as", "done", "--output", "{", code=2)
    assert project.json("runs", "resolve", run_id, "nothing", "--as", "done", code=2)
    project("runs", "resolve", run_id, "ring", "--as", "done", "--no-resume")
    assert project.json("runs", "resume", run_id)["status"] == "succeeded"


def test_a_waiting_run_is_cancelled(project: Cli) -> None:
    _phone(project)
    run_id = project.json("run", "ring", code=3)["run_id"]
    assert project.json("runs", "cancel", run_id)["status"] == "cancelled"
    assert project.json("runs", "list", "--status", "cancelled")["items"][0]["run_id"] == run_id


def test_the_database_is_found_measured_and_upgraded(project: Cli) -> None:
    project.json("run", "greet")
    assert project.json("db", "path")["database"] == str(project.folder / ".backhaul/backhaul.db")
    assert {one["table"]: one["rows"] for one in project.json("db", "stats")["tables"]}["runs"] == 1
    assert project.json("db", "upgrade")["schema"]
    assert "runs" in project("db", "stats").stdout


def _started(process: Any, word: str) -> str:
    """Read standard error until a line holds a word; return the run's id."""
    run_id = ""
    for line in process.stderr:
        if " run " in line:
            run_id = line.split(" run ")[1].split()[0]
        if word in line:
            return run_id
    raise AssertionError(f"{word} was not said")


def test_a_run_that_ends_with_a_listing_tells_of_it_in_words(synced: Cli) -> None:
    synced.write("workflows/just_list.yaml", "name: just-list\nsteps: [{id: devices, call: acs.list_devices}]\n")
    shown = synced("run", "just-list", "--quiet").stdout
    assert shown.endswith("output:\n  dataset: devices\n  items: 120\n")
    assert synced.json("run", "just-list")["output"] == {"dataset": "devices", "items": 120}


def test_a_second_signal_ends_at_once_and_loses_nothing(synced: Cli, sandbox: Sandbox) -> None:
    expected = sandbox.ask("expected_sync?counts=1")
    sandbox.ask("faults", {"kind": "latency", "ms": 3000, "vendor": "provider", "match": {"method": "POST"}})
    process = synced.start("run", "nightly-sync")
    run_id = _started(process, "sync: reconcile")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "once more stops at once" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=2.5)
    assert process.returncode == 130
    sandbox.ask("faults", method="DELETE")
    resumed = synced.json("runs", "resume", run_id)
    assert resumed["output"]["added"] == expected["create"]
    assert sandbox.ask("expected_sync?counts=1")["create"] == 0


def test_what_goes_wrong_is_logged_without_secrets(synced: Cli) -> None:
    synced.environ["ACS_CLIENT_SECRET"] = "no-secret-of-this-isp"
    done = synced("--log-format", "json", "-v", "run", "nightly-sync", "--quiet", "--json", code=1)
    document = json.loads(done.stdout)
    assert (document["error"]["type"], document["error"]["step"]) == ("AuthenticationError", "devices")
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(entry["level"] == "debug" for entry in entries)
    assert "no-secret-of-this-isp" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_where_it_was(synced: Cli, sandbox: Sandbox, number: signal.Signals) -> None:
    expected = sandbox.ask("expected_sync?counts=1")
    sandbox.ask("faults", {"kind": "latency", "ms": 300, "vendor": "provider", "match": {"method": "POST"}})
    process = synced.start("run", "nightly-sync", "--json")
    run_id = _started(process, "sync: reconcile")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    sandbox.ask("faults", method="DELETE")
    assert process.returncode == 128 + number
    assert f"stopped; continue with: backhaul runs resume {run_id}" in err
    document = json.loads(out)
    assert (document["run_id"], document["status"], document["interrupted"]) == (run_id, "running", True)
    listed = synced.json("runs", "list")["items"][0]
    assert (listed["status"], listed["interrupted"]) == ("running", True)
    assert "interrupted" in synced("runs", "list").stdout
    resumed = synced.json("runs", "resume", run_id)
    assert resumed["status"] == "succeeded"
    assert resumed["output"]["added"] == expected["create"]
    assert sandbox.ask("requests/repeated")["items"] == []
    assert sandbox.ask("expected_sync?counts=1")["create"] == 0


def test_what_a_field_like_password_holds_is_not_shown(project: Cli) -> None:
    text = "steps: [{id: wifi, set: {ssid: Casa, password: not-for-anybody, empty: {senha: ''}}}]\n"
    project.write("workflows/wifi.yaml", text)
    shown = project.json("run", "wifi")
    assert shown["output"] == {"ssid": "Casa", "password": "***", "empty": {"senha": ""}}
    assert "not-for-anybody" not in project("runs", "show", shown["run_id"], "--step", "wifi").stdout
    assert "not-for-anybody" not in project("runs", "show", shown["run_id"], "--json").stdout
