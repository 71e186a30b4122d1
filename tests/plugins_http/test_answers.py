"""From answers, as real systems give them, to values and errors."""

from __future__ import annotations

import httpx
import pytest

from backhaul.errors import (
    AuthenticationError,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.plugins.action import Effect
from backhaul.plugins.calls import CallContext, calling
from backhaul.plugins.http import excerpt, json_of, raise_for_status
from backhaul.plugins.http_answers import retry_after_s
from backhaul.secrets import Secret


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def response(body: bytes | str = b"", status: int = 200, method: str = "GET", **headers: str) -> httpx.Response:
    request = httpx.Request(method, "https://acs.example/api/devices?token=in-the-query")
    content = body.encode() if isinstance(body, str) else body
    return httpx.Response(status, content=content, request=request, headers=_dashed(headers))


@pytest.mark.parametrize(
    "body",
    [
        '{"a": "é"}'.encode(),
        '\ufeff{"a": "é"}'.encode(),
        '{"a": "é"}'.encode("latin-1"),
        '{"a": "é"}'.encode("utf-16"),
        b'\r\n  {"a": "\\u00e9"}\r\n',
    ],
)
def test_json_is_read_in_every_encoding_that_was_seen(body: bytes) -> None:
    assert json_of(response(body, content_type="text/html")) == {"a": "é"}


def test_windows_quotes_in_latin_1_are_kept() -> None:
    assert json_of(response('"“quoted” é"'.encode("cp1252"))) == "“quoted” é"


@pytest.mark.parametrize("body", ["null", "false", "0", "[]", '""'])
def test_falsy_json_is_a_value(body: str) -> None:
    assert not json_of(response(body))


def test_an_html_page_is_named_with_its_title_and_without_its_tags() -> None:
    page = "<!DOCTYPE html><html><head><title>401 Authorization Required</title><style>p{}</style></head><body>nginx"
    with pytest.raises(InvalidAnswerError) as caught:
        json_of(response(page, 200))
    text = str(caught.value)
    assert "GET /api/devices answered 200" in text
    assert "401 Authorization Required" in text
    assert "<" not in text
    assert "in-the-query" not in text
    assert "base_url" in text


def test_an_empty_body_is_named() -> None:
    with pytest.raises(InvalidAnswerError, match="an empty body"):
        json_of(response(b" \n"))


def test_broken_json_shows_its_beginning() -> None:
    with pytest.raises(InvalidAnswerError, match=r"broken JSON of 16 bytes.*Fatal error"):
        json_of(response("Fatal error: x {"))


def test_json_too_deep_for_the_reader_is_broken_json() -> None:
    with pytest.raises(InvalidAnswerError):
        json_of(response("[" * 100_000))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, InvalidAnswerError),
        (400, RefusedError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (408, RetryableError),
        (409, RefusedError),
        (410, NotFoundError),
        (422, RefusedError),
        (425, RetryableError),
        (429, RetryableError),
        (500, RetryableError),
        (503, RetryableError),
    ],
)
def test_statuses_become_errors_by_what_happens_next(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=str(status)) as caught:
        raise_for_status(response("why", status, location="https://new.example/x?secret=1"))
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [200, 201, 204])
def test_successes_pass(status: int) -> None:
    raise_for_status(response(b"", status))


@pytest.mark.parametrize("status", [408, 500, 502])
def test_a_broken_off_once_action_is_unknown(status: int) -> None:
    with (
        calling(CallContext(effect=Effect.ONCE, connection="acs", action="reboot")),
        pytest.raises(UnknownOutcomeError),
    ):
        raise_for_status(response("oops", status, "POST"))


def test_a_429_of_a_once_action_may_be_repeated() -> None:
    context = CallContext(effect=Effect.ONCE, connection="acs", action="reboot")
    with calling(context), pytest.raises(RetryableError) as caught:
        raise_for_status(response("", 429, "POST", retry_after="12"))
    assert caught.value.retry_after_s == 12


def test_an_excerpt_is_short_one_line_and_without_secrets() -> None:
    secret = Secret("hunter2-hunter2")
    text = excerpt(response(f"<p>bad\n\x00 token\t{secret.reveal()} &amp; more</p><script>x()</script>" + "y" * 500))
    assert text.startswith("bad token *** & more")
    assert len(text) == 200
    assert excerpt(response("<html><script>endless")) == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2015 00:01:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("99999999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    found = response("", 429, retry_after=value, date="Thu, 01 Jan 2026 00:00:00 GMT")
    assert retry_after_s(found) == seconds
