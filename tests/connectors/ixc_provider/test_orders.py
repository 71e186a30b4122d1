"""Tickets and service orders: all that can be said of them is sent, and an order follows its ticket."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from backhaul.sdk import NotFoundError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.order_actions import OrderMove
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
MOVES: tuple[OrderMove, ...] = ("finish", "reopen")
SUCCESS = httpx.Response(200, json={"type": "success", "id": 57})


async def test_what_is_given_of_a_ticket_and_an_order_is_sent(script: ScriptMaker) -> None:
    """Trap 13: a time without zone is the server's own."""
    vendor = script(SUCCESS)
    local = datetime(2031, 1, 10, 8, 0)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await erp.create_ticket(
            id_cliente=17,
            id_assunto=3,
            titulo="a",
            menssagem="b",
            id_ticket_setor=2,
            prioridade="C",
            id_contrato=33,
            id_wfl_processo=4,
            fields={"melhor_horario_reserva": "M", "tipo": "E"},
        )
        await erp.create_service_order(
            id_cliente=17,
            id_assunto=3,
            id_filial=1,
            setor=2,
            mensagem="b",
            prioridade="A",
            tipo="E",
            origem_endereco="L",
            id_login=41,
        )
        await erp.move_service_order(
            id=9,
            move="finish",
            data_inicio=local,
            data_final=NOW,
            data_agendamento_final=NOW,
            id_su_diagnostico=5,
            id_resposta=6,
        )
    ticket, order, move = vendor.bodies
    expected = {"prioridade": "C", "id_contrato": "33", "id_wfl_processo": "4", "melhor_horario_reserva": "M"}
    assert expected.items() <= ticket.items()
    assert (ticket["tipo"], ticket["su_status"], ticket["id_ticket_setor"]) == ("E", "N", "2")
    assert {"prioridade": "A", "tipo": "E", "origem_endereco": "L", "id_login": "41"}.items() <= order.items()
    assert {"status": "A", "id_filial": "1", "setor": "2"}.items() <= order.items()
    times = {"data_inicio": "2031-01-10 08:00:00", "data_final": "2031-01-10 09:00:00"}
    more = {"data_agendamento_final": "2031-01-10 09:00:00", "id_su_diagnostico": "5", "id_resposta": "6"}
    assert {**times, **more, "status": "F"}.items() <= move.items()


async def test_the_order_of_a_process_comes_later_is_finished_and_opened_again(sandbox: Sandbox) -> None:
    """Trap 24."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins(active=True, linked=True))).items[0]
        assert login.id_cliente is not None
        ticket = await erp.create_ticket(
            id_cliente=login.id_cliente,
            id_assunto=1,
            titulo="a",
            menssagem="b",
            id_ticket_setor=1,
            id_wfl_processo=1,
        )
        with pytest.raises(NotFoundError, match="follows later"):
            await erp.get_ticket_order(id_ticket=ticket.id)
        sandbox.advance(3600)
        order = await erp.get_ticket_order(id_ticket=ticket.id)
        states = [order.status]
        for move in MOVES:
            await erp.move_service_order(id=order.id, move=move, fields={"finaliza_processo_aux": "S"})
            states.append((await erp.get_ticket_order(id_ticket=ticket.id)).status)
            solved = [one.id async for page in erp.list_tickets(su_status="S") for one in page.items]
            assert (ticket.id in solved) == (move == "finish")
        protocols = [(await erp.new_protocol(of="ticket")).answer["protocolo"]]
        protocols.append((await erp.new_protocol(of="order")).answer["protocolo"])
    assert states == ["A", "F", "A"]
    assert len({*protocols, ticket.filled["protocolo"]}) == 3
