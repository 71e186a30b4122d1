"""What an answer of Akixi means: code before name before status, since an error may come with 200."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
    excerpt,
    json_of,
    raise_for_status,
)
from backhaul_connectors.akixi.errors import ERRORS, NAMES, UNKNOWN

__all__ = ["Trouble", "checked", "error_of", "trouble_of"]

_CODES = ("errorcode", "code", "errorid", "error")
_TEXTS = ("message", "errormessage", "errordescription", "description", "error")
_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_SAID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What Akixi says is wrong; the form of its errors is not documented, so each part may be missing."""

    code: int | None = None
    text: str = ""


def checked(response: httpx.Response, what: str, *, repeatable: bool) -> Json:
    """Return the JSON value of a success, None when it has no body (204).

    Args:
        response: the answer.
        what: what was asked for, for the error's text.
        repeatable: whether the request may be sent again.

    Raises:
        AkixiError: Akixi named one of its codes, whatever the status.
        AuthenticationError: 401, 403.
        NotFoundError: 404.
        RefusedError: another error of Akixi.
        RetryableError: a 5xx of a request that may be repeated.
        UnknownOutcomeError: a 5xx, or a broken answer, of one that may not.
        InvalidAnswerError: HTML, broken JSON, a redirect.
    """
    trouble = trouble_of(response)
    if trouble is not None:
        raise error_of(trouble, response, what, repeatable=repeatable)
    raise_for_status(response)
    if not response.content.strip():
        return None
    try:
        return json_of(response)
    except InvalidAnswerError as error:
        if repeatable:
            raise
        raise UnknownOutcomeError(f"{what}: {error}. It may have been carried out", status=error.status) from None


def trouble_of(response: httpx.Response) -> Trouble | None:
    """Return what Akixi says is wrong; None for a success, and for a failure that is no JSON object."""
    try:
        answer = json_of(response)
    except InvalidAnswerError:
        return None
    if not isinstance(answer, dict):
        return None
    lowered = {key.casefold(): value for key, value in answer.items()}
    # What a success carries under "Data" is other people's text, in which anything may be written.
    inner = () if _is_success(lowered) else (lowered.get("error"), lowered.get("data"))
    parts = [lowered, *({key.casefold(): part[key] for key in part} for part in inner if isinstance(part, dict))]
    code = _code(parts)
    if code is None and not _is_success(lowered):
        code = _code_by_name(parts)
    if response.is_success and code is None and _is_success(lowered):
        return None
    return Trouble(code=code, text=_text(parts))


def error_of(trouble: Trouble, response: httpx.Response, what: str, *, repeatable: bool) -> ActionError:
    """Return the error for what Akixi says: by code, then by status."""
    status = response.status_code
    known = ERRORS.get(trouble.code or 0)
    is_name = known is not None and trouble.text == known.vendor_name
    said = f" ({trouble.text})" if trouble.text and not is_name else ""
    if known is not None:
        name = f" {known.vendor_name}" if known.vendor_name else ""
        advice = f". {known.advice}" if known.advice else ""
        return known(f"{what}: {known.meaning}, says Akixi: {known.code}{name}{said}{advice}", status=status)
    number = f" {trouble.code}" if trouble.code is not None else ""
    if trouble.code == UNKNOWN:
        if repeatable:
            return RetryableError(f"{what}: Akixi reports an unknown error{number}{said}", status=status)
        text = f"{what}: Akixi reports an unknown error{number}{said}. It may have been carried out"
        return UnknownOutcomeError(text, status=status)
    if status == 401:
        text = f"{what}: Akixi does not accept the credentials of this connection (401{said})"
        return AuthenticationError(text, status=status)
    if not response.is_success:
        try:
            raise_for_status(response)
        except ActionError as error:
            return error
    return RefusedError(f"{what}: Akixi refused it{number}{said or ': it gave no reason'}", status=status)


def _is_success(answer: Mapping[str, Json]) -> bool:
    """Tell whether an object, its keys in lower case, is a success by its form (akixi reference, section 4)."""
    result = answer.get("result")
    if result is not None:
        return isinstance(result, str) and result.casefold() == "success"
    if answer.get("error"):
        return False
    return "message" not in answer or bool(answer.keys() & {"data", "executionstatus", "items"})


def _code(parts: Sequence[Mapping[str, Json]]) -> int | None:
    """Return the first number other than 0 where a code may be; "Error" may also hold a text or an object."""
    for part in parts:
        for key in _CODES:
            value = part.get(key)
            digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
            if re.fullmatch(r"[0-9]{1,9}", digits) and int(digits):
                return int(digits)
    return None


def _code_by_name(parts: Sequence[Mapping[str, Json]]) -> int | None:
    for part in parts:
        for key in ("result", *_CODES, *_TEXTS):
            value = part.get(key)
            names = _NAME.findall(value) if isinstance(value, str) else []
            for name in names:
                if name in NAMES:
                    return NAMES[name]
    return None


def _text(parts: Sequence[Mapping[str, Json]]) -> str:
    for part in parts:
        for key in _TEXTS:
            value = part.get(key)
            if isinstance(value, str) and value.strip() and not value.strip().isdigit():
                # By way of a response, for the SDK's removal of secrets and control characters.
                return excerpt(httpx.Response(200, text=value), _SAID)
    return ""
