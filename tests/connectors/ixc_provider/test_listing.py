"""Listings are whole or an error, typed, and without secrets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from backhaul.sdk import InvalidAnswerError, NotFoundError, Page, RefusedError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from connector_kit.sandbox import Sandbox
from connector_kit.script import Answer, ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8, "page_size": 2}
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})


def rows(*ids: int, total: int) -> httpx.Response:
    records = [{"id": str(row_id), "login": f"casa{row_id}.ppp", "ativo": "S"} for row_id in ids]
    answer = {"page": "1", "total": str(total)}
    return httpx.Response(200, json={**answer, "registros": records} if records else answer)


async def ids_of(pages: AsyncIterator[Page[Any]]) -> list[int]:
    return [item.id if hasattr(item, "id") else int(item["id"]) async for page in pages for item in page.items]


async def test_all_devices_come_with_the_texts_of_their_logins(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        pages = [page async for page in erp.list_acs_devices()]
        logins = {login.id: login async for page in erp.list_logins() for login in page.items}
    devices = [device for page in pages for device in page.items]
    assert len(devices) == sandbox.counts()["acs_device"] == pages[0].total
    assert any(device.id_login is None for device in devices)
    for device in devices:
        login = logins.get(device.id_login or 0)
        assert device.login == (login.login if login else None)
        assert device.login_active == (login.active if login else None)


async def test_the_logins_of_a_page_are_read_by_one_request(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        pages = [page async for page in erp.list_acs_devices()]
    operations = sandbox.operations("provider")
    assert operations.count("radusuarios.list") == len(pages)
    assert operations.count("acs_device_grid.list") == len(pages) + 1


async def test_a_link_to_a_login_that_is_gone_has_no_text(script: ScriptMaker) -> None:
    device = {"id": "5", "serial_number": "X", "id_login": "41", "last_inform": "0000-00-00 00:00:00"}
    answer = httpx.Response(200, json={"page": "1", "total": "1", "registros": [device]})
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer, EMPTY).transport) as erp:
        found = [item async for page in erp.list_acs_devices() for item in page.items]
    assert (found[0].id_login, found[0].login, found[0].last_inform) == (41, None, None)


async def test_logins_by_state_and_customer(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        everything = [login async for page in erp.list_logins() for login in page.items]
        active = await ids_of(erp.list_logins(active=True))
        inactive = await ids_of(erp.list_logins(active=False))
        linked = await ids_of(erp.list_logins(linked=True))
        unlinked = await ids_of(erp.list_logins(linked=False))
    assert active == [login.id for login in everything if login.active]
    assert sorted(active + inactive) == [login.id for login in everything]
    assert sorted(linked + unlinked) == [login.id for login in everything]
    assert inactive


async def test_online_can_be_unknown_and_zero_means_nothing(script: ScriptMaker) -> None:
    """Traps 5, 18 and 20."""
    record = {"id": "5", "login": "a", "ativo": "N", "online": "SS", "id_cliente": "0", "id_contrato": "", "mac": ""}
    answer = httpx.Response(200, json={"page": "1", "total": "1", "registros": [record]})
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer).transport) as erp:
        login = await erp.find_login(login="a")
    assert (login.active, login.online, login.linked, login.id_cliente, login.id_contrato) == (
        False,
        None,
        False,
        None,
        None,
    )
    assert (login.mac, login.updated) == (None, None)


async def test_a_listing_continues_at_any_cursor(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        pages = [page async for page in erp.list_logins()]
        assert pages[-1].next is None
        assert all(page.next for page in pages[:-1])
        rest = await ids_of(erp.list_logins(cursor=pages[1].next))
        end = [page async for page in erp.list_logins(cursor=str(pages[-1].items[-1].id))]
    assert rest == [login.id for page in pages[2:] for login in page.items]
    assert [(page.items, page.next) for page in end] == [([], None)]


async def test_records_that_vanish_meanwhile_hide_no_others(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        before = await ids_of(erp.list_acs_devices())
        seen = []
        async for page in erp.list_acs_devices():
            seen += [device.id for device in page.items]
            for row_id in seen[:3]:
                await erp.remove_acs_device(id=row_id)
    assert seen == before


async def test_records_that_appear_meanwhile_come_at_the_end(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        seen = []
        async for page in erp.list_acs_devices():
            seen += [device.serial_number for device in page.items]
            if "NEW00000001" not in seen:
                await erp.add_acs_device(serial_number="NEW00000001")
    assert seen[-1] == "NEW00000001"
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_page_that_is_cut_short_is_not_taken_for_the_end(sandbox: Sandbox, after: int) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=50)) as erp:
        sandbox.fault("truncate_page", vendor="provider", after=after, times=1, match={"operation": "radusuarios.list"})
        assert len(await ids_of(erp.list_logins())) == sandbox.counts()["radusuarios"]


async def test_one_wrongly_empty_answer_is_not_taken_for_an_empty_table(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        sandbox.fault("empty_list", vendor="provider", times=1)
        assert len(await ids_of(erp.list_logins())) == sandbox.counts()["radusuarios"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([rows(1, 2, total=500), rows(total=498)], "gave nothing more, although 498"),
        ([rows(1, 2, total=500), EMPTY], "gave nothing more, although 498"),
        ([rows(1, 2, total=4), rows(1, 2, total=4)], "repeats a page"),
        ([rows(2, 1, total=2)], "ignores the order"),
        ([rows(0, total=1)], "has no id"),
        ([rows(1, 2, 3, total=2)], "only 2 are said to match"),
        ([rows(total=3)], "although 3"),
    ],
)
async def test_a_list_that_cannot_be_whole_is_an_error(
    script: ScriptMaker, answers: list[Answer], message: str
) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(*answers).transport) as erp:
        with pytest.raises(InvalidAnswerError, match=message):
            await ids_of(erp.list_logins())


async def test_a_smaller_maximum_per_page_loses_nothing(script: ScriptMaker) -> None:
    vendor = script(rows(1, total=3), rows(2, total=2), rows(3, total=1), EMPTY)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert await ids_of(erp.list_logins()) == [1, 2, 3]
    assert [json.loads(body["grid_param"])[0]["P"] for body in vendor.bodies] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([rows(1, 2, total=500), rows(total=500)], "0 records came of 2"),
        ([rows(1, 2, total=5), rows(3, total=5)], "1 records came of 2"),
        ([rows(1, 2, total=5), rows(3, 4, total=4)], "fell from 5 to 4"),
        ([rows(1, 2, total=5), rows(1, 2, total=5)], "the page before it again"),
    ],
)
async def test_a_list_by_page_number_fails_too(script: ScriptMaker, answers: list[Answer], message: str) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(*answers).transport) as erp:
        with pytest.raises(InvalidAnswerError, match=message):
            await ids_of(erp.list_records(table="radusuarios", sort="login"))


async def test_a_list_by_page_number_ends_where_the_total_says(script: ScriptMaker) -> None:
    vendor = script(rows(1, 2, total=3), rows(3, 4, total=4))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        pages = [
            page async for page in erp.list_records(table="radusuarios", sort="ultima_atualizacao", descending=True)
        ]
    assert [(page.next, page.total) for page in pages] == [("2/2", 3), (None, 4)]
    assert [(body["page"], body["rp"], body["sortorder"]) for body in vendor.bodies] == [
        ("1", "2", "desc"),
        ("2", "2", "desc"),
    ]


async def test_a_cursor_of_something_else_is_refused(script: ScriptMaker) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(EMPTY).transport) as erp:
        for cursor in ("x", "-1", "3/2", ""):
            with pytest.raises(RefusedError, match="not a cursor"):
                await ids_of(erp.list_logins(cursor=cursor))
        with pytest.raises(RefusedError, match="not a cursor"):
            await ids_of(erp.list_records(table="radusuarios", sort="login", cursor="17"))


async def test_there_is_a_pause_between_two_pages(sandbox: Sandbox) -> None:
    clock = FakeClock(auto=True)
    async with connection_for(IxcProvider, sandbox.provider(page_size=100, page_pause_s=2), clock=clock) as erp:
        pages = [page async for page in erp.list_logins()]
    assert clock.slept_s == pytest.approx(2 * len(pages))


async def test_times_are_the_servers_own_and_come_in_utc(script: ScriptMaker) -> None:
    """Trap 13."""
    record = {
        "id": "5",
        "serial_number": "X",
        "id_login": "0",
        "last_inform": "2031-01-10 09:00:00",
        "last_update": "10/01/2031",
    }
    answer = httpx.Response(200, json={"page": "1", "total": "1", "registros": [record]})
    for zone, hour in (("America/Sao_Paulo", 12), ("America/Manaus", 13)):
        vendor = script(answer, EMPTY)
        async with connection_for(IxcProvider, {**SETTINGS, "timezone": zone}, transport=vendor.transport) as erp:
            found = [item async for page in erp.list_acs_devices() for item in page.items]
        assert found[0].last_inform == datetime(2031, 1, 10, hour, tzinfo=UTC)
        assert found[0].last_update == datetime(2031, 1, 10, hour - 9, tzinfo=UTC)


async def test_of_logins_with_one_text_the_active_one_counts(script: ScriptMaker) -> None:
    def namesakes(*states: str) -> httpx.Response:
        records = [{"id": str(n), "login": "a", "ativo": state} for n, state in enumerate(states, 1)]
        records.append({"id": "9", "login": "A", "ativo": "S"})
        return httpx.Response(200, json={"page": "1", "total": str(len(records)), "registros": records})

    async with connection_for(IxcProvider, SETTINGS, transport=script(namesakes("N", "S", "N")).transport) as erp:
        assert (await erp.find_login(login="a")).id == 2
    for states in (("S", "S"), ("N", "N")):
        async with connection_for(IxcProvider, SETTINGS, transport=script(namesakes(*states)).transport) as erp:
            with pytest.raises(RefusedError, match=r"ids 1, 2.*use its id"):
                await erp.find_login(login="a")


async def test_one_device_is_read_as_the_listing_shows_it(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        listed = [device async for page in erp.list_acs_devices() for device in page.items]
        linked = next(device for device in listed if device.login is not None)
        unlinked = next(device for device in listed if device.id_login is None)
        for device in (linked, unlinked):
            assert await erp.get_acs_device(id=device.id) == device
        with pytest.raises(NotFoundError, match="no record 999999999 in acs_device"):
            await erp.get_acs_device(id=999_999_999)
