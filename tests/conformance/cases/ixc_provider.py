"""The case of `ixc_provider`."""

from __future__ import annotations

from backhaul.sdk import Json
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.sandbox.ixc_provider.flexigrid import waiting_onu_id
from conformance.isp import Isp, served

__all__ = ["CASE"]


_TICKET = {
    "tipo": "C",
    "id_cliente": "101",
    "id_assunto": "1",
    "id_ticket_setor": "1",
    "prioridade": "M",
    "menssagem": "Desde ontem",
    "su_status": "N",
}
_ORDER = {
    "tipo": "C",
    "id_cliente": "101",
    "id_assunto": "1",
    "id_filial": "1",
    "origem_endereco": "C",
    "prioridade": "N",
    "setor": "1",
    "status": "A",
}


def _sandbox(isp: Isp) -> ServedSandbox:
    tables = isp.world.tables
    first = {name: int(table.ids[0]) for name, table in tables.items() if len(table.ids)}
    device, other = list(isp.world.registered.ids)[:2]
    logins = (isp.world.logins.row(row_id) for row_id in isp.world.logins.ids)
    login = next(row for row in logins if row["ativo"] == "S" and row["login"])
    onu = first["radpop_radio_cliente_fibra"]
    contract = {"id_contrato": int(login["id_contrato"])}

    waiting = tables["fh_onu_nao_autorizadas"]
    bill = next(row_id for row_id in tables["fn_areceber"].ids if tables["fn_areceber"].cell(row_id, "status") == "A")
    inactive, blocked = (int(row_id) for row_id in isp.world.contracts.ids[-2:])
    isp.world.contracts.set(inactive, {"status": "P"})
    isp.world.contracts.set(blocked, {"status_internet": "CA", "status_velocidade": "R"})
    # Two of everything, so that its list has two pages.
    order, _ = (tables["su_oss_chamado"].insert({**_ORDER, "id_ticket": str(number)}) for number in (1, 2))
    for title in ("Sem sinal", "Lento"):
        tables["su_ticket"].insert({**_TICKET, "titulo": title})
    owner = {"id_cliente": str(first["cliente"]), "local_arquivo": "arquivos/a.pdf"}
    file, _ = (tables["cliente_arquivos"].insert({**owner, "descricao": text}) for text in ("Contrato", "Aditivo"))
    for session in tables["radacct"].ids[:2]:
        tables["radacct"].set(session, {"username": login["login"]})

    async def state() -> Json:
        return isp.rows()

    return ServedSandbox(
        settings={"base_url": f"{isp.url}/provider", **isp.credentials, "page_size": 1},
        examples={
            "list_records": {"table": "radusuarios"},
            "get_record": {"table": "cliente", "id": first["cliente"]},
            "update_record": {"table": "cliente", "id": first["cliente"], "fields": {"obs": "seen"}},
            "delete_record": {"table": "acs_device_grid", "id": other},
            "insert_record": {
                "table": "acs_device_grid",
                "fields": {"serial_number": "ABCD12345678", "id_login": login["id"]},
            },
            "get_acs_device": {"id": device},
            "get_onu": {"id": onu},
            "get_onu_optical": {"id": onu},
            "get_onu_script": {"id": onu},
            "reboot_onu": {"id": onu},
            "list_waiting_onus": {"id_olt": 1},
            "authorise_onu": {"row_id": waiting_onu_id(waiting.row(waiting.ids[0]))},
            "change_onu": {"id": onu, "change": "reset"},
            "sync_olt": {"id_transmissor": 1},
            "get_boleto": {"id": first["fn_areceber"]},
            "get_pix": {"id": bill},
            "send_boleto": {"ids": [bill], "by": "mail"},
            "receive_bill": {"id": bill, "conta": 1, "id_conta": 1, "tipo_recebimento": "Pix"},
            "cancel_bill": {"id": bill, "id_mot_cancelamento": 1},
            "pay_payable": {"id": first["fn_apagar"], "conta": 1, "id_conta": 1},
            "list_consumption": {"id_login": int(login["id"])},
            "return_lent_equipment": {"id": first["movimento_produtos"], "id_almox": 1},
            "list_files": {"of": "customer", "id": first["cliente"]},
            "get_file": {"id": file},
            "attach_file": {
                "to": "customer",
                "id": first["cliente"],
                "descricao": "Foto",
                "nome_arquivo": "foto.png",
                "content_base64": "aW52ZW50ZWQ=",
            },
            "get_ticket_order": {"id_ticket": 1},
            "move_service_order": {"id": order, "move": "execute", "mensagem": "A caminho"},
            "press_button": {"button": "clear_mac", "id": login["id"]},
            "create_ticket": {
                "id_cliente": first["cliente"],
                "id_assunto": 1,
                "titulo": "Sem sinal",
                "menssagem": "Desde ontem",
                "id_ticket_setor": 1,
            },
            "create_service_order": {
                "id_cliente": first["cliente"],
                "id_assunto": 1,
                "id_filial": 1,
                "setor": 1,
                "mensagem": "Sem sinal",
            },
            "find_login": {"login": login["login"]},
            "search_logins": {"id_cliente": int(login["id_cliente"])},
            "get_plan": {"login": login["login"]},
            "list_sessions": {"login": login["login"]},
            "disconnect": {"id_login": int(login["id"])},
            "clear_mac": {"id_login": int(login["id"])},
            "find_customer": {"id": int(login["id_cliente"])},
            "get_contract": {"login": login["login"]},
            "activate_contract": {"id_contrato": inactive},
            "trust_unblock": {"id_contrato": blocked},
            "set_contract_access": {**contract, "access": "block"},
            "release_for_72h": {"id_contrato": blocked},
            "lift_speed_reduction": {"id_contrato": blocked},
            "notify_acs_event": {"event": "device.removed", "serial": "ABCD00000000"},
            "add_acs_device": {"serial_number": "ABCD12345678", "id_login": int(login["id"])},
            "update_acs_device": {"id": device, "id_login": 0},
            "remove_acs_device": {"id": other},
            "push_wifi": {"id": device},
        },
        state=state,
        advance=isp.advance,
    )


CASE = ConnectorCase(connector=IxcProvider, serve=served("provider", _sandbox))
