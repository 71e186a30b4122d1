"""What an answer of the ERP means, in the order of the vendor reference; every rejection says what to do."""

from __future__ import annotations

import json

import httpx
import pytest

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    RetryableError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

TOKEN = "7:" + "0a1b2c3d" * 8
SETTINGS = {"base_url": "https://provider.example.net", "token": TOKEN, "check_tables": ["radusuarios"]}
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})
LOGIN = {"id": "41", "login": "casa12.ppp", "ativo": "S", "online": "SS", "id_cliente": "17", "id_contrato": "0"}


def logins(*records: Json, total: object = None, key: str = "registros") -> httpx.Response:
    total = str(len(records)) if total is None else total
    return httpx.Response(
        200,
        content=json.dumps({"page": "1", "total": total, key: records}),
        headers={"content-type": "text/x-json; charset=utf-8"},
    )


async def test_a_wrong_token_is_explained(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider(token="7:wrong-token-9912")) as erp:
        with pytest.raises(AuthenticationError, match=r"401.*password changes.*Copy the token again") as caught:
            await erp.check()
        assert "wrong-token-9912" not in f"{caught.value} {erp.settings!r}"


@pytest.mark.parametrize(("status", "words"), [(401, "does not accept the token"), (403, "moved"), (400, "TLS")])
async def test_statuses_about_credentials_are_authentication_errors(
    script: ScriptMaker, status: int, words: str
) -> None:
    vendor = script(httpx.Response(status, text="<html>nginx</html>"))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(AuthenticationError, match=words):
            await erp.check()


async def test_404_on_a_listing_names_the_lost_header(sandbox: Sandbox) -> None:
    sandbox.switch("provider", get_listing=False)
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(InvalidAnswerError, match=r"404.*ixcsoft.*list_method = \"POST\""):
            await erp.check()
    async with connection_for(IxcProvider, sandbox.provider(list_method="POST")) as erp:
        await erp.check()


async def test_a_wrong_base_url_is_named(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, {**sandbox.provider(), "base_url": f"{sandbox.url}/elsewhere"}) as erp:
        with pytest.raises(InvalidAnswerError, match="Check base_url"):
            await erp.check()


async def test_a_redirect_is_a_wrong_base_url(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(301, headers={"location": "https://provider.example.net/login"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(InvalidAnswerError, match="base_url"):
            await erp.check()


@pytest.mark.parametrize("kind", ["html_200", "red_div"])
async def test_html_with_200_is_an_error(sandbox: Sandbox, kind: str) -> None:
    """Trap 1."""
    sandbox.fault(kind, vendor="provider")
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(InvalidAnswerError, match="answered with HTML"):
            await erp.check()
        sandbox.clear_faults()
        await erp.check()


@pytest.mark.parametrize("action", ["get_onu_optical", "get_onu_script"])
@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><body>Entrar</body></html>",
        "\r\n<!-- nginx -->\n<HTML><head><title>502</title></head>",
        '<?xml version="1.0"?><html>',
        '<div style="color: red;">Entre em contato com o suporte</div>',
        "<div style='border:1px;color:#FF0000'>Entre em contato com o suporte</div>",
    ],
)
async def test_a_page_is_no_report(script: ScriptMaker, action: str, page: str) -> None:
    """Trap 1."""
    async with connection_for(IxcProvider, SETTINGS, transport=script(httpx.Response(200, text=page)).transport) as erp:
        with pytest.raises(InvalidAnswerError, match="answered with HTML"):
            await getattr(erp, action)(id=9)


async def test_an_alert_in_a_report_is_a_refusal(script: ScriptMaker) -> None:
    page = '<div class="panel panel-danger">ONU offline</div>'
    async with connection_for(IxcProvider, SETTINGS, transport=script(httpx.Response(200, text=page)).transport) as erp:
        with pytest.raises(RefusedError, match="ONU offline"):
            await erp.get_onu_optical(id=9)


@pytest.mark.parametrize(
    "said",
    [
        "RECV POWER   : -19,4\t(Dbm)\nSEND POWER   : 2,1\t(Dbm)\n",
        "<b>Sinal Rx</b>: -19.4 dBm<br />Sinal Tx: 2.1 dBm<br />",
        "<div><p>Sinal Rx: -19,4</p><p style='color: red'>Sinal Tx: 2,1</p></div>",
    ],
)
async def test_a_report_may_have_tags(script: ScriptMaker, said: str) -> None:
    answer = httpx.Response(200, text=said, headers={"content-type": "text/html; charset=ISO-8859-1"})
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer).transport) as erp:
        optical = await erp.get_onu_optical(id=9)
    assert (optical.rx_dbm, optical.tx_dbm) == (-19.4, 2.1)


async def test_latin_1_html_is_readable(script: ScriptMaker) -> None:
    body = "\r\n <div>Serviço indisponível</div>".encode("latin-1")
    vendor = script(httpx.Response(200, content=body, headers={"content-type": "text/html; charset=utf-8"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(InvalidAnswerError, match="Serviço indisponível"):
            await erp.check()


async def test_500_may_be_tried_again_and_the_status_goes_before_the_html(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(500, text="<div style='color: red'>suporte</div>"))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RetryableError):
            await erp.find_login(login="x")


@pytest.mark.parametrize("content_type", ["text/x-json; charset=utf-8", "text/html; charset=ISO-8859-1", ""])
async def test_json_is_read_whatever_its_content_type(script: ScriptMaker, content_type: str) -> None:
    """Trap 2."""
    body = json.dumps({"page": "1", "total": "1", "registros": [LOGIN]}).encode()
    vendor = script(httpx.Response(200, content=b"\xef\xbb\xbf" + body, headers={"content-type": content_type}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.find_login(login="casa12.ppp")).id == 41


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "error", "message": "Recurso <b>xyz</b> n&atilde;o est&aacute; dispon&iacute;vel!<br />\n"},
        {"type": "ERROR", "message": "Recurso xyz não está disponível!"},
        {"tipo": "erro", "mensagem": "Recurso xyz não está disponível!"},
        {"msg": [{"type": "success"}, {"type": "error", "message": "Recurso xyz não está disponível!"}]},
        {"type": "error", "message": "Recurso xyz não está disponível!", "registros": [LOGIN], "total": "1"},
    ],
)
async def test_an_error_in_the_body_is_an_error_with_the_vendors_words(script: ScriptMaker, answer: object) -> None:
    """Traps 1, 15 and 27."""
    async with connection_for(
        IxcProvider, SETTINGS, transport=script(httpx.Response(200, json=answer)).transport
    ) as erp:
        with pytest.raises(RefusedError, match=r"Recurso xyz não está disponível!.*unknown table.*permissions"):
            await erp.check()


@pytest.mark.parametrize(
    "answer", [{"type": "error"}, {"type": "error", "message": None}, {"tipo": "erro", "mensagem": 5}]
)
async def test_an_error_without_a_text_is_an_error(script: ScriptMaker, answer: object) -> None:
    async with connection_for(
        IxcProvider, SETTINGS, transport=script(httpx.Response(200, json=answer)).transport
    ) as erp:
        with pytest.raises(RefusedError, match="no text"):
            await erp.check()


async def test_a_table_that_is_not_granted_reads_like_one_that_does_not_exist(sandbox: Sandbox) -> None:
    """Trap 15."""
    sandbox.switch("provider", denied=["acs_device_grid"])
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(RefusedError, match=r"list of acs_device_grid.*group may not use") as caught:
            await erp.check()
        assert not isinstance(caught.value, NotFoundError)
        assert len([1 async for page in erp.list_logins() for _ in page.items]) > 0


async def test_an_address_that_is_not_allowed_is_told_what_to_do(sandbox: Sandbox) -> None:
    sandbox.switch("provider", allowed_ips=["192.0.2.0/24"])
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(RefusedError, match=r"Seu IP.*permitted networks"):
            await erp.check()
        sandbox.switch("provider", allowed_ips=[])
        await erp.check()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"page":"1"}',
        b'{"total":"many"}',
        b'{"total":"-1"}',
        b'{"type":"success"}',
        b'{"total":"1","registros":{}, "x":1',
        b'{"total":"2","registros":["x","y"]}',
        b'{"total":"1","registros":{"0":{}}}',
        b'{"total":"0","registros":[{"id":"1"}]}',
        b"Warning: mysql has gone away",
        b"\xff\xfe\x00",
    ],
)
async def test_an_answer_that_is_none_is_never_an_empty_list(script: ScriptMaker, body: bytes) -> None:
    async with connection_for(
        IxcProvider, SETTINGS, transport=script(httpx.Response(200, content=body)).transport
    ) as erp:
        with pytest.raises(InvalidAnswerError):
            await erp.check()


async def test_nothing_found_has_no_registros(script: ScriptMaker) -> None:
    """Trap 3."""
    async with connection_for(IxcProvider, SETTINGS, transport=script(EMPTY).transport) as erp:
        assert [page.items async for page in erp.list_logins()] == [[]]
        with pytest.raises(NotFoundError):
            await erp.find_login(login="casa12.ppp")


@pytest.mark.parametrize("total", ["1", 1, " 1 "])
async def test_a_total_is_a_text_or_a_number(script: ScriptMaker, total: object) -> None:
    """Trap 4."""
    vendor = script(logins({**LOGIN, "id": 41}, total=total))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.find_login(login="casa12.ppp")).id == 41


async def test_rows_are_read_as_records(script: ScriptMaker) -> None:
    """Trap 3."""
    rows = [{"id": "9001", "cell": ["9001", "casa12.ppp", "02/03/2031 08:15:00"]}]
    vendor = script(logins(*rows, total=1, key="rows"))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        pages = [page async for page in erp.list_records(table="radacct", sort="radacctid")]
    assert pages[0].items == rows
    assert vendor.bodies[0]["sortname"] == "radacct.radacctid"


async def test_no_waiting_onu_is_an_empty_list_and_not_an_error(script: ScriptMaker) -> None:
    """Trap 25."""
    answer = {"type": "error", "message": "Nenhuma ONU disponível", "page": "1", "total": "0"}
    vendor = script(httpx.Response(200, json=answer))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        pages = [page async for page in erp.list_records(table="fh_onu_nao_autorizadas", sort="id_olt")]
        assert [page.items for page in pages] == [[]]
        assert vendor.bodies[0]["sortname"] == "id_olt"
        with pytest.raises(RefusedError):
            await anext(aiter(erp.list_records(table="radusuarios")))


async def test_429_waits_as_long_as_asked(sandbox: Sandbox) -> None:
    sandbox.fault("rate_limit", vendor="provider", times=1, retry_after_s=9)
    clock = FakeClock(auto=True)
    async with connection_for(IxcProvider, sandbox.provider(), clock=clock) as erp:
        await erp.check()
    assert clock.slept_s >= 9


@pytest.mark.parametrize(
    "kind", ["cut_before", "cut_after", "cut_body", "html_200", "latin1_html", "error_200", "refuse_ip"]
)
async def test_after_any_fault_the_connection_works_again(sandbox: Sandbox, kind: str) -> None:
    sandbox.fault(kind, vendor="provider")
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(ActionError):
            await erp.check()
        sandbox.clear_faults()
        await erp.check()
