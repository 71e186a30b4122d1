from __future__ import annotations

import base64

import pytest

from sandbox.client import Isp, Json

TICKET = {
    "tipo": "C",
    "id_cliente": "101",
    "id_login": "5001",
    "id_assunto": "1",
    "titulo": "Sem sinal",
    "id_ticket_setor": "2",
    "prioridade": "M",
    "menssagem": "LOS aceso",
    "su_status": "N",
}


def press(isp: Isp, button: str, **body: str) -> Json:
    return isp.erp("POST", button, body).json()


def row(isp: Isp, table: str, record: str) -> dict[str, str]:
    found: dict[str, str] = isp.erp_page(table, f"{table}.id", "=", record)["registros"][0]
    return found


def orders(isp: Isp, ticket: str) -> list[dict[str, str]]:
    table = "su_oss_chamado"
    found: list[dict[str, str]] = isp.erp_page(table, f"{table}.id_ticket", "=", ticket).get("registros", [])
    return found


def blocked(isp: Isp) -> dict[str, str]:
    """An active contract whose access is blocked."""
    isp.erp("POST", "cliente_contrato_15300", {"id_contrato": "2001"})
    isp.control("POST", f"provider/logins/{row(isp, 'radusuarios', '5001')['login']}", {"ativo": "S"})
    assert row(isp, "cliente_contrato", "2001")["status"] == "A"
    return row(isp, "cliente_contrato", "2001")


def test_a_ticket_gets_a_protocol_and_names_what_the_server_filled(isp: Isp) -> None:
    answer = isp.erp("POST", "su_ticket", TICKET).json()
    assert answer["type"] == "success"
    filled = {item["campo"]: item["valor"] for item in answer["atualiza_campos"]}
    ticket = row(isp, "su_ticket", answer["id"])
    assert (ticket["protocolo"], ticket["menssagem"], ticket["su_status"]) == (filled["protocolo"], "LOS aceso", "N")
    assert ticket["ultima_atualizacao"] >= ticket["data_criacao"] > "2025"
    isp.switch("provider", fill_fields=False)
    assert "atualiza_campos" not in isp.erp("POST", "su_ticket", TICKET).json()


@pytest.mark.parametrize("column", ["tipo", "id_cliente", "id_assunto", "titulo", "menssagem", "su_status"])
def test_a_ticket_needs_its_fields_and_known_letters(isp: Isp, column: str) -> None:
    assert isp.erp("POST", "su_ticket", {**TICKET, column: ""}).json()["type"] == "error"
    assert isp.erp("POST", "su_ticket", {**TICKET, "prioridade": "Z"}).json()["type"] == "error"


def test_the_order_of_a_ticket_with_a_process_appears_later_and_moves_by_buttons(isp: Isp) -> None:
    plain = isp.erp("POST", "su_ticket", TICKET).json()["id"]
    ticket = isp.erp("POST", "su_ticket", {**TICKET, "id_wfl_processo": "3"}).json()["id"]
    isp.pass_time(20)
    assert orders(isp, ticket) == []
    isp.pass_time(15)
    (order,) = orders(isp, ticket)
    assert orders(isp, plain) == []
    assert (order["status"], order["id_cliente"], order["mensagem"]) == ("A", "101", "LOS aceso")
    assert row(isp, "su_ticket", ticket)["status"] == "OSAB"
    for button, body, status, ticket_status in (
        ("analisar", {"mensagem": "vendo"}, "AN", "OSAB"),
        ("reagendar", {"data_agendamento": "2031-01-10 08:00:00", "id_tecnico": "2"}, "AG", "OSAG"),
        ("executar", {"mensagem": "a caminho"}, "EX", "OSEX"),
        ("fechar", {"mensagem": "feito", "id_su_diagnostico": "1", "finaliza_processo_aux": "S"}, "F", "F"),
    ):
        answer = press(isp, f"su_oss_chamado_{button}", id_chamado=order["id"], **body)
        assert answer["type"] == "success"
        assert orders(isp, ticket)[0]["status"] == status
        assert row(isp, "su_ticket", ticket)["status"] == ticket_status
    done = orders(isp, ticket)[0]
    assert (done["id_tecnico"], done["id_su_diagnostico"], done["mensagem_resposta"]) == ("2", "1", "feito")
    assert row(isp, "su_ticket", ticket)["su_status"] == "S"
    notes = isp.erp_page("su_oss_chamado_mensagem", "su_oss_chamado_mensagem.id_chamado", "=", order["id"])
    assert [note["status"] for note in notes["registros"]] == ["AN", "AG", "EX", "F"]
    assert press(isp, "su_oss_chamado_executar", id_chamado=order["id"])["type"] == "error"
    assert press(isp, "su_oss_chamado_reabrir", id_chamado=order["id"])["type"] == "success"
    assert press(isp, "su_oss_chamado_reabrir", id_chamado=order["id"])["type"] == "error"
    assert orders(isp, ticket)[0]["status"] == "A"


def test_an_order_s_status_cannot_be_put(isp: Isp) -> None:
    body = {"tipo": "C", "id_assunto": "1", "id_cliente": "101", "id_filial": "1", "origem_endereco": "C"}
    body |= {"prioridade": "N", "setor": "2", "status": "F"}
    created = isp.erp("POST", "su_oss_chamado", body).json()
    assert created["type"] == "success"
    order = row(isp, "su_oss_chamado", created["id"])
    assert order["status"] == "A"
    assert isp.erp("PUT", f"su_oss_chamado/{order['id']}", {**order, "status": "F"}).json()["type"] == "success"
    assert row(isp, "su_oss_chamado", order["id"])["status"] == "A"
    assert isp.erp("POST", "su_oss_chamado", {**body, "setor": ""}).json()["type"] == "error"
    assert press(isp, "su_oss_chamado_reagendar", id_chamado=order["id"])["type"] == "error"
    assert press(isp, "su_oss_chamado_analisar", id_chamado="999999")["type"] == "error"


def test_protocol_numbers_are_new_each_time(isp: Isp) -> None:
    numbers = [press(isp, "gerar_protocolo_atendimento")["protocolo"] for _ in range(2)]
    assert press(isp, "gerar_protocolo_ordem_servico")["protocolo"] not in numbers
    assert numbers[0] != numbers[1]


def test_a_trust_unblock_answers_in_portuguese_and_expires(isp: Isp) -> None:
    contract = blocked(isp)
    assert press(isp, "desbloqueio_confianca", id=contract["id"])["tipo"] == "sucesso"
    released = row(isp, "cliente_contrato", contract["id"])
    assert (released["status_internet"], released["desbloqueio_confianca_ativo"]) == ("A", "S")
    isp.pass_time(30)
    assert row(isp, "radusuarios", "5001")["online"] == "S"
    assert press(isp, "desbloqueio_confianca", id=contract["id"])["tipo"] == "erro"
    isp.pass_time(73 * 3600)
    expired = row(isp, "cliente_contrato", contract["id"])
    assert (expired["status_internet"], expired["desbloqueio_confianca_ativo"]) == ("CM", "N")
    assert row(isp, "radusuarios", "5001")["online"] == "N"
    assert press(isp, "desbloqueio_confianca", id="1")["tipo"] == "erro"


def test_a_release_for_72_hours_expires_unless_somebody_released_the_contract_for_good(isp: Isp) -> None:
    contract = blocked(isp)
    button = "cliente_contrato_btn_lib_temp_24722"
    assert press(isp, button, get_id=contract["id"])["type"] == "success"
    assert press(isp, button, get_id=contract["id"])["type"] == "error"
    isp.pass_time(71 * 3600)
    assert row(isp, "cliente_contrato", contract["id"])["status_internet"] == "A"
    isp.pass_time(2 * 3600)
    assert row(isp, "cliente_contrato", contract["id"])["status_internet"] == "CM"
    assert press(isp, button, id=contract["id"])["type"] == "success"
    press(isp, "cliente_contrato_15464", id_contrato=contract["id"])
    isp.pass_time(100 * 3600)
    assert row(isp, "cliente_contrato", contract["id"])["status_internet"] == "A"


def test_a_contract_is_activated_once_and_its_reduction_lifted(isp: Isp) -> None:
    cancelled = next(isp.erp_rows("cliente_contrato", "cliente_contrato.status", "=", "I"))
    assert press(isp, "cliente_contrato_ativar_cliente", id_contrato=cancelled["id"])["type"] == "success"
    assert press(isp, "cliente_contrato_ativar_cliente", id_contrato=cancelled["id"])["type"] == "error"
    active = row(isp, "cliente_contrato", cancelled["id"])
    assert (active["status"], active["status_internet"]) == ("A", "A")
    slow = next(isp.erp_rows("cliente_contrato", "cliente_contrato.status_velocidade", "=", "R"))
    assert press(isp, "liberacao_reducao_contrato_29157", get_id=slow["id"])["type"] == "success"
    assert press(isp, "liberacao_reducao_contrato_29157", get_id=slow["id"])["type"] == "error"


def test_changes_are_found_by_their_stamp_and_only_they(isp: Isp) -> None:
    start = isp.control("GET", "world")["erp_local_now"]
    login = row(isp, "radusuarios", "5001")["login"]
    isp.pass_time(60)
    isp.control("POST", f"provider/logins/{login}", {"obs": "moved"})
    isp.erp("POST", "cliente_contrato_15300", {"id_contrato": "2005"})
    isp.erp("POST", "su_ticket", TICKET)
    for table, expected in (("radusuarios", "5001"), ("cliente_contrato", "2005")):
        found = isp.erp_page(table, f"{table}.ultima_atualizacao", ">", start, sortname=f"{table}.ultima_atualizacao")
        assert expected in [changed["id"] for changed in found["registros"]]
        assert len(found["registros"]) <= 2
    assert isp.erp_page("su_ticket", "su_ticket.ultima_atualizacao", ">", start)["total"] == "1"
    isp.pass_time(60)
    later = isp.control("GET", "world")["erp_local_now"]
    assert isp.erp_page("radusuarios", "radusuarios.ultima_atualizacao", ">", later)["total"] == "0"


def test_a_denied_button_reads_like_an_unknown_resource(isp: Isp) -> None:
    isp.switch("provider", denied=["desconectar_clientes"])
    assert press(isp, "desconectar_clientes", id="5001")["message"].endswith("não está disponível!")


def test_a_bill_s_document_is_a_pdf_its_base64_or_a_letter_that_is_sent(isp: Isp) -> None:
    bill = next(isp.erp_rows("fn_areceber", "fn_areceber.status", "=", "A"))
    answer = isp.erp("POST", "get_boleto", {"boletos": bill["id"], "tipo_boleto": "arquivo"})
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["content-type"].endswith("charset=ISO-8859-1")
    packed = isp.erp("POST", "get_boleto", {"boletos": bill["id"], "tipo_boleto": "arquivo", "base64": "S"})
    assert base64.b64decode(packed.content) == answer.content
    assert press(isp, "get_boleto", boletos=bill["id"], tipo_boleto="mail") == {"registros": [{"sucesso": True}]}
    assert press(isp, "get_boleto", boletos="1")["type"] == "error"
    assert [entry["effect"] for entry in isp.log("vendor=provider")[-4:]] == ["read", "read", "once", "read"]
    pix = press(isp, "get_pix", id_areceber=bill["id"])["pix"]["dadosPix"]
    assert pix["valor"]["original"] == float(bill["valor"])
    paid = next(isp.erp_rows("fn_areceber", "fn_areceber.status", "=", "R"))
    assert press(isp, "get_pix", id_areceber=paid["id"])["type"] == "error"
