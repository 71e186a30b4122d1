"""The device list is whole or an error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from backhaul.sdk import ActionError, InvalidAnswerError, Json, NotFoundError, Page, RetryableError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.models import Device
from connector_kit.sandbox import Sandbox
from connector_kit.script import Answer, ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {
    "base_url": "https://acs.example.net",
    "client_id": "650000000000000000000001",
    "client_secret": "not-a-secret",
    "page_size": 2,
}
TOKEN = httpx.Response(200, json={"access_token": "invented-token", "expires_in": 3600})


def page(*serials: str, **fields: object) -> httpx.Response:
    """A page of registers; ``more`` is its hasNextPage, left out when not given."""
    answer: dict[str, object] = {"registers": [{"serialNumber": serial, "status": True} for serial in serials]}
    if "more" in fields:
        answer["hasNextPage"] = fields["more"]
    return httpx.Response(200, json=answer)


async def serials_of(pages: AsyncIterator[Page[Device]]) -> list[str]:
    return [device.serial async for each in pages for device in each.items]


async def test_all_devices_come_once_in_order(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serials = await serials_of(acs.list_devices())
    assert len(serials) == sandbox.counts()["acs_devices_in_acs"] == len(set(serials))
    assert serials == sorted(serials)


async def test_raw_levels_of_a_model_are_suspect_until_their_unit_is_set(sandbox: Sandbox) -> None:
    async def devices(**settings: Json) -> list[Device]:
        async with connection_for(IxcAcs, sandbox.acs(**settings)) as acs:
            return [device async for each in acs.list_devices() for device in each.items if device.model == "F670"]

    sandbox.switch("acs", optical_drift_db=0)
    true = {device.serial: device.rx_dbm for device in await devices()}
    fibre = {serial for serial, rx_dbm in true.items() if rx_dbm is not None}
    assert fibre
    sandbox.switch("acs", optical_drift_db=0, optical_units={"F670": "dBm/1000"})
    raw = await devices()
    assert {device.serial for device in raw if device.optical_suspect} == fibre
    assert all(device.rx_dbm is None and device.tx_dbm is None for device in raw)
    read = await devices(optical_units={"F670": "dBm/1000"})
    assert not any(device.optical_suspect for device in read)
    assert {device.serial: device.rx_dbm for device in read} == pytest.approx(true)


async def test_a_listing_continues_at_any_cursor(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        pages = [each async for each in acs.list_devices()]
        assert [each.next for each in pages[:2]] == ["2/50", "3/50"]
        assert pages[-1].next is None
        rest = await serials_of(acs.list_devices(cursor=pages[1].next))
    assert rest == [device.serial for each in pages[2:] for device in each.items]


async def test_a_changed_page_size_does_not_shift_a_resumed_listing(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs(page_size=10)) as acs:
        whole = await serials_of(acs.list_devices())
    async with connection_for(IxcAcs, sandbox.acs(page_size=25)) as acs:
        assert await serials_of(acs.list_devices(cursor="3/10")) == whole[20:]


@pytest.mark.parametrize("cursor", ["", "0/50", "2", "x", "-1/50", "2/0"])
async def test_a_cursor_of_something_else_is_refused(script: ScriptMaker, cursor: str) -> None:
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN).transport) as acs:
        with pytest.raises(InvalidAnswerError, match="not a cursor"):
            await serials_of(acs.list_devices(cursor=cursor))


async def test_paging_is_by_serial_number_and_not_by_last_inform(script: ScriptMaker) -> None:
    """Trap 6."""
    vendor = script(TOKEN, page("A", more=False))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        await serials_of(acs.list_devices())
    params = vendor.requests[1].url.params
    assert (params["sorting[sortBy]"], params["sorting[sortOrder]"]) == ("serialNumber", "asc")
    assert (params["pagination[pageSize]"], params["pagination[currentPage]"]) == ("2", "1")
    assert "[" not in vendor.requests[1].url.raw_path.decode()


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_the_version_is_set_per_operation(sandbox: Sandbox, version: str) -> None:
    """Trap 2: v1 and v2 are mixed."""
    async with connection_for(IxcAcs, sandbox.acs(token_version="v1", list_version=version)) as acs:
        assert len(await serials_of(acs.list_devices())) > 0


async def test_conditions_go_to_the_acs_in_one_group(script: ScriptMaker) -> None:
    vendor = script(TOKEN, page("XACMEX", more=False))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert await serials_of(acs.list_devices(online=True, serial_contains="acme")) == ["XACMEX"]
    filters = {key: value for key, value in vendor.requests[1].url.params.items() if key.startswith("filters")}
    assert filters == {
        "filters[0][0][type]": "boolean",
        "filters[0][0][accessor]": "status",
        "filters[0][0][operator]": "equal",
        "filters[0][0][value]": "true",
        "filters[0][1][type]": "string",
        "filters[0][1][accessor]": "serialNumber",
        "filters[0][1][operator]": "like",
        "filters[0][1][value]": "acme",
    }


async def test_conditions_hold_in_the_sandbox(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        everything = [device async for each in acs.list_devices() for device in each.items]
        offline = await serials_of(acs.list_devices(online=False))
        some = await serials_of(acs.list_devices(online=True, serial_contains="brnt"))
    assert offline == [device.serial for device in everything if device.online is False]
    assert some == [device.serial for device in everything if device.online and device.serial.startswith("BRNT")]


async def test_a_hit_is_not_a_match(script: ScriptMaker) -> None:
    """Trap 7: an ACS that ignores search and filters must not widen the answer."""
    devices = [
        {"serialNumber": "A1", "status": True, "connection": {"pppoeLogin": "casa1.ppp"}},
        {"serialNumber": "A2", "status": False, "connection": {"pppoeLogin": "casa12.ppp"}},
    ]
    answer = httpx.Response(200, json={"registers": devices, "hasNextPage": False})
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, answer).transport) as acs:
        assert await serials_of(acs.list_devices(pppoe_login="casa1.ppp")) == ["A1"]
        assert await serials_of(acs.list_devices(online=False)) == ["A2"]
        assert await serials_of(acs.list_devices(serial_contains="2")) == ["A2"]
        with pytest.raises(NotFoundError):
            await acs.get_device(serial="A")


async def test_several_devices_can_share_a_login(sandbox: Sandbox) -> None:
    """Trap 7."""
    sandbox.control.post("/reset", json={"shares": {"duplicate_login": 0.3}}).raise_for_status()
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        everything = [device async for each in acs.list_devices() for device in each.items]
        logins = [device.pppoe_login for device in everything]
        shared = next(login for login in logins if login and logins.count(login) > 1)
        found = await serials_of(acs.list_devices(pppoe_login=shared))
    assert found == [device.serial for device in everything if device.pppoe_login == shared]


async def test_get_device_returns_the_exact_one(sandbox: Sandbox) -> None:
    sandbox.switch("acs", search_mode="contains")
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        first = (await anext(aiter(acs.list_devices()))).items[0]
        assert (await acs.get_device(serial=first.serial)).serial == first.serial
        with pytest.raises(NotFoundError, match="no device with the serial number"):
            await acs.get_device(serial=first.serial[:-1])


async def test_a_malformed_answer_is_never_an_empty_list(script: ScriptMaker) -> None:
    for body in ("{}", '{"registers": null}', '{"registers": {}}', "[]", "null", '{"message": "internal"}', '"text"'):
        vendor = script(TOKEN, httpx.Response(200, text=body))
        async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
            with pytest.raises(InvalidAnswerError, match="without 'registers'"):
                await serials_of(acs.list_devices())


async def test_a_device_without_a_serial_number_is_not_left_out(script: ScriptMaker) -> None:
    for register in ({"status": True}, {"serialNumber": ""}, {"serialNumber": None}, "x", None):
        answer = httpx.Response(200, json={"registers": [register], "hasNextPage": False})
        async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, answer).transport) as acs:
            with pytest.raises(InvalidAnswerError, match="without serialNumber"):
                await serials_of(acs.list_devices())


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([page("A", "B", more=True), page("A", "B", more=True)], "is page 1 again"),
        ([page("A", "B", more=True), page("C", more=True)], "cut short"),
        ([page("A", more=True)], "set page_size = 1"),
        ([page(more=True)], "cut short"),
        ([page("A", "B")], "does not tell"),
        ([page("A", "B", more="yes")], "does not tell"),
        ([page("A", "B", more=True), page(more=False)], "is empty, although"),
        ([page("A", "B", "C", more=False)], "2 were asked for"),
    ],
)
async def test_a_list_that_cannot_be_whole_is_an_error(script: ScriptMaker, pages: list[Answer], message: str) -> None:
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, *pages).transport) as acs:
        with pytest.raises(InvalidAnswerError, match=message):
            await serials_of(acs.list_devices())


@pytest.mark.parametrize("more", [False, None])
async def test_a_short_page_without_more_is_the_end(script: ScriptMaker, more: object) -> None:
    vendor = script(TOKEN, page("A", "B", more=True), page("C", more=more))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert await serials_of(acs.list_devices()) == ["A", "B", "C"]


async def test_a_device_pushed_to_the_next_page_comes_once(script: ScriptMaker) -> None:
    vendor = script(TOKEN, page("B", "C", more=True), page("C", "D", more=False))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert await serials_of(acs.list_devices()) == ["B", "C", "D"]


async def test_a_list_without_end_is_given_up(script: ScriptMaker) -> None:
    numbers = iter(range(1000))
    endless = [lambda _: page(f"S{next(numbers):04}", f"S{next(numbers):04}", more=True)]
    vendor = script(TOKEN, *endless)
    async with connection_for(IxcAcs, {**SETTINGS, "page_cap": 5}, transport=vendor.transport) as acs:
        with pytest.raises(InvalidAnswerError, match="does not end within 5 pages"):
            await serials_of(acs.list_devices())
    assert len(vendor.requests) == 6


async def test_a_smaller_maximum_of_the_acs_is_named(sandbox: Sandbox) -> None:
    sandbox.switch("acs", page_size_max=20)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(InvalidAnswerError, match="set page_size = 20"):
            await serials_of(acs.list_devices())
    async with connection_for(IxcAcs, sandbox.acs(page_size=20)) as acs:
        assert len(await serials_of(acs.list_devices())) == sandbox.counts()["acs_devices_in_acs"]


@pytest.mark.parametrize("kind", ["html_200", "latin1_html", "error_200"])
async def test_a_fault_in_the_middle_fails_the_list_and_passes(sandbox: Sandbox, kind: str) -> None:
    sandbox.fault(kind, vendor="acs", after=3, times=1)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(ActionError):
            await serials_of(acs.list_devices())
        sandbox.clear_faults()
        assert len(await serials_of(acs.list_devices())) == sandbox.counts()["acs_devices_in_acs"]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "cut_body"])
async def test_a_cut_connection_in_the_middle_is_not_noticed(sandbox: Sandbox, kind: str) -> None:
    sandbox.fault(kind, vendor="acs", after=3, times=1)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        assert len(await serials_of(acs.list_devices())) == sandbox.counts()["acs_devices_in_acs"]


async def test_429_waits_as_long_as_asked(sandbox: Sandbox) -> None:
    sandbox.fault("rate_limit", vendor="acs", after=2, times=1, retry_after_s=7)
    clock = FakeClock(auto=True)
    async with connection_for(IxcAcs, sandbox.acs(), clock=clock) as acs:
        assert len(await serials_of(acs.list_devices())) == sandbox.counts()["acs_devices_in_acs"]
    assert clock.slept_s >= 7


async def test_the_end_of_the_daily_limit_says_how_long_to_wait(sandbox: Sandbox) -> None:
    """Trap 5."""
    sandbox.switch("acs", per_day=2)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(RetryableError, match="429") as caught:
            await serials_of(acs.list_devices())
    assert caught.value.retry_after_s is not None


async def test_a_path_that_does_not_exist_is_no_missing_device(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs(list_path="/devices/views/other")) as acs:
        with pytest.raises(InvalidAnswerError, match="no path /acs/api/v2/devices/views/other"):
            await acs.get_device(serial="X")
