"""Search, IPv6, PPP, capabilities: what one device is."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from backhaul.plugins.limits import Limits
from backhaul.sdk import InvalidAnswerError, NotFoundError, RetryableError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import Device, IxcAcs
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {
    "base_url": "https://acs.example.net",
    "client_id": "650000000000000000000001",
    "client_secret": "no-secret",
}
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})


def ok(body: object) -> httpx.Response:
    return httpx.Response(200, json=body)


def page(*serials: str) -> httpx.Response:
    return ok({"registers": [{"serialNumber": one} for one in serials], "hasNextPage": False})


async def some_devices(acs: IxcAcs) -> list[Device]:
    async with aclosing(acs.list_devices()) as pages:  # type: ignore[type-var]
        return [device async for page in pages for device in page.items]


async def test_a_device_is_found_by_serial_login_cpf_name_and_phone(sandbox: Sandbox) -> None:
    from backhaul_connectors.ixc_provider import IxcProvider

    async with connection_for(IxcAcs, sandbox.acs()) as acs, connection_for(IxcProvider, sandbox.provider()) as erp:
        registered = {one.login: one async for p in erp.list_acs_devices() for one in p.items if one.login_active}
        device = next(one for one in await some_devices(acs) if one.pppoe_login in registered)
        assert device.pppoe_login is not None
        customer = await erp.find_customer(login=device.pppoe_login)
        assert customer.cnpj_cpf is not None
        for by, text in (
            ("serial", device.serial.lower()),
            ("pppoe_login", device.pppoe_login),
            ("cpf", customer.cnpj_cpf),
            ("cpf", "".join(sign for sign in customer.cnpj_cpf if sign.isdigit())),
            ("company_name", customer.razao.upper()),
            ("phone", customer.phones[0]),
        ):
            assert device.serial in [one.serial for one in await acs.search_devices(by=by, text=text)], by  # type: ignore[arg-type]


async def test_a_search_hit_is_not_a_match(script: ScriptMaker) -> None:
    """Trap 7: how the ACS searches is not documented; several devices can share a login."""
    vendor = script(
        TOKEN,
        ok(
            {
                "registers": [
                    {"serialNumber": "A1", "connection": {"pppoeLogin": "casa1"}},
                    {"serialNumber": "A2", "connection": {"pppoeLogin": "casa12"}},
                    {"serialNumber": "A3", "connection": {"pppoeLogin": "casa1"}},
                ],
                "hasNextPage": False,
            }
        ),
    )
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert [one.serial for one in await acs.search_devices(by="pppoe_login", text="casa1")] == ["A1", "A3"]


async def test_a_column_that_the_acs_ignores_is_noticed(script: ScriptMaker) -> None:
    """Trap 7: without this, a search by CPF would find every device."""
    vendor = script(TOKEN, page(*(f"A{number:03}" for number in range(6))))
    async with connection_for(
        IxcAcs, {**SETTINGS, "search_max_hits": 5, "search_columns": {"cpf": "doc"}}, transport=vendor.transport
    ) as acs:
        with pytest.raises(InvalidAnswerError, match="ignore the column 'doc'"):
            await acs.search_devices(by="cpf", text="529.982.247-25")
    assert vendor.requests[-1].url.params["search[column]"] == "doc"


async def test_a_cpf_is_searched_masked_then_bare(script: ScriptMaker) -> None:
    vendor = script(TOKEN, page(), page("A1"))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert len(await acs.search_devices(by="cpf", text="52998224725")) == 1
    sent = [request.url.params["search[search]"] for request in vendor.requests[1:]]
    assert sent == ["529.982.247-25", "52998224725"]


async def test_a_serial_number_in_another_spelling_is_found_as_an_alias(script: ScriptMaker) -> None:
    """Trap 10."""
    vendor = script(TOKEN, page(), page("ACME00A1B2C3"))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert (await acs.get_device(serial="41434d4500a1b2c3", match="alias")).serial == "ACME00A1B2C3"


async def test_ipv6_ppp_and_capabilities_are_read(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        devices = (await some_devices(acs))[:60]
        for device in devices[:10]:
            assert await acs.get_ipv6(serial=device.serial) == device.ipv6
            for interface in await acs.get_ppp(serial=device.serial):
                assert all(server for server in interface.dns_servers)
        told = [await acs.get_capabilities(serial=device.serial) for device in devices[:30]]
        assert {one.data_model for one in told} <= {"TR-098", "TR-181"}
        with pytest.raises(NotFoundError, match="routes"):
            await acs.get_capabilities(serial="ACMEFFFFFFFF")


async def test_a_version_belongs_to_an_operation(script: ScriptMaker) -> None:
    """Trap 2: v1 and v2 are mixed; each operation's is a setting."""
    vendor = script(TOKEN, ok({"device": {"datamodel": "TR-098"}}), httpx.Response(200, content=b"null"))
    settings = {**SETTINGS, "routes": {"ppp": "v1/devices/{serial}/ppp"}}
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        told = await acs.get_capabilities(serial="A/1")
        assert (told.data_model, told.capabilities) == ("TR-098", None)
        assert await acs.get_ppp(serial="A/1") == []
    asked, read = (request.url for request in vendor.requests[1:])
    assert (asked.path, asked.params["sn"]) == ("/api/v1/devices/capabilities", "A/1")
    assert read.raw_path.decode() == "/api/v1/devices/A%2F1/ppp"


async def test_ppp_passwords_are_left_out(script: ScriptMaker) -> None:
    body = [
        {"dnsServer": "192.0.2.53, 198.51.100.53", "username": "casa12.ppp", "password": "clear", "x": {"pwd_pass": 1}}
    ]
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, ok(body)).transport) as acs:
        (interface,) = await acs.get_ppp(serial="A1")
    assert interface.dns_servers == ("192.0.2.53", "198.51.100.53")
    assert interface.other == {"username": "casa12.ppp", "x": {}}


async def test_counts_may_differ_after_a_silent_mass_delete(sandbox: Sandbox) -> None:
    """Trap 8: the ERP keeps its rows until its own synchronisation; both lists are whole all the same."""
    from backhaul_connectors.ixc_provider import IxcProvider

    async with connection_for(IxcAcs, sandbox.acs()) as acs, connection_for(IxcProvider, sandbox.provider()) as erp:
        before = len(await some_devices(acs))
        known = [one.id async for page in erp.list_acs_devices() for one in page.items]
        sandbox.control.post("/acs/mass_delete", json={"count": 100}).raise_for_status()
        assert len(await some_devices(acs)) == before - 100
        assert [one.id async for page in erp.list_acs_devices() for one in page.items] == known


async def test_the_limits_of_the_api_client_hold_what_would_exceed_them(script: ScriptMaker) -> None:
    """Trap 5: polling is budgeted by `limits`, the two numbers of the API client."""
    clock = FakeClock(datetime(2031, 1, 10, 23, 0, tzinfo=UTC), auto=True)
    vendor = script(TOKEN, ok({"2.4": []}))
    minute = Limits(per_minute=2, per_day=1000)
    async with connection_for(IxcAcs, SETTINGS, clock=clock, limits=minute, transport=vendor.transport) as acs:
        for _ in range(4):
            await acs.get_wifi(serial="A1")
    assert clock.slept_s >= 120
    clock = FakeClock(datetime(2031, 1, 10, 23, 0, tzinfo=UTC), auto=True)
    vendor = script(TOKEN, ok({"2.4": []}))
    async with connection_for(
        IxcAcs, SETTINGS, clock=clock, limits=Limits(per_day=3), transport=vendor.transport
    ) as acs:
        for _ in range(2):
            await acs.get_wifi(serial="A1")
        with pytest.raises(RetryableError) as caught:
            await acs.get_wifi(serial="A1")
    assert caught.value.retry_after_s == pytest.approx(3600, abs=1), "until the next day"
    assert len(vendor.requests) == 3
