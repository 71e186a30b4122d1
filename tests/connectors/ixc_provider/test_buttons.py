"""The ERP's buttons: odd answers, numbers as settings, never pressed twice."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import get_args

import httpx
import pytest

from backhaul.sdk import AttemptInfo, RefusedError, UnknownOutcomeError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.buttons import BUTTONS, ButtonName
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
ATTEMPT = AttemptInfo(started_at=NOW, number=1)
SUCCESS = httpx.Response(200, json={"type": "success", "message": "Feito!<br />\n"})


def found(**record: str) -> httpx.Response:
    return httpx.Response(200, json={"page": "1", "total": "1", "registros": [{"id": "41", **record}]})


def test_every_button_has_its_resource() -> None:
    assert set(BUTTONS) == set(get_args(ButtonName))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"msg": [{"type": "success", "message": "Desconectado"}]}, "Desconectado"),
        ({"type": "success", "message": "MAC removido com sucesso"}, "MAC removido com sucesso"),
        ({"tipo": "sucesso", "mensagem": "Liberado<br />"}, "Liberado"),
        ({"type": "success", "message": "ok", "dadosCancelamento": {"success": False}}, "ok"),
    ],
)
async def test_odd_successes_are_successes(script: ScriptMaker, answer: object, message: str) -> None:
    """Traps 1 and 27: only the types count."""
    vendor = script(httpx.Response(200, json=answer))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.disconnect(id_login=41)).message == message
    assert vendor.bodies == [{"id": "41"}]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"msg": [{"type": "error", "message": "não está conectado"}]}),
        httpx.Response(200, json={"tipo": "erro", "mensagem": "não está conectado"}),
        httpx.Response(200, text='<div class="panel panel-danger">não está conectado</div>'),
    ],
)
async def test_odd_errors_are_errors(script: ScriptMaker, answer: httpx.Response) -> None:
    """Trap 1."""
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer).transport) as erp:
        with pytest.raises(RefusedError, match="não está conectado"):
            await erp.disconnect(id_login=41)


@pytest.mark.parametrize("kind", ["cut", "504", "html"])
async def test_a_button_is_never_pressed_twice(script: ScriptMaker, kind: str) -> None:
    """Trap 16: a timed-out write may have run."""

    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    answer = {"cut": cut, "504": httpx.Response(504, text="<html>"), "html": httpx.Response(200, text="<html>x</html>")}
    vendor = script(answer[kind])
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(UnknownOutcomeError):
            await erp.reboot_onu(id=9)
    assert len(vendor.requests) == 1


async def test_numbers_and_keys_are_settings(script: ScriptMaker) -> None:
    """Traps 17 and 26: this reboot goes through the OLT, by a number that differs between installs."""
    vendor = script(SUCCESS)
    settings = {
        **SETTINGS,
        "buttons": {"reboot_onu": "reinicia_99999"},
        "button_keys": {"reboot_onu": "get_id"},
    }
    async with connection_for(IxcProvider, settings, transport=vendor.transport) as erp:
        await erp.reboot_onu(id=9)
        await erp.press_button(button="push_wifi", id="701")
        await erp.push_wifi(id=701)
        await erp.change_onu(id=9, change="provision")
        await erp.sync_olt(id_transmissor=3)
    assert [
        (request.url.path.rpartition("/")[2], body)
        for request, body in zip(vendor.requests, vendor.bodies, strict=True)
    ] == [
        ("reinicia_99999", {"get_id": "9"}),
        ("botaoAjax_30774", {"id": "701"}),
        ("botaoAjax_30774", {"id": "701"}),
        ("botao_gravar_dispositivo_22408", {"id": "9"}),
        ("sincronizar_olt_22397", {"transmissor": "3"}),
    ]


async def test_disconnect_and_clear_mac_of_the_sandbox_are_verified(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        logins = [one async for page in erp.list_logins(active=True) for one in page.items if one.online and one.mac]
        login = logins[0]
        await erp.disconnect(id_login=login.id)
        assert (await erp.verify_disconnect(id_login=login.id, attempt=ATTEMPT)).state == "done"
        await erp.clear_mac(id_login=login.id)
        assert (await erp.verify_clear_mac(id_login=login.id, attempt=ATTEMPT)).state == "done"
        with pytest.raises(RefusedError):
            await erp.disconnect(id_login=login.id)


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({"online": "N"}, "done"),
        ({"online": "S", "ultima_conexao_inicial": "2031-01-10 09:05:00"}, "done"),
        ({"online": "S", "ultima_conexao_inicial": "2031-01-10 08:00:00"}, "unknown"),
        ({"online": "SS"}, "unknown"),
    ],
)
async def test_a_disconnect_in_doubt_is_told_by_the_connection(
    script: ScriptMaker, record: dict[str, str], state: str
) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(found(**record)).transport) as erp:
        assert (await erp.verify_disconnect(id_login=41, attempt=ATTEMPT)).state == state


async def test_access_of_a_contract_is_set_once_and_told_by_its_state(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        contracts = [one async for page in erp.list_contracts(status=["A"]) for one in page.items]
        contract = next(one for one in contracts if one.service_should_work)
        pressed = await erp.set_contract_access(id_contrato=contract.id, access="block")
        again = await erp.set_contract_access(id_contrato=contract.id, access="block")
        assert (pressed.already, again.already) == (False, True)
        now = await erp.get_contract(id=contract.id)
        assert (now.status_internet, now.service_should_work) == ("CM", False)
        told = await erp.verify_set_contract_access(id_contrato=contract.id, access="block", attempt=ATTEMPT)
        other = await erp.verify_set_contract_access(id_contrato=contract.id, access="release", attempt=ATTEMPT)
        assert (told.state, other.state) == ("done", "unknown")
        await erp.set_contract_access(id_contrato=contract.id, access="release")
        assert (await erp.get_contract(id=contract.id)).service_should_work


@pytest.mark.parametrize("action", ["activate_contract", "trust_unblock", "release_for_72h", "lift_speed_reduction"])
async def test_contract_buttons_look_first(script: ScriptMaker, action: str) -> None:
    before = found(status="P", status_internet="CA", desbloqueio_confianca_ativo="N", status_velocidade="R")
    after = found(status="A", status_internet="A", desbloqueio_confianca_ativo="S", status_velocidade="N")
    vendor = script(before, SUCCESS, after)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert not (await getattr(erp, action)(id_contrato=41)).already
        assert (await getattr(erp, action)(id_contrato=41)).already
        assert (await getattr(erp, f"verify_{action}")(id_contrato=41, attempt=ATTEMPT)).state == "done"
    assert [request.method for request in vendor.requests] == ["GET", "POST", "GET", "GET"]


async def test_bills_and_pix(script: ScriptMaker) -> None:
    pdf = b"%PDF-1.4 invented"
    packed = base64.b64encode(pdf).decode()
    vendor = script(
        httpx.Response(200, content=pdf),
        httpx.Response(200, text=packed),
        httpx.Response(200, json={"type": "success", "pix": {"valor": 99.9}}),
        httpx.Response(200, json={"registros": [{"sucesso": True}]}),
        httpx.Response(200, json={"type": "error", "message": "Boleto inexistente"}),
    )
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.get_boleto(id=5)).pdf_base64 == packed
        assert (await erp.get_boleto(id=5, fine_and_interest=True)).pdf_base64 == packed
        assert await erp.get_pix(id=5) == {"pix": {"valor": 99.9}}
        await erp.send_boleto(ids=[5, 6], by="sms", update=True)
        with pytest.raises(RefusedError, match="inexistente"):
            await erp.get_boleto(id=5)
    form = {"boletos": "5", "juro": "S", "multa": "S", "atualiza_boleto": "N", "tipo_boleto": "arquivo", "base64": "S"}
    assert vendor.bodies[1] == form
    assert vendor.bodies[2] == {"id_areceber": "5"}
    assert vendor.bodies[3] == {
        "boletos": "5,6", "juro": "N", "multa": "N", "atualiza_boleto": "S", "tipo_boleto": "sms",
    }  # fmt: skip


async def test_scripts_come_without_the_passwords_in_them(script: ScriptMaker) -> None:
    text = httpx.Response(200, content="interface gpon\npassword hunter2 senha: olá123".encode("latin-1"))
    async with connection_for(IxcProvider, SETTINGS, transport=script(text).transport) as erp:
        said = (await erp.get_onu_script(id=9, of="olt")).text
    assert "hunter2" not in said
    assert "olá123" not in said


async def test_an_event_of_the_acs_makes_the_erp_drop_the_device(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        device = (await anext(erp.list_acs_devices())).items[0]
        await erp.notify_acs_event(event="device.removed", serial=device.serial_number, pppoe_login=device.login)
        left = [one.serial_number async for page in erp.list_acs_devices() for one in page.items]
    assert device.serial_number not in left


async def test_the_body_of_that_event_is_a_setting(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(204))
    settings = {**SETTINGS, "acs_webhook_body": {"a": ["{serial}", 1], "b": "{event}/{login}@{time}"}}
    async with connection_for(
        IxcProvider, settings, clock=FakeClock(NOW, auto=True), transport=vendor.transport
    ) as erp:
        await erp.notify_acs_event(event="x", serial="A1")
    assert vendor.bodies == [{"a": ["A1", 1], "b": "x/@2031-01-10T12:00:00+00:00"}]
    assert "authorization" not in vendor.requests[0].headers
    assert vendor.requests[0].url.path == "/api-module/acs/webhook"
