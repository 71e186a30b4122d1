"""What an answer means, by the connection's rules; and which part of it is returned."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.testing import connection_for
from backhaul_connectors.http import Http
from backhaul_connectors.http.extraction import MissingError, extract
from backhaul_connectors.http.models import Expect
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Json] = {"base_url": "https://api.example.net/v1"}
VALUE = {"data": {"items": [{"id": 7}, {"id": 8}], "a.b": 1, "c\\d": 2, "0": "zero"}, "n": None}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", VALUE),
        ("data.items", [{"id": 7}, {"id": 8}]),
        ("data.items.0.id", 7),
        ("data.items.-1.id", 8),
        (r"data.a\.b", 1),
        (r"data.c\\d", 2),
        ("data.0", "zero"),
        ("n", None),
    ],
)
def test_a_path_leads_to_a_value(path: str, expected: Json) -> None:
    assert extract(VALUE, path) == expected


@pytest.mark.parametrize("path", ["x", "data.items.2", "data.items.id", "n.x", "data.items.0.id.x", "data.items.-3"])
def test_a_missing_value_is_named_with_what_there_is(path: str) -> None:
    with pytest.raises(MissingError, match="there is no"):
        extract(VALUE, path)


@given(
    value=st.recursive(st.none() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
    path=st.text(alphabet="ab01-.\\", max_size=8),
)
def test_extraction_is_a_value_or_a_missing_one(value: Json, path: str) -> None:
    try:
        extract(value, path)
    except MissingError:
        return


async def test_the_answer_has_status_body_and_named_headers(script: ScriptMaker) -> None:
    headers = {"ETag": '"v1"', "Set-Cookie": "session=1", "X-Rate": "5", "content-type": "application/json"}
    vendor = script(httpx.Response(201, headers=headers, content=b'{"data": {"id": 7}}'))
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        answer = await api.once(path="/users", extract="data.id")
    assert (answer.status, answer.body) == (201, 7)
    assert answer.headers == {"content-type": "application/json", "etag": '"v1"'}
    async with connection_for(Http, {**SETTINGS, "answer_headers": ["X-Rate"]}, transport=vendor.transport) as api:
        assert (await api.read(path="/users")).headers == {"x-rate": "5"}


@pytest.mark.parametrize(
    ("expect", "content", "body"),
    [
        ("json", b"", None),
        ("json", b" \n", None),
        ("json", b"[1]", [1]),
        ("text", b"[1]", "[1]"),
        ("text", b"", None),
        ("any", b"[1]", [1]),
        ("any", b"OK", "OK"),
        ("any", b"<html>", "<html>"),
    ],
)
async def test_what_a_body_has_to_be_is_the_steps_choice(
    script: ScriptMaker, expect: str, content: bytes, body: Json
) -> None:
    async with connection_for(Http, SETTINGS, transport=script(httpx.Response(200, content=content)).transport) as api:
        assert (await api.read(path="/x", expect=Expect(expect))).body == body


@pytest.mark.parametrize("content", [b"<html>login</html>", b"{", b"OK"])
async def test_a_body_that_is_no_json_is_no_answer(script: ScriptMaker, content: bytes) -> None:
    async with connection_for(Http, SETTINGS, transport=script(httpx.Response(200, content=content)).transport) as api:
        with pytest.raises(InvalidAnswerError):
            await api.read(path="/x")
        with pytest.raises(UnknownOutcomeError, match="may have been carried out"):
            await api.once(path="/x")


async def test_a_missing_part_of_the_answer_is_an_error_that_names_what_there_is(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, json={"data": {"rows": []}}))
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        with pytest.raises(InvalidAnswerError, match=r"no 'items' at 'data' \(there is: rows\)"):
            await api.read(path="/x", extract="data.items")
        with pytest.raises(UnknownOutcomeError):
            await api.once(path="/x", extract="data.id")


@pytest.mark.parametrize(
    ("rules", "body", "error"),
    [
        ({"success_field": "success"}, {"success": True}, None),
        ({"success_field": "success"}, {"success": False, "message": "no such plan"}, RefusedError),
        ({"success_field": "success"}, {"success": "true", "message": "no such plan"}, RefusedError),
        ({"success_field": "success"}, {"success": 1, "message": "no such plan"}, RefusedError),
        ({"success_field": "s.c", "success_values": ["ok", 0]}, {"s": {"c": 0}}, None),
        ({"success_field": "success"}, {"message": "no such plan"}, InvalidAnswerError),
        ({"success_field": "success"}, [], InvalidAnswerError),
        ({"success_field": "success", "success_missing_ok": True}, {"id": 1}, None),
    ],
)
async def test_success_can_be_a_field_of_the_answer(
    script: ScriptMaker, rules: dict[str, Json], body: Json, error: type[ActionError] | None
) -> None:
    vendor = script(httpx.Response(200, json=body))
    async with connection_for(Http, {**SETTINGS, **rules}, transport=vendor.transport) as api:
        if error is None:
            assert (await api.write(path="/x")).body == body
            return
        with pytest.raises(error, match="no such plan" if error is RefusedError else "does not tell"):
            await api.write(path="/x")
        with pytest.raises(RefusedError if error is RefusedError else UnknownOutcomeError):
            await api.once(path="/x")


async def test_a_head_has_no_field_that_could_tell_success(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(200, headers={"etag": '"v1"'}))
    async with connection_for(Http, {**SETTINGS, "success_field": "success"}, transport=vendor.transport) as api:
        assert (await api.read(path="/x", method="HEAD")).headers == {"etag": '"v1"'}
        with pytest.raises(InvalidAnswerError, match="does not tell"):
            await api.read(path="/x")


async def test_statuses_of_success_are_a_setting(script: ScriptMaker) -> None:
    async with connection_for(
        Http, {**SETTINGS, "success_status": [200, "409"]}, transport=script(httpx.Response(409)).transport
    ) as api:
        assert (await api.write(path="/x")).status == 409
    async with connection_for(
        Http, {**SETTINGS, "success_status": ["200"]}, transport=script(httpx.Response(202)).transport
    ) as api:
        with pytest.raises(InvalidAnswerError, match="success_status"):
            await api.write(path="/x")
        with pytest.raises(UnknownOutcomeError):
            await api.once(path="/x")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (422, RefusedError),
        (500, RetryableError),
        (302, InvalidAnswerError),
    ],
)
async def test_errors_are_classified_and_say_what_the_api_says(
    script: ScriptMaker, status: int, error: type[ActionError]
) -> None:
    body = {"junk": "x" * 400, "error": {"message": "the plan 310M is closed"}}
    vendor = script(httpx.Response(status, json=body, headers={"location": "/login"}))
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        with pytest.raises(error, match="the plan 310M is closed"):
            await api.read(path="/x")


@pytest.mark.parametrize(
    ("fields", "body", "said"),
    [
        (["fault.text"], {"fault": {"text": "first"}, "error": "second"}, "first"),
        (["fault", "errors"], {"errors": [{"field": "cpf", "code": "invalid"}]}, "invalid"),
        (["a.0"], {"a": ["zero"]}, "zero"),
    ],
)
async def test_where_an_error_says_something_is_a_setting(
    script: ScriptMaker, fields: list[str], body: Json, said: str
) -> None:
    content = json.dumps({"pad": "x" * 300, **body})
    vendor = script(httpx.Response(400, content=content))
    async with connection_for(Http, {**SETTINGS, "error_fields": fields}, transport=vendor.transport) as api:
        with pytest.raises(RefusedError, match=said):
            await api.read(path="/x")


async def test_a_redirect_after_an_effect_is_an_unknown_outcome(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(303, headers={"location": "/orders/7"}))
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        with pytest.raises(UnknownOutcomeError):
            await api.once(path="/orders")
    assert len(vendor.requests) == 1


async def test_what_is_gone_already_counts_as_removed(script: ScriptMaker) -> None:
    for status in (404, 410):
        vendor = script(httpx.Response(status, json={"error": "gone"}))
        async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
            answer = await api.remove(path="/users/7")
            assert (answer.status, answer.body) == (status, None)
            with pytest.raises(NotFoundError):
                await api.write(path="/users/7")
        async with connection_for(Http, {**SETTINGS, "missing_is_removed": False}, transport=vendor.transport) as api:
            with pytest.raises(NotFoundError):
                await api.remove(path="/users/7")
