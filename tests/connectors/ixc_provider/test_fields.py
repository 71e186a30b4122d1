"""Every column of the vendor that a model has comes under its name, in its type, and zero dates as nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from backhaul.sdk import Json
from backhaul_connectors.ixc_provider.bills import Bill, LentItem, bill_of, lent_item_of
from backhaul_connectors.ixc_provider.contracts import Contract, Customer, contract_of, customer_of
from backhaul_connectors.ixc_provider.flexigrid import Session, WaitingOnu, session_of, waiting_onu_of
from backhaul_connectors.ixc_provider.models import AcsDevice, Login, acs_device_of, login_of
from backhaul_connectors.ixc_provider.onus import Onu, onu_of
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from backhaul_connectors.ixc_provider.support import ServiceOrder, Ticket, order_of, ticket_of

SETTINGS = IxcProviderSettings.model_validate({"base_url": "https://provider.example.net", "token": "7:0a1b"})
ZONE = SETTINGS.zone
STAMP, STAMPED = "2031-01-10 09:00:00", datetime(2031, 1, 10, 12, 0, tzinfo=UTC)


def same(record: dict[str, Json], *names: str) -> dict[str, Json]:
    """Return the columns that a model has under the same name and as they are written."""
    return {name: record[name] for name in names}


def test_a_customer() -> None:
    record: dict[str, Json] = {
        "id": "17", "razao": "Ana Souza", "fantasia": "Ana", "cnpj_cpf": "529.982.247-25", "tipo_pessoa": "F",
        "ativo": "S", "fone": "(11) 3123-4567", "telefone_celular": "(11) 91234-5678", "telefone_comercial": "",
        "whatsapp": "(11) 91234-5678", "email": "ana@example.net", "endereco": "Rua 1", "numero": "12",
        "bairro": "Centro", "cep": "01000-000", "cidade": "3", "filial_id": "0", "ultima_atualizacao": STAMP,
        "senha": "clear", "hotsite_email": "x",
    }  # fmt: skip
    texts = same(record, "razao", "fantasia", "cnpj_cpf", "tipo_pessoa", "email", "endereco", "numero", "bairro", "cep")
    phones = ("(11) 3123-4567", "(11) 91234-5678")
    assert customer_of(record, ZONE) == Customer.model_validate(
        {**texts, "id": 17, "active": True, "phones": phones, "cidade": 3, "filial_id": None, "updated": STAMPED}
    )


def test_a_contract() -> None:
    record: dict[str, Json] = {
        "id": "33", "id_cliente": "17", "tipo": "I", "contrato": "FIBRA 300", "id_vd_contrato": "5", "status": "A",
        "status_internet": "A", "status_velocidade": "R", "contrato_suspenso": "N", "desbloqueio_confianca_ativo": "P",
        "data_ativacao": "2030-05-01", "data_cancelamento": "0000-00-00", "pago_ate_data": "31/01/2031",
        "nao_bloquear_ate": "2031-02-05", "ultima_atualizacao": STAMP,
    }  # fmt: skip
    texts = same(
        record,
        "tipo",
        "contrato",
        "status",
        "status_internet",
        "status_velocidade",
        "data_ativacao",
        "nao_bloquear_ate",
    )
    assert contract_of(record, ZONE) == Contract.model_validate(
        {
            **texts,
            "id": 33,
            "id_cliente": 17,
            "id_vd_contrato": 5,
            "service_should_work": True,
            "speed_reduced": True,
            "contrato_suspenso": False,
            "desbloqueio_confianca_ativo": None,
            "pago_ate_data": "2031-01-31",
            "updated": STAMPED,
        }
    )
    assert not contract_of({**record, "status_velocidade": "N"}, ZONE).speed_reduced


def test_a_login() -> None:
    record: dict[str, Json] = {
        "id": "41", "login": "casa12.ppp", "ativo": "S", "online": "N", "id_cliente": "17", "id_contrato": "33",
        "id_grupo": "6", "mac": "02:00:00:00:00:01", "ultima_atualizacao": STAMP, "senha": "clear",
    }  # fmt: skip
    assert login_of(record, ZONE) == Login(
        id=41,
        login="casa12.ppp",
        active=True,
        online=False,
        linked=True,
        id_cliente=17,
        id_contrato=33,
        id_grupo=6,
        mac="02:00:00:00:00:01",
        updated=STAMPED,
    )


def test_a_device_of_the_acs() -> None:
    record: dict[str, Json] = {
        "id": "701", "serial_number": "acme-00a1b2c3", "id_login": "41", "status": "online", "manufacturer": "ACME",
        "model": "AX-1", "device_primary": "S", "last_inform": STAMP, "last_update": "0000-00-00 00:00:00",
        "status_contrato": "A", "status_internet_contrato": "CM", "senha_router_wifi": "clear",
    }  # fmt: skip
    texts = same(
        record, "serial_number", "status", "manufacturer", "model", "status_contrato", "status_internet_contrato"
    )
    login = login_of({"id": "41", "login": "casa12.ppp", "ativo": "N"}, ZONE)
    known = {"id": 701, "serial_key": "ACME00A1B2C3", "id_login": 41, "login": "casa12.ppp", "login_active": False}
    assert acs_device_of(record, {41: login}, ZONE) == AcsDevice.model_validate(
        {**texts, **known, "device_primary": True, "last_inform": STAMPED, "last_update": None}
    )


def test_an_onu() -> None:
    record: dict[str, Json] = {
        "id": "9", "nome": "Casa 12", "mac": "41434D4500A1B2C3", "id_login": "41", "id_contrato": "0",
        "id_transmissor": "2", "slotno": "1", "ponno": "3", "onu_numero": "17", "onu_tipo": "AX-1", "id_perfil": "4",
        "vlan": "100", "id_caixa_ftth": "6", "porta_ftth": "8", "sinal_rx": "-19,40", "sinal_tx": "2.10",
        "temperatura": "45,5", "voltagem": "3.28", "distancia_onu": "1240", "causa_ultima_queda": "LOS",
        "data_sinal": STAMP, "senha_onu_cliente": "clear",
    }  # fmt: skip
    texts = same(record, "nome", "mac", "onu_numero", "onu_tipo", "vlan", "porta_ftth", "causa_ultima_queda")
    links = {"id": 9, "id_login": 41, "id_contrato": None, "id_transmissor": 2, "id_perfil": 4, "id_caixa_ftth": 6}
    levels = {"rx_dbm": -19.4, "tx_dbm": 2.1, "temperatura": 45.5, "voltagem": 3.28, "distancia_onu": 1240}
    place = {"slot": "1", "pon": "3", "serial_key": "ACME00A1B2C3", "signal_read_at": STAMPED}
    assert onu_of(record, ZONE) == Onu.model_validate({**texts, **links, **levels, **place})


def test_a_session_and_a_waiting_onu() -> None:
    cells: list[Json] = [
        "9001", "casa12.ppp", "02:00:00:00:00:01", "100.64.0.9", "10.0.0.1", "PPPoE_X", "10/01/2031 09:00:00",
        "10/01/2031 10:00:00", "3600", "", "2001:db8::/64", "",
    ]  # fmt: skip
    assert session_of({"id": "row", "cell": cells}, SETTINGS.radacct_cells, ZONE) == Session(
        id="9001",
        login="casa12.ppp",
        mac="02:00:00:00:00:01",
        ip="100.64.0.9",
        concentrator_ip="10.0.0.1",
        nas_port="PPPoE_X",
        started=STAMPED,
        stopped=STAMPED.replace(hour=13),
        up=False,
        duration_s=3600,
        ipv6_prefix="2001:db8::/64",
    )
    waiting = {"id": "YTo=", "cell": ["OLT 1", "1", "2", "3", "AX-1", "ACME00A1B2C3"]}
    assert waiting_onu_of(waiting, SETTINGS.waiting_onu_cells) == WaitingOnu(
        row_id="YTo=", olt="OLT 1", chassis="1", slot="2", pon="3", model="AX-1", mac="ACME00A1B2C3"
    )


def test_a_ticket_and_a_service_order() -> None:
    ticket: dict[str, Json] = {
        "id": "57", "protocolo": "20310001", "id_cliente": "17", "id_login": "41", "id_contrato": "0",
        "id_assunto": "3", "titulo": "Sem sinal", "menssagem": "LOS aceso", "prioridade": "M", "su_status": "EP",
        "status": "OSAB", "id_ticket_setor": "2", "id_responsavel_tecnico": "4", "id_wfl_processo": "",
        "data_criacao": STAMP, "ultima_atualizacao": STAMP, "token": "clear",
    }  # fmt: skip
    texts = same(ticket, "protocolo", "titulo", "menssagem", "prioridade", "su_status", "status")
    links = {"id": 57, "id_cliente": 17, "id_login": 41, "id_assunto": 3, "id_ticket_setor": 2}
    assert ticket_of(ticket, ZONE) == Ticket.model_validate(
        {**texts, **links, "id_responsavel_tecnico": 4, "created": STAMPED, "updated": STAMPED}
    )
    order: dict[str, Json] = {
        "id": "9", "protocolo": "20310002", "id_ticket": "57", "id_cliente": "17", "id_login": "0", "id_assunto": "3",
        "setor": "2", "id_tecnico": "4", "prioridade": "N", "status": "AG", "mensagem": "Trocar ONU",
        "mensagem_resposta": "feito", "data_abertura": STAMP, "data_agenda": "10/01/2031 09:00:00",
        "data_agenda_final": "2031-01-10 10:00:00", "data_fechamento": "0000-00-00 00:00:00",
    }  # fmt: skip
    texts = same(order, "protocolo", "prioridade", "status", "mensagem", "mensagem_resposta")
    links = {"id": 9, "id_ticket": 57, "id_cliente": 17, "id_assunto": 3, "setor": 2, "id_tecnico": 4}
    times = {"opened": STAMPED, "scheduled": STAMPED, "scheduled_until": STAMPED.replace(hour=13), "closed": None}
    assert order_of(order, ZONE) == ServiceOrder.model_validate({**texts, **links, **times})


def test_a_bill_and_lent_equipment() -> None:
    bill: dict[str, Json] = {
        "id": "5", "status": "P", "id_cliente": "17", "id_contrato": "", "valor": "99,90", "valor_recebido": "50.00",
        "valor_aberto": "49.90", "data_emissao": "2031-01-01", "data_vencimento": "20/01/2031",
        "pagamento_data": "0000-00-00", "linha_digitavel": "00190.00009", "ultima_atualizacao": STAMP,
    }  # fmt: skip
    amounts = {"valor": 99.9, "valor_recebido": 50.0, "valor_aberto": 49.9, "data_vencimento": "2031-01-20"}
    assert bill_of(bill, ZONE) == Bill.model_validate(
        {
            **same(bill, "status", "data_emissao", "linha_digitavel"),
            **amounts,
            "id": 5,
            "id_cliente": 17,
            "updated": STAMPED,
        }
    )
    lent: dict[str, Json] = {
        "id": "60001", "id_contrato": "33", "id_login": "41", "id_patrimonio": "50001", "id_produto": "34",
        "descricao": "ONT AX-1", "mac": "02:00:00:00:00:01", "numero_serie": "ACME-00a1b2c3",
        "numero_patrimonial": "P-1", "status_comodato": "E", "data": "10/01/2031",
    }  # fmt: skip
    texts = same(lent, "descricao", "mac", "numero_serie", "numero_patrimonial", "status_comodato")
    links = {"id": 60_001, "id_contrato": 33, "id_login": 41, "id_patrimonio": 50_001, "id_produto": 34}
    known = {"serial_key": "ACME00A1B2C3", "with_customer": True, "data": "2031-01-10"}
    assert lent_item_of(lent) == LentItem.model_validate({**texts, **links, **known})
