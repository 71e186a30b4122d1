"""The one callback URL of an API key is set with care."""

from __future__ import annotations

import httpx
import pytest

from backhaul.sdk import ActionError, AuthenticationError, InvalidAnswerError, RefusedError, RetryableError
from backhaul.testing import connection_for
from backhaul_connectors.axialys import Axialys
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

KEY = "invented-axialys-key"
SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": KEY}
URL = "https://hooks.example.net/hooks/phone/3f9c-invented-secret/"
OK = httpx.Response(200, text="OK")


async def test_it_is_registered_with_key_and_url(script: ScriptMaker) -> None:
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        result = await phone.set_callback(url=URL)
    request = vendor.requests[0]
    assert (request.method, request.url.path) == ("GET", "/api/centrex/v1/set_callback")
    assert dict(request.url.params) == {"api_key": KEY, "url": URL}
    assert b"url=https%3A%2F%2Fhooks" in request.url.query
    assert (result.accepted, result.enabled, result.raw) == (True, True, "OK")


@pytest.mark.parametrize("url", ["", "  "])
async def test_an_empty_url_is_refused(script: ScriptMaker, url: str) -> None:
    """Trap 4."""
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match="call disable_callback"):
            await phone.set_callback(url=url)
        with pytest.raises(RefusedError, match="give url, or set callback_url"):
            await phone.set_callback()
    assert vendor.requests == []


async def test_switching_off_is_an_action_of_its_own(script: ScriptMaker) -> None:
    """Trap 4."""
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        result = await phone.disable_callback()
    assert vendor.requests[0].url.query.decode() == f"api_key={KEY}&url="
    assert result.enabled is False


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (URL + "?a=b", "it has a query"),
        (URL + "#a", "it has a query"),
        (URL + "{call_id}", "it has a query"),
        ("http://hooks.example.net/hooks/phone/s/", "without https"),
        ("ftp://hooks.example.net/", "must begin with https"),
        ("hooks.example.net/hooks/", "must begin with https"),
        ("https:///hooks/", "must begin with https"),
        ("https://[bad/", "must begin with https"),
        ("https://user:pass@hooks.example.net/", "user name"),
        ("https://hooks.example.net/a b/", "blank"),
        ("https://hooks.example.net/a\nb/", "blank"),
    ],
)
async def test_a_url_that_would_not_work_is_refused_unsent(script: ScriptMaker, url: str, message: str) -> None:
    """Trap 10: no query string."""
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match=message) as caught:
            await phone.set_callback(url=url)
    assert vendor.requests == []
    assert "3f9c" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["localhost:8080", "127.0.0.1", "[::1]", "10.0.0.4", "192.168.1.5", "169.254.1.1", "0.0.0.0", "dev", "pc.local"],
)
async def test_a_development_machine_does_not_take_the_events(script: ScriptMaker, host: str) -> None:
    """Trap 3: one URL per key."""
    vendor = script(OK)
    settings = {**SETTINGS, "allow_http_callback": True}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match="cannot reach"):
            await phone.set_callback(url=f"https://{host}/hooks/phone/s/")
    assert vendor.requests == []


async def test_a_second_environment_does_not_touch_the_callback(script: ScriptMaker) -> None:
    """Trap 3."""
    vendor = script(OK)
    async with connection_for(Axialys, {**SETTINGS, "manage_callback": False}, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match="manage_callback = false"):
            await phone.set_callback(url=URL)
        with pytest.raises(RefusedError, match="manage_callback = false"):
            await phone.disable_callback()
    assert vendor.requests == []


async def test_only_named_hosts_if_any_are_named(script: ScriptMaker) -> None:
    """Trap 3."""
    vendor = script(OK)
    settings = {**SETTINGS, "callback_hosts": ["Hooks.Example.net"]}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        await phone.set_callback(url=URL)
        with pytest.raises(RefusedError, match="not among callback_hosts"):
            await phone.set_callback(url="https://test.example.net/hooks/phone/s/")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("settings", "registered"),
    [
        ({}, URL),
        ({"callback_slash": False}, URL[:-1]),
        ({"callback_query": "?call_id={call_id}&event={event}"}, URL + "?call_id={call_id}&event={event}"),
    ],
)
async def test_what_is_added_to_the_url_is_a_setting(
    script: ScriptMaker, settings: dict[str, object], registered: str
) -> None:
    """Trap 10: the way in which parameters are added is not documented."""
    vendor = script(OK)
    async with connection_for(Axialys, {**SETTINGS, **settings}, transport=vendor.transport) as phone:
        await phone.set_callback(url=URL[:-1])
    assert vendor.requests[0].url.params["url"] == registered


async def test_http_is_accepted_by_setting(script: ScriptMaker) -> None:
    vendor = script(OK)
    async with connection_for(Axialys, {**SETTINGS, "allow_http_callback": True}, transport=vendor.transport) as phone:
        await phone.set_callback(url="http://hooks.example.net/s/")
    assert len(vendor.requests) == 1


async def test_the_url_in_the_settings_is_a_secret(script: ScriptMaker) -> None:
    """Trap 6."""
    echo = httpx.Response(400, text=f"cannot reach {URL} with {KEY}")
    vendor = script(echo)
    async with connection_for(Axialys, {**SETTINGS, "callback_url": URL}, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError) as caught:
            await phone.set_callback()
        shown = f"{caught.value} {phone.settings!r} {phone.settings.model_dump_json()}"
    assert vendor.requests[0].url.params["url"] == URL
    assert "3f9c-invented" not in shown
    assert KEY not in shown


async def test_a_plan_names_the_host_and_not_the_secret_behind_it(script: ScriptMaker) -> None:
    """Trap 6: a plan is a file that people pass on."""
    vendor = script(OK)
    async with connection_for(Axialys, {**SETTINGS, "callback_url": URL}, transport=vendor.transport) as phone:
        named = await phone.describe_set_callback(url=URL)
        usual = await phone.describe_set_callback(url=None)
    assert "hooks.example.net, and to no other" in named.text
    assert "callback_url, and to no other" in usual.text
    assert "3f9c" not in f"{named} {usual}"
    assert vendor.requests == []


async def test_an_echoed_url_is_not_in_the_result(script: ScriptMaker) -> None:
    """Trap 6: the result is kept in the history."""
    vendor = script(httpx.Response(200, json={"url": URL, "key": KEY}))
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        result = await phone.set_callback(url=URL)
    assert result.raw == {"url": "***", "key": "***"}


async def test_it_may_be_repeated(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(503), OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        await phone.set_callback(url=URL)
    assert len(vendor.requests) == 2


async def test_a_lasting_server_error_may_be_tried_again_later(script: ScriptMaker) -> None:
    async with connection_for(Axialys, SETTINGS, transport=script(httpx.Response(500)).transport) as phone:
        with pytest.raises(RetryableError):
            await phone.disable_callback()


async def test_the_check_proves_the_address_without_credential_or_effect(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(404))
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        await phone.check()
    assert [str(request.url) for request in vendor.requests] == ["https://phone.example.net/api/"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(500), RetryableError),
        (httpx.Response(301, headers={"location": "https://www.example.net/"}), InvalidAnswerError),
    ],
)
async def test_the_check_fails_at_a_wrong_address(
    script: ScriptMaker, answer: httpx.Response, error: type[ActionError]
) -> None:
    async with connection_for(Axialys, SETTINGS, transport=script(answer).transport) as phone:
        with pytest.raises(error):
            await phone.check()


async def test_the_check_can_prove_the_key_by_setting_the_same_url_again(script: ScriptMaker) -> None:
    settings = {**SETTINGS, "callback_url": URL, "check_sets_callback": True}
    vendor = script(httpx.Response(404), httpx.Response(401))
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        with pytest.raises(AuthenticationError, match="Check api_key"):
            await phone.check()
    assert vendor.requests[1].url.params["url"] == URL
