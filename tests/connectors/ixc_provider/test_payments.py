"""Bills: money is noted once, what is settled is left alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from backhaul.sdk import AttemptInfo, InvalidAnswerError, RefusedError, RetryableError, UnknownOutcomeError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 1, 0, tzinfo=UTC)
"""In the server's zone it is still the 9th."""
ATTEMPT = AttemptInfo(started_at=NOW, number=1)
SUCCESS = httpx.Response(200, json={"type": "success", "message": "Registro inserido com sucesso!", "id": "9"})


def found(**record: str) -> httpx.Response:
    return httpx.Response(200, json={"page": "1", "total": "1", "registros": [{"id": "41", **record}]})


async def test_a_bill_is_received_once_and_told_by_its_state(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        bill = (await anext(erp.list_bills(status=["A"]))).items[0]
        part = await erp.receive_bill(id=bill.id, conta=1, id_conta=1, tipo_recebimento="Pix", valor=10.5)
        told = await erp.verify_receive_bill(id=bill.id, attempt=ATTEMPT)
        assert (part.already, told.state) == (False, "unknown")
        await erp.receive_bill(id=bill.id, conta=1, id_conta=1, tipo_recebimento="Pix")
        assert (await erp.verify_receive_bill(id=bill.id, attempt=ATTEMPT)).state == "done"
        again = await erp.receive_bill(id=bill.id, conta=1, id_conta=1, tipo_recebimento="Pix")
        now = (await anext(erp.list_bills(id_cliente=bill.id_cliente))).items[0]
    assert again.already
    assert (now.status, now.valor_recebido, now.valor_aberto) == ("R", bill.valor, 0.0)
    assert sandbox.operations("provider").count("fn_areceber_recebimentos_baixas_novo") == 2


async def test_a_bill_is_cancelled_once_although_the_answer_holds_a_false(sandbox: Sandbox) -> None:
    """Trap 1: only ``type`` counts."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        bill = (await anext(erp.list_bills(status=["A"]))).items[0]
        pressed = await erp.cancel_bill(id=bill.id, id_mot_cancelamento=1)
        assert pressed.answer["dadosCancelamento"] == {"success": False, "idVenda": None}
        assert (await erp.verify_cancel_bill(id=bill.id, attempt=ATTEMPT)).state == "done"
        assert (await erp.cancel_bill(id=bill.id, id_mot_cancelamento=1)).already
        with pytest.raises(RefusedError, match="cancelled"):
            await erp.receive_bill(id=bill.id, conta=1, id_conta=1, tipo_recebimento="Pix")
        received = (await anext(erp.list_bills(status=["R"]))).items[0]
        with pytest.raises(RefusedError, match="já está recebida"):
            await erp.cancel_bill(id=received.id, id_mot_cancelamento=1)


async def test_the_isp_s_own_bill_is_paid_once(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        assert (await erp.verify_pay_payable(id=1, attempt=ATTEMPT)).state == "unknown"
        pressed = await erp.pay_payable(id=1, conta=1, id_conta=1, historico="Energia")
        assert pressed.answer["valor_total_pago"] == "842.10"
        assert (await erp.verify_pay_payable(id=1, attempt=ATTEMPT)).state == "done"
        assert (await erp.pay_payable(id=1, conta=1, id_conta=1)).already


async def test_the_forms_of_a_bill_are_put_to_its_id(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        bill = (await anext(erp.list_bills(status=["A"]))).items[0]
        await erp.press_button(
            button="alter_bill", id=str(bill.id), fields={"data_vencimento": "20/02/2031", "liberado": "S"}
        )
        due = [one async for page in erp.list_bills(due_from=date(2031, 2, 20)) for one in page.items]
        assert [one.id for one in due] == [bill.id]
        form = {
            "valor_cancelado": "5.00",
            "id_cliente": str(bill.id_cliente),
            "id_mot_cancelamento": "1",
            "data_cancelamento": "10/01/2031",
            "status": "A",
            "data_emissao": "01/12/2024",
            "data_vencimento": "10/12/2024",
            "valor": f"{bill.valor:.2f}",
        }
        await erp.press_button(button="cancel_bill_form", id=str(bill.id), fields=form)
        record = await erp.get_record(table="fn_areceber", id=bill.id)
        assert (record["valor_cancelado"], record["status"]) == ("5.00", "A")
        with pytest.raises(RefusedError, match="is none"):
            await erp.press_button(button="alter_bill", id="1/2")


async def test_what_the_forms_hold(script: ScriptMaker) -> None:
    """Trap 13: the payment's date is today in the server's zone, and written as forms take it."""
    record = found(status="A", valor_aberto="99.90", filial_id="2")
    vendor = script(record, SUCCESS, record, SUCCESS, record, SUCCESS)
    async with connection_for(
        IxcProvider, SETTINGS, clock=FakeClock(NOW, auto=True), transport=vendor.transport
    ) as erp:
        await erp.receive_bill(id=41, conta=3, id_conta=4, tipo_recebimento="Pix", fields={"documento": "NF 1"})
        await erp.pay_payable(id=41, conta=3, id_conta=4, valor=50, data=date(2031, 2, 1), tipo_pagamento="P")
        await erp.cancel_bill(id=41, id_mot_cancelamento=2)
    received, paid, cancelled = vendor.bodies[1], vendor.bodies[3], vendor.bodies[5]
    assert (received["id_receber"], received["data"], received["valor_total_recebido"]) == ("41", "09/01/2031", "99.90")
    assert (received["filial_id"], received["tipo_r"], received["documento"]) == ("2", "T", "NF 1")
    assert (paid["id_pagar"], paid["data"], paid["valor_total_pago"], paid["tipo_p"]) == (
        "41", "01/02/2031", "50.00", "P",
    )  # fmt: skip
    assert (received["tipo_recebimento"], paid["tipo_pagamento"]) == ("Pix", "P")
    assert cancelled == {"id": "41", "id_mot_cancelamento": "2", "data_cancelamento": "09/01/2031"}


async def test_nothing_is_noted_when_the_bill_cannot_be_read(script: ScriptMaker) -> None:
    red = httpx.Response(200, text="<div style='color:red'>erro</div>")
    unknown = found(status="A")
    vendor = script(red, unknown)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RetryableError, match="nothing was changed"):
            await erp.cancel_bill(id=41, id_mot_cancelamento=1)
        with pytest.raises(InvalidAnswerError, match="give valor"):
            await erp.receive_bill(id=41, conta=1, id_conta=1, tipo_recebimento="Pix")
    assert [request.method for request in vendor.requests] == ["GET", "GET"]


@pytest.mark.parametrize("action", ["receive_bill", "pay_payable"])
async def test_money_is_never_noted_twice(script: ScriptMaker, action: str) -> None:
    """Trap 16: a timed-out write may have run."""
    vendor = script(found(status="A", valor_aberto="5.00"), httpx.Response(504, text="<html>"))
    more = {"tipo_recebimento": "Pix"} if action == "receive_bill" else {}
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(UnknownOutcomeError):
            await getattr(erp, action)(id=41, conta=1, id_conta=1, **more)
    assert len(vendor.requests) == 2


async def test_bills_are_found_by_customer_state_and_date(sandbox: Sandbox) -> None:
    """Trap 18: a bill often names no contract, so the customer is asked for."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        everything = [one async for page in erp.list_bills() for one in page.items]
        opened = [one async for page in erp.list_bills(status=["A", "P"]) for one in page.items]
        none = [one async for page in erp.list_bills(due_until=date(2020, 1, 1)) for one in page.items]
    assert any(one.id_contrato is None for one in everything)
    assert {one.status for one in opened} == {"A"}
    assert (len(opened) < len(everything), none) == (True, [])
    assert all(one.pagamento_data is None for one in opened)
