"""Lists and details: the envelope, ids, zone-less dates, paging, links, and conditions that are checked again."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backhaul.sdk import ActionError, InvalidAnswerError, Json, NotFoundError, RefusedError, RetryableError
from backhaul.testing import connection_for
from backhaul_connectors.ispcrm import IspCrm, ListedUser
from backhaul_connectors.ispcrm.answers import checked, is_true
from backhaul_connectors.ispcrm.connector import UserId
from backhaul_connectors.ispcrm.models import moment
from backhaul_connectors.ispcrm.paging import list_answer
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://crm.example.net", "token": "not-a-secret-7781"}
HOST = "https://crm.example.net"
DETAIL = {
    "username": "mira_k",
    "customer_id": "QX7700123",
    "status": "active",
    "expiration": "2031-02-28 00:00:00",
    "created_at": "2029-05-04 09:15:22",
    "activated_at": None,
    "mac": None,
    "profile_id": 14,
    "profile_name": "200 Mbps",
    "radius_id": 31,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["users", "data", "success", "status", "meta", "links", "next", "id", "total"]), inner
        )
    ),
    max_leaves=8,
)


def users(*ids: int, **more: Json) -> httpx.Response:
    rows = [{"id": str(number), "name": f"User {number}", "status": "active"} for number in ids]
    return httpx.Response(200, json={"users": rows, **more})


async def listed(crm: IspCrm, **conditions: Json) -> list[ListedUser]:
    return [user async for page in crm.list_users(**conditions) for user in page.items]


async def test_a_user_of_the_list_is_read_in_detail(crm_settings: dict[str, Json]) -> None:
    """Traps 5 and 6: the list's id is text and shares no documented key with the detail."""
    async with connection_for(IspCrm, crm_settings) as crm:
        found = await listed(crm)
        user = await crm.get_user(id=found[3].id)
        again = await crm.get_user(id=user.username or "")
    assert found[3].username is None
    assert all(isinstance(one.id, str) for one in found)
    assert isinstance(user.radius_id, int)
    assert (user.status, again) == (found[3].status, user)


async def test_dates_get_their_zone_from_the_setting(script: ScriptMaker) -> None:
    """Trap 11."""
    vendor = script(httpx.Response(200, json={"success": "true", "data": DETAIL}))
    async with connection_for(IspCrm, {**SCRIPTED, "timezone": "Asia/Kolkata"}, transport=vendor.transport) as crm:
        user = await crm.get_user(id="31")
    assert user.expiration == datetime(2031, 2, 27, 18, 30, tzinfo=UTC)
    assert user.expiration_text == "2031-02-28 00:00:00"
    assert user.created_at == datetime(2029, 5, 4, 3, 45, 22, tzinfo=UTC)
    assert (user.activated_at, user.mac, user.profile_id, user.radius_id) == (None, None, 14, 31)


@pytest.mark.parametrize(("text", "hour", "minute"), [("2031-11-02 01:30:00", 5, 30), ("2031-11-02 02:30:00", 7, 30)])
def test_of_a_time_that_occurs_twice_the_first_is_taken(text: str, hour: int, minute: int) -> None:
    """Trap 11: clocks in New York go back at 2:00 on that day."""
    assert moment(text, ZoneInfo("America/New_York")) == datetime(2031, 11, 2, hour, minute, tzinfo=UTC)


@given(value=JSON | st.datetimes().map(str) | st.just("0000-00-00 00:00:00"))
def test_a_date_is_aware_utc_or_none(value: Json) -> None:
    found = moment(value, ZoneInfo("America/Sao_Paulo"))
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("word", ["true", "TRUE", True, 1, "1", "ok"])
def test_success_may_be_a_text_or_a_number(word: Json) -> None:
    assert is_true(word) is True


@pytest.mark.parametrize("word", ["false", " False ", False, 0, "0"])
async def test_false_as_text_is_no_success(script: ScriptMaker, word: Json) -> None:
    """Trap 1."""
    vendor = script(httpx.Response(200, json={"success": word, "message": "invented text", "data": DETAIL}))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(RefusedError, match="invented text"):
            await crm.get_user(id="31")


@pytest.mark.parametrize("form", ["text", "bool", "int", "ok"])
async def test_every_form_of_success_is_understood(sandbox: Sandbox, crm_settings: dict[str, Json], form: str) -> None:
    """Trap 1."""
    sandbox.switch("crm", success_as=form)
    async with connection_for(IspCrm, crm_settings) as crm:
        assert (await crm.get_user(id="20")).radius_id == 20
        sandbox.switch("crm", detail_answer="success_false")
        with pytest.raises(RefusedError):
            await crm.get_user(id="20")


async def test_the_status_of_the_envelope_is_not_that_of_the_customer(script: ScriptMaker) -> None:
    """Trap 2."""
    vendor = script(
        httpx.Response(200, json={"success": "true", "data": {**DETAIL, "status": "error"}}),
        httpx.Response(200, json={"status": "error", "data": DETAIL}),
        httpx.Response(200, json={"status": "error", "message": "invented text"}),
    )
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert (await crm.get_user(id="31")).status == "error"
        assert (await crm.get_user(id="31")).status == "active"
        with pytest.raises(RefusedError, match="invented text"):
            await crm.get_user(id="31")


@pytest.mark.parametrize("answer", ["empty_null", "empty_list", "empty_object"])
async def test_a_success_without_data_is_nobody(sandbox: Sandbox, crm_settings: dict[str, Json], answer: str) -> None:
    sandbox.switch("crm", detail_answer=answer)
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(NotFoundError, match="without data"):
            await crm.get_user(id="20")


@pytest.mark.parametrize("answer", ["success_false", "status_error"])
async def test_a_negative_envelope_with_200_is_refused(
    sandbox: Sandbox, crm_settings: dict[str, Json], answer: str
) -> None:
    sandbox.switch("crm", detail_answer=answer)
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(RefusedError, match="invented text"):
            await crm.get_user(id="20")


async def test_a_detail_may_be_bare_or_a_list_of_one_but_not_of_two(script: ScriptMaker) -> None:
    vendor = script(
        httpx.Response(200, json=DETAIL),
        httpx.Response(200, json={"success": "true", "data": [DETAIL]}),
        httpx.Response(200, json={"success": "true", "data": [DETAIL, DETAIL]}),
    )
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert (await crm.get_user(id="31")) == (await crm.get_user(id="31"))
        with pytest.raises(InvalidAnswerError, match="is no user"):
            await crm.get_user(id="31")


async def test_an_unknown_user_is_not_found(crm_settings: dict[str, Json]) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(NotFoundError, match="no such user"):
            await crm.get_user(id="nobody at/all?")


async def test_the_id_is_one_segment_of_the_path(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json=DETAIL))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        await crm.get_user(id="a/b ?c@d")
    assert vendor.requests[0].url.raw_path == b"/api/v1/users/a%2Fb%20%3Fc%40d"


@pytest.mark.parametrize("value", ["..", ".", "a%2Fb", "", " "])
def test_an_id_that_is_encoded_already_or_no_id_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(UserId).validate_python(value)


@pytest.mark.parametrize("envelope", ["users", "data_users", "data", "bare"])
async def test_the_list_is_found_in_every_envelope(
    sandbox: Sandbox, crm_settings: dict[str, Json], envelope: str
) -> None:
    async with connection_for(IspCrm, crm_settings) as crm:
        whole = await listed(crm)
        sandbox.switch("crm", list_envelope=envelope)
        assert await listed(crm) == whole
    assert len(whole) > 100


@pytest.mark.parametrize("paging", ["laravel", "resource"])
async def test_whatever_paging_appears_is_followed_and_resumed(
    sandbox: Sandbox, crm_settings: dict[str, Json], paging: str
) -> None:
    """Trap 12."""
    async with connection_for(IspCrm, crm_settings) as crm:
        whole = await listed(crm)
        sandbox.switch("crm", paging=paging, page_size=50)
        pages = [page async for page in crm.list_users()]
        assert [user for page in pages for user in page.items] == whole
        assert len(pages) > 3
        for before, _ in pairwise(pages):
            rest = await listed(crm, cursor=before.next)
            assert rest == whole[-len(rest) :]
        active = await listed(crm, status="active")
    assert active == [user for user in whole if user.status == "active"]


async def test_the_last_page_by_number_alone_is_enough(script: ScriptMaker) -> None:
    meta = {"meta": {"last_page": 3}}
    vendor = script(users(1, 2, **meta), users(3, **meta), users(4, **meta))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert [user.id for user in await listed(crm, status="active")] == ["1", "2", "3", "4"]
    assert [request.url.query for request in vendor.requests] == [
        b"status=active",
        b"status=active&page=2",
        b"status=active&page=3",
    ]


@pytest.mark.parametrize(
    "where",
    [
        {"next_page_url": "/api/v1/users?page=2"},
        {"next": "/api/v1/users?page=2"},
        {"links": {"next": "/api/v1/users?page=2"}},
        {"links": {"next": {"href": "/api/v1/users?page=2"}}},
        {"next": {"url": "?page=2"}},
        {"data": {"next_page_url": "/api/v1/users?page=2"}},
    ],
)
async def test_the_link_to_the_next_page_is_found_wherever_it_is(script: ScriptMaker, where: dict[str, Json]) -> None:
    """Trap 12."""
    vendor = script(users(1, **where), users(2))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert [user.id for user in await listed(crm)] == ["1", "2"]
    assert str(vendor.requests[1].url) == f"{HOST}/api/v1/users?page=2"


async def test_conditions_that_the_link_to_the_next_page_forgets_are_sent_again(script: ScriptMaker) -> None:
    """Trap 13."""
    vendor = script(
        users(1, next="/api/v1/users?page=2"), users(2, next="/api/v1/users?status=active&page=3"), users(3)
    )
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert [user.id for user in await listed(crm, status="active")] == ["1", "2", "3"]
    assert [request.url.query for request in vendor.requests] == [
        b"status=active",
        b"page=2&status=active",
        b"status=active&page=3",
    ]


async def test_no_page_parameter_is_invented(script: ScriptMaker) -> None:
    """Trap 12."""
    vendor = script(users(1, 2))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert len(await listed(crm)) == 2
    assert [request.url.query for request in vendor.requests] == [b""]


async def test_a_user_that_two_pages_have_is_given_once(script: ScriptMaker) -> None:
    vendor = script(users(1, 2, next="/api/v1/users?page=2"), users(2, 3))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        assert [user.id for user in await listed(crm)] == ["1", "2", "3"]


async def test_pages_that_repeat_themselves_are_an_error(script: ScriptMaker) -> None:
    vendor = script(users(1, 2, next=f"{HOST}/api/v1/users?page=2"))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="does not page"):
            await listed(crm)
    assert len(vendor.requests) == 2


async def test_an_empty_page_that_announces_another_one_is_an_error(script: ScriptMaker) -> None:
    vendor = script(users(1, 2, next="/api/v1/users?page=2"), users(next="/api/v1/users?page=3"), users(3))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="page 2 is empty"):
            await listed(crm)
    assert len(vendor.requests) == 2


async def test_a_list_without_end_is_given_up(script: ScriptMaker) -> None:
    numbers = iter(range(1000))
    vendor = script(lambda _: users(next(numbers), next="/api/v1/users?page=7"))
    async with connection_for(IspCrm, {**SCRIPTED, "page_cap": 4}, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="page_cap"):
            await listed(crm)
    assert len(vendor.requests) == 4


async def test_a_list_that_ends_before_its_total_is_an_error(script: ScriptMaker) -> None:
    vendor = script(users(1, 2, total=3))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="2 of 3"):
            await listed(crm)


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example.net/api/v1/users?page=2", "http://crm.example.net/u", "//elsewhere.example.net/"],
)
async def test_a_next_page_on_another_host_is_never_asked_for(script: ScriptMaker, link: str) -> None:
    """Trap 9."""
    vendor = script(users(1, next=link), users(2))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="token is not sent"):
            await listed(crm)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("cursor", ["x", "2 https://elsewhere.example.net/", "2 //elsewhere.example.net/", "0 /a"])
async def test_a_cursor_never_leads_to_another_host(script: ScriptMaker, cursor: str) -> None:
    """Trap 9."""
    vendor = script(users(1))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(RefusedError, match="not a cursor"):
            await listed(crm, cursor=cursor)
    assert not vendor.requests


async def test_links_are_discovered_and_foreign_ones_never_followed(
    sandbox: Sandbox, crm_settings: dict[str, Json]
) -> None:
    """Trap 9."""
    async with connection_for(IspCrm, {**crm_settings, "follow_links": True}) as crm:
        found = await crm.discover()
        assert found.links == {"list_users": f"{crm_settings['base_url']}/api/v1/users"}
        whole = await listed(crm)
        sandbox.switch("crm", foreign_links=True)
        found = await crm.discover()
        assert (found.links, list(found.foreign)) == ({}, ["list_users"])
        with pytest.raises(InvalidAnswerError, match=r"elsewhere\.example\.net, to which the token is not sent"):
            await listed(crm)
        sandbox.switch("crm", foreign_links=False, root="users")
        assert (await crm.discover()).lists_users
        assert await listed(crm) == whole


async def test_a_status_filter_that_the_server_ignores_is_applied_here(
    sandbox: Sandbox, crm_settings: dict[str, Json]
) -> None:
    """Trap 13."""
    async with connection_for(IspCrm, crm_settings) as crm:
        honoured = await listed(crm, status="expired")
        sandbox.switch("crm", filter_ignored=True)
        assert await listed(crm, status="expired") == honoured
    assert honoured
    assert {user.status for user in honoured} == {"expired"}


async def test_a_row_without_status_cannot_be_told_and_is_an_error(script: ScriptMaker) -> None:
    """Trap 13."""
    vendor = script(httpx.Response(200, json={"users": [{"id": "1"}]}))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        with pytest.raises(InvalidAnswerError, match="no status"):
            await listed(crm, status="active")


async def test_further_conditions_are_sent_and_checked_where_the_row_shows_them(script: ScriptMaker) -> None:
    rows = [{"id": 1, "plan": "Gold"}, {"id": 2, "plan": "Blue"}, {"id": 3, "password": "x"}]
    vendor = script(httpx.Response(200, json={"users": rows}))
    async with connection_for(IspCrm, SCRIPTED, transport=vendor.transport) as crm:
        found = await listed(crm, filters={"plan": "gold"}, fields=["plan", "password"])
        with pytest.raises(RefusedError, match="not both"):
            await listed(crm, status="a", filters={"status": "b"})
    assert [(user.id, user.other) for user in found] == [("1", {"plan": "Gold"}), ("3", {})]
    assert vendor.requests[0].url.query == b"plan=gold"


async def test_an_unwell_server_is_asked_again_later(sandbox: Sandbox, crm_settings: dict[str, Json]) -> None:
    """Trap 10."""
    sandbox.fault("status", code=500, vendor="crm", times=1)
    async with connection_for(IspCrm, crm_settings) as crm:
        with pytest.raises(RetryableError):
            await crm.get_user(id="20")
        await crm.get_user(id="20")


@given(body=JSON)
def test_any_answer_is_a_list_or_an_error(body: Json) -> None:
    response = httpx.Response(200, json=body, request=httpx.Request("GET", HOST))
    said = "a list"
    try:
        list_answer(checked(response, "something"))
    except ActionError as error:
        said = str(error)
    assert said
