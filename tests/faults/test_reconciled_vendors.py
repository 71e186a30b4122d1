"""Reconciling the sandbox's ACS with its ERP: what the sandbox's own rules say is done, and no broken list deletes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isp import Project, Sandbox, newest_run, sandbox, wait_until

DEVICES = 240
SYNC = """
name: sync
inputs: {most: {type: string, default: "100%"}}
steps:
  - {id: devices, call: acs.list_devices, on_error: continue, retry: {attempts: 1}}
  - {id: logins, call: provider.list_logins, with: {active: true}}
  - {id: registered, call: provider.list_acs_devices}
  - id: linked
    if: ${{ steps.devices is not none }}
    each: ${{ steps.devices }}
    do:
      - {id: login, set: {id: '${{ (lookup(steps.logins, "login", item.pppoe_login) or {}).id | default(none) }}'}}
    output: {serial: "${{ item.serial }}", login: "${{ item.pppoe_login }}", id_login: "${{ steps.login.id }}"}
  - id: sync
    reconcile:
      source: ${{ steps.linked.results if steps.linked is not none else none }}
      target: ${{ steps.registered }}
      key: {source: serial, target: serial_number, normalize: [serial]}
      compare: {id_login: id_login}
      create:
        if: ${{ item.id_login is not none }}
        call: provider.add_acs_device
        with: {serial_number: "${{ item.serial }}", id_login: "${{ item.id_login }}"}
      update:
        if: ${{ item.id_login is not none and target.serial_number == item.serial }}
        call: provider.update_acs_device
        with: {id: "${{ target.id }}", id_login: "${{ item.id_login }}"}
      delete: {call: provider.remove_acs_device, with: {id: "${{ target.id }}"}}
      guard: {max_delete: "${{ inputs.most }}"}
      concurrency: 10
      explain:
        - {reason: no login, side: source, when: "${{ not item.login }}"}
        - {reason: login unknown or inactive, side: source, when: "${{ item.id_login is none }}"}
        - {reason: not in the ERP yet, side: source, when: "${{ outcome == 'created' }}"}
        - {reason: not in the ACS, side: target, when: "${{ outcome in ['deleted', 'held'] }}"}
output: ${{ steps.sync }}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", str(DEVICES), "--seed", "5") as running:
        yield running


@pytest.fixture
def fresh(served: Sandbox) -> Sandbox:
    served.control("POST", "reset", {})
    return served


@pytest.fixture
def project(fresh: Sandbox, tmp_path: Path) -> Project:
    made = Project(tmp_path / "project", fresh.url, acs={"page_size": 50})
    (made.folder / "workflows" / "sync.yaml").write_text(SYNC)
    return made


def ran(project: Project, *arguments: str) -> Any:
    answer = project.backhaul("run", "sync", "--quiet", "--json", *arguments)
    assert answer.code == 0, answer
    return answer.json


def waiting(project: Project, *arguments: str) -> tuple[str, str]:
    """Run to where a person is asked, and return the run and the question."""
    process = project.start("run", "sync", "--quiet", *arguments)
    wait_until(lambda: process.poll() is not None or _newest(project)[1] == "waiting")
    assert process.poll() is None, "it did not wait"
    process.terminate()
    process.wait(30)
    run_id, _ = _newest(project)
    (wait,) = project.backhaul("runs", "show", run_id, "--json").json["waits"]
    return run_id, wait["details"]["message"]


def _newest(project: Project) -> tuple[str, str]:
    try:
        return newest_run(project)
    except (sqlite3.Error, TypeError):  # the file is being made
        return "", ""


@pytest.mark.slow
def test_the_erp_becomes_what_the_rules_say(fresh: Sandbox, project: Project) -> None:
    expected = fresh.expected()
    document = ran(project)
    output = document["output"]
    assert {name: output[name] for name in ("created", "updated", "deleted")} == {
        "created": len(expected["create"]),
        "updated": len(expected["update"]),
        "deleted": len(expected["delete"]),
    }
    after = fresh.expected()
    assert (after["create"], after["update"], after["delete"]) == ([], [], [])
    effects = fresh.effect_count()
    again = ran(project)["output"]
    assert (again["created"], again["updated"], again["deleted"]) == (0, 0, 0)
    assert fresh.effect_count() == effects


@pytest.mark.slow
def test_the_reasons_add_up_and_agree_with_what_the_sandbox_knows(fresh: Sandbox, project: Project) -> None:
    expected = fresh.expected()
    run_id = ran(project)["run_id"]
    (found,) = project.backhaul("runs", "show", run_id, "--explain", "--json").json["differences"]
    reasons = Counter({(one["side"], one["reason"]): one["count"] for one in found["reasons"]})
    assert sum(count for (side, _), count in reasons.items() if side == "source") == found["only_in_source"]
    assert found["difference"] == found["only_in_source"] - found["only_in_target"]
    assert reasons["target", "not in the ACS"] == len(expected["delete"])
    assert reasons["source", "not in the ERP yet"] == len(expected["create"])
    assert found["source"] == DEVICES
    text = project.backhaul("runs", "show", run_id, "--explain").out
    assert "provider.list_acs_devices" in text
    assert "not in the ACS" in text


@pytest.mark.slow
def test_a_listing_that_breaks_off_deletes_nothing_and_says_how_far_it_came(fresh: Sandbox, project: Project) -> None:
    fresh.fault("html_200", vendor="acs", match={"operation": "list_devices"}, after=2)
    before = fresh.effect_count()
    _, message = waiting(project)
    assert "100 of its records had been read" in message
    assert "Nothing is changed" in message
    assert fresh.effect_count() == before


@pytest.mark.slow
def test_a_shrunken_listing_deletes_nothing_until_a_person_says_yes(fresh: Sandbox, project: Project) -> None:
    ran(project)
    listed = project.backhaul("call", "acs.list_devices", "--json").json
    gone = [device["serial"] for device in listed[: DEVICES * 6 // 10]]
    fresh.control("POST", "acs/mass_delete", {"serials": gone})
    rows = len(project.backhaul("call", "provider.list_acs_devices", "--json").json)
    run_id, message = waiting(project, "-i", "most=2%")
    assert f"of {rows} records of provider.list_acs_devices" in message
    assert f"has {DEVICES - len(gone)} records, {DEVICES} the last time" in message
    assert len(project.backhaul("call", "provider.list_acs_devices", "--json").json) == rows
    assert project.backhaul("runs", "reject", run_id, "--note", "not today").code == 0
    document = project.backhaul("runs", "resume", run_id, "--quiet", "--json").json
    assert document["output"]["held"] > 0
    assert len(project.backhaul("call", "provider.list_acs_devices", "--json").json) == rows
