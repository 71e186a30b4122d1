"""Any table: read one, insert once, change a part, delete; tickets and service orders on top of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from backhaul.sdk import AttemptInfo, NotFoundError, RefusedError, RetryableError, UnknownOutcomeError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.order_actions import OrderMove
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
MOVES: tuple[tuple[OrderMove, str], ...] = (("analyse", "AN"), ("execute", "EX"), ("finish", "F"))
ATTEMPT = AttemptInfo(started_at=NOW, number=1)
SUCCESS = httpx.Response(
    200,
    json={"type": "success", "id": 57, "atualiza_campos": [{"tipo": "i", "campo": "protocolo", "valor": "20310001"}]},
)


def found(*records: dict[str, str]) -> httpx.Response:
    body: dict[str, object] = {"page": "1", "total": str(len(records))}
    return httpx.Response(200, json={**body, "registros": list(records)} if records else body)


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("cut", request=request)


async def test_a_record_is_shown_without_its_secrets(sandbox: Sandbox) -> None:
    """Trap 22."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins())).items[0]
        record = await erp.get_record(table="radusuarios", id=login.id)
        assert record["login"] == login.login
        assert not [column for column in record if "senha" in column]
        assert set(await erp.get_record(table="radusuarios", id=login.id, columns=["login"])) == {"id", "login"}
        with pytest.raises(NotFoundError):
            await erp.get_record(table="radusuarios", id=999_999)


async def test_insert_change_and_delete_in_the_sandbox(sandbox: Sandbox) -> None:
    fields = {"tipo": "I", "grupo": "FIBRA_900", "download": "900M", "upload": "450M"}
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        inserted = await erp.insert_record(table="radgrupos", fields=fields, unique="grupo")
        with pytest.raises(RefusedError, match="same grupo already"):
            await erp.insert_record(table="radgrupos", fields=fields, unique="grupo")
        changed = await erp.update_record(table="radgrupos", id=inserted.id, fields={"download": "910M"})
        same = await erp.update_record(table="radgrupos", id=inserted.id, fields={"download": "910M"})
        assert (changed.done, same.done) == ("updated", "unchanged")
        record = await erp.get_record(table="radgrupos", id=inserted.id)
        assert (record["download"], record["upload"]) == ("910M", "450M")
        with pytest.raises(RefusedError, match="no column downlaod"):
            await erp.update_record(table="radgrupos", id=inserted.id, fields={"downlaod": "1"})
        assert (await erp.delete_record(table="radgrupos", id=inserted.id)).removed
        assert not (await erp.delete_record(table="radgrupos", id=inserted.id)).removed
        with pytest.raises(RefusedError):
            await erp.insert_record(table="radgrupos", fields={"tipo": "I"})


async def test_a_record_that_others_need_is_not_deleted(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins(linked=True))).items[0]
        assert login.id_cliente is not None
        with pytest.raises(RefusedError):
            await erp.delete_record(table="cliente", id=login.id_cliente)


async def test_a_change_goes_back_with_the_whole_record(script: ScriptMaker) -> None:
    """Trap 10: PUT is not a patch, and unknown fields vanish silently."""
    before = {"id": "5", "a": "1", "b": "", "senha": "clear", "f_own": "x", "ultima_atualizacao": "2031-01-10 08:00:00"}
    vendor = script(found(before), SUCCESS, found({**before, "a": "2"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        change = await erp.update_record(table="radgrupos", id=5, fields={"a": "2", "b": "3"})
    assert vendor.bodies[1] == {"a": "2", "b": "3", "senha": "clear", "f_own": "x"}
    assert change.dropped == ("b",)
    vendor = script(found(before), SUCCESS, found(before))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError, match="stored none of a"):
            await erp.update_record(table="radgrupos", id=5, fields={"a": "2"})


@pytest.mark.parametrize("answer", [cut, httpx.Response(504), httpx.Response(200, text="<div>suporte</div>")])
async def test_an_insert_in_doubt_is_unknown_and_told_by_its_unique_column(script: ScriptMaker, answer: object) -> None:
    """Trap 16."""
    vendor = script(found(), answer)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(UnknownOutcomeError):
            await erp.insert_record(table="radusuarios", fields={"login": "x", "senha": "hunter2"}, unique="login")
    assert len(vendor.requests) == 2
    for records, expected in (((), "not_done"), (({"id": "57", "login": "x"},), "done")):
        async with connection_for(IxcProvider, SETTINGS, transport=script(found(*records)).transport) as erp:
            verdict = await erp.verify_insert_record(
                table="radusuarios", fields={"login": "x"}, unique="login", attempt=ATTEMPT
            )
            assert verdict.state == expected
            blind = await erp.verify_insert_record(table="t", fields={}, unique=None, attempt=ATTEMPT)
            assert blind.state == "unknown"


async def test_trouble_before_an_insert_may_be_tried_again(script: ScriptMaker) -> None:
    async with connection_for(
        IxcProvider, SETTINGS, transport=script(httpx.Response(200, text="<div>x</div>")).transport
    ) as erp:
        with pytest.raises(RetryableError, match="nothing was changed yet"):
            await erp.insert_record(table="radusuarios", fields={"login": "x"}, unique="login")


async def test_buttons_are_no_tables(script: ScriptMaker) -> None:
    vendor = script(SUCCESS)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError):
            await erp.insert_record(table="botaoAjax_30774", fields={"id": "1"})
        with pytest.raises(RefusedError):
            await erp.delete_record(table="desconectar_clientes", id=1)
    assert not vendor.requests


async def test_a_ticket_is_opened_with_the_vendors_own_spelling(script: ScriptMaker) -> None:
    vendor = script(SUCCESS)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        ticket = await erp.create_ticket(
            id_cliente=17, id_assunto=3, titulo="Sem sinal", menssagem="LOS aceso", id_ticket_setor=2, id_login=41
        )
    assert (ticket.id, ticket.filled) == (57, {"protocolo": "20310001"})
    assert vendor.bodies[0]["menssagem"] == "LOS aceso"
    assert "ixcsoft" not in vendor.requests[0].headers


@pytest.mark.parametrize(
    ("created", "state"),
    [
        (["2031-01-10 09:00:01"], "done"),
        (["2031-01-10 08:00:00"], "not_done"),
        (["2031-01-10 09:00:01"] * 2, "unknown"),
    ],
)
async def test_a_ticket_in_doubt_is_looked_for(script: ScriptMaker, created: list[str], state: str) -> None:
    """Traps 13 and 16: times are the server's own."""
    tickets = [
        {"id": str(57 + number), "titulo": "Sem sinal", "data_criacao": when} for number, when in enumerate(created)
    ]
    async with connection_for(IxcProvider, SETTINGS, transport=script(found(*tickets)).transport) as erp:
        verdict = await erp.verify_create_ticket(id_cliente=17, titulo="Sem sinal", attempt=ATTEMPT, menssagem="x")
    assert verdict.state == state


async def test_a_service_order_follows_its_ticket_later(script: ScriptMaker) -> None:
    """Trap 24."""
    clock = FakeClock(NOW, auto=True)
    vendor = script(found(), found(), found({"id": "9", "id_ticket": "57", "status": "A"}))
    async with connection_for(IxcProvider, SETTINGS, clock=clock, transport=vendor.transport) as erp:
        assert (await erp.get_ticket_order(id_ticket=57, wait_s=30)).id == 9
    async with connection_for(IxcProvider, SETTINGS, transport=script(found()).transport) as erp:
        with pytest.raises(NotFoundError, match="follows later"):
            await erp.get_ticket_order(id_ticket=57, wait_s=5)


async def test_a_service_order_moves_by_its_own_actions(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json={"type": "success", "message": "ok"}))
    clock = FakeClock(NOW, auto=True)
    async with connection_for(IxcProvider, SETTINGS, clock=clock, transport=vendor.transport) as erp:
        await erp.move_service_order(
            id=9, move="reschedule", id_tecnico=4, data_agendamento=NOW + timedelta(days=1), fields={"id_evento": "2"}
        )
    assert vendor.requests[0].url.path.endswith("/su_oss_chamado_reagendar")
    assert vendor.bodies[0] == {
        "id_chamado": "9",
        "status": "AG",
        "mensagem": "",
        "data": "2031-01-10 09:00:00",
        "id_tecnico": "4",
        "data_agendamento": "2031-01-11 09:00:00",
        "id_evento": "2",
    }
    moved = found({"id": "9", "status": "AG", "data_agenda": "2031-01-11 09:00:00"})
    async with connection_for(IxcProvider, SETTINGS, transport=script(moved).transport) as erp:
        for days, expected in ((1, "done"), (2, "unknown")):
            verdict = await erp.verify_move_service_order(
                id=9, move="reschedule", data_agendamento=NOW + timedelta(days=days), attempt=ATTEMPT
            )
            assert verdict.state == expected
        other = await erp.verify_move_service_order(id=9, move="finish", data_agendamento=None, attempt=ATTEMPT)
        assert other.state == "unknown"


async def test_tickets_and_orders_of_the_sandbox(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins(active=True, linked=True))).items[0]
        assert login.id_cliente is not None
        started = AttemptInfo(started_at=datetime.now(UTC), number=1)
        ticket = await erp.create_ticket(
            id_cliente=login.id_cliente, id_assunto=1, titulo="Sem sinal 7", menssagem="LOS", id_ticket_setor=1
        )
        (one,) = [
            one
            async for page in erp.list_tickets(id_cliente=login.id_cliente)
            for one in page.items
            if one.titulo == "Sem sinal 7"
        ]
        assert (one.id, one.menssagem) == (ticket.id, "LOS")
        verdict = await erp.verify_create_ticket(id_cliente=login.id_cliente, titulo="Sem sinal 7", attempt=started)
        assert (verdict.state, verdict.result.id) == ("done", ticket.id)
        order = await erp.create_service_order(
            id_cliente=login.id_cliente, id_assunto=1, id_filial=1, setor=1, mensagem="Trocar ONU", id_ticket=ticket.id
        )
        assert (await erp.get_ticket_order(id_ticket=ticket.id)).id == order.id
        for move, status in MOVES:
            await erp.move_service_order(
                id=order.id,
                move=move,
                mensagem="ok",
                id_tecnico=1,
                id_su_diagnostico=1,
            )
            (found_order,) = [
                found async for page in erp.list_service_orders(id_ticket=ticket.id) for found in page.items
            ]
            assert found_order.status == status
        assert (await erp.new_protocol()).button == "ticket_protocol"
