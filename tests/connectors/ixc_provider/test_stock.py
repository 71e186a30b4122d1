"""Traffic of a login, and equipment lent to a contract."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from backhaul.sdk import AttemptInfo, UnknownOutcomeError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs.serials import serial_key
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.filters import Filter
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
ATTEMPT = AttemptInfo(started_at=datetime(2031, 1, 10, 12, 0, tzinfo=UTC), number=1)


async def test_traffic_by_sample_day_and_month(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(page_size=2)) as erp:
        login = (await anext(erp.list_logins(active=True))).items[0]
        days = [one async for page in erp.list_consumption(id_login=login.id) for one in page.items]
        months = [one async for page in erp.list_consumption(id_login=login.id, per="month") for one in page.items]
        samples = [one async for page in erp.list_consumption(id_login=login.id, per="sample") for one in page.items]
        span = erp.list_consumption(id_login=login.id, since=date(2024, 12, 30), until=date(2024, 12, 30))
        one_day = [one async for page in span for one in page.items]
    assert [one.data for one in days] == ["2024-12-29", "2024-12-30", "2024-12-31"]
    assert [one.data for one in months] == ["2024-11-01", "2024-12-01"]
    assert one_day == [days[1]]
    assert days[0].since == datetime(2024, 12, 29, 3, 0, tzinfo=UTC)
    assert {one.id_login for one in (*days, *months, *samples)} == {login.id}
    assert sum(one.consumo or 0 for one in days) <= (months[1].consumo or 0)


async def test_large_counters_stay_exact(script: ScriptMaker) -> None:
    """Trap 5: all values are texts; a counter may be larger than what a float holds."""
    record = {"id": "1", "id_login": "60", "data": "0000-00-00", "consumo": "9007199254740993", "consumo_upload": ""}
    vendor = script(
        httpx.Response(200, json={"page": "1", "total": 1, "registros": [record]}),
        httpx.Response(200, json={"page": "2", "total": "0"}),
    )
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        counter = (await anext(erp.list_consumption(id_login=60))).items[0]
    assert (counter.consumo, counter.consumo_upload, counter.since) == (9007199254740993, None, None)


async def test_lent_equipment_is_found_and_comes_back_once(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = next(one for one in (await anext(erp.list_acs_devices())).items if one.login_active)
        contract = await erp.get_contract(login=device.login)
        found = [one async for page in erp.list_lent_equipment(id_contrato=contract.id) for one in page.items]
        (item,) = found
        assert item.with_customer
        assert item.serial_key == serial_key(item.numero_serie or "")
        serial = Filter(column="serial", value=item.numero_serie or "")
        asset = (await anext(erp.list_records(table="patrimonio", filters=[serial]))).items[0]
        assert asset["id"] == str(item.id_patrimonio)
        assert (await erp.verify_return_lent_equipment(id=item.id, attempt=ATTEMPT)).state == "unknown"
        assert not (await erp.return_lent_equipment(id=item.id, id_almox=1)).already
        assert (await erp.verify_return_lent_equipment(id=item.id, attempt=ATTEMPT)).state == "done"
        assert (await erp.return_lent_equipment(id=item.id, id_almox=1)).already
        back = [one.id async for page in erp.list_lent_equipment(with_customer=False) for one in page.items]
        still = [one.id async for page in erp.list_lent_equipment(with_customer=True) for one in page.items]
    assert back == [item.id]
    assert item.id not in still


async def test_lent_equipment_is_asked_for_by_the_table_s_own_prefix(script: ScriptMaker) -> None:
    """Trap 9: the columns of ``cliente_contrato_comodato`` are those of ``movimento_produtos``."""
    vendor = script(httpx.Response(200, json={"page": "1", "total": "0"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert [page async for page in erp.list_lent_equipment(id_login=7)]
    assert vendor.bodies[0]["sortname"] == "movimento_produtos.id"
    assert '"TB": "movimento_produtos.id_login"' in vendor.bodies[0]["grid_param"]


async def test_a_return_that_is_not_answered_stays_unknown(script: ScriptMaker) -> None:
    record = {"id": "41", "status_comodato": "E"}
    vendor = script(
        httpx.Response(200, json={"page": "1", "total": "1", "registros": [record]}), httpx.Response(504, text="<html>")
    )
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(UnknownOutcomeError):
            await erp.return_lent_equipment(id=41, id_almox=1)
    assert len(vendor.requests) == 2
