"""The token: in which header, to whom, and how a failed login shows."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import ActionError, AuthenticationError, InvalidAnswerError, Json, NotFoundError, RetryableError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ispcrm import IspCrm
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://crm.example.net", "token": "not-a-secret-7781"}
USERS = httpx.Response(200, json={"users": []})
LINKS = httpx.Response(200, json={"list_users": "https://crm.example.net/api/v1/users"})
LOGIN_PAGE = "<html><head><title>Login</title></head><body><form></form></body></html>"


async def test_the_check_asks_only_for_the_root(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        await crm.check()
    assert len(sandbox.operations("crm")) == 1


async def test_a_tenant_without_a_root_is_checked_by_its_users(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(404), USERS, httpx.Response(404))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        await crm.check()
        with pytest.raises(InvalidAnswerError, match="base_url and api_prefix"):
            await crm.check()


@pytest.mark.parametrize(
    ("style", "header", "value"),
    [("bearer", "authorization", "Bearer not-a-secret-7781"), ("x-auth-token", "x-auth-token", "not-a-secret-7781")],
)
async def test_the_header_is_a_setting(script: ScriptMaker, style: str, header: str, value: str) -> None:
    vendor = script(LINKS)
    async with connection_for(IspCrm, {**SCRIPTED, "auth_style": style}, transport=vendor.transport) as crm:
        await crm.check()
    request = vendor.requests[0]
    assert request.headers[header] == value
    assert ("authorization" in request.headers) != ("x-auth-token" in request.headers)
    assert request.headers["accept"] == "application/json"
    assert request.url.query == b""


async def test_the_other_header_is_tried_once_and_kept_only_by_setting(
    sandbox: Sandbox, crm_settings: dict[str, Json]
) -> None:
    sandbox.switch("crm", accept_bearer=False, accept_x_auth_token=True)
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(AuthenticationError):
            await crm.check()
    before = len(sandbox.operations("crm"))
    async with connection_for(IspCrm, {**crm_settings, "auth_probe": True}) as crm:
        await crm.check()
        await crm.check()
    assert len(sandbox.operations("crm")) == before + 3


async def test_a_wrong_token_is_probed_once_and_then_only_refused(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(401))
    async with connection_for(IspCrm, {**SCRIPTED, "auth_probe": True}, transport=vendor.transport) as crm:
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="/Admin/getToken"):
                await crm.check()
    assert len(vendor.requests) == 4


async def test_a_wrong_token_is_explained_without_showing_it(
    crm_settings: dict[str, Json], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connection_for(IspCrm, {**crm_settings, "token": "wrong-token-7781"}) as crm:
        with pytest.raises(AuthenticationError, match=r"does not accept the token.*/Admin/getToken") as caught:
            await crm.check()
        text = f"{caught.value} {crm.settings!r} {crm.settings.model_dump_json()} {caplog.text}"
    assert "wrong-token-7781" not in text


async def test_a_token_that_an_answer_echoes_is_not_shown(script: ScriptMaker) -> None:
    for body in (
        {"status": "error", "message": "not-a-secret-7781"},
        {"message": "x", "errors": {"a": ["not-a-secret-7781"]}},
    ):
        for status in (200, 400, 401, 403, 404, 422, 500):
            vendor = script(httpx.Response(status, json=body))
            async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
                with pytest.raises(ActionError) as caught:
                    await crm.get_user(id="1")
            assert "not-a-secret-7781" not in str(caught.value)


async def test_a_login_page_with_200_is_a_failed_login(script: ScriptMaker) -> None:
    """Trap 3."""
    vendor = script(httpx.Response(200, html=LOGIN_PAGE))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        for call in (crm.check(), crm.get_user(id="1"), anext(crm.list_users())):
            with pytest.raises(AuthenticationError, match="HTML"):
                await call


async def test_a_redirect_to_the_login_page_is_not_followed(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    """Trap 4."""
    sandbox.switch("crm", unauthenticated="redirect")
    async with connection_for(IspCrm, {**crm_settings, "token": "wrong-token-7781"}) as crm:
        with pytest.raises(AuthenticationError, match="sends to its login page"):
            await crm.check()
    assert len(sandbox.operations("crm")) == 1


async def test_another_redirect_is_a_wrong_address_and_not_followed(script: ScriptMaker) -> None:
    """Trap 4: the token may not go elsewhere."""
    vendor = script(httpx.Response(301, headers={"Location": "https://elsewhere.example.net/api/v1"}), USERS)
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="base_url"):
            await crm.check()
    assert len(vendor.requests) == 1


async def test_a_token_of_a_user_without_rights_is_explained(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    reader = {**crm_settings, "token": sandbox.credentials["crm"]["reader_token"]}
    async with connection_for(IspCrm, reader) as crm:
        await crm.check()
        with pytest.raises(AuthenticationError, match=r"may not do this.*make the token for another user"):
            await crm.create_user(fields={"username": "mira_k"})


@pytest.mark.parametrize(("headers", "waited_s"), [({"Retry-After": "7"}, 7), ({}, 20)])
async def test_too_many_calls_are_waited_for(script: ScriptMaker, headers: dict[str, str], waited_s: float) -> None:
    """Without Retry-After until the minute is over."""
    busy = httpx.Response(429, headers=headers, json={"message": "Too Many Attempts."})
    clock = FakeClock(datetime(2031, 1, 10, 12, 0, 40, tzinfo=UTC), auto=True)
    vendor = script(busy, LINKS)
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport, clock=clock) as crm:
        await crm.check()
    assert (len(vendor.requests), clock.slept_s) == (2, waited_s)


@pytest.mark.parametrize("answer", [httpx.Response(429, headers={"Retry-After": "600"}), httpx.Response(503)])
async def test_a_tenant_that_stays_busy_is_asked_again_later(script: ScriptMaker, answer: httpx.Response) -> None:
    vendor = script(httpx.Response(answer.status_code, headers=answer.headers, html="<h1>Busy</h1>"))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport, clock=FakeClock(auto=True)) as crm:
        with pytest.raises(RetryableError, match=str(answer.status_code)) as caught:
            await crm.check()
    assert caught.value.retry_after_s == (600 if answer.status_code == 429 else None)


@pytest.mark.parametrize(("status", "error"), [(405, InvalidAnswerError), (419, InvalidAnswerError)])
async def test_web_routes_are_no_api(script: ScriptMaker, status: int, error: type[ActionError]) -> None:
    """Trap 14."""
    vendor = script(httpx.Response(status))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(error, match="no path of the API"):
            await crm.check()


async def test_v0_and_capital_users_are_used_only_by_setting(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    """Trap 8."""
    async with connection_for(IspCrm, {**crm_settings, "api_prefix": "/api/v0"}) as crm:
        with pytest.raises(InvalidAnswerError):
            await anext(crm.list_users())
        sandbox.switch("crm", accept_v0=True)
        assert (await anext(crm.list_users())).items


async def test_the_capital_path_is_tried_on_a_404_only_by_setting(script: ScriptMaker) -> None:
    """Trap 8."""
    answers = (httpx.Response(404), httpx.Response(200, json={"data": {"username": "mira_k"}}))
    vendor = script(*answers)
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(NotFoundError):
            await crm.get_user(id="31")
    assert len(vendor.requests) == 1
    vendor = script(*answers)
    async with connection_for(IspCrm, {**SCRIPTED, "capital_users": True}, transport=vendor.transport) as crm:
        assert (await crm.get_user(id="31")).username == "mira_k"
    assert [request.url.path for request in vendor.requests] == ["/api/v1/users/31", "/api/v1/Users/31"]


@pytest.mark.parametrize("ending", ["", "/api", "/api/v1/"])
async def test_a_base_url_with_the_api_path_works_too(crm_settings: dict[str, Json], ending: str) -> None:
    async with connection_for(IspCrm, {**crm_settings, "base_url": f"{crm_settings['base_url']}{ending}"}) as crm:
        await crm.check()


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="IANA"):
        IspCrm.Settings.model_validate({**SCRIPTED, "timezone": "Mars/Base"})
