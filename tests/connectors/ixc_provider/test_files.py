"""Files: attached once, listed, read back byte by byte."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Literal

import httpx
import pytest

from backhaul.sdk import AttemptInfo, InvalidAnswerError, RefusedError, UnknownOutcomeError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.file_actions import FileOwner
from backhaul_connectors.ixc_provider.multipart import form_with_file
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
CONTENT = bytes(range(256)) + b"\r\n--boundary--\r\n"
PACKED = base64.b64encode(CONTENT).decode()


@pytest.mark.parametrize(("to", "of"), [("customer", "customer"), ("contract", "customer"), ("order", "order")])
async def test_a_file_comes_back_as_it_was_attached(
    sandbox: Sandbox, to: FileOwner, of: Literal["customer", "order"]
) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        contract = (await anext(erp.list_contracts())).items[0]
        owner = (contract.id_cliente or 0) if to == "customer" else contract.id
        before = datetime.now(UTC)
        made = await erp.attach_file(
            to=to, id=owner, descricao="Fachada", nome_arquivo='foto "1".png', content_base64=PACKED
        )
        files = [one async for page in erp.list_files(of=to, id=owner) for one in page.items]
        assert [one.descricao for one in files if one.id == made.id] == ["Fachada"]
        assert (await erp.get_file(id=made.id, of=of)).content_base64 == PACKED
        told = await erp.verify_attach_file(
            to=to, id=owner, descricao="Fachada", attempt=AttemptInfo(started_at=before, number=1)
        )
        assert (told.state, told.result.id) == ("done", made.id)
        if to == "contract":
            record = await erp.get_record(table="cliente_arquivos", id=made.id)
            assert record["id_cliente"] == str(contract.id_cliente)


async def test_an_order_s_file_is_sent_with_its_class(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json={"type": "success", "id": "3"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await erp.attach_file(to="order", id=9, descricao="a", nome_arquivo="a", content_base64=PACKED)
    (request,) = vendor.requests
    assert request.url.path.endswith("/su_oss_chamado_arquivos")
    for name, value in (("classificacao_arquivo", "P"), ("id_oss_chamado", "9"), ("descricao", "a")):
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in request.content


async def test_a_ticket_s_file_can_be_deleted(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        made = await erp.attach_file(to="ticket", id=1, descricao="a", nome_arquivo="a.txt", content_base64=PACKED)
        await erp.delete_record(table=made.table, id=made.id)
        assert [one async for page in erp.list_files(of="ticket", id=1) for one in page.items] == []


async def test_an_attachment_that_is_not_answered_is_looked_for(script: ScriptMaker) -> None:
    """Trap 16."""
    vendor = script(
        httpx.Response(504, text="<html>"),
        httpx.Response(200, json={"page": "1", "total": "0"}),
        httpx.Response(
            200,
            json={
                "page": "1",
                "total": "2",
                "registros": [
                    {"id": "3", "descricao": "a", "data_envio": "2031-01-10 08:30:00"},
                    {"id": "4", "descricao": "a", "data_envio": "2031-01-10 09:00:30"},
                ],
            },
        ),
    )
    attempt = AttemptInfo(started_at=NOW, number=1)
    clock = FakeClock(NOW, auto=True)
    async with connection_for(IxcProvider, SETTINGS, clock=clock, transport=vendor.transport) as erp:
        with pytest.raises(UnknownOutcomeError):
            await erp.attach_file(to="customer", id=5, descricao="a", nome_arquivo="a", content_base64=PACKED)
        assert (await erp.verify_attach_file(to="customer", id=5, descricao="a", attempt=attempt)).state == "not_done"
        told = await erp.verify_attach_file(to="customer", id=5, descricao="a", attempt=attempt)
    assert (told.state, told.result.id) == ("done", 4)
    assert len(vendor.requests) == 3


async def test_an_order_s_file_is_asked_for_by_get_with_body_and_header(script: ScriptMaker) -> None:
    """Trap 7: a GET with a body, and the header without which it is 404; how it is sent is a setting."""
    vendor = script(httpx.Response(200, text=PACKED), httpx.Response(200, text=f'"{PACKED}"'))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await erp.get_file(id=9, of="order")
    by_post = {**SETTINGS, "button_methods": {"order_file": "POST"}}
    async with connection_for(IxcProvider, by_post, transport=vendor.transport) as erp:
        await erp.get_file(id=9, of="order")
    first, second = vendor.requests
    assert (first.method, first.headers["ixcsoft"], vendor.bodies[0]) == ("GET", "listar", {"id": "9"})
    assert (second.method, "ixcsoft" in second.headers, vendor.bodies[1]) == ("POST", False, {"id": "9"})


@pytest.mark.parametrize("answer", ["no base64!", "", "<html>login</html>"])
async def test_what_is_no_file_is_an_error(script: ScriptMaker, answer: str) -> None:
    vendor = script(httpx.Response(200, text=answer))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(InvalidAnswerError):
            await erp.get_file(id=9)


async def test_nothing_is_sent_that_is_no_base64(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json={"type": "error", "message": "Arquivo não encontrado!"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError, match="no base64"):
            await erp.attach_file(to="customer", id=5, descricao="a", nome_arquivo="a", content_base64="a b")
        with pytest.raises(RefusedError, match="não encontrado"):
            await erp.get_file(id=9)
    assert len(vendor.requests) == 1


def test_a_name_cannot_break_out_of_the_form() -> None:
    form = form_with_file({"a": "b"}, "f", 'x"\r\nContent-Type: text/html\r\n\r\n', b"1")
    assert form.body.count(b"\r\nContent-Type:") == 1
    assert b'filename="x%22%0D%0AContent-Type' in form.body
