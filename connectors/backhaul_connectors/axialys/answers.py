"""What an answer of Axialys means: the vendor has not defined it ("TBD"), so the rules are assumed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from backhaul.sdk import (
    AuthenticationError,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    RetryableError,
    excerpt,
    raise_for_status,
)
from backhaul_connectors.axialys.numbers import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

__all__ = ["call_id_of", "checked", "cleaned"]

_MASK = "***"
_LONGEST_TEXT = 2000
_NO = frozenset({"", "0", "false", "no", "ko", "nok", "error", "failed", "failure"})
_FAILED = frozenset({"error", "ko", "nok", "failed", "failure"})
_COMPLAINTS = ("error", "errors", "message", "code")
_MARKS = ("success", "result", "status")


def checked(response: httpx.Response, function: str, secrets: Iterable[str]) -> Json:
    """Return the answer, JSON or text (null for an empty one), when it does not say no.

    Source: axialys reference, section 6 [assumed].

    Raises:
        AuthenticationError: 401 and 403: the credential, or the address that the request came from.
        RefusedError: any other 4xx, or a 2xx that says no.
        InvalidAnswerError: an HTML page, a redirect, a path that does not exist. For a call order, the caller makes
            an unknown outcome of the first.
        RetryableError, UnknownOutcomeError: as of `raise_for_status`.
    """
    if not response.is_success:
        _raise(response, function)
    text = response.content.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text.startswith("<"):
        raise InvalidAnswerError(
            f"Axialys answered {function} with an HTML page or XML ({_said(response)!r}): check base_url, or its "
            "service is being worked on",
            status=response.status_code,
        )
    answer = cleaned(_json_or_text(text), secrets)
    complaint = _complaint(answer)
    if complaint is not None:
        raise RefusedError(f"Axialys refused {function}: {complaint}", status=response.status_code)
    return answer


def call_id_of(answer: Json) -> str | None:
    """Return the call's id if the answer has one. Never rely on it."""
    value = answer.get("call_id") if isinstance(answer, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def cleaned(value: Json, secrets: Iterable[str]) -> Json:
    """Return the value with every secret in its texts replaced."""
    known = tuple(secrets)
    match value:
        case str():
            for secret in known:
                value = value.replace(secret, _MASK)
            return value
        case list():
            return [cleaned(item, known) for item in value]
        case dict():
            return {cleaned(key, known): cleaned(item, known) for key, item in value.items()}
        case _:
            return value


def _json_or_text(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text[:_LONGEST_TEXT] or None


def _complaint(answer: Json) -> str | None:
    """Return what a negative answer says, or None for one that is not negative."""
    if isinstance(answer, str) and re.split(r"\W", answer.strip(), maxsplit=1)[0].lower() in _FAILED:
        return masked_text(answer[:200])
    if not isinstance(answer, dict):
        return None
    marks = [answer[key] for key in _MARKS if key in answer]
    denied = any(_is_no(mark) for mark in marks)
    said = [answer[key] for key in _COMPLAINTS if answer.get(key)]
    explicit = bool(answer.get("error") or answer.get("errors"))
    failed = any(isinstance(mark, str) and mark.strip().lower() in _FAILED for mark in marks)
    if failed or (denied and said) or (explicit and not marks):
        texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in said]
        return masked_text("; ".join(texts)[:200]) or "it does not say why"
    return None


def _is_no(mark: Json) -> bool:
    return mark.strip().lower() in _NO if isinstance(mark, str) else not mark


def _said(response: httpx.Response) -> str:
    return masked_text(excerpt(response))


def _raise(response: httpx.Response, function: str) -> None:
    status = response.status_code
    said = _said(response)
    tail = f": {said}" if said else ""
    match status:
        case 401 | 403:
            raise AuthenticationError(
                f"Axialys does not accept {function} ({status}{tail}). Check api_key (or the account's SIP password); "
                "access can be limited to IP addresses that you gave to Axialys, and Axialys restricts it after abuse",
                status=status,
            )
        case 404 | 410 if "json" not in response.headers.get("content-type", ""):
            raise InvalidAnswerError(
                f"there is no {response.request.url.path} ({status}{tail}). Check base_url", status=status
            )
        case 404 | 410:
            raise NotFoundError(f"Axialys does not know what {function} names ({status}{tail})", status=status)
        case 429:
            raise RetryableError(
                f"Axialys restricts access for now (429{tail}): it was not carried out; lower the connection's limits",
                status=status,
            )
        case _ if 400 <= status < 500 and status not in {408, 425}:
            advice = (
                ". A call needs a valid notification configuration: has set_callback been called?"
                if function == "call"
                else ""
            )
            raise RefusedError(f"Axialys refused {function} ({status}{tail}){advice}", status=status)
        case _:
            raise_for_status(response)
