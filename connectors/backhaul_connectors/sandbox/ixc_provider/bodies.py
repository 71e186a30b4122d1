"""Reads a request body as flat text fields: JSON, form or multipart, as the vendor's own client may send."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field

from backhaul_connectors.sandbox.face import Call

__all__ = ["fields_of"]


def fields_of(call: Call) -> dict[str, str]:
    """Return the fields as text: null is "", numbers and nested values their JSON text. Empty if unreadable."""
    content_type = call.header(b"content-type")
    if call.body.lstrip()[:1] == b"{":  # whatever it claims to be: command-line clients often mislabel JSON
        content_type = "application/json"
    if content_type.startswith("multipart/form-data"):
        return _multipart(call)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        body = json.loads(call.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    return {key: value if isinstance(value, str) else _text(value) for key, value in body.items()}


def _text(value: object) -> str:
    return "" if value is None else json.dumps(value)


def _multipart(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}

    def keep(field: Field) -> None:
        if field.field_name:
            found[field.field_name.decode()] = (field.value or b"").decode("utf-8", "replace")

    headers = {"Content-Type": call.headers[b"content-type"], "Content-Length": str(len(call.body)).encode()}
    try:
        parse_form(headers, io.BytesIO(call.body), keep, None)
    except FormParserError:
        return {}
    return found
