"""A user is created once, from the caller's own fields, and looked up when the answer is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from backhaul.sdk import (
    AttemptInfo,
    AuthenticationError,
    Json,
    NotFoundError,
    RefusedError,
    UnknownOutcomeError,
)
from backhaul.testing import connection_for
from backhaul_connectors.ispcrm import IspCrm
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://crm.example.net", "token": "not-a-secret-7781"}
FIELDS: dict[str, Json] = {"username": "mira_k", "name": "Mira K", "profile_id": 10}
NOBODY = httpx.Response(404)
POST = {"method": "POST"}


def posts(sandbox: Sandbox) -> int:
    items = sandbox.control.get("/requests", params={"vendor": "crm", "limit": 100}).json()["items"]
    return sum(item["method"] == "POST" for item in items)


@pytest.mark.parametrize("answer", ["data", "status", "empty"])
@pytest.mark.parametrize("status", [200, 201])
async def test_a_user_is_created_whatever_the_answer_holds(
    sandbox: Sandbox, crm_settings: dict[str, Json], answer: str, status: int
) -> None:
    sandbox.switch("crm", create_answer=answer, create_status=status)
    async with connection_for(IspCrm, crm_settings) as crm:
        created = await crm.create_user(fields=FIELDS)
        user = await crm.get_user(id="mira_k")
    assert created.username == user.username == "mira_k"
    assert created.id == (str(user.radius_id) if answer == "data" else None)
    assert user.profile_id == 10


async def test_the_fields_are_the_callers_and_nothing_is_added(script: ScriptMaker) -> None:
    """Trap 7."""
    vendor = script(httpx.Response(201, json={"id": "9", "api_token": "x", "data": {"Password": "y"}}))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        created = await crm.create_user(fields={"Login": "mira", "nested": {"a": [1]}})
    assert vendor.bodies == [{"Login": "mira", "nested": {"a": [1]}}]
    assert vendor.requests[0].headers["content-type"] == "application/json"
    assert (created.id, created.answer) == ("9", {"id": "9", "data": {}})


@pytest.mark.parametrize(
    "fields",
    [
        '{"ID":"jonmt", "version":"v1", "ID":"zt7633df"}',
        {"ID": "jonmt", "id ": "zt7633df"},
        {},
        {"": 1},
        "[]",
        "[1]",
        "no JSON",
    ],
)
async def test_a_key_given_twice_is_refused_before_it_is_sent(script: ScriptMaker, fields: Any) -> None:
    """Trap 7: the vendor's own sample repeats a key."""
    vendor = script(httpx.Response(201))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(RefusedError, match="nothing was sent"):
            await crm.create_user(fields=fields)
    assert not vendor.requests


async def test_fields_may_be_json_text(crm_settings: dict[str, Json]) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        assert (await crm.create_user(fields='{"username": "mira_k"}')).username == "mira_k"


async def test_a_username_that_exists_is_refused(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        await crm.create_user(fields=FIELDS)
        with pytest.raises(RefusedError, match="this username already"):
            await crm.create_user(fields=FIELDS)
    assert posts(sandbox) == 1
    async with connection_for(IspCrm, {**crm_settings, "look_before_create": False}) as crm:
        with pytest.raises(RefusedError, match=r"422.*username: The username has already been taken"):
            await crm.create_user(fields=FIELDS)


@pytest.mark.parametrize(
    "answer",
    [
        {"success": "false", "message": "invented text"},
        {"success": "true", "data": {"username": "somebody_else", "radius_id": 31}},
        {"success": "true", "data": {"username": None, "radius_id": 31}},
    ],
)
async def test_a_look_up_that_shows_nobody_of_this_name_hinders_no_creation(
    script: ScriptMaker, answer: dict[str, Json]
) -> None:
    """Trap 5: whether a path takes usernames is not documented, so the name in the answer counts."""
    vendor = script(httpx.Response(200, json=answer), httpx.Response(201))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert (await crm.create_user(fields=FIELDS)).username == "mira_k"
    assert [request.method for request in vendor.requests] == ["GET", "POST"]


@pytest.mark.parametrize(("status", "said"), [(400, "400"), (422, "422")])
async def test_values_that_are_not_accepted_are_a_refusal(
    sandbox: Sandbox, crm_settings: dict[str, Json], status: int, said: str
) -> None:
    sandbox.switch("crm", missing_field_status=status)
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(RefusedError, match=said):
            await crm.create_user(fields={"name": "x"})


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut_after"},
        {"kind": "cut_body"},
        {"kind": "status", "code": 500, "act": True},
        {"kind": "status", "code": 503, "act": True},
        {"kind": "html_200", "act": True},
    ],
)
async def test_a_creation_whose_answer_was_lost_is_looked_up_and_not_repeated(
    sandbox: Sandbox, crm_settings: dict[str, Json], fault: dict[str, Any]
) -> None:
    """Trap 10: try again is safe for GET only."""
    sandbox.fault(**fault, vendor="crm", match=POST, times=1)
    async with connection_for(IspCrm, crm_settings) as crm:
        created = await crm.create_user(fields=FIELDS)
        assert created.id == str((await crm.get_user(id="mira_k")).radius_id)
    assert posts(sandbox) == 1


@pytest.mark.parametrize("fault", [{"kind": "cut_before"}, {"kind": "status", "code": 500}])
async def test_a_creation_that_was_lost_is_unknown_and_then_verified(
    sandbox: Sandbox, crm_settings: dict[str, Json], fault: dict[str, Any]
) -> None:
    """Trap 10."""
    sandbox.fault(**fault, vendor="crm", match=POST, times=1)
    async with connection_for(IspCrm, crm_settings) as crm:
        attempt = AttemptInfo(started_at=crm.clock.now(), number=1)
        with pytest.raises(UnknownOutcomeError):
            await crm.create_user(fields=FIELDS)
        assert posts(sandbox) == 1
        assert (await crm.verify_creation(fields=FIELDS, attempt=attempt)).state == "not_done"
        created = await crm.create_user(fields=FIELDS)
        earlier = AttemptInfo(started_at=(await crm.get_user(id="mira_k")).created_at or crm.clock.now(), number=1)
        verdict = await crm.verify_creation(fields=FIELDS, attempt=earlier)
    assert (verdict.state, verdict.result.id) == ("done", created.id)
    assert sandbox.repeated() == []


async def test_a_lookup_that_fails_after_a_lost_creation_leaves_it_unknown(script: ScriptMaker) -> None:
    """Trap 10: never an error that lets the creation be repeated."""
    vendor = script(NOBODY, httpx.Response(500), httpx.Response(500))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(UnknownOutcomeError):
            await crm.create_user(fields=FIELDS)
    assert [request.method for request in vendor.requests].count("POST") == 1


async def test_a_user_who_was_there_long_before_is_not_the_one_created(crm_settings: dict[str, Json]) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        user = await crm.get_user(id="20")
        assert user.created_at is not None
        later = AttemptInfo(started_at=user.created_at + timedelta(days=30), number=1)
        verdict = await crm.verify_creation(fields={"username": user.username}, attempt=later)
    assert verdict.state == "unknown"
    assert "exists, but since" in verdict.reason


async def test_nobody_found_proves_nothing_where_users_are_not_found_by_username(script: ScriptMaker) -> None:
    listing = httpx.Response(200, json={"users": [{"id": "7", "name": "x", "status": "active"}]})
    detail = httpx.Response(200, json={"success": "true", "data": {"username": "other", "radius_id": 7}})
    vendor = script(NOBODY, listing, detail, NOBODY)
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        attempt = AttemptInfo(started_at=crm.clock.now(), number=1)
        verdict = await crm.verify_creation(fields=FIELDS, attempt=attempt)
        assert verdict.state == "unknown"
        verdict = await crm.verify_creation(fields={"name": "x"}, attempt=attempt)
        assert "no username" in verdict.reason


async def test_the_username_to_look_up_can_be_named(script: ScriptMaker) -> None:
    found = httpx.Response(200, json={"data": {"username": "mira_k", "radius_id": 31}})
    vendor = script(NOBODY, httpx.Response(500), found)
    settings = {**SCRIPTED, "username_field": "Login"}
    async with connection_for(IspCrm, settings, transport=vendor.transport) as crm:
        assert (await crm.create_user(fields={"Login": "mira_k"})).id == "31"
    vendor = script(NOBODY, httpx.Response(500), found)
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert (await crm.create_user(fields={"ID": "x"}, username="mira_k")).id == "31"
    assert [request.url.path for request in vendor.requests] == [
        "/api/v1/users/mira_k",
        "/api/v1/users",
        "/api/v1/users/mira_k",
    ]


async def test_a_rejected_token_creates_nobody(script: ScriptMaker) -> None:
    vendor = script(NOBODY, httpx.Response(401))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(AuthenticationError):
            await crm.create_user(fields=FIELDS)
    assert len(vendor.requests) == 2


async def test_changing_and_deleting_are_not_promised(crm_settings: dict[str, Json]) -> None:
    """Traps 12 and 14."""
    actions = {name for name, method in vars(IspCrm).items() if hasattr(method, "__backhaul_action__")}
    assert actions == {"discover", "list_users", "get_user", "create_user"}
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(NotFoundError):
            await crm.get_user(id="../../ISP/users/disconnect/x")
