from __future__ import annotations

import pytest

from sandbox.client import Isp, Json

RECEIPT = {
    "filial_id": "1",
    "conta_": "1",
    "id_conta": "1",
    "tipo_recebimento": "Pix",
    "data": "10/01/2031",
    "previsao": "N",
}
CANCELLATION = {"id_mot_cancelamento": "1", "data_cancelamento": "10/01/2031"}


def press(isp: Isp, button: str, **body: str) -> Json:
    return isp.erp("POST", button, body).json()


def row(isp: Isp, table: str, record: str) -> dict[str, str]:
    found: dict[str, str] = isp.erp_page(table, f"{table}.id", "=", record)["registros"][0]
    return found


def open_bill(isp: Isp) -> dict[str, str]:
    return next(isp.erp_rows("fn_areceber", "fn_areceber.status", "=", "A"))


def receive(isp: Isp, bill: str, amount: str) -> Json:
    form = {**RECEIPT, "id_receber": bill, "valor_parcela": amount, "valor_total_recebido": amount}
    return press(isp, "fn_areceber_recebimentos_baixas_novo", **form)


def test_a_bill_is_received_in_parts_and_then_not_again(isp: Isp) -> None:
    bill = open_bill(isp)
    assert receive(isp, bill["id"], "20,50")["type"] == "success"
    part = row(isp, "fn_areceber", bill["id"])
    left = f"{float(bill['valor']) - 20.5:.2f}"
    assert (part["status"], part["valor_recebido"], part["valor_aberto"]) == ("P", "20.50", left)
    assert receive(isp, bill["id"], left)["type"] == "success"
    whole = row(isp, "fn_areceber", bill["id"])
    assert (whole["status"], whole["valor_recebido"], whole["valor_aberto"]) == ("R", bill["valor"], "0.00")
    assert whole["pagamento_data"] == "2031-01-10"
    assert receive(isp, bill["id"], "1.00") == {
        "type": "error",
        "message": "Parcela já está recebida ou cancelada!<br />",
    }
    assert press(isp, "get_pix", id_areceber=bill["id"])["type"] == "error"


@pytest.mark.parametrize("missing", ["conta_", "id_conta", "tipo_recebimento", "data"])
def test_a_receipt_needs_its_form(isp: Isp, missing: str) -> None:
    bill = open_bill(isp)
    form = {**RECEIPT, "id_receber": bill["id"], "valor_parcela": "5.00", "valor_total_recebido": "5.00", missing: ""}
    assert press(isp, "fn_areceber_recebimentos_baixas_novo", **form)["type"] == "error"
    assert row(isp, "fn_areceber", bill["id"])["status"] == "A"


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity", "cinco", "1e999"])
def test_an_amount_that_is_none_is_refused(isp: Isp, amount: str) -> None:
    bill = open_bill(isp)
    assert receive(isp, bill["id"], amount)["type"] == "error"
    assert row(isp, "fn_areceber", bill["id"])["valor_aberto"] == bill["valor_aberto"]


def test_a_cancelled_bill_answers_success_with_an_inner_false(isp: Isp) -> None:
    bill = open_bill(isp)
    answer = press(isp, "cancelar_financeiro", id=bill["id"], **CANCELLATION)
    assert answer["type"] == "success"
    assert answer["dadosCancelamento"] == {"success": False, "idVenda": None}
    cancelled = row(isp, "fn_areceber", bill["id"])
    assert (cancelled["status"], cancelled["valor_aberto"], cancelled["data_cancelamento"]) == (
        "C",
        "0.00",
        "2031-01-10",
    )
    assert press(isp, "cancelar_financeiro", id=bill["id"], **CANCELLATION)["type"] == "error"
    assert press(isp, "cancelar_financeiro", id="1", **CANCELLATION)["type"] == "error"


def test_the_forms_of_a_bill_are_put_to_its_id(isp: Isp) -> None:
    bill = open_bill(isp)
    altered = isp.erp("PUT", f"fn_areceber_altera/{bill['id']}", {"data_vencimento": "20/02/2031", "liberado": "S"})
    assert altered.json()["type"] == "success"
    assert row(isp, "fn_areceber", bill["id"])["data_vencimento"] == "2031-02-20"
    listed = isp.erp_page("fn_areceber_altera", "fn_areceber.id", "=", bill["id"])["registros"]
    assert listed == [row(isp, "fn_areceber", bill["id"])]
    form = {
        **CANCELLATION,
        "valor_cancelado": bill["valor"],
        "id_cliente": bill["id_cliente"],
        "status": "A",
        "data_emissao": "01/12/2024",
        "data_vencimento": "10/12/2024",
        "valor": bill["valor"],
    }
    refused = isp.erp("PUT", f"fn_areceber_recebimentos/{bill['id']}", {**form, "id_cliente": ""}).json()
    assert refused["type"] == "error"
    answer = isp.erp("PUT", f"fn_areceber_recebimentos/{bill['id']}", form).json()
    assert (answer["type"], answer["dadosCancelamento"]["success"]) == ("success", False)
    assert row(isp, "fn_areceber", bill["id"])["status"] == "C"
    again = isp.erp("PUT", f"fn_areceber_recebimentos/{bill['id']}", form).json()
    assert again == {"type": "error", "message": "Parcela já está recebida ou cancelada!<br />"}


def test_paying_the_isp_s_own_bill_echoes_the_form(isp: Isp) -> None:
    payable = row(isp, "fn_apagar", "1")
    form = {"id_pagar": "1", "filial_id": "1", "conta_": "1", "id_conta": "1", "tipo_pagamento": "D"}
    form |= {"data": "10/01/2031", "valor_parcela": "842,10", "valor_total_pago": "842,10"}
    answer = press(isp, "botao_pagar_26409", **form)
    assert (answer["type"], answer["success"]) == ("success", "Ação executada com sucesso")
    assert (answer["id_pagar"], answer["valor_parcela"], answer["valor_total_pago"]) == ("1", "842,10", "842.10")
    paid = row(isp, "fn_apagar", "1")
    assert (payable["status"], paid["status"], paid["valor_aberto"]) == ("A", "P", "0.00")
    assert paid["data_pagamento"] == "2031-01-10"
    assert press(isp, "botao_pagar_26409", **form)["type"] == "error"
    put = isp.erp("PUT", "fn_apagar/1", {**paid, "valor_aberto": "842.10"}).json()
    assert put["type"] == "success"
    assert row(isp, "fn_apagar", "1")["valor_aberto"] == "0.00"


def test_some_buttons_are_pressed_by_get_too(isp: Isp) -> None:
    bill = open_bill(isp)
    for listing in (True, False):
        assert isp.erp("GET", "get_pix", {"id_areceber": bill["id"]}, listing=listing).json()["type"] == "success"
    document = isp.erp("GET", "get_boleto", {"boletos": bill["id"], "tipo_boleto": "arquivo"}, listing=True)
    assert document.content.startswith(b"%PDF")
    assert isp.erp("GET", "desbloqueio_confianca", {"id": "1"}).json()["tipo"] == "erro"
    other = isp.erp("GET", "cancelar_financeiro", {"id": bill["id"], **CANCELLATION})
    assert other.status_code == 404
    assert row(isp, "fn_areceber", bill["id"])["status"] == "A"
    isp.switch("provider", get_buttons=["cancel_bill"])
    assert isp.erp("GET", "get_pix", {"id_areceber": bill["id"]}).status_code == 404
    assert isp.erp("GET", "cancelar_financeiro", {"id": bill["id"], **CANCELLATION}).json()["type"] == "success"


def test_the_log_of_the_sandbox_knows_what_money_does(isp: Isp) -> None:
    bill = open_bill(isp)
    receive(isp, bill["id"], "1")
    press(isp, "cancelar_financeiro", id=bill["id"], **CANCELLATION)
    entries = isp.log("vendor=provider")[-2:]
    assert [(entry["effect"], entry["completed"]) for entry in entries] == [("once", True), ("write", True)]
