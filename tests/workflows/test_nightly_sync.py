"""`nightly_sync` in YAML and in Python: the ERP's devices become those of the ACS, and no broken list removes any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunRecord, RunStatus
from isp import Sandbox
from workflows.conftest import DEVICES
from workflows.differences import answer, begin, items_of, question, reasons_of
from workflows.office import Office, office

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("name", ["nightly-sync", "nightly-sync-python"])]

FILES = ("nightly_sync.yaml", "nightly_sync.py")
STEP = "sync"


async def expected(here: Office) -> Any:
    return await here.control("GET", "expected_sync")


async def changes(here: Office) -> dict[str, set[str]]:
    """Return the serial numbers that the ERP was asked to add, update and remove."""
    found = {}
    for change in ("insert", "update", "delete"):
        sent = await here.sent("provider", f"acs_device_grid.{change}")
        found[change] = {one["key"] for one in sent}
        assert len(found[change]) == len(sent), "a change was made twice"
    return found


def report_of(run: RunRecord) -> dict[str, Any]:
    assert run.status is RunStatus.SUCCEEDED, run.error
    report: dict[str, Any] = run.output  # type: ignore[assignment]  # it is JSON
    return report


async def test_the_erp_becomes_what_the_rules_say_and_the_second_night_has_nothing_to_do(
    tmp_path: Path, world: Sandbox, name: str
) -> None:
    async with office(tmp_path, world, FILES) as here:
        wanted = await expected(here)
        report = report_of(await begin(here, name))
        serials = {key: {one["serial_number"] for one in wanted[key]} for key in ("create", "update", "delete")}
        assert await changes(here) == dict(zip(("insert", "update", "delete"), serials.values(), strict=True))
        assert (report["added"], report["updated"], report["removed"]) == tuple(len(one) for one in serials.values())
        assert min(report["added"], report["updated"], report["removed"]) > 0
        reasons = wanted["reasons"]
        assert report["devices_by_state"] == {
            "belongs in the ERP": DEVICES
            - sum(reasons[one] for one in ("no_login", "unknown_login", "inactive_login")),
            "device has no login": reasons["no_login"],
            "login unknown or inactive": reasons["unknown_login"] + reasons["inactive_login"],
        }
        left = await expected(here)
        assert (left["create"], left["update"], left["delete"]) == ([], [], [])
        before = await changes(here)
        again = report_of(await begin(here, name))
        assert (again["added"], again["updated"], again["removed"], again["failed"]) == (0, 0, 0, 0)
        assert await changes(here) == before


async def test_every_device_of_one_system_only_has_its_reason(tmp_path: Path, world: Sandbox, name: str) -> None:
    async with office(tmp_path, world, FILES) as here:
        wanted = await expected(here)
        run = await begin(here, name)
        reasons = await reasons_of(here, run, STEP)
        assert len(reasons["added now"]) == len(wanted["create"])
        assert len(reasons["gone from the ACS and removed now"]) == len(wanted["delete"])
        assert {"device has no login", "login unknown or inactive"} < set(reasons)
        assert len(reasons) == 4
        total = sum(len(keys) for keys in reasons.values())
        assert total == sum(item.get("side") in {"source", "target"} for item in await items_of(here, run, STEP))


@pytest.mark.parametrize("yes", [False, True])
async def test_when_too_many_are_gone_it_adds_and_links_and_asks_before_it_removes(
    tmp_path: Path, world: Sandbox, name: str, yes: bool
) -> None:
    async with office(tmp_path, world, FILES) as here:
        await here.control("POST", "acs/mass_delete", {"share": 0.6})
        wanted = await expected(here)
        rows = (await here.control("GET", "world"))["counts"]["acs_device"]
        run = await begin(here, name)
        asked = await question(here, run)
        assert f"would delete {len(wanted['delete'])} of {rows} records" in asked
        assert f"has {DEVICES * 4 // 10} records" in asked
        made = await changes(here)
        assert (len(made["insert"]), len(made["update"])) == (len(wanted["create"]), len(wanted["update"]))
        assert made["delete"] == set()
        report = report_of(await answer(here, run, yes=yes))
        gone = len(wanted["delete"])
        assert (report["removed"], report["not_removed"]) == ((gone, 0) if yes else (0, gone))
        assert len((await changes(here))["delete"]) == report["removed"]


async def test_an_empty_list_removes_nothing(tmp_path: Path, world: Sandbox, name: str) -> None:
    async with office(tmp_path, world, FILES) as here:
        await here.control("POST", "acs/mass_delete", {"share": 1.0})
        assert "has 0 records; at least 1 are needed" in await question(here, await begin(here, name))
        assert await changes(here) == {"insert": set(), "update": set(), "delete": set()}


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["list_devices", "acs_device_grid.list"])
async def test_a_list_that_breaks_off_on_its_third_page_changes_nothing(
    tmp_path: Path, world: Sandbox, name: str, operation: str
) -> None:
    async with office(tmp_path, world, FILES, acs={"page_size": 60}, provider={"page_size": 40}) as here:
        vendor = "acs" if operation == "list_devices" else "provider"
        fault = {"kind": "html_200", "vendor": vendor, "match": {"operation": operation}, "after": 2}
        await here.control("POST", "faults", fault)
        run = await begin(here, name)
        assert run.status is RunStatus.FAILED
        assert "HTML" in str(run.error)
        assert await changes(here) == {"insert": set(), "update": set(), "delete": set()}
        await here.control("DELETE", "faults")
        report_of(await begin(here, name))
        assert (await expected(here))["create"] == []


async def test_records_of_one_serial_number_are_left_alone_and_named(tmp_path: Path, world: Sandbox, name: str) -> None:
    async with office(tmp_path, world, FILES) as here:
        wanted = await expected(here)
        serial = wanted["update"][0]["serial_number"]
        await here.control("POST", "provider/devices", {"serial_number": serial})
        run = await begin(here, name)
        report_of(run)
        (item,) = [item for item in await items_of(here, run, STEP) if item["outcome"] == "duplicate"]
        assert item["reason"] == "serial number comes several times"
        assert all(serial not in serials for serials in (await changes(here)).values())


async def test_a_device_that_fails_does_not_keep_the_others_and_is_tried_again_the_next_night(
    tmp_path: Path, world: Sandbox, name: str
) -> None:
    async with office(tmp_path, world, FILES) as here:
        wanted = await expected(here)
        refused = {"kind": "error_200", "vendor": "provider", "match": {"operation": "acs_device_grid.insert"}}
        await here.control("POST", "faults", {**refused, "times": 1, "body": "Registro recusado"})
        run = await begin(here, name)
        assert run.status is RunStatus.FAILED
        assert "1 devices could not be brought up to date" in str(run.error)
        left = await expected(here)
        assert (len(left["create"]), left["update"], left["delete"]) == (1, [], [])
        report = report_of(await begin(here, name))
        assert (report["added"], report["updated"]) == (1, 0)
        assert len((await changes(here))["insert"]) == len(wanted["create"])


async def test_the_erp_is_read_before_the_acs_so_that_what_comes_meanwhile_is_not_taken_for_gone(
    tmp_path: Path, world: Sandbox, name: str
) -> None:
    async with office(tmp_path, world, FILES, provider={"page_size": 40}) as here:
        report_of(await begin(here, name))
        rows = [one["seq"] for one in await here.sent("provider", "acs_device_grid.list")]
        devices = [one["seq"] for one in await here.sent("acs", "list_devices")]
        before = [number for number in rows if number < min(devices)]
        assert len(before) > DEVICES / 2 / 40, "the ERP's pages come first"
        assert not [number for number in rows if min(devices) < number < max(devices)]
