"""Tickets and service orders: what the server fills, and the moves of an order (ixc_provider.md sections 5 and 8)."""

from __future__ import annotations

from backhaul_connectors.sandbox.erp_table import Row, Table
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.ixc_provider.switches import ProviderSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["analyse", "close", "execute", "inserted", "new_protocol", "objection", "reopen", "reschedule"]

_LETTERS = {
    "su_ticket": {"tipo": "CE", "prioridade": "BMAC", "su_status": ("N", "P", "EP", "S", "C")},
    "su_oss_chamado": {"prioridade": "BNAC1", "origem_endereco": ("C", "L", "CC", "M")},
}
_COPIED = ("id_assunto", "id_cliente", "id_login", "id_filial", "origem_endereco", "latitude", "longitude")
_GONE = "Ordem de serviço não encontrada!"


def objection(table: Table, fields: Row) -> str:
    """Return what the server objects to in a ticket or order, or "": letters outside their lists."""
    for column, letters in _LETTERS.get(table.name, {}).items():
        if fields.get(column, "") not in letters:
            return f"Valor inválido no campo {column}!<br />"
    return ""


def inserted(world: World, table: Table, row_id: int, switches: ProviderSwitches) -> list[str]:
    """Fill what the server fills in a new row and return those columns.

    The service order of a ticket with a process appears later (trap 24 of ixc_provider.md).
    """
    now = world.clock.local_now()
    match table.name:
        case "su_ticket":
            protocol = _protocol(world)
            table.set(row_id, {"protocolo": protocol, "data_criacao": now, "data_ultima_alteracao": now})
            if table.cell(row_id, "id_wfl_processo") not in ("", "0"):
                world.agenda.after(switches.order_delay_s, lambda _: _open_order(world, row_id))
            return ["protocolo", "data_criacao"]
        case "su_oss_chamado":
            table.set(row_id, {"protocolo": _protocol(world), "data_abertura": now})
            return ["protocolo", "data_abertura"]
        case "su_mensagens" | "su_oss_chamado_mensagem":
            table.set(row_id, {"data": now})
            return ["data"]
        case _:
            return []


def new_protocol(press: Press) -> Answer:
    """Answer a new protocol number; the answer's shape is assumed."""
    number = _protocol(press.world)
    return press.done("", "Protocolo gerado com sucesso!", protocolo=number)


def analyse(press: Press) -> Answer:
    """Move an order to AN."""
    return _move(press, "AN", "OSAB", {"data_hora_analise": press.world.clock.local_now()})


def reschedule(press: Press) -> Answer:
    """Move an order to AG, with the new appointment."""
    if not press.record("data_agendamento"):
        return press.refused(press.record("id_chamado"), "Preencha o campo data_agendamento!<br />")
    dates = {"data_agenda": press.record("data_agendamento")}
    dates["data_agenda_final"] = press.record("data_agendamento_final", "data_agendamento")
    return _move(press, "AG", "OSAG", dates)


def execute(press: Press) -> Answer:
    """Move an order to EX."""
    now = press.world.clock.local_now()
    return _move(press, "EX", "OSEX", {"data_hora_execucao": now, "data_inicio": press.record("data_inicio") or now})


def close(press: Press) -> Answer:
    """Move an order to F, with its diagnosis; with ``finaliza_processo_aux`` S its ticket is solved too."""
    now = press.world.clock.local_now()
    values = {
        "data_fechamento": now,
        "data_final": press.record("data_final") or now,
        "mensagem_resposta": press.record("mensagem"),
        "id_su_diagnostico": press.record("id_su_diagnostico") or "0",
        "id_resposta": press.record("id_resposta"),
    }
    return _move(press, "F", "F" if press.record("finaliza_processo_aux") == "S" else "T", values)


def reopen(press: Press) -> Answer:
    """Open a finished order again."""
    return _move(press, "A", "OSAB", {"data_fechamento": "0000-00-00 00:00:00"}, closed=True)


def _move(press: Press, status: str, ticket_status: str, values: Row, *, closed: bool = False) -> Answer:
    """Move an order, note the message, and let its ticket follow. A finished order only reopens."""
    world, orders, record = press.world, press.world.tables["su_oss_chamado"], press.record("id_chamado")
    order = press.find(orders, "id_chamado")
    if order is None:
        return press.refused(record, _GONE)
    if (orders.cell(order, "status") == "F") != closed:
        return press.refused(record, "Ordem de serviço não finalizada!" if closed else "Ordem já finalizada!")
    if press.record("id_tecnico"):
        values["id_tecnico"] = press.record("id_tecnico")
    orders.set(order, {"status": status, **values})
    messages = world.tables["su_oss_chamado_mensagem"]
    kept = {name: value for name, value in press.fields.items() if name in messages.column_set and name != "id"}
    noted = messages.insert({**kept, "id_chamado": record, "status": status})
    messages.set(noted, {"data": world.clock.local_now()})
    tickets = world.tables["su_ticket"]
    for ticket in tickets.find("id", orders.cell(order, "id_ticket")) or []:
        now = world.clock.local_now()
        done = "S" if ticket_status == "F" else "EP"
        tickets.set(ticket, {"status": ticket_status, "su_status": done, "data_ultima_alteracao": now})
    return press.done(record)


def _open_order(world: World, ticket_id: int) -> None:
    tickets, orders = world.tables["su_ticket"], world.tables["su_oss_chamado"]
    if ticket_id not in tickets:
        return
    ticket = tickets.row(ticket_id)
    copied = {column: ticket[column] for column in _COPIED}
    order = orders.insert(
        {
            **copied,
            "tipo": "C",
            "id_ticket": str(ticket_id),
            "setor": ticket["id_ticket_setor"],
            "prioridade": "N" if ticket["prioridade"] == "M" else ticket["prioridade"],
            "mensagem": ticket["menssagem"],
            "id_contrato_kit": ticket["id_contrato"],
            "id_wfl_tarefa": ticket["id_wfl_processo"],
        }
    )
    orders.set(order, {"status": "A", "protocolo": _protocol(world), "data_abertura": world.clock.local_now()})
    tickets.set(ticket_id, {"status": "OSAB", "su_status": "EP"})


def _protocol(world: World) -> str:
    """Return a new number: the day and a running number."""
    return f"{world.clock.local_now()[:10].replace('-', '')}{next(world.protocols):06d}"
