"""The secrets of a connection under examination, and the search for them in what is shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from backhaul.secrets import Secret
from backhaul.testing.conformance.wire import SeenRequest

__all__ = ["SecretSetting", "altered", "leaks", "secret_settings", "sent_credentials"]

SHORTEST = 8
_CREDENTIAL_HEADER = re.compile(r"auth|token|key|secret|cookie|session", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SecretSetting:
    """A secret in a connection's settings; `path` leads to it."""

    path: tuple[str | int, ...]
    value: str

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.path)

    def replaced(self, settings: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return plain settings with another value in this place."""
        changed: dict[str, Any] = dict(settings)
        here: Any = changed
        for part in self.path[:-1]:
            here[part] = dict(here[part]) if isinstance(here[part], Mapping) else list(here[part])
            here = here[part]
        here[self.path[-1]] = value
        return changed


def secret_settings(settings: BaseModel) -> list[SecretSetting]:
    """Return all secrets in checked settings, also those in nested models, lists and mappings."""
    return list(_found((), settings))


def altered(value: str) -> str:
    """Return another text of the same shape: letters and digits give way to others, hex digits to hex digits."""
    return "".join(_other(sign) for sign in value)


def sent_credentials(seen: Iterable[SeenRequest]) -> set[str]:
    """Return what stood in the headers that carry credentials: also tokens that the connector fetched by itself."""
    found = set()
    for request in seen:
        for name, value in request.headers.items():
            if _CREDENTIAL_HEADER.search(name):
                found |= {part for part in re.split(r"[\s;,]+", value) if len(part) >= SHORTEST}
    return found


def leaks(secrets: Mapping[str, str], shown: Mapping[str, str]) -> Iterator[str]:
    """Give a sentence for each secret (by what it is) that stands, however encoded, in a text (by where it is)."""
    for where, text in shown.items():
        decoded = "".join(_decoded(text))
        for what, secret in secrets.items():
            forms = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])
            if any(form in text for form in forms) or secret in decoded:
                yield f"{where} shows {what}"


def _decoded(text: str) -> Iterator[str]:
    """Give what every piece of a text means that looks like base64, such as basic authentication."""
    for piece in re.findall(r"[A-Za-z0-9+/_-]{12,}", text):
        plain = piece.replace("-", "+").replace("_", "/")
        yield base64.b64decode(plain[: len(plain) // 4 * 4]).decode("utf-8", "replace")


def _found(path: tuple[str | int, ...], value: object) -> Iterator[SecretSetting]:
    match value:
        case Secret():
            yield SecretSetting(path, value.reveal())
        case BaseModel():
            for name in type(value).model_fields:
                yield from _found((*path, name), getattr(value, name))
        case Mapping():
            for name, item in value.items():
                yield from _found((*path, str(name)), item)
        case list() | tuple():
            for number, item in enumerate(value):
                yield from _found((*path, number), item)


def _other(sign: str) -> str:
    for group in ("0123456789", "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ"):
        if sign in group:
            return group[(group.index(sign) + 1) % len(group)]
    return sign
