"""With which credential a call is ordered, and which settings do not fit together."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import AuthenticationError
from backhaul.testing import connection_for
from backhaul_connectors.axialys import Axialys
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

KEY = "invented-axialys-key"
SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": KEY}
NUMBER = "+33199001234"
OK = httpx.Response(200, json={"result": "success"})


async def test_the_sip_password_is_sent_only_when_it_has_to_be(script: ScriptMaker) -> None:
    passwords = {"sip_passwords": {"acc-501": "invented-sip-password"}}
    for extra, expected in [
        ({"api_key": KEY}, f"api_key={KEY}"),
        ({"api_key": KEY, "call_credential": "password"}, "password=invented-sip-password"),
        ({}, "password=invented-sip-password"),
    ]:
        vendor = script(OK)
        settings = {"base_url": SETTINGS["base_url"], **passwords, **extra}
        async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
            await phone.call(account_id="acc-501", number=NUMBER)
        assert vendor.requests[0].url.query.decode().rpartition("&")[2] == expected
        assert "api_key" not in expected or b"password" not in vendor.requests[0].url.query


async def test_an_account_without_a_credential_is_named(script: ScriptMaker) -> None:
    vendor = script(OK)
    settings = {"base_url": SETTINGS["base_url"], "sip_passwords": {"acc-502": "invented-sip-password"}}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        with pytest.raises(AuthenticationError, match="no SIP password for account acc-501"):
            await phone.call(account_id="acc-501", number=NUMBER)
        with pytest.raises(AuthenticationError, match="needs api_key"):
            await phone.set_callback(url="https://hooks.example.net/hooks/phone/s/")
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "api_key is missing"),
        ({"sip_passwords": {"a": "secret-1"}, "call_credential": "api_key"}, "needs api_key"),
        ({"api_key": KEY, "call_credential": "password"}, "needs sip_passwords"),
        ({"api_key": KEY, "parameters_in": "form"}, "needs method = POST"),
        ({"api_key": KEY, "default_region": "XX"}, "two letters"),
        ({"api_key": KEY, "callback_ips": ["host.example.net"]}, "not an IP address"),
        ({"api_key": KEY, "check_sets_callback": True}, "needs callback_url"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Axialys.Settings.model_validate({"base_url": "https://phone.example.net/api", **settings})
