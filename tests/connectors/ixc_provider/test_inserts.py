"""A device is inserted once, whatever becomes of the answer."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from backhaul.sdk import RefusedError, RetryableError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.models import AcsDevice, Done, Login
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})
SUCCESS = httpx.Response(200, json={"type": "success", "message": "Registro atualizado com sucesso!", "id": "57"})
SERIAL = "ACMEFFFFFF01"
INSERT = {"operation": "acs_device_grid.insert"}


def found(**fields: str) -> httpx.Response:
    record = {"id": "57", "serial_number": SERIAL, "id_login": "0", **fields}
    return httpx.Response(200, json={"page": "1", "total": "1", "registros": [record]})


async def devices_of(erp: IxcProvider) -> dict[str, AcsDevice]:
    return {device.serial_number: device async for page in erp.list_acs_devices() for device in page.items}


async def logins_of(erp: IxcProvider, *, active: bool) -> list[Login]:
    return [login async for page in erp.list_logins(active=active) for login in page.items]


async def test_a_new_device_is_created_once_and_then_left_alone(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await logins_of(erp, active=True))[3]
        first = await erp.add_acs_device(serial_number=SERIAL, login=login.login)
        second = await erp.add_acs_device(serial_number=SERIAL, login=login.login)
        device = (await devices_of(erp))[SERIAL]
    assert (first.done, second.done) == (Done.CREATED, Done.UNCHANGED)
    assert first.id == second.id == device.id
    assert first.id_login == second.id_login == device.id_login == login.id
    assert sandbox.operations("provider").count("acs_device_grid.insert") == 1
    assert "acs_device_grid.update" not in sandbox.operations("provider")


async def test_further_columns_of_an_insert_are_a_setting(script: ScriptMaker) -> None:
    vendor = script(EMPTY, SUCCESS)
    settings = {**SETTINGS, "acs_device_insert": {"id_acs_integration": "3"}}
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        await erp.add_acs_device(serial_number=SERIAL, id_login=41)
    assert vendor.bodies[1] == {"id_acs_integration": "3", "serial_number": SERIAL, "id_login": "41"}


async def test_calls_for_one_device_at_once_insert_it_once(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(lambda: erp.add_acs_device(serial_number=SERIAL))
        assert not erp._devices._busy
    assert sandbox.operations("provider").count("acs_device_grid.insert") == 1
    assert sandbox.repeated() == []


async def test_an_insert_that_was_accepted_but_not_answered_is_not_repeated(sandbox: Sandbox) -> None:
    """Trap 16."""
    sandbox.fault("cut_after", vendor="provider", match=INSERT, times=1)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await logins_of(erp, active=True))[0]
        change = await erp.add_acs_device(serial_number=SERIAL, login=login.login)
        assert (change.done, change.id_login) == (Done.CREATED, login.id)
        assert (await devices_of(erp))[SERIAL].id == change.id
    assert sandbox.operations("provider").count("acs_device_grid.insert") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "code": 504, "act": True},
        {"kind": "status", "code": 500, "act": True},
        {"kind": "html_200", "act": True},
        {"kind": "red_div", "act": True},
        {"kind": "cut_body"},
    ],
)
async def test_an_insert_with_a_broken_answer_is_looked_for(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    sandbox.fault(**fault, vendor="provider", match=INSERT, times=1)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        assert (await erp.add_acs_device(serial_number=SERIAL)).done is Done.CREATED
    assert sandbox.operations("provider").count("acs_device_grid.insert") == 1
    assert sandbox.repeated() == []


@pytest.mark.parametrize("fault", [{"kind": "cut_before"}, {"kind": "status", "code": 504}, {"kind": "html_200"}])
async def test_an_insert_that_was_lost_may_be_tried_again_and_then_happens_once(
    sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    sandbox.fault(**fault, vendor="provider", match=INSERT, times=1)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(RetryableError, match=r"did not confirm the insert.*looks first"):
            await erp.add_acs_device(serial_number=SERIAL)
        assert SERIAL not in await devices_of(erp)
        assert (await erp.add_acs_device(serial_number=SERIAL)).done is Done.CREATED
    assert sandbox.repeated() == []


async def test_an_insert_confirmed_without_id_is_looked_for(script: ScriptMaker) -> None:
    vendor = script(EMPTY, httpx.Response(200, json={"type": "success"}), found())
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        change = await erp.add_acs_device(serial_number=SERIAL)
    assert (change.id, change.done) == (57, Done.CREATED)


async def test_an_insert_that_is_refused_is_an_error_with_the_vendors_words(sandbox: Sandbox) -> None:
    sandbox.switch("provider", denied=["acs_device_grid:insert"])
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(RefusedError, match=r"insert into acs_device_grid.*Usuário sem permissão"):
            await erp.add_acs_device(serial_number=SERIAL)


@pytest.mark.parametrize("answer_id", ["57", 57])
async def test_the_id_of_an_insert_is_a_text_or_a_number(script: ScriptMaker, answer_id: object) -> None:
    """Trap 4."""
    vendor = script(EMPTY, httpx.Response(200, json={"type": "success", "id": answer_id}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.add_acs_device(serial_number=SERIAL)).id == 57
