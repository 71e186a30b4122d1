"""What is sent to the ERP: the listing header, paths, the token in every form."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import (
    Json,
)
from backhaul.testing import connection_for
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


async def test_every_listing_carries_its_header_and_a_json_body(script: ScriptMaker) -> None:
    """Traps 6 and 7."""
    for method in ("GET", "POST"):
        vendor = script(logins(LOGIN), logins(LOGIN), EMPTY)
        async with connection_for(IxcProvider, {**SETTINGS, "list_method": method}, transport=vendor.transport) as erp:
            await erp.check()
            assert [login async for page in erp.list_logins() for login in page.items] != []
        for request in vendor.requests:
            assert (request.method, request.headers["ixcsoft"]) == (method, "listar")
            assert request.headers["content-type"] == "application/json"
            assert set(map(type, json.loads(request.content).values())) == {str}


async def test_a_listing_by_post_inserts_nothing(sandbox: Sandbox) -> None:
    """Trap 6."""
    before = sandbox.counts()
    async with connection_for(IxcProvider, sandbox.provider(list_method="POST")) as erp:
        rows = [row async for page in erp.list_acs_devices() for row in page.items]
    assert len(rows) == before["acs_device"]
    assert sandbox.counts() == before


async def test_a_listing_by_post_may_be_sent_again_wherever_it_is_needed(sandbox: Sandbox) -> None:
    sandbox.fault("cut_before", vendor="provider", times=1)
    async with connection_for(IxcProvider, sandbox.provider(list_method="POST")) as erp:
        await erp.check()


async def test_an_insert_carries_no_listing_header(script: ScriptMaker) -> None:
    vendor = script(EMPTY, httpx.Response(200, json={"type": "success", "id": "57"}))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        await erp.add_acs_device(serial_number="X")
    assert vendor.requests[-1].method == "POST"
    assert "ixcsoft" not in vendor.requests[-1].headers


async def test_a_trailing_slash_is_a_setting(script: ScriptMaker) -> None:
    vendor = script(EMPTY)
    async with connection_for(IxcProvider, {**SETTINGS, "trailing_slash": True}, transport=vendor.transport) as erp:
        await erp.check()
    assert vendor.requests[0].url.path == "/webservice/v1/radusuarios/"


@pytest.mark.parametrize("base_url", ["https://provider.example.net/webservice/v1/", "https://provider.example.net"])
async def test_a_base_url_works_with_and_without_the_api_path(script: ScriptMaker, base_url: str) -> None:
    vendor = script(EMPTY)
    async with connection_for(IxcProvider, {**SETTINGS, "base_url": base_url}, transport=vendor.transport) as erp:
        await erp.check()
    assert str(vendor.requests[0].url) == "https://provider.example.net/webservice/v1/radusuarios"


@pytest.mark.parametrize("pasted", [TOKEN, base64.b64encode(TOKEN.encode()).decode(), f" {TOKEN}\n\u200b"])
async def test_a_token_is_encoded_once_in_whatever_form_it_was_pasted(script: ScriptMaker, pasted: str) -> None:
    """Trap 14."""
    vendor = script(EMPTY)
    async with connection_for(IxcProvider, {**SETTINGS, "token": pasted}, transport=vendor.transport) as erp:
        await erp.check()
    assert vendor.requests[0].headers["authorization"] == "Basic " + base64.b64encode(TOKEN.encode()).decode()


@pytest.mark.parametrize("pasted", ["", "abc", "0a1b2c3d" * 8, "Basic Nzp4", "ção"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(pasted: str) -> None:
    with pytest.raises(ValidationError) as caught:
        IxcProvider.Settings.model_validate({**SETTINGS, "token": pasted})
    assert not pasted or pasted not in str(caught.value)


def test_an_unknown_time_zone_is_refused() -> None:
    for zone in ("Sao Paulo", "", "../etc/passwd"):
        with pytest.raises(ValidationError, match="IANA"):
            IxcProvider.Settings.model_validate({**SETTINGS, "timezone": zone})
