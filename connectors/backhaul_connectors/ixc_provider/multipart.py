"""A form with one file in it, as the ERP takes files (RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Multipart", "form_with_file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """The body of a request and its content type."""

    body: bytes
    content_type: str


def form_with_file(fields: Mapping[str, str], name: str, file_name: str, content: bytes) -> Multipart:
    """Return a form of text fields and one file.

    Args:
        fields: the text fields.
        name: the field that takes the file.
        file_name: what the file is called; quotes and line ends are percent-encoded, as browsers do.
        content: the file.
    """
    boundary = f"backhaul-{secrets.token_hex(16)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field)}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(file_name)}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join([*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
    return Multipart(body=body, content_type=f"multipart/form-data; boundary={boundary}")


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
