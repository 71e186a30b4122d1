"""`run --plan` and `apply` as a person uses them, proven at the socket by the sandbox's own log of requests."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isp import Project, Sandbox, sandbox

DEVICES = 60
READS = {"read", "token"}
ADD_ALL = """
steps:
  - {id: devices, call: acs.list_devices}
  - id: add
    each: ${{ steps.devices }}
    do:
      - id: row
        if: ${{ item.pppoe_login }}
        call: provider.add_acs_device
        with: {serial_number: "${{ item.serial }}", login: "${{ item.pppoe_login }}", unlinkable: skip}
"""


@pytest.fixture
def isp(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(tmp_path, "--devices", str(DEVICES), "--seed", "11", "--fresh") as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, isp: Sandbox) -> Project:
    return Project(tmp_path / "project", isp.url)


def by_effect(isp: Sandbox) -> Counter[str]:
    """Return how many requests of which effect the sandbox has seen, of all vendors."""
    return Counter(isp.control("GET", "requests/summary")["by_effect"])


def made(isp: Sandbox) -> list[tuple[str, str]]:
    return sorted((entry["operation"], entry["key"]) for entry in isp.effects())


def test_the_document_and_the_page_say_the_same(project: Project, tmp_path: Path) -> None:
    answer = project.backhaul("run", "nightly-sync", "--plan", "--json", "--quiet")
    plan = answer.json
    assert plan["workflow"] == "nightly-sync"
    assert plan["summary"]["effects"] == len(plan["effects"]) == plan["forecast"]["provider"]["effects"]
    assert plan["forecast"]["acs"]["reads"] >= 1
    assert {effect["action"] for effect in plan["effects"]} == {"provider.add_acs_device"}
    shown = project.backhaul("runs", "show", plan["run_id"], "--plan")
    assert f"sync/create[]: {len(plan['effects'])} effects" in shown.out
    assert f"and {len(plan['effects']) - 20} more" in shown.out
    first = plan["effects"][0]
    assert f"  write   provider.add_acs_device serial_number={first['params']['serial_number']} " in shown.out
    assert "forecast" in shown.out


def test_the_screen_masks_personal_data_and_the_file_is_its_owners_alone(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    (project.folder / "workflows" / "add_all.yaml").write_text(ADD_ALL)
    answer = project.backhaul("run", "add-all", "--plan", "--out", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    plan = json.loads(file.read_text())
    logins = {effect["after"]["login"] for effect in plan["effects"] if effect.get("after")}
    assert logins
    assert not any(login in answer.out for login in logins)
    assert "***" in answer.out


def test_a_change_of_a_reconcile_names_the_record_and_its_old_and_new_values(project: Project, isp: Sandbox) -> None:
    assert project.backhaul("run", "nightly-sync", "--quiet").code == 0
    moved, other = isp.effects()[:2]
    login = isp.control("GET", f"acs/devices/{other['key']}")["pppoe_login"]
    isp.control("POST", f"acs/devices/{moved['key']}/login", {"pppoe_login": login})
    shown = project.backhaul("run", "nightly-sync", "--plan", "--quiet").out
    assert f"  write   {moved['key']}: provider.update_acs_device id=" in shown
    assert "            id_login: " in shown


def changed(plan: dict[str, Any], **values: Any) -> str:
    return json.dumps({**plan, **values})


@pytest.mark.slow
def test_a_wrong_file_is_refused_with_what_to_do(project: Project, isp: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    project.backhaul("run", "nightly-sync", "--plan", "--out", str(file), "--quiet")
    plan = json.loads(file.read_text())
    effect = plan["effects"][0]
    for text, says in (
        ("{", "it is no JSON"),
        ("[]", "a mapping is needed at the top"),
        ('{"workflow": "x"}', "effects: is missing or of the wrong kind"),
        (changed(plan, status="failed"), "the plan is not complete"),
        (changed(plan, effects=[effect, effect]), "comes twice"),
        (changed(plan, effects=[{**effect, "params": 1}]), "effects[0].params: is missing or of the wrong kind"),
        (changed(plan, workflow="no-such"), "no-such"),
        (changed(plan, digest="0" * 16), "has changed since the plan was made: plan again with"),
    ):
        file.write_text(text)
        answer = project.backhaul("apply", str(file), "--yes")
        assert answer.code == 2, text[:60]
        assert says in answer.err, answer.err
        assert "Traceback" not in answer.err
    assert project.backhaul("apply", str(tmp_path / "none.json"), "--yes").code == 2
    assert set(by_effect(isp)) <= READS


@pytest.mark.slow
def test_apply_asks_first_and_drift_ends_it_with_nothing_done(project: Project, isp: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    project.backhaul("run", "nightly-sync", "--plan", "--out", str(file), "--quiet")
    answer = project.backhaul("apply", str(file))
    assert (answer.code, "say --yes" in answer.err) == (2, True)
    assert project.backhaul("run", "nightly-sync", "--quiet").code == 0
    before = made(isp)
    answer = project.backhaul("apply", str(file), "--yes", "--quiet")
    assert answer.code == 1
    assert "DriftError: the plan does not hold any more, and nothing was done" in answer.out
    assert answer.out.count("  gone    sync/create[") == min(len(before), 50)
    assert made(isp) == before
    answer = project.backhaul("apply", str(file), "--yes", "--quiet", "--json")
    assert (answer.code, answer.json["error"]["type"], answer.json["applied"]) == (1, "DriftError", None)
    assert {one["kind"] for one in answer.json["drift"]} == {"gone"}


def test_out_goes_with_plan_and_names_a_file_that_can_be_written(project: Project, tmp_path: Path) -> None:
    answer = project.backhaul("run", "nightly-sync", "--out", str(tmp_path / "x.json"))
    assert (answer.code, "it goes with --plan" in answer.err) == (2, True)
    answer = project.backhaul("run", "nightly-sync", "--plan", "--out", str(tmp_path / "no" / "x.json"))
    assert (answer.code, "cannot be written" in answer.err) == (2, True)


def test_a_plan_that_does_not_come_to_its_end_is_not_written(project: Project, isp: Sandbox, tmp_path: Path) -> None:
    (project.folder / "workflows" / "broken.yaml").write_text(
        "steps:\n  - {id: add, call: provider.add_acs_device, with: {serial_number: SN1}}\n"
        "  - {id: bad, fail: broken}\n"
    )
    file = tmp_path / "plan.json"
    answer = project.backhaul("run", "broken", "--plan", "--out", str(file))
    assert answer.code == 1
    assert "the plan is not complete" in answer.out
    assert not file.exists()
    assert set(by_effect(isp)) <= READS


@pytest.mark.slow
def test_what_an_event_starts_is_planned_with_an_event_of_ones_own(
    project: Project, isp: Sandbox, tmp_path: Path
) -> None:
    (project.folder / "workflows" / "on_device.yaml").write_text(
        "on: [{event: acs.device.added}]\n"
        "steps:\n"
        "  - {id: add, call: provider.add_acs_device, with: {serial_number: '${{ event.data.serial }}'}}\n"
    )
    given = tmp_path / "event.json"
    given.write_text(json.dumps({"type": "acs.device.added", "data": {"serial": "SN1"}}))
    file = tmp_path / "plan.json"
    assert project.backhaul("run", "on-device", "--plan", "--out", str(file), "--event", str(given)).code == 0
    assert json.loads(file.read_text())["effects"][0]["params"] == {"serial_number": "SN1"}
    answer = project.backhaul("apply", str(file), "--yes", "--quiet")
    assert answer.code == 0, answer.out
    assert [entry["key"] for entry in isp.effects()] == ["SN1"]
    given.write_text("{}")
    for event, says in ((str(given), "write it like"), ("no-such", "no-such")):
        answer = project.backhaul("run", "on-device", "--plan", "--event", event)
        assert (answer.code, says in answer.err) == (2, True), answer.err


@pytest.mark.slow
def test_connectors_say_what_would_change(project: Project, isp: Sandbox, tmp_path: Path) -> None:
    assert project.backhaul("run", "nightly-sync", "--quiet").code == 0
    (project.folder / "workflows" / "changes.yaml").write_text(CHANGES)
    file = tmp_path / "plan.json"
    before = made(isp)
    answer = project.backhaul("run", "changes", "--plan", "--out", str(file))
    assert answer.code == 0, answer.out + answer.err
    effects = {effect["step"]: effect for effect in json.loads(file.read_text())["effects"]}
    link, unlink, remove, reboot, wifi, record = effects.values()
    assert "note" not in str([effect.keys() for effect in effects.values()]), effects
    old, new = link["before"]["login"], link["after"]["login"]
    assert old != new
    assert link["describe"].endswith(f": login {old} -> {new}")
    assert unlink["after"] == {"login": None}
    assert remove["describe"].startswith("remove device ")
    assert remove["before"]["login"] == old
    assert reboot["describe"].startswith("reboot device ")
    assert "name " in wifi["describe"]
    assert "a new passphrase" in wifi["describe"]
    assert wifi["after"] == {"ssid": "new name"}
    assert (record["before"]["id_login"], record["after"]) != (record["after"]["id_login"], {})
    assert "secret-passphrase" not in answer.out
    assert old not in answer.out
    assert made(isp) == before


CHANGES = """
steps:
  - {id: devices, call: acs.list_devices}
  - {id: rows, call: provider.list_acs_devices}
  - {id: one, set: {id: "${{ steps.rows[0].id }}", other: "${{ steps.rows[1].id_login }}"}}
  - {id: link, call: provider.update_acs_device, with: {id: "${{ steps.one.id }}", id_login: "${{ steps.one.other }}"}}
  - {id: unlink, call: provider.update_acs_device, with: {id: "${{ steps.one.id }}", id_login: 0}}
  - {id: remove, call: provider.remove_acs_device, with: {id: "${{ steps.one.id }}"}}
  - {id: reboot, call: acs.reboot, with: {serial: "${{ steps.devices[0].serial }}"}}
  - id: wifi
    call: acs.set_wifi
    with: {serial: "${{ steps.devices[0].serial }}", band: "5", ssid: new name, password: secret-passphrase}
  - id: record
    call: provider.update_record
    with: {table: acs_device_grid, id: "${{ steps.one.id }}", fields: {id_login: "1"}}
"""
