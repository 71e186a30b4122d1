"""From an HTTP response to a JSON value or an error that says what to do."""

from __future__ import annotations

import codecs
import json
import re
from email.utils import parsedate_to_datetime
from html import unescape
from typing import TYPE_CHECKING

from backhaul.errors import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.json_values import Json
from backhaul.plugins.calls import current_call
from backhaul.secrets import redact

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

__all__ = [
    "REPEATABLE",
    "error_for",
    "excerpt",
    "is_repeatable",
    "json_of",
    "place_of",
    "raise_for_status",
    "retry_after_s",
]

REPEATABLE = "backhaul.repeatable"
"""Key of a request's extensions: whether it may be sent again."""

_EXCERPT = 200
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HIDDEN_HTML = re.compile(r"<(script|style|head)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*(>|$)")


def is_repeatable(request: httpx.Request) -> bool:
    """Tell whether a request may be sent again when its outcome is not known.

    What the connector said of the request counts first, then the effect of the current action; outside actions only
    the methods that change nothing may be repeated.
    """
    stated = request.extensions.get(REPEATABLE)
    if isinstance(stated, bool):
        return stated
    call = current_call.get()
    return call.effect.repeatable if call is not None else request.method in _SAFE_METHODS


def place_of(request: httpx.Request) -> str:
    """Return method and path, without query and secrets: ``GET /api/v1/devices``."""
    return redact(f"{request.method} {request.url.path}")


def json_of(response: httpx.Response) -> Json:
    """Return the JSON value of a response, whatever content type it claims.

    Accepts UTF-8 (with or without a byte order mark), UTF-16 and UTF-32 with a mark, and Latin-1.

    Raises:
        InvalidAnswerError: the body is empty, HTML or broken JSON.
    """
    body = response.content
    text = _text(body).strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text:
        what = "an empty body"
    elif text.startswith("<"):
        what = f"an HTML page or XML ({excerpt(response, 80)!r}); check base_url and the path"
    else:
        what = f"broken JSON of {len(body)} bytes, which begins {excerpt(response, 80)!r}"
    raise InvalidAnswerError(
        f"{place_of(response.request)} answered {response.status_code} with {what}", status=response.status_code
    )


def raise_for_status(response: httpx.Response) -> None:
    """Return when the status is 2xx; raise the error that fits otherwise.

    Raises:
        AuthenticationError: 401 and 403.
        NotFoundError: 404 and 410.
        RetryableError: 408, 425, 429; also 5xx when the request may be repeated.
        UnknownOutcomeError: 408 and 5xx when the request may not be repeated.
        InvalidAnswerError: a redirect, which an API does not give: the base URL is wrong.
        RefusedError: any other 4xx.
    """
    if not response.is_success:
        raise error_for(response)


def error_for(response: httpx.Response, *, now: datetime | None = None) -> ActionError:
    """Return the error that `raise_for_status` raises for a response that is not a success."""
    status = response.status_code
    place = place_of(response.request)
    said = excerpt(response)
    tail = f": {said}" if said else ""
    match status:
        case 401:
            text = f"{place} answered 401{tail}. Check the connection's credentials"
            return AuthenticationError(text, status=status)
        case 403:
            text = (
                f"{place} answered 403{tail}. The credentials are known, but may not do this: check their permissions"
            )
            return AuthenticationError(text, status=status)
        case 404 | 410:
            return NotFoundError(f"{place} answered {status}{tail}", status=status)
        case 425 | 429:
            wait = retry_after_s(response, now=now)
            text = f"{place} answered {status}{tail}. It was not carried out; try again later"
            return RetryableError(text, status=status, retry_after_s=wait)
        case _ if status >= 500 or status == 408:
            return _broken_off(response, f"{place} answered {status}{tail}", retry_after_s(response, now=now))
        case _ if status < 400:
            advice = "Check base_url (http or https, host, path)"
            return InvalidAnswerError(
                f"{place} answered {status} and points to {_target(response)}. {advice}", status=status
            )
        case _:
            return RefusedError(f"{place} answered {status}{tail}", status=status)


def excerpt(response: httpx.Response, length: int = _EXCERPT) -> str:
    """Return at most `length` characters of the body that a person can read: no tags, no secrets, one line."""
    # Twenty times the length is enough: only the tags of an HTML page take more room than what they say.
    text = redact(_text(response.content[: 20 * _EXCERPT]))
    title = _TITLE.search(text)
    if text.lstrip().startswith("<"):
        text = unescape(_TAG.sub(" ", _HIDDEN_HTML.sub(" ", text)))
        text = f"{unescape(title.group(1))} {text}" if title and title.group(1).strip() not in text else text
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return redact(text if len(text) <= length else f"{text[: length - 1]}…")


def retry_after_s(response: httpx.Response, *, now: datetime | None = None) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110, 10.2.3: seconds or a date), or None without a usable one.

    Args:
        response: the answer.
        now: the current time, aware; a date is compared with the answer's own ``Date`` when it is not given.
    """
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        base = parsedate_to_datetime(response.headers["date"]) if "date" in response.headers else now
        return None if base is None else max(0.0, (until - base).total_seconds())
    except (ValueError, TypeError):
        return None


def _broken_off(response: httpx.Response, text: str, wait: float | None) -> ActionError:
    status = response.status_code
    if is_repeatable(response.request):
        return RetryableError(f"{text}. Try again later", status=status, retry_after_s=wait)
    return UnknownOutcomeError(f"{text}. It may have been carried out all the same", status=status)


def _target(response: httpx.Response) -> str:
    return redact(response.headers.get("location", "").partition("?")[0][:120]) or "nowhere"


def _text(body: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace") if _looks_like_cp1252(body) else body.decode("latin-1")


def _looks_like_cp1252(body: bytes) -> bool:
    """Tell whether bytes occur that are control characters in Latin-1 but quotes and dashes in Windows-1252."""
    return any(0x80 <= byte <= 0x9F for byte in body[:4096])
