"""What the vendor does not document, or what differs between installs, is a setting: each reaches wire or result."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from backhaul.sdk import AttemptInfo
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.buttons import ButtonName
from backhaul_connectors.ixc_provider.contract_actions import Access
from backhaul_connectors.ixc_provider.filters import Filter
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
ATTEMPT = AttemptInfo(started_at=NOW, number=1)
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})
SUCCESS = httpx.Response(200, json={"type": "success", "message": "ok", "id": "57"})


def found(**record: str) -> httpx.Response:
    return httpx.Response(200, json={"page": "1", "total": "1", "registros": [{"id": "41", **record}]})


def rows(*cells: str) -> httpx.Response:
    return httpx.Response(200, json={"page": "1", "total": 1, "rows": [{"id": "row", "cell": list(cells)}]})


async def test_where_the_api_and_the_devices_are(script: ScriptMaker) -> None:
    settings = {
        **SETTINGS,
        "api_path": "/erp/v2",
        "acs_device_resource": "acs_device",
        "acs_device_not_sent": ["joined"],
        "trailing_slash": True,
    }
    before = found(serial_number="A1", id_login="0", joined="x", status_contrato="A")
    vendor = script(before, SUCCESS, found(serial_number="A1", id_login="5"))
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        await erp.update_acs_device(id=41, id_login=5)
    assert [request.url.path for request in vendor.requests] == [
        "/erp/v2/acs_device/",
        "/erp/v2/acs_device/41/",
        "/erp/v2/acs_device/",
    ]
    assert vendor.bodies[0]["sortname"] == "acs_device.id"
    assert vendor.bodies[1] == {"serial_number": "A1", "id_login": "5", "status_contrato": "A"}


async def test_where_an_event_of_the_acs_goes_and_whether_the_token_goes_with_it(script: ScriptMaker) -> None:
    settings = {**SETTINGS, "acs_webhook_path": "/own/hook", "acs_webhook_token": True}
    vendor = script(httpx.Response(204))
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        await erp.notify_acs_event(event="device.removed", serial="A1", pppoe_login="casa12.ppp")
    (request,) = vendor.requests
    assert (request.method, request.url.path) == ("POST", "/own/hook")
    assert request.headers["authorization"].startswith("Basic ")
    sent = vendor.bodies[0]
    assert (sent["event"], sent["serialNumber"], sent["pppoeLogin"]) == ("device.removed", "A1", "casa12.ppp")


async def test_which_cell_means_what(script: ScriptMaker) -> None:
    settings = {
        **SETTINGS,
        "radacct_login_column": "login",
        "radacct_cells": {"id": 1, "login": 0, "started": 2},
        "waiting_onu_cells": {"mac": 0, "model": 2},
    }
    vendor = script(rows("casa12.ppp", "9001", "10/01/2031 09:00:00"), rows("ACME00A1B2C3", "-", "AX-1"))
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        (session,) = (await anext(erp.list_sessions(login="casa12.ppp"))).items
        (onu,) = (await anext(erp.list_waiting_onus(id_olt=3))).items
    assert (session.id, session.started, session.up) == ("9001", NOW, True)
    assert (onu.row_id, onu.mac, onu.model, onu.pon) == ("row", "ACME00A1B2C3", "AX-1", None)
    assert json.loads(vendor.bodies[0]["grid_param"])[0]["TB"] == "radacct.login"


async def test_which_prefix_the_columns_of_a_further_resource_carry(script: ScriptMaker) -> None:
    """Trap 9."""
    vendor = script(EMPTY)
    settings = {**SETTINGS, "table_prefixes": {"own_view": "cliente", "bare_view": ""}}
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        for table in ("own_view", "bare_view"):
            filters = [Filter(column="ativo", value="S")]
            assert [page async for page in erp.list_records(table=table, filters=filters, sort="razao")]
    assert [body["sortname"] for body in vendor.bodies] == ["cliente.razao", "razao"]
    assert [json.loads(body["grid_param"])[0]["TB"] for body in vendor.bodies] == ["cliente.ativo", "ativo"]


async def test_how_long_an_insert_is_waited_for_before_it_is_looked_for(script: ScriptMaker) -> None:
    asked: dict[str, Any] = {"table": "radgrupos", "fields": {"grupo": "a"}, "unique": "grupo", "attempt": ATTEMPT}
    for pause_s in (0, 30):
        clock = FakeClock(NOW, auto=True)
        settings = {**SETTINGS, "verify_after_s": pause_s}
        async with connection_for(IxcProvider, settings, clock=clock, transport=script(EMPTY).transport) as erp:
            assert (await erp.verify_insert_record(**asked)).state == "not_done"
        assert clock.slept_s == pause_s


async def test_how_far_the_clocks_may_differ(script: ScriptMaker) -> None:
    """Trap 13."""
    again = found(online="S", ultima_conexao_inicial="2031-01-10 09:01:30")
    for tolerance_s, told in ((60, "done"), (120, "unknown")):
        settings = {**SETTINGS, "clock_tolerance_s": tolerance_s}
        async with connection_for(IxcProvider, settings, transport=script(again).transport) as erp:
            assert (await erp.verify_disconnect(id_login=41, attempt=ATTEMPT)).state == told


async def test_from_how_much_earlier_a_poll_reads_again(script: ScriptMaker) -> None:
    cursor = '{"cliente":["2031-01-10 08:00:00",{}]}'
    for overlap_s, since in ((0, "2031-01-10 08:00:00"), (90, "2031-01-10 07:58:30")):
        vendor = script(EMPTY)
        settings = {**SETTINGS, "poll_tables": {"cliente": "customer.changed"}, "poll_overlap_s": overlap_s}
        clock = FakeClock(NOW, auto=True)
        async with connection_for(IxcProvider, settings, clock=clock, transport=vendor.transport) as erp:
            assert [page.events async for page in erp.changes(cursor=cursor)] == [[]]
        (condition,) = json.loads(vendor.bodies[0]["grid_param"])
        assert (condition["OP"], condition["P"]) == (">=", since)


PRESSED: tuple[tuple[str, dict[str, Any], str, dict[str, str]], ...] = (
    ("push_wifi", {"id": 9}, "botaoAjax_30774", {"id": "9"}),
    ("disconnect", {"id_login": 9}, "desconectar_clientes", {"id": "9"}),
    ("clear_mac", {"id_login": 9}, "radusuarios_25452", {"get_id": "9"}),
    ("reboot_onu", {"id": 9}, "radpop_radio_cliente_fibra_26379", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "reset"}, "radpop_radio_cliente_fibra_24699", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "write_config"}, "radpop_radio_cliente_fibra_24700", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "change_credentials"}, "radpop_radio_cliente_fibra_22952", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "open_web_access"}, "radpop_radio_cliente_fibra_28120", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "provision"}, "botao_gravar_dispositivo_22408", {"id": "9"}),
    ("change_onu", {"id": 9, "change": "remove_from_olt"}, "botao_excluir_dispositivo_22434", {"id": "9"}),
    ("get_onu_script", {"id": 9, "of": "onu"}, "radpop_radio_cliente_fibra_24701", {"id": "9"}),
    ("get_onu_script", {"id": 9, "of": "olt"}, "radpop_radio_cliente_fibra_22407", {"id": "9"}),
    ("get_onu_optical", {"id": 9}, "botao_rel_22991", {"id": "9"}),
    ("authorise_onu", {"row_id": "YTo="}, "fh_onu_nao_autorizadas_22396", {"get_id": "YTo="}),
    ("sync_olt", {"id_transmissor": 9}, "sincronizar_olt_22397", {"transmissor": "9"}),
    ("new_protocol", {"of": "ticket"}, "gerar_protocolo_atendimento", {"id": ""}),
    ("new_protocol", {"of": "order"}, "gerar_protocolo_ordem_servico", {"id": ""}),
    ("get_pix", {"id": 9}, "get_pix", {"id_areceber": "9"}),
)


@pytest.mark.parametrize(("action", "given", "resource", "body"), PRESSED, ids=[one[2] for one in PRESSED])
async def test_each_choice_presses_the_vendors_own_button(
    script: ScriptMaker, action: str, given: dict[str, Any], resource: str, body: dict[str, str]
) -> None:
    """Trap 17: the numbers of the vendor's collection are the defaults."""
    vendor = script(SUCCESS)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await getattr(erp, action)(**given)
    (request,) = vendor.requests
    assert (request.method, request.url.path) == ("POST", f"/webservice/v1/{resource}")
    assert vendor.bodies == [body]


CONTRACT_BUTTONS: tuple[tuple[str, dict[str, Access], str, str], ...] = (
    ("set_contract_access", {"access": "release"}, "cliente_contrato_15464", "id_contrato"),
    ("set_contract_access", {"access": "late"}, "cliente_contrato_15463", "id_contrato"),
    ("set_contract_access", {"access": "block"}, "cliente_contrato_15300", "id_contrato"),
    ("set_contract_access", {"access": "await_signature"}, "cliente_contrato_23529", "id_contrato"),
    ("activate_contract", {}, "cliente_contrato_ativar_cliente", "id_contrato"),
    ("trust_unblock", {}, "desbloqueio_confianca", "id"),
    ("release_for_72h", {}, "cliente_contrato_btn_lib_temp_24722", "get_id"),
    ("lift_speed_reduction", {}, "liberacao_reducao_contrato_29157", "get_id"),
)
STATES = {"release": "A", "late": "FA", "block": "CM", "await_signature": "AA"}


@pytest.mark.parametrize(("action", "given", "resource", "key"), CONTRACT_BUTTONS, ids=[o[2] for o in CONTRACT_BUTTONS])
async def test_each_contract_button_takes_the_contract_under_its_own_name(
    script: ScriptMaker, action: str, given: dict[str, Access], resource: str, key: str
) -> None:
    """Trap 17."""
    vendor = script(found(status="P", status_internet="D", status_velocidade="R"), SUCCESS)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await getattr(erp, action)(id_contrato=41, **given)
    assert vendor.requests[-1].url.path == f"/webservice/v1/{resource}"
    assert vendor.bodies[-1] == {key: "41"}
    for access in given.values():
        told = found(status_internet=STATES[access])
        async with connection_for(IxcProvider, SETTINGS, transport=script(told).transport) as erp:
            verdict = await erp.verify_set_contract_access(id_contrato=41, access=access, attempt=ATTEMPT)
            assert verdict.state == "done"
            assert (await erp.set_contract_access(id_contrato=41, access=access)).already


async def test_a_button_may_take_its_id_under_another_name_in_this_install(script: ScriptMaker) -> None:
    button: ButtonName = "release_72h"
    vendor = script(found(status_internet="CA"), SUCCESS)
    settings = {**SETTINGS, "button_keys": {button: "id"}}
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        await erp.release_for_72h(id_contrato=41)
    assert vendor.bodies[-1] == {"id": "41"}
