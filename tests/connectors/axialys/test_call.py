"""A call is ordered once, whatever the answer is."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial

import anyio
import httpx
import pytest

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.axialys import Axialys, CallAccepted
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

KEY = "invented-axialys-key"
SETTINGS = {"base_url": "https://phone.example.net/api", "api_key": KEY}
NUMBER = "+33199001234"
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
OK = httpx.Response(200, json={"result": "success"})


async def test_the_order_is_one_get_with_digits_and_the_key_in_the_query(script: ScriptMaker) -> None:
    """Trap 5: a plus in a query becomes a blank."""
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        result = await phone.call(account_id="acc-501", number=NUMBER)
    assert str(vendor.requests[0].url) == (
        f"https://phone.example.net/api/centrex/v1/call?account_id=acc-501&number=33199001234&api_key={KEY}"
    )
    assert vendor.requests[0].method == "GET"
    assert vendor.requests[0].headers["accept"] == "application/json"
    assert result == CallAccepted(account_id="acc-501", number=NUMBER, raw={"result": "success"})


async def test_a_plus_is_percent_encoded_if_it_is_wanted(script: ScriptMaker) -> None:
    """Trap 5."""
    vendor = script(OK)
    settings = {**SETTINGS, "number_format": "plus"}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        await phone.call(account_id="acc+501", number="33 1 99 00 12 34")
    assert b"number=%2B33199001234" in vendor.requests[0].url.query
    assert b"account_id=acc%2B501" in vendor.requests[0].url.query


@pytest.mark.parametrize("place", ["query", "form"])
async def test_post_with_query_or_form_is_a_setting(script: ScriptMaker, place: str) -> None:
    vendor = script(OK)
    settings = {**SETTINGS, "method": "POST", "parameters_in": place}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        await phone.call(account_id="acc-501", number=NUMBER)
    request = vendor.requests[0]
    text = (request.url.query if place == "query" else request.content).decode()
    assert request.method == "POST"
    assert text == f"account_id=acc-501&number=33199001234&api_key={KEY}"
    assert place == "query" or not request.url.query


@pytest.mark.parametrize("base", ["https://phone.example.net/api/", "https://phone.example.net/api/centrex/v1"])
async def test_a_base_url_works_with_and_without_the_functions_path(script: ScriptMaker, base: str) -> None:
    vendor = script(OK)
    async with connection_for(Axialys, {**SETTINGS, "base_url": base}, transport=vendor.transport) as phone:
        await phone.call(account_id="acc-501", number=NUMBER)
    assert vendor.requests[0].url.path == "/api/centrex/v1/call"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_server_error_is_an_unknown_outcome_and_never_repeated(script: ScriptMaker, status: int) -> None:
    """Trap 1."""
    vendor = script(httpx.Response(status, text="failed for 33199001234"), OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(UnknownOutcomeError) as caught:
            await phone.call(account_id="acc-501", number=NUMBER)
    assert len(vendor.requests) == 1
    assert "33199001234" not in str(caught.value)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
async def test_a_lost_answer_is_an_unknown_outcome_and_never_repeated(
    script: ScriptMaker, error: type[httpx.TransportError]
) -> None:
    """Trap 1."""

    def lose(_: httpx.Request) -> httpx.Response:
        raise error("lost")

    vendor = script(lose, OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(UnknownOutcomeError):
            await phone.call(account_id="acc-501", number=NUMBER)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "<?xml version='1.0'?><a/>"])
async def test_a_page_instead_of_an_answer_is_an_unknown_outcome(script: ScriptMaker, body: str) -> None:
    """Traps 1 and 7."""
    vendor = script(httpx.Response(200, text=body), OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(UnknownOutcomeError, match="may have rung"):
            await phone.call(account_id="acc-501", number=NUMBER)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("body", "call_id", "raw"),
    [
        ("", None, None),
        ("OK", None, "OK"),
        ("{", None, "{"),
        ("\ufeff{}", None, {}),
        ("[1, 2]", None, [1, 2]),
        ("null", None, None),
        ('" "', None, " "),
        ("NaN", None, "NaN"),
        ('{"call_id": "ax-9", "new": {"deep": 1}}', "ax-9", {"call_id": "ax-9", "new": {"deep": 1}}),
        ('{"call_id": 9}', "9", {"call_id": 9}),
        ('{"call_id": [1]}', None, {"call_id": [1]}),
        ('{"code": 0, "message": "queued"}', None, {"code": 0, "message": "queued"}),
        ('{"error": null, "status": 0}', None, {"error": None, "status": 0}),
        ('{"error": "", "success": true}', None, {"error": "", "success": True}),
    ],
)
async def test_any_2xx_that_does_not_say_no_is_a_success(
    script: ScriptMaker, body: str, call_id: str | None, raw: object
) -> None:
    """Trap 7: results are undefined."""
    vendor = script(httpx.Response(200, text=body))
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        result = await phone.call(account_id="acc-501", number=NUMBER)
    assert (result.accepted, result.call_id, result.raw) == (True, call_id, raw)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": "account is barred"}',
        '{"errors": ["account is barred"]}',
        '{"success": false, "message": "account is barred"}',
        '{"success": "false", "message": "account is barred"}',
        '{"status": 0, "code": "account is barred"}',
        '{"result": "error", "code": "account is barred"}',
        "ERROR account is barred",
    ],
)
async def test_a_2xx_that_says_no_is_a_refusal(script: ScriptMaker, body: str) -> None:
    vendor = script(httpx.Response(200, text=body))
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match="account is barred"):
            await phone.call(account_id="acc-501", number=NUMBER)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (
            httpx.Response(400, json={"code": "INVALID_VARS", "fields": ["number"]}),
            RefusedError,
            "INVALID_VARS.*number",
        ),
        (httpx.Response(409, json={"code": "NO_CALLBACK"}), RefusedError, "has set_callback been called"),
        (httpx.Response(401), AuthenticationError, "IP addresses that you gave"),
        (httpx.Response(403), AuthenticationError, "Check api_key"),
        (httpx.Response(404, json={"code": "UNKNOWN_ACCOUNT"}), NotFoundError, "UNKNOWN_ACCOUNT"),
        (httpx.Response(404, text="<h1>Not Found</h1>"), InvalidAnswerError, "Check base_url"),
        (httpx.Response(302, headers={"location": "https://www.example.net/"}), InvalidAnswerError, "base_url"),
        (httpx.Response(429), RetryableError, "try again later"),
    ],
)
async def test_errors_say_what_to_do(
    script: ScriptMaker, answer: httpx.Response, error: type[ActionError], message: str
) -> None:
    """Trap 2, with the advice at 409."""
    async with connection_for(Axialys, SETTINGS, transport=script(answer).transport) as phone:
        with pytest.raises(error, match=message):
            await phone.call(account_id="acc-501", number=NUMBER)


async def test_nothing_secret_or_personal_is_in_errors_logs_or_results(
    script: ScriptMaker, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Traps 6 and 13."""
    caplog.set_level(logging.DEBUG)
    echo = f"bad request /call?api_key={KEY}&number=33199001234 +33 1 99 00 12 34"
    shown = ""
    for answer in (
        httpx.Response(400, text=echo),
        httpx.Response(200, json={"error": echo}),
        httpx.Response(200, text=f"<html>{echo}</html>"),
        httpx.Response(500, text=echo),
        httpx.Response(404, text=echo),
        httpx.Response(302, headers={"location": f"https://x.example/?{KEY}"}),
    ):
        async with connection_for(Axialys, SETTINGS, transport=script(answer).transport) as phone:
            with pytest.raises(ActionError) as caught:
                await phone.call(account_id="acc-501", number=NUMBER)
            shown += f"{caught.value!r} {caught.value} {phone.settings!r} {phone.settings.model_dump_json()}"
    echoing = httpx.Response(200, json={"url": echo, KEY: [echo]})
    async with connection_for(Axialys, SETTINGS, transport=script(echoing).transport) as phone:
        result = await phone.call(account_id="acc-501", number=NUMBER)
    shown += caplog.text + "".join(capsys.readouterr())
    assert "33199001234" not in shown
    assert "99 00 12" not in shown
    assert KEY not in shown + result.model_dump_json()


@pytest.mark.parametrize("number", ["", "anonymous", "777", "0199001234", "+33 call me", "+" + "9" * 40, "33;ext=5"])
async def test_a_number_that_cannot_be_read_is_refused_unseen_and_unsent(script: ScriptMaker, number: str) -> None:
    vendor = script(OK)
    async with connection_for(Axialys, SETTINGS, transport=vendor.transport) as phone:
        with pytest.raises(RefusedError, match="nothing was sent") as caught:
            await phone.call(account_id="acc-501", number=number)
    assert vendor.requests == []
    assert not number or number not in str(caught.value)


async def test_accounts_that_are_not_ours_are_refused(script: ScriptMaker) -> None:
    vendor = script(OK)
    settings = {**SETTINGS, "account_ids": ["acc-501"]}
    async with connection_for(Axialys, settings, transport=vendor.transport) as phone:
        for account in ("acc-502", "", " "):
            with pytest.raises(RefusedError, match="nothing was sent"):
                await phone.call(account_id=account, number=NUMBER)
        await phone.call(account_id="acc-501", number=NUMBER)
    assert len(vendor.requests) == 1


async def test_a_double_click_is_refused_for_a_while_by_setting(script: ScriptMaker) -> None:
    vendor = script(OK)
    clock = FakeClock(NOW)
    settings = {**SETTINGS, "repeat_guard_s": 5}
    async with connection_for(Axialys, settings, transport=vendor.transport, clock=clock) as phone:
        await phone.call(account_id="acc-501", number=NUMBER)
        with pytest.raises(RefusedError, match=r"less than 5 s ago") as caught:
            await phone.call(account_id="acc-501", number="33199001234")
        await phone.call(account_id="acc-501", number="+33199005678")
        await clock.advance(5)
        await phone.call(account_id="acc-501", number=NUMBER)
    assert len(vendor.requests) == 3
    assert "99001" not in str(caught.value)


async def test_orders_of_one_account_take_turns(script: ScriptMaker) -> None:
    under_way = most = 0
    release = anyio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await release.wait()
        under_way -= 1
        return httpx.Response(200)

    async with (
        connection_for(Axialys, SETTINGS, transport=httpx.MockTransport(answer)) as phone,
        anyio.create_task_group() as tasks,
    ):
        for number in range(5):
            tasks.start_soon(partial(phone.call, account_id="acc-501", number=f"3319900123{number}"))
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        release.set()
    assert most == 1
