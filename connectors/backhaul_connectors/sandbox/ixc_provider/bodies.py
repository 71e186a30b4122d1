"""Reads a request body as flat text fields: JSON, form or multipart, as the vendor's own client may send."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from backhaul_connectors.sandbox.face import Call
from backhaul_connectors.sandbox.ixc_acs.bodies import is_flat
from backhaul_connectors.sandbox.ixc_provider.files import SentFile

__all__ = ["UnreadableBodyError", "fields_of", "file_of", "json_of"]


class UnreadableBodyError(ValueError):
    """JSON that is nested too deep to be read, answered 400 (assumed); other bodies that are none count as empty."""


def fields_of(call: Call) -> dict[str, str]:
    """Return the fields as text: null is "", numbers and nested values their JSON text. Empty if there are none.

    Raises:
        UnreadableBodyError: JSON that is nested too deep.
    """
    content_type = call.header(b"content-type")
    if call.body.lstrip()[:1] == b"{":  # whatever it claims to be: command-line clients often mislabel JSON
        content_type = "application/json"
    if content_type.startswith("multipart/form-data"):
        return _multipart(call)[0]
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    body = json_of(call.body or b"{}")
    if not isinstance(body, dict):
        return {}
    return {key: value if isinstance(value, str) else _text(value) for key, value in body.items()}


def json_of(body: bytes) -> object:
    """Return what a body says in JSON; None for what is no JSON.

    Raises:
        UnreadableBodyError: it is nested too deep.
    """
    try:
        value: object = json.loads(body)
    except ValueError:
        return None
    except RecursionError as error:
        raise UnreadableBodyError("nested too deep") from error
    if not is_flat(value):
        raise UnreadableBodyError("nested too deep")
    return value


def file_of(call: Call, name: str) -> SentFile | None:
    """Return the file of a multipart body that came under a name, or None."""
    if not call.header(b"content-type").startswith("multipart/form-data"):
        return None
    return _multipart(call)[1].get(name)


def _text(value: object) -> str:
    return "" if value is None else json.dumps(value)


def _multipart(call: Call) -> tuple[dict[str, str], dict[str, SentFile]]:
    found: dict[str, str] = {}
    files: dict[str, SentFile] = {}

    def keep(field: Field) -> None:
        if field.field_name:
            found[field.field_name.decode("utf-8", "replace")] = (field.value or b"").decode("utf-8", "replace")

    def keep_file(file: File) -> None:
        if file.field_name and file.file_name:
            file.file_object.seek(0)
            name = file.file_name.decode("utf-8", "replace")
            files[file.field_name.decode("utf-8", "replace")] = SentFile(name, file.file_object.read())
        file.close()

    headers = {"Content-Type": call.headers[b"content-type"], "Content-Length": str(len(call.body)).encode()}
    try:
        parse_form(headers, io.BytesIO(call.body), keep, keep_file)
    except FormParserError:
        return {}, {}
    return found, files
