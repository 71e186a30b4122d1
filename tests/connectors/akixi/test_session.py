"""One login for everybody: the 400 that is none, ended logins, lock-outs, and nothing shown."""

from __future__ import annotations

import logging

import anyio
import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import ActionError, AuthenticationError, InvalidAnswerError, Json, RetryableError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.akixi import Akixi
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://akixi.example.net", "username": "robot", "password": "pass-word-77"}
SESSION = httpx.Response(200, json={"Nonce": "00ff", "SessionID": "AA11BB22CC33DD44"})
SIGNED_IN = httpx.Response(200, json={"Result": "Success"})
NOBODY = httpx.Response(200, json={"Result": "Success", "Data": {"Total": 0, "Offset": 0, "Items": []}})
ENDED = httpx.Response(401, json={"Message": "You are not signed in"})


async def test_a_login_takes_three_steps_and_is_given_back(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_login) as akixi:
        await akixi.check()
        await akixi.check()
    assert sandbox.operations("akixi") == ["session", "login", "list_client", "list_client", "logout"]


async def test_a_login_answered_400_that_ended_another_is_usable(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    """Trap 1."""
    async with connection_for(Akixi, by_login) as first, connection_for(Akixi, by_login) as second:
        await first.check()
        await second.check()
    assert sandbox.operations("akixi").count("login") == 2


async def test_many_callers_at_once_share_one_login(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    """Trap 1: a second login would end the first."""
    async with connection_for(Akixi, by_login) as akixi, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(akixi.check)
    assert sandbox.operations("akixi").count("login") == 1


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_an_ended_login_is_replaced_once_and_the_call_repeated(
    sandbox: Sandbox, by_login: dict[str, Json], status: int
) -> None:
    sandbox.switch("akixi", unauthorized_status=status)
    async with connection_for(Akixi, by_login) as akixi:
        await akixi.check()
        sandbox.control.delete("/akixi/sessions").raise_for_status()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(akixi.check)
    assert sandbox.operations("akixi").count("login") == 2


async def test_a_login_that_is_ended_again_and_again_is_not_fought_for(script: ScriptMaker) -> None:
    vendor = script(SESSION, SIGNED_IN, ENDED, SESSION, SIGNED_IN, ENDED)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(AuthenticationError, match="a user of its own"):
            await akixi.check()
        assert len(vendor.requests) == 6


async def test_an_addition_that_met_an_ended_login_is_not_repeated_by_itself(script: ScriptMaker) -> None:
    vendor = script(SESSION, SIGNED_IN, NOBODY, ENDED, SIGNED_IN)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(AuthenticationError, match="nothing was done"):
            await akixi.add_integrator_client(
                tel_sys_id=426, partition_id=1, device_number="+442079460012", description="Desk"
            )
        assert [request.method for request in vendor.requests] == ["POST", "GET", "GET", "POST"]


async def test_a_deletion_that_met_an_ended_login_is_sent_again(script: ScriptMaker) -> None:
    vendor = script(SESSION, SIGNED_IN, ENDED, SESSION, SIGNED_IN, httpx.Response(204))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        removal = await akixi.delete_integrator_client(
            tel_sys_id=426, partition_id=1, device_number="+442079460012", id="a:b:c:d"
        )
        assert removal.removed
    assert [request.method for request in vendor.requests[:6]] == ["POST", "GET", "DELETE"] * 2


async def test_a_403_of_a_young_login_is_a_missing_right_and_costs_no_login(script: ScriptMaker) -> None:
    clock = FakeClock()
    vendor = script(SESSION, SIGNED_IN, httpx.Response(403), httpx.Response(403), SESSION, SIGNED_IN, NOBODY)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport, clock=clock) as akixi:
        with pytest.raises(AuthenticationError, match="403"):
            await akixi.check()
        assert len(vendor.requests) == 3
        await clock.advance(61)
        await akixi.check()
        assert len(vendor.requests) == 7


async def test_a_rejected_login_is_not_tried_again_for_a_while(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    """Trap 2."""
    clock = FakeClock()
    settings = {**by_login, "password": "wrong-secret-7781"}
    async with connection_for(Akixi, settings, clock=clock) as akixi:
        for _ in range(10):
            with pytest.raises(AuthenticationError, match="LockOut") as caught:
                await akixi.check()
        assert sandbox.operations("akixi") == ["session", "login"]
        await clock.advance(901)
        with pytest.raises(AuthenticationError):
            await akixi.check()
        assert sandbox.operations("akixi").count("login") == 2
        assert "wrong-secret-7781" not in f"{caught.value} {akixi.settings!r} {akixi.settings.model_dump_json()}"


async def test_callers_that_wait_for_a_failing_login_fail_with_it(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    """Trap 2."""
    failed = []

    async def fail(akixi: Akixi) -> None:
        with pytest.raises(AuthenticationError):
            await akixi.check()
        failed.append(1)

    settings = {**by_login, "password": "wrong-secret-7781", "login_pause_s": 0}
    async with connection_for(Akixi, settings) as akixi, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(fail, akixi)
    assert len(failed) == 20
    assert sandbox.operations("akixi") == ["session", "login"]


async def test_a_login_that_could_not_be_tried_may_be_tried_again_at_once(script: ScriptMaker) -> None:
    vendor = script(SESSION, httpx.Response(500), SESSION, SIGNED_IN, NOBODY)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(RetryableError):
            await akixi.check()
        await akixi.check()


@pytest.mark.parametrize("switch", ["password_change_required", "mfa_required"])
async def test_a_user_that_no_program_can_log_in_as_is_explained(
    sandbox: Sandbox, by_login: dict[str, Json], switch: str
) -> None:
    sandbox.switch("akixi", **{switch: True})
    async with connection_for(Akixi, by_login) as akixi:
        with pytest.raises(AuthenticationError, match=r"PasswordChgRequired.*EnableMFA"):
            await akixi.check()


async def test_a_login_answered_200_with_a_lone_message_is_rejected(script: ScriptMaker) -> None:
    """Trap 5."""
    vendor = script(SESSION, httpx.Response(200, json={"Message": "Login failed"}))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(AuthenticationError, match="Login failed"):
            await akixi.check()


async def test_an_idle_login_is_renewed_before_it_is_used(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    clock = FakeClock()
    async with connection_for(Akixi, by_login, clock=clock) as akixi:
        await akixi.check()
        await clock.advance(1499)
        await akixi.check()
        await clock.advance(1501)
        await akixi.check()
    assert sandbox.operations("akixi").count("login") == 2


async def test_the_session_of_the_cookie_alone_will_do(script: ScriptMaker) -> None:
    answer = httpx.Response(200, json={}, headers={"Set-Cookie": "JSESSIONID=EE55FF66; Path=/CCS"})
    vendor = script(answer, SIGNED_IN, NOBODY)
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        await akixi.check()
    assert vendor.requests[2].headers["cookie"] == "JSESSIONID=EE55FF66"


async def test_every_request_names_its_content_type_and_language_of_login(script: ScriptMaker) -> None:
    vendor = script(SESSION, SIGNED_IN, NOBODY)
    async with connection_for(Akixi, {**SCRIPTED, "locale": "en_US"}, transport=vendor.transport) as akixi:
        await akixi.check()
    assert all(request.headers["content-type"] == "application/json" for request in vendor.requests)
    assert all(request.headers["accept"] == "application/json" for request in vendor.requests)
    assert vendor.requests[1].url.query == b"locale=en_US"
    assert "authorization" not in vendor.requests[2].headers


async def test_the_answer_of_another_server_is_no_session(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json={"hello": 1}))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError, match="base_url"):
            await akixi.check()


async def test_a_rejected_key_never_leads_to_a_login(sandbox: Sandbox, by_login: dict[str, Json]) -> None:
    settings = {**by_login, "api_key": "wrong-key-7781"}
    async with connection_for(Akixi, settings) as akixi:
        with pytest.raises(AuthenticationError, match="does not accept api_key"):
            await akixi.check()
    assert sandbox.operations("akixi") == ["list_client"]
    async with connection_for(Akixi, {**settings, "auth_mode": "session"}) as akixi:
        await akixi.check()


async def test_key_cookie_and_password_are_shown_nowhere(script: ScriptMaker, caplog: pytest.LogCaptureFixture) -> None:
    """Trap 12."""
    caplog.set_level(logging.DEBUG)
    echo = "api-key-secret-1 AA11BB22CC33DD44 pass-word-77 cm9ib3Q6cGFzcy13b3JkLTc3"
    said = []
    for settings in (SCRIPTED, {"base_url": SCRIPTED["base_url"], "api_key": "api-key-secret-1"}):
        for status in (200, 400, 401, 403, 500):
            answers = [SESSION, SIGNED_IN] if "username" in settings else []
            vendor = script(*answers, httpx.Response(status, json={"Message": echo}))
            async with connection_for(Akixi, settings, transport=vendor.transport) as akixi:
                with pytest.raises(ActionError) as caught:
                    await akixi.check()
                said.append(f"{caught.value} {akixi.settings!r}")
    text = caplog.text + "".join(said)
    own = ("pass-word-77", "AA11BB22CC33DD44", "cm9ib3Q6cGFzcy13b3JkLTc3", "api-key-secret-1")
    assert not [secret for secret in own[:3] if secret in "".join(said[:5])]
    assert own[3] not in "".join(said[5:])
    assert not [secret for secret in own if secret in caplog.text]
    assert text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "give api_key, or username and password"),
        ({"username": "robot"}, "give api_key, or username and password"),
        ({"auth_mode": "api_key", "username": "robot", "password": "x"}, "there is no api_key"),
        ({"api_key": "k", "base_url": "http://akixi.example.net"}, "https"),
        ({"api_key": "k", "timezone": "Mars/Base"}, "IANA"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Json], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Akixi.Settings.model_validate({"base_url": "https://akixi.example.net", **settings})


def test_an_address_without_tls_is_accepted_by_setting_and_on_this_machine() -> None:
    for settings in (
        {"base_url": "http://akixi.example.net", "allow_http": True},
        {"base_url": "http://127.0.0.1:8900"},
    ):
        assert Akixi.Settings.model_validate({"api_key": "not-a-secret", **settings}).base_url == settings["base_url"]


@pytest.mark.parametrize("ending", ["", "/CCS", "/CCS/API/v1", "/CCS/API/v1/admin/"])
async def test_a_base_url_with_the_api_path_works_too(sandbox: Sandbox, by_key: dict[str, Json], ending: str) -> None:
    async with connection_for(Akixi, {**by_key, "base_url": f"{by_key['base_url']}{ending}"}) as akixi:
        await akixi.check()
