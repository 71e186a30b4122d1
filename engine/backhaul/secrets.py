"""Secrets: a value that shows itself to nobody, and the removal of known secrets from any text."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["MASK", "PrivateTexts", "Secret", "is_secret_name", "private_texts", "redact", "remember_secret"]

MASK = "***"
_SHORTEST = 4
_SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)|senha|secret|(^|_)token$|api_?key|private_?key|pre_?shared", re.IGNORECASE
)
_SHORTEST_CORE = 8


class Secret:
    """Text that is never shown: not by `repr`, `str`, formatting, JSON, pickle, logs or errors.

    The value is known to `redact`, also in its encoded forms, as long as an object with it lives, and for a while
    after: tokens come and go. Comparison takes constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        _registry.add(value)

    def __del__(self) -> None:
        value = getattr(self, "_value", None)
        if value is not None and _registry is not None:
            _registry.release(value)

    def reveal(self) -> str:
        """Return the text. Call it only where it goes to the socket."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(other._value), _bytes(self._value))

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: MASK),
            json_schema_input_schema=core_schema.str_schema(),
        )

    @classmethod
    def _validate(cls, value: object) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError("a secret is a text")


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret, in the languages of our vendors: ``password``, ``senha``."""
    return _SECRET_NAME.search(name) is not None


def remember_secret(value: str) -> None:
    """Have `redact` remove `value` and its encoded forms until the process ends.

    Texts under 4 characters are too common to be removed.
    """
    _registry.add(value)


class PrivateTexts:
    """What `redact` removes besides secrets while it is in force: the personal data of one call.

    Args:
        texts: gives them; it is asked once, when something is first to be redacted.
    """

    __slots__ = ("_forms", "_texts")

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        self._texts = texts
        self._forms: tuple[str, ...] | None = None

    def forms(self) -> tuple[str, ...]:
        """Return the texts of 4 characters and more as they may turn up elsewhere, the longest first."""
        if self._forms is None:
            found = {form for text in self._texts() if len(text) >= _SHORTEST for form in _forms(text)}
            self._forms = tuple(sorted(found, key=len, reverse=True))
        return self._forms


private_texts: ContextVar[PrivateTexts | None] = ContextVar("private_texts", default=None)
"""What is private in the call that is under way, or was the last one, in this task."""


def redact(text: str) -> str:
    """Return the text with every known secret, and what is private in this task's call, replaced by ``***``."""
    private = private_texts.get()
    for form in (*_registry.forms(), *(private.forms() if private is not None else ())):
        if form in text:
            text = text.replace(form, MASK)
    return text


class _Registry:
    """The secrets that are known now, the longest form first."""

    def __init__(self) -> None:
        self._alive: Counter[str] = Counter()
        # Errors and logs may still speak of a token that was just replaced.
        self._dead: deque[str] = deque(maxlen=256)
        self._forms: tuple[str, ...] | None = ()

    def add(self, value: str) -> None:
        if len(value) < _SHORTEST or value == MASK:
            return
        if value not in self._alive and value not in self._dead:
            self._forms = None
        self._alive[value] += 1

    def release(self, value: str) -> None:
        left = self._alive.get(value, 0) - 1
        if left > 0:
            self._alive[value] = left
        elif self._alive.pop(value, None):
            if len(self._dead) == self._dead.maxlen:
                self._forms = None
            self._dead.append(value)

    def forms(self) -> tuple[str, ...]:
        if self._forms is None:
            found = {form for value in (*self._alive, *self._dead) for form in _forms(value)}
            self._forms = tuple(sorted(found, key=len, reverse=True))
        return self._forms


def _forms(value: str) -> Iterator[str]:
    """Give the value as it may turn up in texts: plain, quoted, escaped and in base64."""
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield repr(value)[1:-1]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield html.escape(value)
    for encoded in (base64.b64encode(_bytes(value)).decode(), base64.urlsafe_b64encode(_bytes(value)).decode()):
        yield encoded
        yield encoded.rstrip("=")
    for shift in range(3):
        core = _base64_core(_bytes(value), shift)
        if len(core) >= _SHORTEST_CORE:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _base64_core(data: bytes, shift: int) -> str:
    """Return the characters that `data` has in the base64 of any text that holds it at a place of 3n + `shift`.

    HTTP's basic authentication is such a text: ``user:password``.
    """
    encoded = base64.b64encode(b"\0" * shift + data).decode()
    begin = (0, 2, 3)[shift]
    end = len(encoded) - (0, 3, 2)[(shift + len(data)) % 3]
    return encoded[begin:end]


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


_registry = _Registry()
