"""One token for everybody, renewed in time, replaced once when it is rejected."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import AuthenticationError, InvalidAnswerError, RefusedError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.token import LONGEST_LIFE_S, token_life_s
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
SETTINGS = {
    "base_url": "https://acs.example.net",
    "client_id": "650000000000000000000001",
    "client_secret": "not-a-secret",
}
EMPTY = {"registers": [], "hasNextPage": False}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def token(value: str = "token-1", **fields: object) -> httpx.Response:
    return httpx.Response(200, json={"access_token": value, **fields})


def listing() -> httpx.Response:
    return httpx.Response(200, json=EMPTY)


async def test_many_callers_at_once_share_one_token(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs, anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(acs.check)
    assert sandbox.operations("acs").count("token") == 1


async def test_callers_that_wait_for_a_failing_token_request_fail_with_it(sandbox: Sandbox) -> None:
    failures = []

    async def fail(acs: IxcAcs) -> None:
        with pytest.raises(AuthenticationError):
            await acs.check()
        failures.append(1)

    async with (
        connection_for(IxcAcs, sandbox.acs(client_secret="wrong-secret")) as acs,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(20):
            tasks.start_soon(fail, acs)
    assert len(failures) == 20
    assert sandbox.operations("acs") == ["token"]


async def test_after_a_failed_token_request_the_next_caller_asks_again(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(401), token(), listing())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(AuthenticationError):
            await acs.check()
        await acs.check()
    assert len(vendor.requests) == 3


@pytest.mark.parametrize("answer", ["both", "expires_at", "expires_in", "neither"])
async def test_every_form_of_expiry_is_understood(sandbox: Sandbox, answer: str) -> None:
    sandbox.switch("acs", token_answer=answer)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        await acs.check()
        await acs.check()
    assert sandbox.operations("acs").count("token") == 1


@pytest.mark.parametrize(
    ("fields", "life_s"),
    [
        ({"expires_in": 600}, 600),
        ({"expires_in": "600"}, 600),
        ({"expires_at": "2031-01-10T09:10:00.000-03:00"}, 600),
        ({"expires_in": 600, "expires_at": "2031-01-10T12:05:00Z"}, 300),
        ({}, 300),
    ],
)
async def test_a_token_is_renewed_before_it_ends(script: ScriptMaker, fields: dict[str, object], life_s: float) -> None:
    clock = FakeClock(NOW)
    vendor = script(token("token-1", **fields), listing(), listing(), token("token-2", **fields), listing())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport, clock=clock) as acs:
        await acs.check()
        await clock.advance(life_s - 46)
        await acs.check()
        await clock.advance(2)
        await acs.check()
    bearers = [request.headers["authorization"] for request in vendor.requests if request.method == "GET"]
    assert bearers == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_a_token_with_a_very_short_life_is_used_for_half_of_it(script: ScriptMaker) -> None:
    clock = FakeClock(NOW)
    vendor = script(token(expires_in=10), listing(), listing(), token(expires_in=10), listing())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport, clock=clock) as acs:
        await acs.check()
        await clock.advance(4)
        await acs.check()
        await clock.advance(2)
        await acs.check()
    assert [request.method for request in vendor.requests] == ["POST", "GET", "GET", "POST", "GET"]


async def test_an_end_that_is_past_by_our_clock_does_not_ask_for_a_token_per_call(script: ScriptMaker) -> None:
    vendor = script(token(expires_at="2031-01-10T08:00:00Z"), listing(), listing())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport, clock=FakeClock(NOW)) as acs:
        await acs.check()
        await acs.check()
    assert len(vendor.requests) == 3


@given(answer=st.dictionaries(st.sampled_from(["expires_in", "expires_at", "x"]), JSON))
def test_the_life_of_a_token_is_a_positive_number_whatever_the_answer(answer: dict[str, object]) -> None:
    assert 0 < token_life_s(answer, now=NOW, default_s=300.0) <= LONGEST_LIFE_S


async def test_a_rejected_token_is_replaced_and_the_call_repeated(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        await acs.check()
        sandbox.fault("expire_token", vendor="acs")
        await acs.check()
    assert sandbox.operations("acs").count("token") == 2


async def test_many_callers_with_a_rejected_token_ask_for_one_new_one(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        await acs.check()
        sandbox.fault("expire_token", vendor="acs")
        async with anyio.create_task_group() as tasks:
            for _ in range(30):
                tasks.start_soon(acs.check)
    assert sandbox.operations("acs").count("token") == 2


async def test_the_late_rejection_of_an_old_token_does_not_cost_the_new_one(script: ScriptMaker) -> None:
    vendor = script(token("token-1"), token("token-2"), token("token-3"))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        tokens = acs._api.tokens
        old = await tokens.current()
        tokens.forget(old)
        new = await tokens.current()
        tokens.forget(old)
        assert await tokens.current() is new
    assert len(vendor.requests) == 2


async def test_a_new_token_that_is_rejected_too_names_the_vendors_causes(script: ScriptMaker) -> None:
    vendor = script(
        token("a-token"), httpx.Response(401, json={"message": "nope"}), token("b-token"), httpx.Response(401)
    )
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(AuthenticationError, match=r"only just issued.*extra blanks.*blocked.*Tools > API Clients"):
            await acs.check()
    assert len(vendor.requests) == 4


async def test_400_counts_as_a_rejected_token_only_by_setting(sandbox: Sandbox) -> None:
    sandbox.switch("acs", unauthorized_status=400)
    async with connection_for(IxcAcs, sandbox.acs(renew_on_400=True)) as acs:
        await acs.check()
        sandbox.fault("expire_token", vendor="acs")
        await acs.check()
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        await acs.check()
        sandbox.fault("expire_token", vendor="acs")
        with pytest.raises(RefusedError, match="400"):
            await acs.check()


async def test_stray_blanks_around_pasted_credentials_do_no_harm(sandbox: Sandbox) -> None:
    settings = sandbox.acs()
    settings["client_id"] = f" {settings['client_id']}\n"
    settings["client_secret"] = f"\ufeff{settings['client_secret']}\u00a0\n"
    async with connection_for(IxcAcs, settings) as acs:
        await acs.check()


@pytest.mark.parametrize("body", ["form", "json"])
async def test_the_token_request_is_a_form_or_json(script: ScriptMaker, body: str) -> None:
    vendor = script(token(), listing())
    async with connection_for(IxcAcs, {**SETTINGS, "token_body": body}, transport=vendor.transport) as acs:
        await acs.check()
    assert body in vendor.requests[0].headers["content-type"]
    assert vendor.requests[0].url.path == "/api/v2/token/oauth"


async def test_a_grant_type_is_sent_only_by_setting(script: ScriptMaker) -> None:
    vendor = script(token(), listing())
    settings = {**SETTINGS, "token_body": "json", "token_grant_type": "client_credentials"}
    async with connection_for(IxcAcs, settings, transport=vendor.transport) as acs:
        await acs.check()
    assert vendor.bodies[0]["grant_type"] == "client_credentials"


async def test_a_wrong_secret_is_explained_without_showing_it(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs(client_secret="wrong-secret-7781")) as acs:
        with pytest.raises(
            AuthenticationError, match=r"does not accept the credentials.*Invalid client.*extra blanks"
        ) as caught:
            await acs.check()
        assert "wrong-secret-7781" not in f"{caught.value} {acs.settings!r} {acs.settings.model_dump_json()}"


async def test_a_blocked_client_is_named_as_a_cause(sandbox: Sandbox) -> None:
    sandbox.switch("acs", blocked=True)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(AuthenticationError, match="blocked"):
            await acs.check()
    sandbox.switch("acs", blocked=False)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        await acs.check()


async def test_a_missing_permission_says_where_to_grant_it(sandbox: Sandbox) -> None:
    sandbox.switch("acs", permissions=[])
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(AuthenticationError, match="permission in the ACS menu Tools > API Clients"):
            await acs.check()
    assert sandbox.operations("acs").count("token") == 1


async def test_a_wrong_base_url_is_named(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, {**sandbox.acs(), "base_url": f"{sandbox.url}/elsewhere"}) as acs:
        with pytest.raises(InvalidAnswerError, match="Check base_url"):
            await acs.check()


@pytest.mark.parametrize("ending", ["/api", "/api/v1", "/api/v2/"])
async def test_a_base_url_with_the_api_path_works_too(sandbox: Sandbox, ending: str) -> None:
    async with connection_for(IxcAcs, {**sandbox.acs(), "base_url": f"{sandbox.url}/acs{ending}"}) as acs:
        await acs.check()


async def test_html_with_200_instead_of_a_token_is_no_token(sandbox: Sandbox) -> None:
    sandbox.fault("html_200", vendor="acs", match={"operation": "token"}, times=1)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        with pytest.raises(InvalidAnswerError, match="HTML"):
            await acs.check()
        await acs.check()


@pytest.mark.parametrize("answer", ["{}", '{"access_token": ""}', '{"access_token": 5}', "[]", '"x"', "null"])
async def test_an_answer_without_a_token_is_no_token(script: ScriptMaker, answer: str) -> None:
    vendor = script(httpx.Response(200, text=answer))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(InvalidAnswerError, match="without access_token"):
            await acs.check()
