"""What an answer of the ERP means: the HTTP status is not the success signal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backhaul.sdk import AuthenticationError, InvalidAnswerError, Json, RefusedError, excerpt, json_of, raise_for_status
from backhaul_connectors.ixc_provider.values import plain_text, whole

if TYPE_CHECKING:
    import httpx

__all__ = ["ListAnswer", "Record", "checked", "list_answer", "page_text"]

Record = Mapping[str, Json]

ADVICE = (
    "If it says that the resource is not available: the ERP words an unknown table and one that the token's user group "
    "may not use alike, so check the group's permissions for it. If it says that the IP is not allowed: add this "
    "machine's address to the group's permitted networks"
)
# Tables on which "nothing found" comes as an error (ixc_provider reference, section 3.2 and trap 25).
_EMPTY_AS_ERROR = frozenset({"fh_onu_nao_autorizadas"})
# How a page begins that is no report: a whole document, perhaps after comments, or the red div (section 6).
_NO_REPORT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?xml[^>]*>)*"
    rb"(?:<!doctype\b|<html\b|<head\b|<body\b|<div[^>]*\bcolor\s*[:=]\s*[\"']?\s*(?:red\b|#f00\b|#ff0000\b))",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """One page of a listing; `total` counts all matches, not those of the page."""

    records: Sequence[Record]
    total: int


def checked(response: httpx.Response, what: str, *, any_json: bool = False) -> Mapping[str, Json]:
    """Return the JSON object of an answer that is a success.

    The order of the checks is that of the vendor reference, section 6: status, HTML whatever the status, application
    error, success.

    Args:
        response: the answer.
        what: what was asked for, for the error's text: ``list of radusuarios``.
        any_json: take JSON that is no object for an empty one.

    Raises:
        AuthenticationError: 400, 401 and 403.
        InvalidAnswerError: HTML, no JSON object, or a path that does not exist.
        RefusedError: the ERP understood and said no.
        RetryableError: a 5xx of a request that may be repeated.
        UnknownOutcomeError: a 5xx of one that may not.
    """
    answer = _object(response, what, any_json=any_json)
    messages = _errors(answer)
    if messages is not None:
        said = plain_text("; ".join(messages)) or "no text"
        raise RefusedError(f"{what}: the ERP refused it: {said} ({ADVICE})", status=response.status_code)
    return answer


def list_answer(response: httpx.Response, table: str) -> ListAnswer:
    """Return a page of a listing; errors as of `checked`.

    A page without records counts as empty only when the ERP says that nothing matches.
    """
    what = f"list of {table}"
    if table in _EMPTY_AS_ERROR:
        answer = _object(response, what)
        if _errors(answer) is not None and whole(answer.get("total")) == 0:
            return ListAnswer(records=(), total=0)
    answer = checked(response, what)
    total = whole(answer.get("total"))
    if total is None or total < 0:
        raise InvalidAnswerError(f"{what}: the ERP did not tell how many records match (total)", status=200)
    records = answer.get("registros")
    if records is None:
        records = answer.get("rows")
    if not records:
        return ListAnswer(records=(), total=total)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InvalidAnswerError(f"{what}: the records are not a list of objects", status=200)
    if len(records) > total:
        raise InvalidAnswerError(f"{what}: {len(records)} records came, but only {total} are said to match", status=200)
    return ListAnswer(records=records, total=total)


def page_text(response: httpx.Response, what: str) -> str:
    """Return the text of an answer that is a page or plain text for people, without tags.

    Raises:
        RefusedError: it is an error in JSON, or a page with an alert (``panel-danger``).
        InvalidAnswerError: it is a whole page (a login, a web server's own), or the red ``div`` of the ERP's failures.
            Text with a few tags in it is what the reports are.
        ActionError: as of `checked`.
    """
    _raise_for_status(response, what)
    said = excerpt(response, 4000)
    if b"panel-danger" in response.content:
        raise RefusedError(f"{what}: the ERP refused it: {said[:300]}", status=response.status_code)
    if _NO_REPORT.match(response.content):
        raise _html_error(response, what)
    if response.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        answer = checked(response, what)
        return plain_text(answer.get("message") or answer.get("html") or answer.get("mensagem"), 4000)
    return said


def _object(response: httpx.Response, what: str, *, any_json: bool = False) -> Mapping[str, Json]:
    _raise_for_status(response, what)
    if b"panel-danger" in response.content[:4096]:
        raise RefusedError(
            f"{what}: the ERP refused it: {excerpt(response, 300)} ({ADVICE})", status=response.status_code
        )
    if response.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise _html_error(response, what)
    answer = json_of(response)
    if not isinstance(answer, dict):
        if any_json:
            return {}
        raise InvalidAnswerError(f"{what}: the ERP answered with JSON that is no object", status=response.status_code)
    return answer


def _html_error(response: httpx.Response, what: str) -> InvalidAnswerError:
    return InvalidAnswerError(
        f"{what}: the ERP answered with HTML ({excerpt(response, 120)!r}). Either base_url is not the ERP's API, "
        "or the ERP does not know a column or resource of this request",
        status=response.status_code,
    )


def _raise_for_status(response: httpx.Response, what: str) -> None:
    status = response.status_code
    if response.is_success:
        return  # before the excerpt: it costs more than everything else here
    said = excerpt(response, 120)
    tail = f": {said}" if said else ""
    match status:
        case 401 | 403:
            raise AuthenticationError(
                f"{what}: the ERP does not accept the token ({status}{tail}). It dies when its user's login or "
                "password changes or the server is moved; the user may be inactive, or base_url wrong. Copy the token "
                "again from the user's record in the ERP",
                status=status,
            )
        case 400:
            raise AuthenticationError(
                f"{what}: the ERP answered 400{tail}. By the vendor that means trouble with TLS or with the form of "
                "the token: try https in base_url and copy the token again",
                status=status,
            )
        case 404:
            raise InvalidAnswerError(
                f"{what}: the ERP answered 404{tail}. Check base_url and api_path; for a listing it also means that a "
                "proxy took away the header 'ixcsoft' or the body of the GET (then try list_method = \"POST\")",
                status=status,
            )
        case _:
            raise_for_status(response)


def _errors(answer: Mapping[str, Json]) -> list[str] | None:
    """Return the error messages of an answer; None when it is not an error. Only types count, never texts."""
    parts = answer.get("msg")
    candidates = [answer, *(part for part in parts if isinstance(part, dict))] if isinstance(parts, list) else [answer]
    failed = [part for part in candidates if "error" in (_kind(part, "type"), _kind(part, "tipo"))]
    if not failed:
        return None
    said = [part.get("message") or part.get("mensagem") for part in failed]
    return [text for text in said if isinstance(text, str)]


def _kind(part: Mapping[str, Json], key: str) -> str:
    value = part.get(key)
    kind = value.strip().lower() if isinstance(value, str) else ""
    return "error" if kind in ("error", "erro") else kind
