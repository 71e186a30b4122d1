"""What an action may not send: paths outside of the base URL, methods that do not fit the stated effect."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import Json, RefusedError, UnknownOutcomeError
from backhaul.testing import connection_for
from backhaul_connectors.http import Http
from backhaul_connectors.http.paths import request_path
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Json] = {"base_url": "https://api.example.net/v1"}
OK = httpx.Response(200, json={"ok": True})
TOKEN = "invented-token-7781"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example.net/",
        "//evil.example.net/",
        "file:/etc/passwd",
        "/../admin",
        "/users/../../admin",
        "..",
        "/users/.",
        "/%2e%2e/admin",
        "/users/%2E%2e%2fadmin",
        "/%252e%252e/admin",
        "/..\\admin",
        "/users?admin=1",
        "/users#x",
        "/users\n",
        "/users%0d%0aX: y",
        "/users/\x00",
    ],
)
async def test_a_path_stays_below_the_base_url(script: ScriptMaker, path: str) -> None:
    vendor = script(OK)
    async with connection_for(Http, {**SETTINGS, "auth": "bearer", "token": TOKEN}, transport=vendor.transport) as api:
        with pytest.raises(RefusedError, match="nothing was sent"):
            await api.read(path=path)
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("path", "values"),
    [("/users/{id}", {"id": ".."}), ("/users/{id}", {"id": ""}), ("/users/{id}", {}), ("/users", {"id": "1"})],
)
async def test_values_that_do_not_fit_a_path_are_refused(
    script: ScriptMaker, path: str, values: dict[str, str]
) -> None:
    vendor = script(OK)
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        with pytest.raises(RefusedError, match="nothing was sent"):
            await api.remove(path=path, path_values=values)
    assert vendor.requests == []


@given(path=st.text(max_size=30) | st.from_regex(r"[/.%25eE\\:a?#]{1,12}"), value=st.text(min_size=1, max_size=20))
def test_whatever_the_path_the_request_stays_at_its_host(path: str, value: str) -> None:
    try:
        made = request_path(f"{path}/{{id}}", {"id": value.encode("utf-8", "replace").decode()})
    except RefusedError:
        return
    try:
        url = httpx.Client(base_url="https://api.example.net/v1").build_request("GET", made).url
    except httpx.InvalidURL:
        return
    assert (url.host, url.scheme) == ("api.example.net", "https")
    assert url.raw_path.startswith(b"/v1/")
    assert not {b".", b".."}.intersection(url.raw_path.split(b"/"))
    assert not url.query
    assert not url.fragment


@pytest.mark.parametrize(
    ("action", "method", "allowed"),
    [
        ("read", "GET", True),
        ("read", "HEAD", True),
        ("read", "POST", False),
        ("read", "DELETE", False),
        ("write", "PUT", True),
        ("write", "POST", True),
        ("write", "PATCH", True),
        ("write", "GET", False),
        ("write", "DELETE", False),
        ("remove", "DELETE", True),
        ("remove", "POST", True),
        ("remove", "GET", False),
        ("remove", "PUT", False),
        ("once", "POST", True),
        ("once", "DELETE", True),
        ("once", "GET", False),
        ("once", "HEAD", False),
    ],
)
async def test_the_method_fits_the_stated_effect(script: ScriptMaker, action: str, method: str, allowed: bool) -> None:
    vendor = script(OK)
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        if allowed:
            await getattr(api, action)(path="/x", method=method)
        else:
            with pytest.raises(RefusedError, match="nothing was sent"):
                await getattr(api, action)(path="/x", method=method)
    assert len(vendor.requests) == int(allowed)


async def test_reads_by_post_and_effects_by_get_are_settings(script: ScriptMaker) -> None:
    vendor = script(OK)
    settings = {**SETTINGS, "allow_post_reads": True, "allow_get_effects": True}
    async with connection_for(Http, settings, transport=vendor.transport) as api:
        await api.read(path="/search", method="POST", body={"q": 1})
        await api.once(path="/ring", method="GET")
    assert [request.method for request in vendor.requests] == ["POST", "GET"]


async def test_what_the_connection_states_of_a_path_holds_for_every_step(script: ScriptMaker) -> None:
    vendor = script(OK)
    rules = [
        {"method": "POST", "path": "/search/*", "effect": "read"},
        {"method": "post", "path": "/orders*", "effect": "once"},
        {"method": "GET", "path": "/reboot", "effect": "once"},
    ]
    async with connection_for(Http, {**SETTINGS, "effects": rules}, transport=vendor.transport) as api:
        await api.read(path="/search/users", method="POST", body={})
        await api.once(path="/orders")
        await api.once(path="/reboot", method="GET")
        assert len(vendor.requests) == 3
        with pytest.raises(RefusedError, match="is once, so use once, not write"):
            await api.write(path="/orders/7", method="POST")
        with pytest.raises(RefusedError, match="is once, so use once, not read"):
            await api.read(path="/reboot")
    assert len(vendor.requests) == 3


@pytest.mark.parametrize("action", ["read", "write", "remove"])
async def test_repeatable_requests_are_repeated(script: ScriptMaker, action: str) -> None:
    vendor = script(httpx.Response(503), OK)
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        await getattr(api, action)(path="/x")
    assert len(vendor.requests) == 2


async def test_others_are_never_repeated(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(503), OK)
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        with pytest.raises(UnknownOutcomeError):
            await api.once(path="/x")
    assert len(vendor.requests) == 1
