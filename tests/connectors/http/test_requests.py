"""What is sent: credentials, path, query, body."""

from __future__ import annotations

import base64
import logging

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    RefusedError,
    RetryableError,
)
from backhaul.testing import connection_for
from backhaul_connectors.http import Http
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Json] = {"base_url": "https://api.example.net/v1"}
OK = httpx.Response(200, json={"ok": True})
TOKEN = "invented-token-7781"


@pytest.mark.parametrize(
    ("auth", "header", "value", "query"),
    [
        ({}, "authorization", None, ""),
        (
            {"auth": "basic", "username": "backhaul", "password": "with blank"},
            "authorization",
            "Basic " + base64.b64encode(b"backhaul:with blank").decode(),
            "",
        ),
        ({"auth": "bearer", "token": TOKEN}, "authorization", f"Bearer {TOKEN}", ""),
        ({"auth": "header", "token": TOKEN, "auth_name": "X-Api-Key"}, "x-api-key", TOKEN, ""),
        (
            {"auth": "header", "token": TOKEN, "auth_name": "Authorization", "auth_prefix": "Token "},
            "authorization",
            f"Token {TOKEN}",
            "",
        ),
        ({"auth": "query", "token": "a+b&c=d", "auth_name": "key"}, "authorization", None, "key=a%2Bb%26c%3Dd"),
    ],
)
async def test_every_kind_of_auth(
    script: ScriptMaker, auth: dict[str, str], header: str, value: str | None, query: str
) -> None:
    vendor = script(OK)
    settings = {**SETTINGS, **auth, "secret_headers": {"X-Tenant-Key": "tenant-key-1"}}
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        await api.read(path="/users")
    request = vendor.requests[0]
    assert request.headers.get(header) == value
    assert request.headers["x-tenant-key"] == "tenant-key-1"
    assert request.url.query.decode() == query


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ({"auth": "basic", "username": "u"}, "needs password"),
        ({"auth": "basic", "username": "a:b", "password": "secret-1"}, "colon"),
        ({"auth": "bearer"}, "needs token"),
        ({"auth": "header", "token": TOKEN}, "needs auth_name"),
        ({"auth": "header", "token": TOKEN, "auth_name": "no blank"}, "name of a header"),
        ({"auth": "query"}, "needs token and auth_name"),
        ({"token": TOKEN}, "auth is missing"),
        ({"headers": {"Authorization": "x"}}, "use auth or secret_headers"),
        ({"success_status": ["2xy"]}, "not a status"),
        ({"success_field": "a..b"}, "not a path"),
        ({"check_path": "https://other.example.net/"}, "absolute URL"),
        ({"paging": {"style": "cursor"}}, "needs next"),
    ],
)
def test_settings_that_do_not_fit_are_refused(auth: dict[str, Json], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Http.Settings.model_validate({**SETTINGS, **auth})
    assert TOKEN not in str(caught.value)


async def test_path_query_headers_and_body_are_sent(script: ScriptMaker) -> None:
    vendor = script(OK)
    settings = {**SETTINGS, "headers": {"X-A": "1", "X-B": "2"}, "query": {"tenant": "7", "lang": "pt"}}
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        await api.write(
            path="/users/{id}/notes",
            path_values={"id": "a/b c?d#é%2e"},
            method="PATCH",
            query={"lang": "fr", "tag": ["x", "y"], "none": None, "on": True, "n": 5},
            headers={"x-b": "3"},
            body={"name": "Zoé"},
        )
    request = vendor.requests[0]
    assert request.method == "PATCH"
    assert request.url.raw_path.decode().partition("?")[0] == "/v1/users/a%2Fb%20c%3Fd%23%C3%A9%252e/notes"
    assert request.url.query.decode() == "tenant=7&lang=fr&tag=x&tag=y&on=true&n=5"
    assert (request.headers["x-a"], request.headers["x-b"]) == ("1", "3")
    assert request.headers["accept"] == "application/json"
    assert vendor.bodies == [{"name": "Zoé"}]


async def test_a_form_is_sent_instead_of_json(script: ScriptMaker) -> None:
    vendor = script(OK)
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        await api.once(path="users", form={"name": "a&b"})
        with pytest.raises(RefusedError, match="either body or form"):
            await api.once(path="users", form={"name": "a"}, body={"name": "a"})
    assert vendor.requests[0].content == b"name=a%26b"
    assert vendor.requests[0].url.path == "/v1/users"


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "Host", "Content-Length", "Transfer-Encoding", "X-Api-Key", "x-tenant-key"]
)
async def test_a_step_does_not_set_credentials_or_framing(script: ScriptMaker, name: str) -> None:
    vendor = script(OK)
    settings = {
        **SETTINGS,
        "auth": "header",
        "auth_name": "X-Api-Key",
        "token": TOKEN,
        "secret_headers": {"X-Tenant-Key": "tenant-key-1"},
    }
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        with pytest.raises(RefusedError, match="the connection does"):
            await api.read(path="/users", headers={name: "x"})
    assert vendor.requests == []


async def test_secrets_are_in_no_error_log_or_result(
    script: ScriptMaker, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(b"backhaul:invented-password").decode()
    kinds: list[tuple[dict[str, Json], list[str]]] = [
        ({"auth": "query", "auth_name": "key", "token": TOKEN}, [TOKEN, "tenant-key-1"]),
        (
            {"auth": "basic", "username": "backhaul", "password": "invented-password"},
            ["invented-password", basic, "tenant-key-1"],
        ),
    ]
    for auth, secrets in kinds:
        settings = {**SETTINGS, **auth, "secret_headers": {"X-T": "tenant-key-1"}}
        echo = {"error": f"no: {secrets}", "you": [secrets[0], {"tenant-key-1": secrets[1]}]}
        shown = ""
        for status in (400, 401, 404, 500, 302):
            vendor = script(httpx.Response(status, json=echo))
            async with connection_for(Http, settings, transport=vendor.transport) as api:
                with pytest.raises(ActionError) as caught:
                    await api.once(path="/x")
                shown += f"{caught.value} {caught.value!r} {api.settings!r} {api.settings.model_dump_json()}"
        async with connection_for(Http, settings, transport=script(httpx.Response(200, json=echo)).transport) as api:
            answer = await api.read(path="/x")
        shown += caplog.text + "".join(capsys.readouterr()) + answer.model_dump_json()
        assert [secret for secret in secrets if secret in shown] == []


async def test_the_check_reads_the_base_url_or_a_path_of_ones_own(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(404))
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        await api.check()
    vendor = script(httpx.Response(200, text="pong"))
    async with connection_for(Http, {**SETTINGS, "check_path": "/ping"}, transport=vendor.transport) as api:
        await api.check()
    assert vendor.requests[0].url.path == "/v1/ping"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), AuthenticationError),
        (httpx.Response(403), AuthenticationError),
        (httpx.Response(500), RetryableError),
        (httpx.Response(302, headers={"location": "/login"}), InvalidAnswerError),
    ],
)
async def test_the_check_says_what_is_wrong(
    script: ScriptMaker, answer: httpx.Response, error: type[ActionError]
) -> None:
    for settings in (SETTINGS, {**SETTINGS, "check_path": "/me"}):
        async with connection_for(Http, settings, transport=script(answer).transport) as api:
            with pytest.raises(error):
                await api.check()


@pytest.mark.parametrize(
    "page",
    ["<!DOCTYPE html><html>", "\ufeff\r\n<HTML lang=pt>", "<!-- proxy -->\n<html>", "<head><title>Login</title>"],
)
async def test_the_check_does_not_take_a_page_for_an_answer(script: ScriptMaker, page: str) -> None:
    settings = {**SETTINGS, "check_path": "/me"}
    async with connection_for(Http, settings, transport=script(httpx.Response(200, text=page)).transport) as api:
        with pytest.raises(InvalidAnswerError, match=r"HTML page.*check_path"):
            await api.check()
    for answer in ("<health>ok</health>", '"<html>"[]', ""):
        async with connection_for(Http, settings, transport=script(httpx.Response(200, text=answer)).transport) as api:
            await api.check()


async def test_over_real_http(sandbox: Sandbox) -> None:
    async with connection_for(Http, {"base_url": f"{sandbox.url}/_sandbox"}) as api:
        counted = await api.read(path="/world", extract="counts")
        await api.write(path="/settings", method="POST", body={"acs": {"page_size_max": 20}})
        assert (await api.read(path="/world", method="HEAD")).body is None
    assert counted.body == sandbox.counts()
