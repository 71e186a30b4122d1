"""Every route refuses who has no token, or one with a lesser role."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from backhaul.store.service_records import Role
from backhaul.web.api.document import PREFIX, build_api
from backhaul.web.tokens import Tokens
from served import Served

pytestmark = pytest.mark.anyio

ADMINS = re.compile(r"/tokens\b")
OPERATIONS = 32


def _operations(served: Served) -> Iterator[tuple[str, str, Role]]:
    """Give method, URL and the role that is needed of every operation, as it is meant to be."""
    api = build_api(served.app, Tokens(served.app.store, served.app.clock))
    for path, item in api.openapi()["paths"].items():
        url = PREFIX + re.sub(r"\{number\}", "1", re.sub(r"\{(?!number)\w+\}", "some", path))
        for method in item:
            role = Role.ADMIN if ADMINS.search(path) else Role.VIEWER if method == "get" else Role.OPERATOR
            yield method.upper(), url, role
    yield "GET", f"{PREFIX}/openapi.json", Role.VIEWER
    yield "GET", "/metrics", Role.VIEWER


async def test_the_walk_sees_every_route(served: Served) -> None:
    api = build_api(served.app, Tokens(served.app.store, served.app.clock))
    documented = {(method.upper(), path) for path, item in api.openapi()["paths"].items() for method in item}
    routes = {
        (method, re.sub(r":\w+}", "}", route.path))
        for route in _flat(api.routes)
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == documented
    assert len(documented) == OPERATIONS


def _flat(routes: Iterable[object]) -> Iterator[object]:
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is None:
            yield route
        else:
            yield from _flat(inner)


@pytest.mark.parametrize("given", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer bh_" + "A" * 43])
async def test_without_a_good_token_every_route_answers_401(
    served: Served, stranger: httpx.AsyncClient, given: str | None
) -> None:
    headers = {} if given is None else {"Authorization": given}
    for method, url, _ in _operations(served):
        answer = await stranger.request(method, url, headers=headers, content=b"{", follow_redirects=False)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), url
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.json()["status"] == 401


async def test_with_a_lesser_role_every_route_answers_403(served: Served) -> None:
    for held, needed in ((Role.VIEWER, Role.OPERATOR), (Role.VIEWER, Role.ADMIN), (Role.OPERATOR, Role.ADMIN)):
        async with served.client(held) as client:
            found = [(method, url) for method, url, role in _operations(served) if role is needed]
            assert found
            for method, url in found:
                # The body is no JSON: the role is looked at first.
                answer = await client.request(method, url, content=b"{")
                assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json"), url
                assert needed.value in answer.json()["detail"]


async def test_with_the_role_every_route_lets_through(served: Served) -> None:
    for method, url, role in _operations(served):
        async with served.client(role) as client:
            answer = await client.request(method, url)
            assert answer.status_code not in {401, 403, 405, 500}, (method, url, answer.text)


async def test_personal_data_is_for_operators(viewer: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    started = await operator.post("/api/v1/runs", json={"workflow": "greet", "inputs": {"phone": "+5581999990000"}})
    run_id = started.json()["run_id"]
    assert started.json()["inputs"]["phone"] == "***"
    url = f"/api/v1/runs/{run_id}"
    assert (await viewer.get(url)).json()["inputs"]["phone"] == "***"
    assert (await viewer.get(url, params={"show_personal": True})).status_code == 403
    shown = await operator.get(url, params={"show_personal": True})
    assert shown.json()["inputs"]["phone"] == "+5581999990000"


async def test_health_needs_no_token(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/healthz")).status_code == 200
    assert (await stranger.get("/readyz")).status_code == 200


async def test_a_request_with_a_body_and_no_token_is_answered_before_its_body_is_read(served: Served) -> None:
    # 401, not 413: nothing of what strangers send is looked at.
    async with served.client(None) as client:
        answer = await client.post("/api/v1/runs", content=b"x" * 2_000_000)
    assert answer.status_code == 401
