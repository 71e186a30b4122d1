"""Entries are added once and their ids found, merged before they are changed, deleted only where they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from backhaul.sdk import (
    AttemptInfo,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    UnknownOutcomeError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.akixi import Akixi, IntegratorClientField
from backhaul_connectors.akixi.errors import EntryExistsForScopeError, EntryNotFoundError
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://akixi.example.net", "api_key": "not-a-secret"}
ENVIRONMENT = "0f1e2d3c4b5a6978:-1a2b3c4d:18f00aa11bb:12ef"
FREE: dict[str, Any] = {"tel_sys_id": 426, "partition_id": 1, "device_number": "+442046034982"}
TAKEN: dict[str, Any] = {"tel_sys_id": 426, "partition_id": 1, "device_number": "+442046034981"}
TAKEN_ID = "3d5b6efefaa0a823:3af2db2a:199bb1c0014:-36cd"
ADD = {"operation": "add_client"}


def attempt(started_at: datetime | None = None) -> AttemptInfo:
    """Return an attempt that began now, or at the moment given."""
    return AttemptInfo(started_at=started_at or datetime.now(UTC), number=1)


def shown(sandbox: Sandbox, entry_id: str) -> dict[str, Json]:
    """Return an entry as Akixi has it."""
    return sandbox.control.get(f"/akixi/clients/{entry_id}").raise_for_status().json()  # type: ignore[no-any-return]


async def test_an_added_entry_holds_everything_and_its_id_is_known(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    """Traps 3 and 8: the answer has no id; without IntegratorClientFields the sandbox drops Policies and Settings."""
    async with connection_for(Akixi, by_key) as akixi:
        added = await akixi.add_integrator_client(
            **FREE,
            description="Front desk a91f",
            cm_environment_id=ENVIRONMENT,
            policies={"core::showUseConfigurationWindow": False},
            settings={"interface::showMissedCallPreview": True},
        )
    assert added.id is not None
    entry = shown(sandbox, added.id)
    assert entry["Description"] == "Front desk a91f"
    assert entry["DeviceNumber"] == FREE["device_number"]
    assert entry["CMEnvironmentID"] == ENVIRONMENT
    assert entry["Policies"] == {"core::showUseConfigurationWindow": False}
    assert entry["Settings"] == {"interface::showMissedCallPreview": True}


async def test_the_vendors_trailing_slash_and_fields_are_sent(script: ScriptMaker) -> None:
    """Trap 8."""
    nobody = httpx.Response(200, json={"Result": "Success", "Data": {"Total": 0, "Items": []}})
    for slash, ending in ((True, b"/integratorClient/"), (False, b"/integratorClient")):
        vendor = script(nobody, httpx.Response(200, json={"Result": "Success"}), nobody)
        settings = {**SCRIPTED, "add_trailing_slash": slash, "cm_environment_id": ENVIRONMENT}
        async with connection_for(Akixi, settings, transport=vendor.transport) as akixi:
            added = await akixi.add_integrator_client(**FREE, description="x", policies={"a::b": 1}, settings={})
        post = vendor.requests[1]
        assert post.url.raw_path.partition(b"?")[0].endswith(ending)
        assert post.url.params["IntegratorClientFields"] == "[Policies,Settings]"
        assert vendor.bodies[1] == {
            "Description": "x",
            "CMEnvironmentID": ENVIRONMENT,
            "Policies": {"a::b": 1},
            "Settings": {},
        }
        assert added.id is None
        assert "0 entries" in added.note


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut_after"},
        {"kind": "cut_body"},
        {"kind": "status", "code": 503, "act": True},
        {"kind": "status", "code": 500, "act": True},
        {"kind": "html_200", "act": True},
    ],
)
async def test_an_addition_whose_answer_was_lost_is_found_and_not_repeated(
    sandbox: Sandbox, by_key: dict[str, Json], fault: dict[str, Any]
) -> None:
    """Trap 3."""
    sandbox.fault(**fault, vendor="akixi", match=ADD, times=1)
    async with connection_for(Akixi, by_key) as akixi:
        added = await akixi.add_integrator_client(**FREE, description="Front desk a91f")
    assert added.id is not None
    assert shown(sandbox, added.id)["Description"] == "Front desk a91f"
    assert sandbox.operations("akixi").count("add_client") == 1


@pytest.mark.parametrize("fault", [{"kind": "cut_before"}, {"kind": "status", "code": 503}, {"kind": "html_200"}])
async def test_an_addition_that_was_lost_is_unknown_and_then_verified(
    sandbox: Sandbox, by_key: dict[str, Json], fault: dict[str, Any]
) -> None:
    """Trap 3."""
    sandbox.fault(**fault, vendor="akixi", match=ADD, times=1)
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(UnknownOutcomeError, match="does not show the entry"):
            await akixi.add_integrator_client(**FREE, description="Front desk a91f")
        assert sandbox.operations("akixi").count("add_client") == 1
        verdict = await akixi.verify_addition(**FREE, description="Front desk a91f", attempt=attempt())
        assert verdict.state == "not_done"
        added = await akixi.add_integrator_client(**FREE, description="Front desk a91f")
        verdict = await akixi.verify_addition(**FREE, description="Front desk a91f", attempt=attempt())
    assert (verdict.state, verdict.result.id) == ("done", added.id)
    assert sandbox.repeated() == []


async def test_an_unknown_error_of_an_addition_is_an_unknown_outcome(script: ScriptMaker) -> None:
    """Trap 3: the vendor's 10000 says nothing of what was done, so nothing may repeat the addition by itself."""
    nobody = httpx.Response(200, json={"Result": "Success", "Data": {"Total": 0, "Items": []}})
    for status in (200, 500):
        vendor = script(nobody, httpx.Response(status, json={"Result": "Failure", "ErrorCode": 10000}), nobody)
        async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
            with pytest.raises(UnknownOutcomeError, match="10000"):
                await akixi.add_integrator_client(**FREE, description="x")
        assert [request.method for request in vendor.requests] == ["GET", "POST", "GET"]


async def test_an_entry_with_another_environment_is_not_taken_for_the_one_added(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        await akixi.add_integrator_client(**FREE, description="Front desk", cm_environment_id=ENVIRONMENT)
        verdict = await akixi.verify_addition(
            **FREE, description="Front desk", cm_environment_id=ENVIRONMENT[:-1] + "0", attempt=attempt()
        )
    assert verdict.state == "unknown"
    assert "another CMEnvironmentID" in verdict.reason


async def test_an_entry_that_was_there_long_before_is_not_the_one_added(by_key: dict[str, Json]) -> None:
    """Trap 3: an interruption before the look at the list, or a description that need not be unique, leaves one."""
    async with connection_for(Akixi, by_key) as akixi:
        verdict = await akixi.verify_addition(**TAKEN, description="test CXI", attempt=attempt())
        assert (verdict.state, "since 20" in verdict.reason) == ("unknown", True)
        old = await akixi.get_integrator_client(
            **TAKEN, id=TAKEN_ID, integrator_client_fields=[IntegratorClientField.DATE_TIME_CREATED]
        )
        verdict = await akixi.verify_addition(**TAKEN, description="test CXI", attempt=attempt(old.date_time_created))
    assert (verdict.state, verdict.result.id) == ("done", TAKEN_ID)


async def test_two_entries_with_the_description_leave_the_decision_to_a_person(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        verdict = await akixi.verify_addition(
            tel_sys_id=403, partition_id=-1, device_number="UnknownNoneOrAll", description="3", attempt=attempt()
        )
    assert verdict.state == "unknown"
    assert "2 entries" in verdict.reason


async def test_a_description_that_the_scope_has_already_is_refused_unless_allowed(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    """Trap 3: only the description tells which entry is new."""
    sandbox.switch("akixi", unique_scope=False)
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RefusedError, match="has an Integrator Client with this description already"):
            await akixi.add_integrator_client(**TAKEN, description="test CXI")
    assert "add_client" not in sandbox.operations("akixi")
    async with connection_for(Akixi, {**by_key, "require_unique_description": False}) as akixi:
        added = await akixi.add_integrator_client(**TAKEN, description="test CXI")
    assert added.id not in (None, TAKEN_ID)


async def test_additions_to_one_scope_at_once_each_find_their_own_id(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    sandbox.switch("akixi", unique_scope=False)
    found = {}

    async def add(akixi: Akixi, name: str) -> None:
        found[name] = (await akixi.add_integrator_client(**FREE, description=name)).id

    async with connection_for(Akixi, by_key) as akixi:
        async with anyio.create_task_group() as tasks:
            for name in ("one", "two", "three"):
                tasks.start_soon(add, akixi, name)
        assert not akixi._entries._turns
    assert {name: shown(sandbox, str(entry_id))["Description"] for name, entry_id in found.items()} == {
        name: name for name in found
    }


async def test_the_same_addition_twice_at_once_takes_turns_and_is_made_once(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    """Trap 3: the second sees the first one's entry."""
    sandbox.switch("akixi", unique_scope=False)
    outcomes = []

    async def add(akixi: Akixi) -> None:
        try:
            outcomes.append((await akixi.add_integrator_client(**FREE, description="one")).id is not None)
        except RefusedError:
            outcomes.append(False)

    async with connection_for(Akixi, by_key) as akixi, anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(add, akixi)
    assert sorted(outcomes) == [False, False, False, True]
    assert sandbox.operations("akixi").count("add_client") == 1


async def test_a_taken_scope_is_a_typed_refusal(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(EntryExistsForScopeError, match="30005"):
            await akixi.add_integrator_client(**TAKEN, description="Another")


async def test_a_list_that_cannot_be_read_after_adding_does_not_undo_the_addition(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    sandbox.fault("status", code=400, vendor="akixi", match={"operation": "list_client"}, after=1)
    async with connection_for(Akixi, by_key) as akixi:
        added = await akixi.add_integrator_client(**FREE, description="Front desk")
    assert added.id is None
    assert "could not be read" in added.note
    assert sandbox.operations("akixi").count("add_client") == 1


async def test_many_additions_within_an_hour_need_a_persons_consent(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    """Trap 13."""
    sandbox.switch("akixi", unique_scope=False)
    clock = FakeClock()
    async with connection_for(Akixi, {**by_key, "adds_per_hour": 2}, clock=clock) as akixi:
        for name in ("one", "two"):
            await akixi.add_integrator_client(**FREE, description=name)
        with pytest.raises(RefusedError, match="billed"):
            await akixi.add_integrator_client(**FREE, description="three")
        await clock.advance(3601)
        await akixi.add_integrator_client(**FREE, description="three")
    assert sandbox.operations("akixi").count("add_client") == 3


@pytest.mark.parametrize("put_mode", ["replace", "merge"])
async def test_a_change_keeps_what_it_does_not_name(sandbox: Sandbox, by_key: dict[str, Json], put_mode: str) -> None:
    """Traps 8 and 9."""
    sandbox.switch("akixi", put_mode=put_mode)
    async with connection_for(Akixi, by_key) as akixi:
        change = await akixi.change_integrator_client(
            **TAKEN, id=TAKEN_ID, settings={"interface::showMissedCallPreview": True}
        )
        assert change.changed
        assert not (await akixi.change_integrator_client(**TAKEN, id=TAKEN_ID, description="test CXI")).changed
    entry = shown(sandbox, TAKEN_ID)
    assert entry["Description"] == "test CXI"
    assert entry["CMEnvironmentID"] == "d6d6c5a5f0f90d60:-15617a00:169f533f6d5:5613"
    assert entry["Policies"] == {"core::showUseConfigurationWindow": True}
    assert entry["Settings"] == {
        "interface::showCallNotificationPreview": True,
        "interface::showMissedCallPreview": True,
    }
    assert sandbox.operations("akixi").count("change_client") == 1


async def test_with_replace_the_given_objects_take_the_place_of_the_stored_ones(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        await akixi.change_integrator_client(
            **TAKEN,
            id=TAKEN_ID,
            description="New",
            cm_environment_id=ENVIRONMENT,
            settings={"a::b": None},
            replace=True,
        )
    entry = shown(sandbox, TAKEN_ID)
    assert entry["Settings"] == {"a::b": None}
    assert entry["Policies"] == {"core::showUseConfigurationWindow": True}
    assert entry["Description"] == "New"
    assert entry["CMEnvironmentID"] == ENVIRONMENT


async def test_objects_that_akixi_does_not_show_are_not_merged_by_guess(script: ScriptMaker) -> None:
    """Trap 9."""
    info = {"Result": "Success", "Data": {"ID": TAKEN_ID, "Description": "x", "TelSysID": "426", "PartitionID": "1"}}
    vendor = script(httpx.Response(200, json=info))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(RefusedError, match="replace = true"):
            await akixi.change_integrator_client(**TAKEN, id=TAKEN_ID, settings={"a::b": 1})
    assert [request.method for request in vendor.requests] == ["GET"]


async def test_a_change_that_akixi_confirms_but_does_not_store_is_an_error(script: ScriptMaker) -> None:
    """Trap 5."""
    info = {"ID": TAKEN_ID, "Description": "x", "TelSysID": "426", "PartitionID": "1", "Policies": {}, "Settings": {}}
    told = httpx.Response(200, json={"Result": "Success", "Data": info})
    vendor = script(told, httpx.Response(204), told)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="did not store Policies"):
            await akixi.change_integrator_client(**TAKEN, id=TAKEN_ID, policies={"a::b": 1})


async def test_an_answer_about_another_entry_is_not_merged(script: ScriptMaker) -> None:
    info = {"ID": "other:1:2:3", "Description": "x", "TelSysID": "426", "PartitionID": "1"}
    vendor = script(httpx.Response(200, json={"Result": "Success", "Data": info}))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="check_info_id"):
            await akixi.get_integrator_client(**TAKEN, id=TAKEN_ID)
    async with connection_for(Akixi, {**SCRIPTED, "check_info_id": False}, transport=vendor.transport) as akixi:
        assert (await akixi.get_integrator_client(**TAKEN, id=TAKEN_ID)).id == "other:1:2:3"


async def test_ids_are_one_percent_encoded_segment(script: ScriptMaker) -> None:
    """Traps 4 and 6: the 204 has no body, which is not parsed."""
    vendor = script(httpx.Response(204))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        assert (await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)).removed
    assert vendor.requests[0].url.raw_path == (
        b"/CCS/API/v1/admin/telsys/426/partition/1/device/%2B442046034981/integratorClient/"
        b"3d5b6efefaa0a823%3A3af2db2a%3A199bb1c0014%3A-36cd"
    )


async def test_an_entry_is_deleted_once_and_then_gone(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        assert (await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)).removed
        assert not (await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)).removed
        with pytest.raises(EntryNotFoundError, match="30003"):
            await akixi.get_integrator_client(**TAKEN, id=TAKEN_ID)


async def test_a_deletion_whose_answer_was_lost_is_a_success(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    """Trap 4."""
    sandbox.fault("cut_after", vendor="akixi", match={"operation": "delete_client"}, times=1)
    async with connection_for(Akixi, by_key) as akixi:
        await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)
    assert sandbox.control.get(f"/akixi/clients/{TAKEN_ID}").status_code == 404


@pytest.mark.parametrize("code", [30003, 30004])
async def test_an_entry_in_another_place_is_not_taken_for_deleted(
    sandbox: Sandbox, by_key: dict[str, Json], code: int
) -> None:
    sandbox.switch("akixi", wrong_scope=code)
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RefusedError, match=r"exists, but under tel_sys_id 426"):
            await akixi.delete_integrator_client(**{**TAKEN, "tel_sys_id": 417}, id=TAKEN_ID)
    assert shown(sandbox, TAKEN_ID)


async def test_a_404_of_a_wrong_address_is_not_taken_for_deleted(by_key: dict[str, Json]) -> None:
    """Trap 5: a status alone proves nothing."""
    async with connection_for(Akixi, {**by_key, "api_path": "/CCS/API/v9"}) as akixi:
        with pytest.raises(NotFoundError, match="404"):
            await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)


async def test_a_user_who_may_not_list_everything_may_still_delete_twice(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    sandbox.switch("akixi", denied=["list"])
    async with connection_for(Akixi, by_key) as akixi:
        assert (await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)).removed
        assert not (await akixi.delete_integrator_client(**TAKEN, id=TAKEN_ID)).removed


async def test_minus_one_is_refused_for_changes_unless_it_is_asked_for(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    """Trap 10."""
    entry_id = "a05241ee7b21d0ac:-69f03ef2:1989d3eaf18:7877"
    wild: dict[str, Any] = {"tel_sys_id": 398, "partition_id": -1, "device_number": "UnknownNoneOrAll"}
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RefusedError, match="partition_id -1 means all"):
            await akixi.delete_integrator_client(**wild, id=entry_id)
        with pytest.raises(RefusedError, match="tel_sys_id and partition_id -1"):
            await akixi.change_integrator_client(**{**wild, "tel_sys_id": -1}, id=entry_id, description="x")
        with pytest.raises(RefusedError, match="means all"):
            await akixi.add_integrator_client(**wild, description="x")
        assert sandbox.operations("akixi") == []
        assert (await akixi.delete_integrator_client(**wild, id=entry_id, allow_wildcard=True)).removed


async def test_a_plan_tells_what_would_change_and_what_would_go(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    """Trap 10: what would be refused is refused here, too."""
    settings = {"interface::showMissedCallPreview": True}
    kept: dict[str, Any] = {"cm_environment_id": None, "policies": None, "replace": False}
    entry: dict[str, Any] = {**TAKEN, "id": TAKEN_ID, "allow_wildcard": False}
    async with connection_for(Akixi, by_key) as akixi:
        change = await akixi.describe_change(**entry, **kept, description="New", settings=settings)
        same = await akixi.describe_change(**entry, **kept, description="test CXI", settings=None)
        removal = await akixi.describe_delete(**entry)
        with pytest.raises(RefusedError, match="means all"):
            await akixi.describe_change(**{**entry, "partition_id": -1}, **kept, description="New", settings=None)
        with pytest.raises(RefusedError, match="means all"):
            await akixi.describe_delete(**{**entry, "tel_sys_id": -1})
    shown_before = {"interface::showCallNotificationPreview": True}
    assert change.before == {"Description": "test CXI", "Settings": shown_before}
    assert change.after == {"Description": "New", "Settings": {**shown_before, **settings}}
    assert change.text.endswith(": Description, Settings")
    assert (same.text.endswith(": nothing"), same.before, same.after) == (True, {}, {})
    assert removal.before is not None
    assert (removal.before["Description"], removal.after) == ("test CXI", None)
    assert set(sandbox.operations("akixi")) == {"get_client"}


async def test_the_partition_of_a_whole_server_is_explained(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RefusedError, match="partition_id -1"):
            await akixi.delete_integrator_client(
                tel_sys_id=389, partition_id=-3, device_number="UnknownNoneOrAll", id="a:b:c:d"
            )
