"""What an answer means by the connection's rules: success, an error with what the API says, or nothing clear."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from backhaul.sdk import (
    ActionError,
    Effect,
    InvalidAnswerError,
    Json,
    RefusedError,
    UnknownOutcomeError,
    excerpt,
    json_of,
    raise_for_status,
)
from backhaul_connectors.http.extraction import MissingError, extract, found
from backhaul_connectors.http.models import Expect

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from backhaul_connectors.http.models import Request
    from backhaul_connectors.http.settings import HttpApiSettings

__all__ = ["body_of", "extracted"]

_MASK = "***"
_LONGEST_TEXT = 1_000_000
_MISSING = object()


def body_of(response: httpx.Response, request: Request, settings: HttpApiSettings) -> Json:
    """Return the body of a successful answer (null for an empty one), without the connection's secrets.

    Raises:
        ActionError: as of `raise_for_status`, with what the answer says.
        RefusedError: also a 2xx whose `success_field` says no.
        InvalidAnswerError: the answer is not what is expected; for `once`, which may have had its effect, an
            UnknownOutcomeError.
    """
    if not settings.is_success(response.status_code):
        _raise_failure(response, request, settings)
    body = cleaned(_body(response, request), settings.secrets())
    if settings.success_field is not None and request.method != "HEAD":
        _require_success(response, request, body, settings)
    return body


def extracted(body: Json, path: str, request: Request) -> Json:
    """Return the part of a body at a path; errors as of `body_of`."""
    try:
        return extract(body, path)
    except MissingError as error:
        raise _unclear(request, f"the answer of {request.method} {request.path} is not as expected: {error}") from None


def cleaned(value: Json, secrets: Iterable[str]) -> Json:
    """Return the value with every secret in its texts replaced."""
    known = tuple(secrets)
    match value:
        case str():
            for secret in known:
                value = value.replace(secret, _MASK)
            return value
        case list():
            return [cleaned(item, known) for item in value] if known else value
        case dict():
            return {cleaned(key, known): cleaned(item, known) for key, item in value.items()} if known else value
        case _:
            return value


def _body(response: httpx.Response, request: Request) -> Json:
    if not response.content.strip():
        return None
    if request.expect is not Expect.TEXT:
        try:
            return json_of(response)
        except InvalidAnswerError as error:
            if request.expect is Expect.JSON:
                raise _unclear(request, str(error), response.status_code) from None
    return response.text[:_LONGEST_TEXT]


def _require_success(response: httpx.Response, request: Request, body: Json, settings: HttpApiSettings) -> None:
    path = settings.success_field or ""
    try:
        value = extract(body, path)
    except MissingError as error:
        if settings.success_missing_ok:
            return
        text = f"the answer of {request.method} {request.path} does not tell whether it succeeded: {error}"
        raise _unclear(request, text, response.status_code) from None
    # Values of JSON: 1 is not true.
    if not any(type(value) is type(wanted) and value == wanted for wanted in settings.success_values):
        said = _said(body, settings) or excerpt(response)
        raise RefusedError(
            f"{request.method} {request.path} was refused ({path} is {json.dumps(value)[:80]}): {said}",
            status=response.status_code,
        )


def _raise_failure(response: httpx.Response, request: Request, settings: HttpApiSettings) -> None:
    status = response.status_code
    if response.is_success or (response.is_redirect and request.effect is Effect.ONCE):
        # Many forms answer a redirect when they have done it.
        text = f"{request.method} {request.path} answered {status}, which success_status does not count as a success"
        raise _unclear(request, text, status)
    try:
        raise_for_status(response)
    except ActionError as error:
        said = _said(_json_or_none(response), settings)
        if said and said not in str(error):
            error.message = f"{error} ({said})"
            error.args = (error.message,)
        raise


def _said(body: Json, settings: HttpApiSettings) -> str:
    """Return what an answer says of its failure, in one line, without secrets."""
    for path in settings.error_fields:
        value = found(body, path)
        if value:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            return " ".join(str(cleaned(text, settings.secrets())).split())[:200]
    return ""


def _json_or_none(response: httpx.Response) -> Json:
    try:
        return json_of(response)
    except InvalidAnswerError:
        return None


def _unclear(request: Request, text: str, status: int | None = None) -> ActionError:
    if request.effect is Effect.ONCE:
        return UnknownOutcomeError(f"{text}. It may have been carried out", status=status)
    return InvalidAnswerError(text, status=status)
