"""What an answer of ISPCRM means: the envelope counts, not the status alone."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from backhaul.sdk import (
    AuthenticationError,
    InvalidAnswerError,
    Json,
    RefusedError,
    excerpt,
    json_of,
    raise_for_status,
)

__all__ = ["checked", "is_true"]

_NO = frozenset({"false", "0"})
_YES = frozenset({"true", "1", "ok"})
_ADVICE = (
    "Make a token in the web interface at /Admin/getToken and put it into the connection; tokens end, and nothing "
    "renews them. If the tenant wants another header, set auth_style"
)


def is_true(value: Json) -> bool | None:
    """Return the meaning of an envelope's ``success``; None when it has none. It is text in the vendor's sample."""
    text = str(value).strip().casefold() if isinstance(value, bool | int | str) else ""
    return True if text in _YES else False if text in _NO else None


def checked(response: httpx.Response, what: str, *, may_be_empty: bool = False) -> Json:
    """Return the JSON value of an answer that is a success.

    Args:
        response: the answer; redirects are not followed.
        what: what was asked for, for the error's text.
        may_be_empty: whether a success may have no body; None is returned for it.

    Raises:
        AuthenticationError: 401, 403, a login page or a redirect to one.
        NotFoundError: 404.
        RefusedError: 400, 422, or a negative envelope whatever the status.
        InvalidAnswerError: 405, 419, another redirect, no JSON.
        RetryableError: a 5xx of a request that may be repeated.
        UnknownOutcomeError: a 5xx of one that may not.
    """
    _raise_for_status(response, what)
    text = response.content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text and may_be_empty:
        return None
    if text.startswith(b"<"):
        raise AuthenticationError(
            f"{what}: ISPCRM answered with an HTML page ({excerpt(response, 80)!r}), which is what one gets who is "
            f"not signed in. {_ADVICE}. Or base_url and api_prefix do not lead to the API",
            status=response.status_code,
        )
    answer = json_of(response)
    if isinstance(answer, dict) and _is_negative(answer):
        said = _message(answer)
        raise RefusedError(f"{what}: ISPCRM refused it: {said or 'it gave no reason'}", status=response.status_code)
    return answer


def _is_negative(answer: Mapping[str, Json]) -> bool:
    """Tell by the envelope; ``status`` is its own only where no data are: a customer has one too."""
    if is_true(answer.get("success")) is False:
        return True
    status = answer.get("status")
    without_data = "data" not in answer and "users" not in answer
    return without_data and isinstance(status, str) and status.strip().casefold() in {"error", "fail"}


def _raise_for_status(response: httpx.Response, what: str) -> None:
    status = response.status_code
    said = excerpt(response, 120)
    tail = f": {said}" if said else ""
    target = response.headers.get("location", "").partition("?")[0]
    match status:
        case 401:
            raise AuthenticationError(
                f"{what}: ISPCRM does not accept the token; it is wrong or has ended (401{tail}). {_ADVICE}",
                status=status,
            )
        case 403:
            raise AuthenticationError(
                f"{what}: the token's user may not do this (403{tail}). Give the user the right, or make the token for "
                "another user",
                status=status,
            )
        case 405 | 419:
            raise InvalidAnswerError(
                f"{what}: {response.request.url.path} is no path of the API ({status}{tail}). Check base_url and "
                "api_prefix",
                status=status,
            )
        case 422:
            raise RefusedError(f"{what}: ISPCRM does not accept the values (422){_problems(response)}", status=status)
        case _ if 300 <= status < 400 and ("login" in target.casefold() or "signin" in target.casefold()):
            raise AuthenticationError(
                f"{what}: ISPCRM sends to its login page ({status}), so the token was not accepted. {_ADVICE}",
                status=status,
            )
        case _:
            raise_for_status(response)


def _problems(response: httpx.Response) -> str:
    """Return a validation answer's message and the names of the fields, with what is said of each."""
    try:
        answer = json_of(response)
    except InvalidAnswerError:
        return ""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    parts = [_message(answer)]
    if isinstance(errors, dict):
        parts += [
            f"{name}: {' '.join(map(str, texts)) if isinstance(texts, list) else texts}"
            for name, texts in errors.items()
        ]
    return _shown(": " + "; ".join(part for part in parts if part))


def _message(answer: Mapping[str, Json]) -> str:
    value = answer.get("message") or answer.get("error")
    return _shown(value) if isinstance(value, str) else ""


def _shown(text: str) -> str:
    # By way of a response, for the SDK's removal of secrets and control characters.
    return excerpt(httpx.Response(200, text=text))
