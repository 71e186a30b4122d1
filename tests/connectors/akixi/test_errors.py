"""Akixi's codes are typed errors, whatever status and form they come in."""

from __future__ import annotations

from typing import Any

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
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.akixi import Akixi
from backhaul_connectors.akixi.answers import checked
from backhaul_connectors.akixi.errors import ERRORS, NAMES
from connector_kit.sandbox import Sandbox

pytestmark = pytest.mark.anyio

KINDS = {
    30000: AuthenticationError,
    30001: RefusedError,
    30002: RefusedError,
    30003: NotFoundError,
    30004: NotFoundError,
    30005: RefusedError,
    30006: RefusedError,
    30007: RefusedError,
    30008: RefusedError,
    30009: RefusedError,
    10001: AuthenticationError,
    10101: RefusedError,
    10102: RefusedError,
    10103: RefusedError,
    10104: RetryableError,
    10105: RetryableError,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Result", "Error", "Message", "Data", "Code", "ErrorCode"]), inner)
    ),
    max_leaves=8,
)


def answer(body: Json, status: int = 200, method: str = "GET") -> httpx.Response:
    return httpx.Response(status, json=body, request=httpx.Request(method, "https://akixi.example.net/x"))


def bodies(code: int) -> list[Json]:
    name = ERRORS[code].vendor_name
    found: list[Json] = [
        {"Result": "Failure", "ErrorCode": code, "Message": name},
        {"Result": "Failure", "ErrorCode": str(code)},
        {"Error": {"Code": code, "Description": "text"}},
        {"errorcode": code, "message": "text"},
        {"Result": "Failure", "Data": {"ErrorID": code}},
        {"Error": code},
    ]
    if name:
        found += [
            {"Result": "Failure", "ErrorDescription": name},
            {"Error": name},
            {"Message": f"{name}: text"},
            {"Result": name},
        ]
    return found


def test_every_code_has_its_kind() -> None:
    assert {code: issubclass(error, KINDS[code]) for code, error in ERRORS.items()} == dict.fromkeys(KINDS, True)
    assert len(NAMES) == 10


@pytest.mark.parametrize("status", [200, 400, 404, 409, 500])
@pytest.mark.parametrize("code", sorted(ERRORS))
def test_a_code_is_understood_in_every_form_and_status(code: int, status: int) -> None:
    """Trap 5: an error may come with 200."""
    for body in bodies(code):
        with pytest.raises(ERRORS[code], match=str(code)) as caught:
            checked(answer(body, status), "something", repeatable=True)
        assert caught.value.status == status


@pytest.mark.parametrize(
    "body",
    [
        {"Result": "Success"},
        {"result": "success", "Data": {"Code": 30003, "Message": "INTEGRATOR_CLIENT_NOT_FOUND"}},
        {"Result": "Success", "Data": {"Description": "INTEGRATOR_CLIENT_NOT_FOUND"}},
        {"Result": "Success", "ErrorCode": 0, "Message": "fine"},
        [{"ID": "1", "Message": "x"}],
        {"ExecutionStatus": "WAITING", "Message": "soon"},
    ],
)
def test_what_people_wrote_into_a_success_is_no_error(body: Json) -> None:
    assert checked(answer(body), "something", repeatable=True) == body


@pytest.mark.parametrize("body", [{"Message": "no"}, {"Result": "Failure"}, {"Result": 1}, {"Error": "no"}])
def test_a_lone_message_or_a_result_that_is_no_success_is_an_error(body: Json) -> None:
    """Trap 5."""
    with pytest.raises(RefusedError):
        checked(answer(body), "something", repeatable=True)


def test_an_empty_body_is_not_parsed() -> None:
    """Trap 4."""
    response = httpx.Response(204, request=httpx.Request("PUT", "https://akixi.example.net/x"))
    assert checked(response, "something", repeatable=True) is None


def test_an_unknown_error_may_be_repeated_only_where_repeating_is_safe() -> None:
    body = {"Result": "Failure", "ErrorCode": 10000}
    with pytest.raises(RetryableError):
        checked(answer(body), "something", repeatable=True)
    with pytest.raises(UnknownOutcomeError):
        checked(answer(body, 400, "POST"), "something", repeatable=False)


def test_a_html_page_is_no_answer_and_leaves_an_addition_unknown() -> None:
    page = httpx.Response(200, text="<html>x", request=httpx.Request("POST", "https://akixi.example.net/x"))
    with pytest.raises(InvalidAnswerError, match="HTML"):
        checked(page, "something", repeatable=True)
    with pytest.raises(UnknownOutcomeError, match="HTML"):
        checked(page, "something", repeatable=False)


@given(body=JSON, status=st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 409, 500]), repeatable=st.booleans())
def test_any_answer_is_a_value_or_an_error_that_says_what_to_do(body: Json, status: int, repeatable: bool) -> None:
    said = "a value"
    try:
        checked(answer(body, status), "something", repeatable=repeatable)
    except ActionError as error:
        said = str(error)
    assert said


@pytest.mark.parametrize("shape", ["full", "code_only", "name_only", "nested"])
@pytest.mark.parametrize("status", ["semantic", "always_400", "always_200"])
async def test_the_sandboxs_errors_are_typed(
    sandbox: Sandbox, by_key: dict[str, Json], shape: str, status: str
) -> None:
    sandbox.switch("akixi", error_shape=shape, error_status=status)
    place: dict[str, Any] = {"tel_sys_id": 426, "partition_id": 1, "device_number": "+442046034982"}
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(ERRORS[30003]):
            await akixi.get_integrator_client(**place, id="a:b:c:d")
        with pytest.raises(ERRORS[30004]):
            await akixi.add_integrator_client(**{**place, "device_number": "+440000"}, description="x")
        with pytest.raises(ERRORS[30007]):
            await akixi.add_integrator_client(**place, description="x", cm_environment_id="none")
        sandbox.switch("akixi", denied=["list"])
        with pytest.raises(ERRORS[30000]):
            await akixi.check()


@pytest.mark.parametrize(("code", "wide"), [(30008, {"tel_sys_id": -1}), (30009, {"partition_id": -1})])
async def test_a_limited_user_may_not_span(by_key: dict[str, Json], code: int, wide: dict[str, Any]) -> None:
    settings = {**by_key, "api_key": "sunshine-akixi-key"}
    place = {"tel_sys_id": 417, "partition_id": 1, "device_number": "UnknownNoneOrAll", **wide}
    async with connection_for(Akixi, settings) as akixi:
        with pytest.raises(ERRORS[code]):
            await akixi.add_integrator_client(**place, description="x", allow_wildcard=True)


async def test_too_many_calls_are_waited_for_or_told(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    clock = FakeClock(auto=True)
    async with connection_for(Akixi, by_key, clock=clock) as akixi:
        sandbox.fault("rate_limit", vendor="akixi", retry_after_s=7, times=1)
        await akixi.check()
        assert clock.slept_s == 7
        sandbox.fault("rate_limit", vendor="akixi", retry_after_s=600, times=1)
        with pytest.raises(RetryableError, match="429") as caught:
            await akixi.check()
    assert caught.value.retry_after_s == 600


@pytest.mark.parametrize("code", [10001, 10101, 10102, 10103, 10104, 10105])
async def test_general_trouble_is_typed_and_passes(sandbox: Sandbox, by_key: dict[str, Json], code: int) -> None:
    sandbox.switch("akixi", trouble=code, error_status="always_400")
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(ERRORS[code]):
            await akixi.check()
        sandbox.switch("akixi", trouble=None)
        await akixi.check()
