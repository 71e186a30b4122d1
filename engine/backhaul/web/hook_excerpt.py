"""What the log keeps of a webhook that a connector failed on: enough to mend it, without secrets and personal data."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backhaul.json_values import Json, dump, load
from backhaul.plugins.events import WebhookRequest
from backhaul.plugins.personal import covered
from backhaul.secrets import MASK, is_secret_name, redact

__all__ = ["excerpt_of"]

_LENGTH = 2000
_FORM = "application/x-www-form-urlencoded"
# Telephone and document numbers, where no name of a field tells what they are.
_NUMBER = re.compile(r"\d{5,}")


def excerpt_of(request: WebhookRequest) -> dict[str, Json]:
    """Return a webhook for the log: no headers but the content type, at most 2,000 characters of each part."""
    content_type = request.headers.get("content-type", "")
    shown = {
        "method": request.method,
        "path": _text(request.path),
        "content_type": content_type[:100],
        "bytes": len(request.body),
    }
    if request.query or content_type.startswith(_FORM):
        shown["parameters"] = _values(request.parameters())
    if request.body and not content_type.startswith(_FORM):
        shown["body"] = _body(request.body)
    return shown


def _body(body: bytes) -> str:
    try:
        return _values(load(body))
    except ValueError:
        return _text(body[: 4 * _LENGTH].decode("utf-8", "replace"))


def _values(value: Json) -> str:
    return redact(dump(_without_secrets(covered(value, {}))))[:_LENGTH]


def _text(text: str) -> str:
    return _NUMBER.sub(MASK, redact(text))[:_LENGTH]


def _without_secrets(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {
            key: MASK if item and is_secret_name(str(key)) else _without_secrets(item) for key, item in value.items()
        }
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
