"""Lists of entries: whole or an error, whatever the order, the types and the page size."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from backhaul.sdk import InvalidAnswerError, Json, RefusedError
from backhaul.testing import connection_for
from backhaul_connectors.akixi import Akixi, IntegratorClient, IntegratorClientField
from backhaul_connectors.akixi.scope import DeviceNumber
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://akixi.example.net", "api_key": "not-a-secret"}


def row(number: int, **fields: Json) -> dict[str, Json]:
    return {
        "ID": f"0f1e2d3c4b5a6978:11aa22b:19a1b2c3d4e:{number}",
        "Description": f"Desk {number}",
        "TelSysID": 513,
        "PartitionID": 1,
        "DeviceNumber": f"+4420794600{number:02}",
        **fields,
    }


def page(total: Json, *items: Json) -> httpx.Response:
    return httpx.Response(200, json={"Result": "Success", "Data": {"Total": total, "Items": items, "Offset": 0}})


async def entries(akixi: Akixi, **conditions: Json) -> list[IntegratorClient]:
    return [entry async for found in akixi.list_integrator_clients(**conditions) for entry in found.items]


async def test_the_fifteen_entries_of_the_vendor_page_are_listed(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        found = {entry.id: entry for entry in await entries(akixi)}
    assert len(found) == 15
    device = found["3d5b6efefaa0a823:3af2db2a:199bb1c0014:-36cd"]
    assert (device.tel_sys_id, device.partition_id, device.device_number) == (426, 1, "+442046034981")
    assert (device.scope, device.device_description) == ("device", "User02 A4MTTest")
    assert device.tel_sys_description == "MST Dev Tenant"
    whole = found["174546f958aa15f1:2744ca9:19889c3e648:-2229"]
    assert (whole.scope, whole.partition_id, whole.device_description) == ("telsys", -3, None)
    assert found["a21abf960a398ee2:7b73f31a:198d18707a9:6b7b"].scope == "partition"


@pytest.mark.parametrize("size", [1, 4, 7, 15, 16, 500])
async def test_every_page_size_gives_the_same_list(sandbox: Sandbox, by_key: dict[str, Json], size: int) -> None:
    sandbox.switch("akixi", limit_max=5)
    async with connection_for(Akixi, {**by_key, "page_size": size}) as akixi:
        assert len(await entries(akixi)) == 15


async def test_a_listing_is_resumed_at_every_page(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, {**by_key, "page_size": 4}) as akixi:
        pages = [found async for found in akixi.list_integrator_clients()]
        ids = [entry.id for found in pages for entry in found.items]
        read = 0
        for found in pages[:-1]:
            read += len(found.items)
            rest = [entry async for more in akixi.list_integrator_clients(cursor=found.next) for entry in more.items]
            assert [entry.id for entry in rest] == ids[read:]
        assert pages[-1].next is None
        assert {found.total for found in pages} == {15}
        with pytest.raises(RefusedError, match="not a cursor"):
            await anext(akixi.list_integrator_clients(cursor="x"))


async def test_conditions_and_the_vendors_parameters_are_sent(script: ScriptMaker) -> None:
    """Trap 6: numbers and ids are encoded once."""
    vendor = script(page(0))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        await entries(
            akixi,
            tel_sys_id=426,
            partition_id=1,
            device_number="+442046034981",
            limit=7,
            offset=3,
            sort="DESC",
            integrator_client_fields=[IntegratorClientField.POLICIES, IntegratorClientField.DATE_TIME_CREATED],
        )
        await entries(akixi)
    first, second = (request.url for request in vendor.requests)
    assert first.raw_path.partition(b"?")[0] == (
        b"/CCS/API/v1/admin/telsys/426/partition/1/device/%2B442046034981/integratorClient"
    )
    assert dict(first.params) == {
        "limit": "7",
        "offset": "3",
        "sort": "DESC",
        "IntegratorClientFields": "[Policies,DateTimeCreated]",
    }
    assert b"/telsys/-1/partition/-1/device/UnknownNoneOrAll/integratorClient?" in second.raw_path
    assert dict(second.params) == {
        "limit": "25",
        "offset": "0",
        "IntegratorClientFields": "[TelSysDescription,PartitionDescription,DeviceDescription]",
    }


@pytest.mark.parametrize(
    ("form", "value"), [("brackets", "[Policies]"), ("quoted", "'[Policies]'"), ("plain", "Policies")]
)
async def test_the_form_of_the_fields_is_a_setting(script: ScriptMaker, form: str, value: str) -> None:
    vendor = script(page(0))
    settings = {**SCRIPTED, "fields_form": form, "list_fields": ["Policies"]}
    async with connection_for(Akixi, settings, transport=vendor.transport) as akixi:
        await entries(akixi)
    assert vendor.requests[0].url.params["IntegratorClientFields"] == value


@pytest.mark.parametrize("number", ["%2B442046034981", "a/b", "..", "a?b", ""])
def test_a_number_that_is_encoded_already_or_no_number_is_refused(number: str) -> None:
    """Trap 6: encoded once only."""
    with pytest.raises(ValidationError):
        TypeAdapter(DeviceNumber).validate_python(number)


async def test_numbers_are_numbers_whether_a_list_or_info_tells_them(by_key: dict[str, Json]) -> None:
    """Trap 7."""
    async with connection_for(Akixi, by_key) as akixi:
        listed = next(entry for entry in await entries(akixi, tel_sys_id=426))
        told = await akixi.get_integrator_client(
            tel_sys_id=426, partition_id=1, device_number=listed.device_number, id=listed.id
        )
    assert (told.tel_sys_id, told.partition_id) == (listed.tel_sys_id, listed.partition_id) == (426, 1)
    assert told.policies == {"core::showUseConfigurationWindow": True}
    assert told.settings == {"interface::showCallNotificationPreview": True}
    assert told.cm_environment_id == "d6d6c5a5f0f90d60:-15617a00:169f533f6d5:5613"


async def test_the_fields_of_one_entry_are_the_connections_or_the_callers(script: ScriptMaker) -> None:
    info = {"ID": "a:b:c:d", "TelSysID": "426", "PartitionID": "1"}
    vendor = script(httpx.Response(200, json={"Result": "Success", "Data": info}))
    place: dict[str, Json] = {"tel_sys_id": 426, "partition_id": 1, "device_number": "+442046034981", "id": "a:b:c:d"}
    async with connection_for(Akixi, {**SCRIPTED, "info_fields": ["Settings"]}, transport=vendor.transport) as akixi:
        await akixi.get_integrator_client(**place)
        await akixi.get_integrator_client(**place, integrator_client_fields=[IntegratorClientField.DEVICE_UNIQUE_ID])
        await akixi.get_integrator_client(**place, integrator_client_fields=[])
    asked = [request.url.params.get("IntegratorClientFields") for request in vendor.requests]
    assert asked == ["[Settings]", "[DeviceUniqueID]", None]


async def test_stored_times_get_their_zone_from_the_setting(script: ScriptMaker) -> None:
    """Trap 14."""
    told = page(1, row(1, DateTimeCreated="2031-07-01 12:00:00", DateTimeUpdated="2031-01-01 12:00:00.5"))
    for zone, hour in (("Europe/London", 11), ("UTC", 12)):
        vendor = script(told)
        async with connection_for(Akixi, {**SCRIPTED, "timezone": zone}, transport=vendor.transport) as akixi:
            (entry,) = await entries(akixi)
        assert entry.date_time_created == datetime(2031, 7, 1, hour, tzinfo=UTC)
        assert entry.date_time_updated == datetime(2031, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)


async def test_everything_that_can_be_asked_for_is_understood(by_key: dict[str, Json]) -> None:
    fields = list(IntegratorClientField)
    async with connection_for(Akixi, by_key) as akixi:
        (entry,) = await entries(akixi, tel_sys_id=426, integrator_client_fields=fields)
    assert entry.device_unique_id == "dev-426-+442046034981"
    assert entry.user_id_created_by
    assert entry.user_id_updated_by
    assert entry.policies
    assert entry.settings
    assert entry.date_time_created is not None
    assert entry.date_time_created.tzinfo is UTC


async def test_policies_and_settings_may_be_json_in_a_text(script: ScriptMaker) -> None:
    """The vendor's stored type of both is json."""
    vendor = script(page(2, row(1, Policies='{"a::b": [1]}', Settings="{}"), row(2, Policies="x", Settings=None)))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        first, second = await entries(akixi)
    assert (first.policies, first.settings) == ({"a::b": [1]}, {})
    assert (second.policies, second.settings) == (None, None)


async def test_non_breaking_spaces_are_spaces(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    sandbox.switch("akixi", nbsp=True)
    async with connection_for(Akixi, by_key) as akixi:
        assert "No Config Access" in {entry.description for entry in await entries(akixi)}


async def test_an_order_that_changes_between_pages_gives_each_entry_once(script: ScriptMaker) -> None:
    """Trap 11."""
    vendor = script(page(3, row(1), row(2)), page(4, row(2), row(3)))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        assert [entry.description for entry in await entries(akixi)] == ["Desk 1", "Desk 2", "Desk 3"]


async def test_an_empty_page_ends_a_listing_without_total(script: ScriptMaker) -> None:
    """Trap 11."""
    vendor = script(page(None, row(1)), page(None))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        assert len(await entries(akixi)) == 1
    assert len(vendor.requests) == 2


async def test_an_empty_page_before_the_total_is_no_end_unless_the_total_is_not_trusted(script: ScriptMaker) -> None:
    """Trap 11: the paging stops, and the list does not count as whole."""
    answers = (page(30, row(1)), page(30))
    async with connection_for(Akixi, SCRIPTED, transport=script(*answers).transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="not complete"):
            await entries(akixi)
    settings = {**SCRIPTED, "trust_total": False}
    async with connection_for(Akixi, settings, transport=script(*answers).transport) as akixi:
        assert len(await entries(akixi)) == 1


async def test_a_total_that_grows_is_followed_and_one_that_shrinks_is_an_error(
    sandbox: Sandbox, by_key: dict[str, Json], script: ScriptMaker
) -> None:
    vendor = script(page(3, row(1), row(2)), page(2, row(3)))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="fell from 3 to 2"):
            await entries(akixi)
    sandbox.switch("akixi", total_drift=-1)
    async with connection_for(Akixi, {**by_key, "page_size": 4}) as akixi:
        with pytest.raises(InvalidAnswerError, match="fell from 15 to 14"):
            await entries(akixi)


@pytest.mark.parametrize("kind", ["truncate_page", "empty_list"])
async def test_a_list_that_is_cut_consistently_is_as_long_as_akixi_says(
    sandbox: Sandbox, by_key: dict[str, Json], kind: str
) -> None:
    """Nothing shows this; the guard of a reconcile is what protects."""
    sandbox.fault(kind, vendor="akixi")
    async with connection_for(Akixi, by_key) as akixi:
        assert len(await entries(akixi)) < 15
        sandbox.clear_faults()
        assert len(await entries(akixi)) == 15


async def test_a_page_that_repeats_itself_is_an_error(script: ScriptMaker) -> None:
    vendor = script(page(9, row(1), row(2)))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="does not page"):
            await entries(akixi)
    assert len(vendor.requests) == 2


async def test_a_list_without_end_is_given_up(script: ScriptMaker) -> None:
    numbers = iter(range(1000))
    vendor = script(lambda _: page(1000, row(next(numbers))))
    async with connection_for(Akixi, {**SCRIPTED, "page_cap": 5}, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="page_cap"):
            await entries(akixi)


@pytest.mark.parametrize(
    "answer",
    [
        {"Result": "Success"},
        {"Result": "Success", "Data": []},
        {"Result": "Success", "Data": {"Items": None}},
        {"Result": "Success", "Data": {"Total": 1, "Items": [{}]}},
        {"Result": "Success", "Data": {"Total": 1, "Items": [{"ID": "a", "TelSysID": "x", "PartitionID": 1}]}},
        {"Result": "Success", "Data": {"Total": 1, "Items": ["a"]}},
        [],
        "x",
    ],
)
async def test_what_is_no_list_is_an_error(script: ScriptMaker, answer: Json) -> None:
    vendor = script(httpx.Response(200, json=answer))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError):
            await entries(akixi)


async def test_a_user_with_limited_rights_sees_a_shorter_list(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, {**by_key, "api_key": "anne-akixi-key"}) as akixi:
        assert [entry.description for entry in await entries(akixi)] == ["Config Access Allowed"]
