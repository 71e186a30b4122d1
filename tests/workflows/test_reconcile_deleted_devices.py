"""`reconcile_deleted_devices`: what is gone from the ACS goes from the ERP, and every difference has its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunRecord, RunStatus
from backhaul_connectors.ixc_acs.serials import serial_key
from isp import Sandbox
from workflows.conftest import DEVICES
from workflows.differences import answer, begin, items_of, question, reasons_of
from workflows.office import Office, office

pytestmark = pytest.mark.anyio

FILES = ("reconcile_deleted_devices.yaml",)
NAME, STEP = "reconcile-deleted-devices", "gone"
BY_HAND = "deleted by hand, and the ERP missed the webhook"
WITHOUT_A_WORD = "gone without a word, as in a mass deletion"
TWICE = "the serial number comes several times"
FAILED_BEFORE = "could not be removed the last time"


async def registered(here: Office, count: int) -> list[str]:
    """Return serial numbers of devices that both systems have, in the same spelling."""
    found: list[str] = []
    for index in range(DEVICES):
        serials = (await here.control("GET", f"subscribers/{index}"))["acs"]["serials"]
        serial = serials[0] if serials else ""
        if serial and (await here.control("GET", f"provider/devices/{serial}"))["items"]:
            found.append(serial)
        if len(found) == count:
            break
    return found


async def removed(here: Office) -> set[str]:
    """Return the serial numbers whose records were removed from the ERP."""
    return {one["key"] for one in await here.sent("provider", "acs_device_grid.delete")}


async def to_remove(here: Office) -> set[str]:
    """Return the serial numbers whose records should be removed, as the sandbox's own rules say."""
    return {one["serial_number"] for one in (await here.control("GET", "expected_sync"))["delete"]}


def done(run: RunRecord) -> dict[str, Any]:
    """Return the report of a run that has succeeded, whose reasons add up."""
    assert run.status is RunStatus.SUCCEEDED, run.error
    report: dict[str, Any] = run.output  # type: ignore[assignment]  # it is JSON
    explained = report["explained"]
    sides = {"source": 0, "target": 0}
    for one in explained["reasons"]:
        sides[one["side"]] += one["count"]
    assert sides == {"source": explained["only_in_source"], "target": explained["only_in_target"]}
    assert explained["difference"] == sides["source"] - sides["target"]
    assert explained["problems"] == {}
    return report


async def test_after_a_mass_deletion_the_erp_loses_exactly_what_the_acs_lost(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        serials = await registered(here, 5)
        await here.control("POST", "acs/mass_delete", {"serials": serials})
        expected = await to_remove(here)
        assert set(serials) < expected  # the ISP begins with some
        report = done(await begin(here, NAME))
        assert await removed(here) == expected
        assert await to_remove(here) == set()
        assert (report["gone"], report["deleted"], report["guard"]) == (len(expected), len(expected), None)
        assert (report["held"], report["changed"], report["failed"], report["unconfirmed"]) == (0, 0, 0, 0)
        assert report["devices_in_acs"] == DEVICES - 5
        (event,) = await here.events("report.deleted_devices")
        assert event.data == report
        again = done(await begin(here, NAME))
        assert (again["gone"], again["deleted"]) == (0, 0)
        assert again["devices_in_erp_before"] == report["devices_in_erp_before"] - len(expected)
        assert await here.control("GET", "requests/repeated") == {"items": []}


async def test_what_was_deleted_by_hand_is_told_from_what_vanished_without_a_word(
    tmp_path: Path, world: Sandbox
) -> None:
    async with office(tmp_path, world, FILES) as here:
        by_hand, unheard, returned, mass = await registered(here, 4)
        await here.control("POST", "settings", {"acs": {"erp_webhook_lost": True}})
        for serial in (by_hand, returned):
            await here.control("DELETE", f"acs/devices/{serial}")
            await here.control("GET", "webhooks")
        await here.control("POST", "acs/devices", {"serial": returned, "pppoe_login": None})
        await here.control("POST", "settings", {"acs": {"webhook_lost": True}})
        await here.control("DELETE", f"acs/devices/{unheard}")
        await here.control("GET", "webhooks")
        await here.control("POST", "acs/mass_delete", {"serials": [mass, returned]})
        run = await begin(here, NAME)
        assert done(run)["removals_reported"] == 1
        reasons = await reasons_of(here, run, STEP)
        assert reasons[BY_HAND] == {by_hand}
        gone = set().union(*(keys for reason, keys in reasons.items() if reason.startswith(WITHOUT_A_WORD)))
        assert {unheard, returned, mass} < gone
        assert {by_hand, *gone} == await removed(here)


@pytest.mark.parametrize("yes", [False, True])
async def test_above_the_guard_a_person_is_asked_in_numbers(tmp_path: Path, world: Sandbox, yes: bool) -> None:
    async with office(tmp_path, world, FILES) as here:
        rows = (await here.control("GET", "world"))["counts"]["acs_device"]
        await here.control("POST", "acs/mass_delete", {"serials": await registered(here, 20)})
        expected = await to_remove(here)
        run = await begin(here, NAME)
        asked = await question(here, run)
        share = f"{len(expected) / rows * 100:.1f}".removesuffix(".0")
        assert f"would delete {len(expected)} of {rows} records of provider.list_acs_devices ({share} %)" in asked
        assert f"allowed are 5 % ({rows * 5 // 100}). The source acs.list_devices has {DEVICES - 20} records" in asked
        assert await removed(here) == set()
        report = done(await answer(here, run, yes=yes))
        assert (report["deleted"], report["held"]) == ((len(expected), 0) if yes else (0, len(expected)))
        assert report["guard"] == asked
        assert await removed(here) == (expected if yes else set())


async def test_more_devices_than_the_greatest_number_need_a_yes_too(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        run = await begin(here, NAME, max_delete="100%", max_delete_count=2)
        assert "allowed are 2." in await question(here, run)
        assert await removed(here) == set()


@pytest.mark.parametrize(
    ("share", "told"), [(1.0, "has 0 records; at least 1 are needed"), (0.6, "has 120 records, 300 the last time")]
)
async def test_an_empty_or_shrunken_list_deletes_nothing(
    tmp_path: Path, world: Sandbox, share: float, told: str
) -> None:
    async with office(tmp_path, world, FILES) as here:
        if "last time" in told:
            done(await begin(here, NAME))
        before = await removed(here)
        await here.control("POST", "acs/mass_delete", {"share": share})
        run = await begin(here, NAME)
        assert told in await question(here, run)
        report = done(await answer(here, run, yes=False))
        assert (report["deleted"], report["held"]) == (0, report["gone"])
        assert await removed(here) == before


@pytest.mark.slow
@pytest.mark.parametrize("yes", [False, True])
async def test_a_list_that_breaks_off_deletes_nothing_whatever_a_person_says(
    tmp_path: Path, world: Sandbox, yes: bool
) -> None:
    async with office(tmp_path, world, FILES, acs={"page_size": DEVICES // 5}) as here:
        fault = {"kind": "html_200", "vendor": "acs", "match": {"operation": "list_devices"}, "after": 2}
        await here.control("POST", "faults", fault)
        run = await begin(here, NAME)
        asked = await question(here, run)
        assert f"{DEVICES * 2 // 5} of its records had been read" in asked
        ended = await answer(here, run, yes=yes)
        assert ended.status is RunStatus.FAILED
        assert "the ACS could not be read, so nothing was compared" in str(ended.error)
        assert await removed(here) == set()
        (event,) = await here.events("report.deleted_devices")
        assert event.data is not None
        await here.control("DELETE", "faults")
        done(await begin(here, NAME))


async def test_a_record_that_changes_before_its_delete_is_left_alone(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        taken, reused, *_ = serials = await registered(here, 20)
        await here.control("POST", "acs/mass_delete", {"serials": serials})
        run = await begin(here, NAME)
        await question(here, run)
        await here.control("DELETE", f"provider/devices/{taken}")
        await here.control("POST", f"provider/devices/{reused}", {"serial_number": "NEWX00C0FFEE"})
        expected = await to_remove(here) - {"NEWX00C0FFEE"}
        report = done(await answer(here, run, yes=True))
        assert (report["changed"], report["deleted"]) == (2, len(expected))
        assert await removed(here) == expected
        notes = {one["key"]: one["note"] for one in await items_of(here, run, STEP) if one["outcome"] == "changed"}
        assert notes == {
            taken: "it is gone since it was read",
            reused: "its key has changed since it was read",
        }
        assert (await here.control("GET", "provider/devices/NEWX00C0FFEE"))["items"]


@pytest.mark.parametrize("first", ["nightly-sync", NAME])
async def test_beside_nightly_sync_both_may_ask_and_both_may_be_approved(
    tmp_path: Path, world: Sandbox, first: str
) -> None:
    async with office(tmp_path, world, (*FILES, "nightly_sync.yaml")) as here:
        await here.control("POST", "acs/mass_delete", {"serials": await registered(here, 20)})
        expected = await to_remove(here)
        asking = {name: await begin(here, name) for name in ("nightly-sync", NAME)}
        await question(here, asking[NAME])
        removing: Any = (await answer(here, asking.pop(first), yes=True)).output
        finding: Any = (await answer(here, *asking.values(), yes=True)).output
        names = ["removed", "changed_meanwhile"], ["deleted", "changed"]
        told, found = names if first == "nightly-sync" else names[::-1]
        assert [removing[name] for name in told] == [len(expected), 0]
        assert [finding[name] for name in found] == [0, len(expected)]
        assert (removing["failed"], finding["failed"]) == (0, 0)
        assert await removed(here) == expected
        assert await here.control("GET", "requests/repeated") == {"items": []}


async def test_what_could_not_be_removed_fails_the_run_and_is_named_the_next_time(
    tmp_path: Path, world: Sandbox
) -> None:
    async with office(tmp_path, world, FILES) as here:
        expected = await to_remove(here)
        fault = {
            "kind": "error_200",
            "body": "Registro em uso",
            "vendor": "provider",
            "match": {"operation": "acs_device_grid.delete"},
            "times": 1,
        }
        await here.control("POST", "faults", fault)
        run = await begin(here, NAME)
        assert run.status is RunStatus.FAILED
        assert "1 devices could not be removed from the ERP" in str(run.error)
        (event,) = await here.events("report.deleted_devices")
        report: Any = event.data
        assert (report["failed"], report["deleted"]) == (1, len(expected) - 1)
        left = await to_remove(here)
        again = await begin(here, NAME)
        assert (await reasons_of(here, again, STEP))[FAILED_BEFORE] == left
        assert done(again)["deleted"] == len(left) == 1


async def test_what_only_the_acs_has_is_explained_by_its_login(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        before = await reasons_of(here, await begin(here, NAME), STEP)
        serials = await registered(here, 5)
        for serial in serials:
            await here.control("DELETE", f"provider/devices/{serial}")
        logins = [(await here.control("GET", f"subscribers?serial={one}"))["login"] for one in serials]
        bridge, unknown, inactive, nobody, _ = serials
        await here.control("POST", f"acs/devices/{bridge}/login", {"pppoe_login": None})
        await here.control("POST", f"acs/devices/{unknown}/login", {"pppoe_login": "nosuch.ppp"})
        await here.control("POST", f"provider/logins/{logins[2]}", {"ativo": "N"})
        await here.control("POST", f"provider/logins/{logins[3]}", {"id_cliente": "0"})
        await here.control("POST", "acs/devices", {"serial": "NEWX00000001", "pppoe_login": logins[4]})
        run = await begin(here, NAME)
        done(run)
        reasons = await reasons_of(here, run, STEP)
        new = {reason: keys - before.get(reason, set()) for reason, keys in reasons.items()}
        assert {reason: keys for reason, keys in new.items() if keys} == {
            "the device has no login": {bridge},
            "the ERP does not have the login": {unknown},
            "the login is not active": {inactive},
            "the login has no customer": {nobody},
            "new since the last synchronisation": {"NEWX00000001"},
            "the ERP should have it: run nightly-sync": {serials[4]},
        }


async def test_other_spellings_are_counted_and_several_records_of_a_device_are_never_guessed(
    tmp_path: Path, world: Sandbox
) -> None:
    async with office(tmp_path, world, FILES) as here:
        before = done(await begin(here, NAME))
        respelled, doubled, gone = await registered(here, 3)
        other = f"{respelled[:4].lower()}-{respelled[4:]}"
        await here.control("POST", f"provider/devices/{respelled}", {"serial_number": other})
        for serial in (doubled, gone):
            await here.control("POST", "provider/devices", {"serial_number": serial})
        await here.control("POST", "acs/mass_delete", {"serials": [gone]})
        run = await begin(here, NAME)
        report = done(run)
        assert report["spelled_differently"] == before["spelled_differently"] + 1 > 1
        assert report["gone"] == 0
        assert (await reasons_of(here, run, STEP))[TWICE] == {doubled, gone}
        assert serial_key(other) == respelled
        assert len((await here.control("GET", f"provider/devices/{gone}"))["items"]) == 2


async def test_a_plan_lists_what_would_be_removed_and_removes_nothing(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        expected = await to_remove(here)
        run, _ = await here.app.dispatcher.start(NAME, {}, cause="test", plan=True)
        ended = await here.run(NAME)
        assert (ended.run_id, ended.status) == (run.run_id, RunStatus.SUCCEEDED), ended.error
        planned = [step for step in await here.app.store.steps(run.run_id) if "/delete[" in step.key]
        assert {step.key.partition("[")[2].rstrip("]") for step in planned} == {serial_key(one) for one in expected}
        assert await here.sent("provider") == await here.sent("acs") == []
