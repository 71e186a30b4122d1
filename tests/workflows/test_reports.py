"""`count_report`, `expired_subscribers` and `akixi_profiles` against the sandbox's own knowledge."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backhaul.json_values import Json
from backhaul.store.records import RunRecord, RunStatus
from isp import Sandbox
from workflows.office import Office, office

pytestmark = pytest.mark.anyio


async def done(here: Office, workflow: str, **inputs: Json) -> Any:
    """Run a workflow as a person does, and return its output."""
    count = len(await here.runs(workflow))
    await here.app.dispatcher.start(workflow, inputs, cause="test")
    run: RunRecord = (await here.ended(workflow, count + 1))[-1]
    assert run.status is RunStatus.SUCCEEDED, run.error
    return run.output


async def test_the_counts_are_explained_and_add_up(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, ("count_report.yaml",), webhooks=False) as here:
        await here.control("POST", "acs/mass_delete", {"count": 7})
        expected = await here.control("GET", "expected_sync?counts=1")
        report = await done(here, "count-report")
        state = await here.control("GET", "world")
        assert report["difference"] == report["devices_in_acs"] - report["devices_in_erp"]
        explained = report["explained"]
        by_side: dict[str, dict[str, int]] = {"source": {}, "target": {}}
        for one in explained["reasons"]:
            by_side[one["side"]][one["reason"]] = one["count"]
        assert sum(by_side["source"].values()) - sum(by_side["target"].values()) == report["difference"]
        gone = sum(count for reason, count in by_side["target"].items() if reason.startswith("gone from the ACS"))
        assert gone == expected["reasons"]["not_in_acs"] >= 7
        assert by_side["source"]["the ERP should have it"] == expected["create"]
        assert "unexplained" not in {*by_side["source"], *by_side["target"]}
        assert state is not None
        (event,) = await here.events("report.counts")
        assert event.data == report
        assert await here.sent("provider") == await here.sent("acs") == []


async def test_who_expires_and_who_has_expired_is_listed_with_telephone_numbers(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, ("expired_subscribers.yaml",), webhooks=False) as here:
        now = here.app.clock.now()
        people = [await here.control("GET", f"subscribers/{index}") for index in range(3)]
        for who, left in zip(people, (2, -2, 40), strict=True):
            moment = (now + timedelta(days=left)).strftime("%Y-%m-%d 00:00:00")
            await here.control("POST", f"crm/users/{who['crm']['username']}", {"expiration": moment})
        report = await done(here, "expired-subscribers")
        assert sum(report["by_state"].values()) == report["users"] > 300  # some customers have several
        listed = {one["login"]: one for one in report["call_list"]}
        soon, past, later = (who["login"] for who in people)
        assert (listed[soon]["state"], listed[past]["state"]) == ("expires soon", "has expired")
        assert sorted(listed[soon]["phones"]) == sorted(people[0]["phones"])
        assert later not in listed
        days = [one["days_left"] for one in report["call_list"]]
        assert days == sorted(days)
        assert all(-7 <= one <= 3 for one in days)
        assert len(listed) == report["by_state"]["expires soon"] + report["by_state"]["has expired"]
        assert await here.sent("crm") == await here.sent("provider") == []


async def test_a_user_that_the_crm_does_not_show_is_counted(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, ("expired_subscribers.yaml",), webhooks=False) as here:
        fault = {"kind": "status", "vendor": "crm", "code": 422, "match": {"operation": "get_user"}, "times": 2}
        await here.control("POST", "faults", fault)
        report = await done(here, "expired-subscribers")
        assert report["by_state"]["could not be asked"] == 2


TABLE = """
      - {tel_sys_id: 500, partition_id: 2, device_number: "+551140000001", description: Desk 1,
         policies: {"core::showUseConfigurationWindow": false}, settings: {"interface::showMissedCallPreview": true}}
      - {tel_sys_id: 500, partition_id: 2, device_number: "+551140000002", description: Desk 2}
"""


async def entries(here: Office) -> dict[str, Any]:
    """Return Akixi's entries of server 500 by device."""
    items = (await here.control("GET", "akixi/clients"))["items"]
    return {one["DeviceNumber"]: one for one in items if str(one["TelSysID"]) == "500"}


async def test_the_entries_become_what_the_table_says_and_a_second_run_changes_nothing(
    tmp_path: Path, world: Sandbox
) -> None:
    edited = {"default: []": f"default:{TABLE}"}
    async with office(tmp_path, world, ("akixi_profiles.yaml",), webhooks=False, edited=edited) as here:
        own = {"tel_sys_id": 500, "partition_id": 2, "device_number": "+551140000002", "description": "Old"}
        await here.control("POST", "akixi/clients", own)
        other = {**own, "device_number": "+551140000003", "description": "Another"}
        await here.control("POST", "akixi/clients", other)
        first = await done(here, "akixi-profiles")
        assert (first["created"], first["changed"], first["removed"], first["failed"]) == (1, 1, 0, 0)
        found = await entries(here)
        assert found["+551140000001"]["Settings"] == {"interface::showMissedCallPreview": True}
        assert found["+551140000002"]["Description"] == "Desk 2"
        assert found["+551140000003"]["Description"] == "Another"
        sent = len(await here.sent("akixi"))
        second = await done(here, "akixi-profiles")
        assert (second["created"], second["changed"], second["equal"]) == (0, 0, 2)
        assert len(await here.sent("akixi")) == sent


async def test_an_entry_that_somebody_changed_by_hand_is_set_right_again(tmp_path: Path, world: Sandbox) -> None:
    edited = {"default: []": f"default:{TABLE}"}
    async with office(tmp_path, world, ("akixi_profiles.yaml",), webhooks=False, edited=edited) as here:
        await done(here, "akixi-profiles")
        entry = (await entries(here))["+551140000001"]
        await here.control("POST", f"akixi/clients/{entry['ID']}", {"settings": {"interface::theme": "dark"}})
        assert (await done(here, "akixi-profiles"))["changed"] == 1
        assert (await entries(here))["+551140000001"]["Settings"] == entry["Settings"]


async def test_others_are_removed_only_when_the_table_is_said_to_be_complete(tmp_path: Path, world: Sandbox) -> None:
    edited = {"default: []": f"default:{TABLE}"}
    async with office(tmp_path, world, ("akixi_profiles.yaml",), webhooks=False, edited=edited) as here:
        other = {"tel_sys_id": 500, "partition_id": 2, "device_number": "+551140000003", "description": "Another"}
        await here.control("POST", "akixi/clients", other)
        assert (await done(here, "akixi-profiles"))["removed"] == 0
        report = await done(here, "akixi-profiles", remove_others=True, max_delete="100%")
        assert report["removed"] > 0
        assert set(await entries(here)) == {"+551140000001", "+551140000002"}
