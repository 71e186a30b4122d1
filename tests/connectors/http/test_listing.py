"""A list is whole or an error, in every style of paging, and can be resumed at every page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backhaul.sdk import InvalidAnswerError, Json, Page, RefusedError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.http import Http, Paging
from backhaul_connectors.http.paging import Place
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Json] = {"base_url": "https://api.example.net/v1"}
ALL = [{"id": number} for number in range(7)]


async def ids_of(pages: AsyncIterator[Page[Json]]) -> list[int]:
    return [item["id"] async for page in pages for item in page.items]


def server(total: int = 7, cap: int = 1000) -> Callable[[httpx.Request], httpx.Response]:
    """An API with all styles of paging at once; it never gives more than `cap` records."""
    records = [{"id": number} for number in range(total)]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = {**(json.loads(request.content) if request.content else {}), **request.url.params}
        size = min(int(asked.get("limit", 100)), cap)
        begin = int(asked.get("offset", (int(asked.get("page", 1)) - 1) * size))
        if asked.get("cursor"):
            begin = int(str(asked["cursor"]).removeprefix("after:"))
        end = min(begin + size, total)
        follows = end < total
        link = f"https://api.example.net/v1/users?offset={end}&limit={size}&sort=id"
        body = {
            "data": {"items": records[begin:end]},
            "total": total,
            "more": follows,
            "next": f"after:{end}" if follows else None,
            "next_url": link if follows else None,
        }
        headers = {"link": f'<{link}>; rel="next", <https://api.example.net/v1/users>; rel="first"'} if follows else {}
        return httpx.Response(200, json=body, headers=headers)

    return answer


STYLES: dict[str, dict[str, Json]] = {
    "page": {"style": "page"},
    "page_total": {"style": "page", "total": "total"},
    "page_more": {"style": "page", "more": "more"},
    "page_short": {"style": "page", "short_page_ends": True},
    "offset": {"style": "offset"},
    "offset_total": {"style": "offset", "total": "total"},
    "cursor": {"style": "cursor", "next": "next"},
    "cursor_total": {"style": "cursor", "next": "next", "more": "more", "total": "total"},
    "link": {"style": "link"},
    "link_body": {"style": "link", "next": "next_url"},
}


@pytest.mark.parametrize("style", STYLES)
async def test_all_records_come_once_and_from_every_cursor(script: ScriptMaker, style: str) -> None:
    paging = Paging.model_validate({**STYLES[style], "page_size": 3})
    async with connection_for(Http, SETTINGS, transport=script(server()).transport) as api:

        def listing(cursor: str | None = None) -> AsyncIterator[Page[Json]]:
            return api.list(path="/users", items="data.items", paging=paging, query={"sort": "id"}, cursor=cursor)

        pages = [page async for page in listing()]
        assert [item["id"] for page in pages for item in page.items] == list(range(7))
        assert pages[-1].next is None
        for number, page in enumerate(pages[:-1]):
            assert page.next is not None
            rest = [item["id"] for later in pages[number + 1 :] for item in later.items]
            assert await ids_of(listing(page.next)) == rest


@settings(deadline=None, max_examples=60)
@given(
    total=st.integers(0, 12),
    size=st.integers(1, 6),
    cap=st.integers(1, 6),
    style=st.sampled_from(["offset", "offset_total", "cursor", "link", "link_body"]),
)
async def test_a_server_that_gives_fewer_than_asked_loses_nothing(total: int, size: int, cap: int, style: str) -> None:
    paging = Paging.model_validate({**STYLES[style], "page_size": size})
    transport = httpx.MockTransport(server(total, cap))
    async with connection_for(Http, SETTINGS, transport=transport) as api:
        found = await ids_of(api.list(path="/users", items="data.items", paging=paging))
    assert found == list(range(total))


async def test_the_paging_of_the_connection_counts_unless_the_step_has_its_own(script: ScriptMaker) -> None:
    settings = {**SETTINGS, "paging": {"style": "page", "page_param": "p", "first_page": 0, "size_param": None}}
    vendor = script(httpx.Response(200, json=[{"id": 1}]), httpx.Response(200, json=[]))
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        assert await ids_of(api.list(path="/users", query={"a": "b"})) == [1]
        assert [str(request.url.query, "ascii") for request in vendor.requests] == ["a=b&p=0", "a=b&p=1"]
        assert await ids_of(api.list(path="/users", paging=Paging())) == []


async def test_the_total_is_told(script: ScriptMaker) -> None:
    paging = Paging.model_validate({**STYLES["page_total"], "page_size": 3})
    async with connection_for(Http, SETTINGS, transport=script(server()).transport) as api:
        pages = [page async for page in api.list(path="/users", items="data.items", paging=paging)]
    assert [page.total for page in pages] == [7, 7, 7]


@pytest.mark.parametrize(("style", "requests"), [("page_short", 3), ("page", 4)])
async def test_a_short_page_is_taken_for_the_last_only_by_setting(
    script: ScriptMaker, style: str, requests: int
) -> None:
    paging = Paging.model_validate({**STYLES[style], "page_size": 3})
    vendor = script(server())
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        assert await ids_of(api.list(path="/users", items="data.items", paging=paging)) == list(range(7))
    assert len(vendor.requests) == requests


@pytest.mark.parametrize(("limit", "requests"), [(1, 1), (3, 1), (4, 2), (7, 3), (50, 3)])
async def test_a_limit_ends_the_list_and_is_kept_by_a_cursor(script: ScriptMaker, limit: int, requests: int) -> None:
    paging = Paging.model_validate({**STYLES["page_total"], "page_size": 3})
    vendor = script(server())
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        pages = [page async for page in api.list(path="/users", items="data.items", paging=paging, limit=limit)]
        assert len(vendor.requests) == requests
        if pages[0].next is not None:
            rest = api.list(path="/users", items="data.items", paging=paging, limit=limit, cursor=pages[0].next)
            assert len(await ids_of(rest)) == min(limit, 7) - 3
    assert sum(len(page.items) for page in pages) == min(limit, 7)
    assert pages[-1].next is None


async def test_places_and_searches_can_be_in_the_body(script: ScriptMaker) -> None:
    settings = {**SETTINGS, "allow_post_reads": True}
    paging = Paging.model_validate({**STYLES["offset_total"], "place_in": "body", "page_size": 5})
    vendor = script(server())
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        found = api.list(path="/users", items="data.items", paging=paging, method="POST", body={"q": "ana"})
        assert await ids_of(found) == list(range(7))
        with pytest.raises(RefusedError, match="must be an object"):
            await ids_of(api.list(path="/users", paging=paging, method="POST", body=[1]))
    assert vendor.bodies == [{"q": "ana", "limit": 5, "offset": 0}, {"q": "ana", "limit": 5, "offset": 5}]


def answers(*bodies: Json) -> list[httpx.Response]:
    return [httpx.Response(200, json=body) for body in bodies]


PAGE: Json = {"items": [{"id": 1}, {"id": 2}], "total": 5, "more": True, "next": "b"}


@pytest.mark.parametrize(
    ("paging", "bodies", "message"),
    [
        ({"style": "page"}, [PAGE, PAGE], "is the page before it again"),
        ({"style": "offset", "total": "total"}, [PAGE, PAGE], "is the page before it again"),
        ({"style": "page", "total": "total"}, [PAGE, {"items": [], "total": 5}], "cut short"),
        ({"style": "page", "more": "more"}, [PAGE, {"items": [], "more": True}], "the page is empty"),
        ({"style": "page", "more": "more", "total": "total"}, [{**PAGE, "more": False}], "after 2 of 5 records"),
        ({"style": "page", "more": "more"}, [{"items": []}], "does not tell whether more follows"),
        ({"style": "page", "more": "more"}, [{"items": [], "more": "no"}], "does not tell"),
        ({"style": "page", "total": "total"}, [{"items": []}], "does not tell the number"),
        ({"style": "page", "total": "total"}, [{"items": [], "total": True}], "does not tell the number"),
        ({"style": "cursor", "next": "next"}, [PAGE, {"items": [{"id": 3}], "next": "b"}], "leads to itself"),
        ({"style": "cursor", "next": "next"}, [{"items": [], "next": {"x": 1}}], "neither text nor number"),
        ({"style": "cursor", "next": "next"}, [{"items": [], "next": "x" * 5000}], "5000 characters"),
        ({"style": "cursor", "next": "next", "total": "total"}, [{"items": [], "total": 1}], "after 0 of 1"),
        ({"style": "none", "total": "total"}, [PAGE], "after 2 of 5"),
        ({"style": "link", "next": "next"}, [{"items": [], "next": 7}], "is no text"),
        ({"style": "none"}, [{"items": {}}], "no list at 'items'"),
        ({"style": "none"}, [{"rows": []}], "no 'items'"),
        ({"style": "none"}, [None], "no 'items'"),
    ],
)
async def test_a_list_that_cannot_be_whole_is_an_error(
    script: ScriptMaker, paging: dict[str, Json], bodies: list[Json], message: str
) -> None:
    async with connection_for(Http, SETTINGS, transport=script(*answers(*bodies)).transport) as api:
        with pytest.raises(InvalidAnswerError, match=message):
            await ids_of(api.list(path="/users", items="items", paging=Paging.model_validate(paging)))


async def test_a_repeated_page_is_the_end_only_by_setting(script: ScriptMaker) -> None:
    paging = Paging.model_validate({"style": "page", "repeated_page": "stop"})
    async with connection_for(Http, SETTINGS, transport=script(*answers(PAGE)).transport) as api:
        assert await ids_of(api.list(path="/users", items="items", paging=paging)) == [1, 2]
        whole = Paging.model_validate({"style": "page", "repeated_page": "stop", "total": "total"})
        with pytest.raises(InvalidAnswerError, match="cut short"):
            await ids_of(api.list(path="/users", items="items", paging=whole))


async def test_a_repeated_page_is_noticed_after_resuming(script: ScriptMaker) -> None:
    paging = Paging.model_validate({"style": "page"})
    async with connection_for(Http, SETTINGS, transport=script(*answers(PAGE)).transport) as api:
        first = await anext(aiter(api.list(path="/users", items="items", paging=paging)))
        with pytest.raises(InvalidAnswerError, match="again"):
            await ids_of(api.list(path="/users", items="items", paging=paging, cursor=first.next))


async def test_a_list_without_end_is_given_up(script: ScriptMaker) -> None:
    numbers = iter(range(1000))
    vendor = script(lambda _: httpx.Response(200, json=[{"id": next(numbers)}]))
    async with connection_for(Http, {**SETTINGS, "page_cap": 5}, transport=vendor.transport) as api:
        with pytest.raises(InvalidAnswerError, match="within 5 pages"):
            await ids_of(api.list(path="/users", paging=Paging.model_validate({"style": "page"})))
    assert len(vendor.requests) == 5


async def test_pages_can_be_paused_between(script: ScriptMaker) -> None:
    clock = FakeClock(auto=True)
    paging = Paging.model_validate({**STYLES["page_total"], "page_size": 3})
    settings = {**SETTINGS, "page_pause_s": 2}
    async with connection_for(Http, settings, transport=script(server()).transport, clock=clock) as api:
        await ids_of(api.list(path="/users", items="data.items", paging=paging))
    assert clock.slept_s == 4


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.net/v1/users?page=2",
        "http://api.example.net/v1/users?page=2",
        "https://api.example.net:8443/v1/users?page=2",
        "https://api.example.net/v2/users?page=2",
        "https://api.example.net/v1x/users",
        "https://api.example.net/v1/../admin",
        "https://api.example.net/v1/%2e%2e/admin",
        "https://user@api.example.net/v1/users",
        "//evil.example.net/v1/users",
        "https://[bad/",
        "https://api.example.net:port/v1/users",
        "javascript:alert(1)",
    ],
)
async def test_a_link_that_leaves_the_base_url_is_not_followed(script: ScriptMaker, link: str) -> None:
    vendor = script(httpx.Response(200, json={"items": [{"id": 1}], "next": link}))
    paging = Paging.model_validate({"style": "link", "next": "next"})
    settings = {**SETTINGS, "auth": "bearer", "token": "invented-token"}
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        with pytest.raises(InvalidAnswerError, match="link to the next page"):
            await ids_of(api.list(path="/users", items="items", paging=paging))
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "link", ["https://api.example.net/v1/users?page=2&q=a%2Bb", "/v1/users?page=2&q=a%2Bb", "?page=2&q=a%2Bb"]
)
async def test_a_link_is_followed_as_it_is_with_the_credentials_of_the_connection(
    script: ScriptMaker, link: str
) -> None:
    pages = [
        httpx.Response(200, json=[{"id": 1}], headers={"link": f'<{link}&key=old-key-1234>; rel="next"'}),
        httpx.Response(200, json=[{"id": 2}]),
    ]
    vendor = script(*pages)
    settings = {**SETTINGS, "auth": "query", "auth_name": "key", "token": "invented-token", "query": {"q": "x"}}
    paging = Paging.model_validate({"style": "link"})
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        found = [page async for page in api.list(path="/users", paging=paging)]
    assert [item["id"] for page in found for item in page.items] == [1, 2]
    assert str(vendor.requests[1].url) == "https://api.example.net/v1/users?page=2&q=a%2Bb&key=invented-token"
    assert found[0].next is not None
    assert "key" not in found[0].next


@pytest.mark.parametrize("cursor", ["", "x", "{}", "[]", "3", '{"style":"offset","at":0,"size":3}', '{"style":"page"}'])
async def test_a_cursor_of_something_else_is_refused(script: ScriptMaker, cursor: str) -> None:
    async with connection_for(Http, SETTINGS, transport=script(server()).transport) as api:
        with pytest.raises(InvalidAnswerError, match="not a cursor"):
            await ids_of(api.list(path="/users", paging=Paging.model_validate({"style": "page"}), cursor=cursor))


@given(
    text=st.text()
    | st.dictionaries(st.sampled_from(["style", "at", "size"]), st.integers() | st.text()).map(json.dumps)
)
def test_whatever_the_cursor_it_is_a_place_or_refused(text: str) -> None:
    try:
        place = Place.of(text, Paging.model_validate({"style": "offset"}))
    except InvalidAnswerError:
        return
    assert type(place.at) is int


def test_unknown_paging_settings_are_refused() -> None:
    unknown: dict[str, Any] = {"style": "page", "page_parm": "p"}
    with pytest.raises(ValidationError, match="page_parm"):
        Paging.model_validate(unknown)


async def test_a_list_over_real_http(sandbox: Sandbox) -> None:
    async with connection_for(Http, {"base_url": f"{sandbox.url}/_sandbox"}) as api:
        await api.read(path="/world")
        pages = [page async for page in api.list(path="/requests", items="items")]
    assert len(pages) == 1
    assert pages[0].next is None
