"""Changes in the ERP: look first, write only what differs, never insert twice, never lose a field."""

from __future__ import annotations

import json

import httpx
import pytest

from backhaul.sdk import AuthenticationError, InvalidAnswerError, NotFoundError, RefusedError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.models import AcsDevice, Done, Login, Skipped
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})
SUCCESS = httpx.Response(200, json={"type": "success", "message": "Registro atualizado com sucesso!", "id": "57"})
SERIAL = "ACMEFFFFFF01"


def found(**fields: str) -> httpx.Response:
    record = {"id": "57", "serial_number": SERIAL, "id_login": "0", **fields}
    return httpx.Response(200, json={"page": "1", "total": "1", "registros": [record]})


async def devices_of(erp: IxcProvider) -> dict[str, AcsDevice]:
    return {device.serial_number: device async for page in erp.list_acs_devices() for device in page.items}


async def logins_of(erp: IxcProvider, *, active: bool) -> list[Login]:
    return [login async for page in erp.list_logins(active=active) for login in page.items]


async def test_adding_a_device_that_is_linked_elsewhere_changes_the_link(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        one, other = (await logins_of(erp, active=True))[:2]
        created = await erp.add_acs_device(serial_number=SERIAL, login=one.login)
        changed = await erp.add_acs_device(serial_number=SERIAL, id_login=other.id)
        kept = await erp.add_acs_device(serial_number=SERIAL)
        unlinked = await erp.add_acs_device(serial_number=SERIAL, id_login=0)
    assert [each.done for each in (created, changed, kept, unlinked)] == ["created", "updated", "unchanged", "updated"]
    assert [each.id_login for each in (created, changed, kept, unlinked)] == [one.id, other.id, other.id, None]
    assert len({each.id for each in (created, changed, kept, unlinked)}) == 1


async def test_a_device_without_login_is_added_unlinked(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        await erp.add_acs_device(serial_number=SERIAL, login="")
        assert (await devices_of(erp))[SERIAL].id_login is None


async def test_an_update_sends_the_whole_record_as_it_came(script: ScriptMaker) -> None:
    """Trap 10."""
    record = {
        "external_id": "",
        "device_primary": "S",
        "last_inform": "0000-00-00 00:00:00",
        "senha_router_wifi": "clear-text",
        "f_own": "x",
        "status_contrato": "A",
        "status_internet_contrato": "A",
    }
    vendor = script(found(**record), SUCCESS, found(**record, id_login="41"))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        change = await erp.update_acs_device(id=57, id_login=41)
    put = vendor.requests[1]
    assert (put.method, put.url.path) == ("PUT", "/webservice/v1/acs_device_grid/57")
    assert json.loads(put.content) == {
        "serial_number": SERIAL,
        "id_login": "41",
        "external_id": "",
        "device_primary": "S",
        "last_inform": "0000-00-00 00:00:00",
        "senha_router_wifi": "clear-text",
        "f_own": "x",
    }
    assert change.model_dump() == {"id": 57, "done": "updated", "id_login": 41, "reason": None}


async def test_an_update_changes_nothing_but_the_link(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(iter((await devices_of(erp)).values()))
        login = next(one for one in await logins_of(erp, active=True) if one.id != device.id_login)
        before = {r["id"]: r async for page in erp.list_records(table="acs_device_grid") for r in page.items}
        assert (await erp.update_acs_device(id=device.id, login=login.login)).done is Done.UPDATED
        assert (await erp.update_acs_device(id=device.id, login=login.login)).done is Done.UNCHANGED
        after = {r["id"]: r async for page in erp.list_records(table="acs_device_grid") for r in page.items}
    changed = after.pop(str(device.id))
    was = before.pop(str(device.id))
    assert after == before
    joined = {"id_login", "status_contrato", "status_internet_contrato", "last_update"}
    assert {k: v for k, v in changed.items() if k not in joined} == {k: v for k, v in was.items() if k not in joined}
    assert changed["id_login"] == str(login.id)
    assert sandbox.operations("provider").count("acs_device_grid.update") == 1


async def test_nothing_is_sent_when_nothing_changes(script: ScriptMaker) -> None:
    vendor = script(found(id_login="41"))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        for parameters in ({"id_login": 41}, {"login": ""}, {"login": None}, {}):
            assert (await erp.update_acs_device(id=57, **parameters)).done is Done.UNCHANGED
    assert {request.headers["ixcsoft"] for request in vendor.requests} == {"listar"}


async def test_an_update_that_is_confirmed_but_not_stored_is_an_error(script: ScriptMaker) -> None:
    """Trap 10: fields that may not be written vanish silently."""
    vendor = script(found(), SUCCESS, found())
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(
            InvalidAnswerError, match="confirmed the new link of device record 57, but did not store it"
        ):
            await erp.update_acs_device(id=57, id_login=41)


async def test_an_update_that_was_cut_off_is_repeated(sandbox: Sandbox) -> None:
    sandbox.fault("cut_after", vendor="provider", match={"operation": "acs_device_grid.update"}, times=1)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(one for one in (await devices_of(erp)).values() if one.id_login)
        assert (await erp.update_acs_device(id=device.id, id_login=0)).done is Done.UPDATED
        assert (await devices_of(erp))[device.serial_number].id_login is None


async def test_updating_a_record_that_is_gone_is_not_found(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(NotFoundError, match="no device record 999999"):
            await erp.update_acs_device(id=999999, id_login=0)


async def test_removing_is_done_once_and_gone_is_no_error(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(iter((await devices_of(erp)).values()))
        first = await erp.remove_acs_device(id=device.id)
        second = await erp.remove_acs_device(id=device.id)
        assert (first.removed, second.removed) == (True, False)
        assert device.serial_number not in await devices_of(erp)


async def test_a_removal_that_was_accepted_but_not_answered_succeeds(sandbox: Sandbox) -> None:
    sandbox.fault("cut_after", vendor="provider", match={"operation": "acs_device_grid.delete"}, times=1)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(iter((await devices_of(erp)).values()))
        await erp.remove_acs_device(id=device.id)
        assert device.serial_number not in await devices_of(erp)
    assert sandbox.repeated() == []


async def test_a_removal_that_is_refused_is_an_error(sandbox: Sandbox) -> None:
    sandbox.switch("provider", denied=["acs_device_grid:delete"])
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(iter((await devices_of(erp)).values()))
        with pytest.raises(RefusedError, match="sem permissão"):
            await erp.remove_acs_device(id=device.id)


async def test_an_unknown_or_inactive_login_is_refused_or_skipped(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        inactive = (await logins_of(erp, active=False))[0]
        device = next(iter((await devices_of(erp)).values()))
        cases = [
            ("nobody.ppp", Skipped.UNKNOWN_LOGIN),
            (inactive.login, Skipped.INACTIVE_LOGIN),
            ("", Skipped.NO_LOGIN),
        ]
        for login, reason in cases:
            added = await erp.add_acs_device(serial_number=SERIAL, login=login, unlinkable="skip")
            changed = await erp.update_acs_device(id=device.id, login=login, unlinkable="skip")
            assert (added.id, added.done, added.reason) == (None, Done.SKIPPED, reason)
            assert (changed.id, changed.done, changed.reason) == (device.id, Done.SKIPPED, reason)
        with pytest.raises(NotFoundError, match="no login with this text"):
            await erp.add_acs_device(serial_number=SERIAL, login="nobody.ppp")
        with pytest.raises(RefusedError, match="not active"):
            await erp.update_acs_device(id=device.id, login=inactive.login)
        with pytest.raises(RefusedError, match="not both"):
            await erp.add_acs_device(serial_number=SERIAL, login="a", id_login=1)
        assert SERIAL not in await devices_of(erp)
    assert not {name for name in sandbox.operations("provider") if not name.endswith(".list")}


async def test_logins_stay_out_of_urls_and_error_texts(script: ScriptMaker) -> None:
    """Trap 28."""
    vendor = script(EMPTY)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        for call in (
            lambda: erp.find_login(login="casa12.ppp"),
            lambda: erp.add_acs_device(serial_number=SERIAL, login="casa12.ppp"),
            lambda: erp.update_acs_device(id=57, login="casa12.ppp"),
        ):
            with pytest.raises(NotFoundError) as caught:
                await call()
            assert "casa12" not in str(caught.value)
    assert vendor.requests
    assert not [request for request in vendor.requests if "casa12" in str(request.url)]


async def test_a_record_with_another_spelling_counts_only_when_asked_for(sandbox: Sandbox) -> None:
    """Trap 10 of the ACS."""
    hexadecimal = SERIAL[:4].encode().hex().upper() + SERIAL[4:]
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        first = await erp.add_acs_device(serial_number=hexadecimal)
        for spelling in (SERIAL, SERIAL.lower(), f"{SERIAL[:4]}-{SERIAL[4:]}"):
            again = await erp.add_acs_device(serial_number=spelling, match="alias")
            assert (again.id, again.done) == (first.id, Done.UNCHANGED)
        exact = await erp.add_acs_device(serial_number=SERIAL)
        assert exact.done is Done.CREATED
        assert (await erp.add_acs_device(serial_number=SERIAL, match="alias")).id == exact.id
        assert (await devices_of(erp))[hexadecimal].serial_key == SERIAL


async def test_of_several_records_with_one_serial_number_the_oldest_counts(script: ScriptMaker) -> None:
    records = [{"id": str(n), "serial_number": SERIAL, "id_login": "41"} for n in (9, 57, 101)]
    answer = httpx.Response(200, json={"page": "1", "total": "3", "registros": records})
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer).transport) as erp:
        assert (await erp.add_acs_device(serial_number=SERIAL, id_login=41)).id == 9


async def test_a_token_that_dies_in_the_middle_is_an_authentication_error(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        sandbox.fault("status", code=401, vendor="provider", after=1)
        with pytest.raises(AuthenticationError):
            await erp.add_acs_device(serial_number=SERIAL)
        sandbox.clear_faults()
        assert (await erp.add_acs_device(serial_number=SERIAL)).done is Done.CREATED


async def test_a_nightly_sync_made_of_these_actions_does_what_is_expected(sandbox: Sandbox) -> None:
    """Rules S1 to S6; serial numbers in other spellings are neither created again nor removed."""
    expected = sandbox.expected_sync()
    done: dict[str, list[str]] = {"created": [], "updated": [], "unchanged": [], "skipped": []}
    async with connection_for(IxcAcs, sandbox.acs()) as acs, connection_for(IxcProvider, sandbox.provider()) as erp:
        source = {device.serial_key: device async for page in acs.list_devices() for device in page.items}
        target = {device.serial_key: device async for page in erp.list_acs_devices() for device in page.items}
        for key, device in source.items():
            if key in target:
                change = await erp.update_acs_device(id=target[key].id, login=device.pppoe_login, unlinkable="skip")
            else:
                change = await erp.add_acs_device(
                    serial_number=device.serial, login=device.pppoe_login, unlinkable="skip"
                )
            done[change.done].append(device.serial)
        removed = [row.serial_number for key, row in target.items() if key not in source]
        for key, row in target.items():
            if key not in source:
                await erp.remove_acs_device(id=row.id)
    assert done["created"] == [each["serial_number"] for each in expected["create"]]
    assert done["updated"] == [each["serial_number"] for each in expected["update"]]
    assert sorted(removed) == sorted(each["serial_number"] for each in expected["delete"])
    after = sandbox.expected_sync()
    assert (after["create"], after["update"], after["delete"]) == ([], [], [])
    assert sandbox.repeated() == []
