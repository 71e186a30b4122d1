"""Personal data: its mark on parameters and results, and the covering of what is marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from backhaul.json_values import Json
from backhaul.secrets import MASK

__all__ = ["KEYWORD", "Personal", "PersonalMark", "covered", "is_marked", "is_personal_name", "marked_values"]

KEYWORD: Final = "x-personal"
"""Key of a JSON Schema that says of a value that it is personal data."""

T = TypeVar("T")

_SMALLEST_IDENTIFIER = 1_000_000
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "object": Mapping,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
_CERTAIN_NAME = re.compile(
    r"cpf|cnpj|^rg$|identidade|passport|tax_id|birth|nascimento|^surname$|sobrenome|^(full|first|last)_name$"
    r"|phones?(_numbers?)?$|^fone|telefone|celular|whatsapp|(called|calling|caller)_number|^e_?mail(_address)?$"
    r"|endereco|street|logradouro|bairro|^cep$|(^|_)zip(_?code)?$|postal_?code|wi_?fi_?key|passphrase",
)
# These are often of things and machines.
_LIKELY_NAME = re.compile(
    r"^((customer|contact)_)?name$|^nome(_|$)|razao|fantasia|phone|mobile|contato|e_?mail|(^|_)address$|complemento|latitude|longitude"
    r"|^(pppoe_)?login$|user_?name|^macs?$|^ip(v[46])?(_prefix)?$|b?ssid",
)


class PersonalMark:
    """Marks a type as personal data; `Personal` is its short form."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), KEYWORD: True}


Personal: TypeAlias = Annotated[T, PersonalMark()]
"""Personal data of this type, as in ``phone: Personal[str]`` or ``phones: Personal[tuple[str, ...]]``.

It changes nothing for whoever writes or calls the action. The JSON Schema of the action says ``"x-personal": true``,
and what is shown to people has ``***`` in its place.
"""


def is_personal_name(name: str, *, certain: bool = False) -> bool:
    """Return whether a field of this name holds personal data, as far as a name can tell, in our vendors' languages.

    Args:
        name: the name, in snake or camel case: ``cpf``, ``customerName``.
        certain: only names that can hardly mean anything else: not ``name``, which things have, too.
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return bool(_CERTAIN_NAME.search(snake) or (not certain and _LIKELY_NAME.search(snake)))


def is_marked(schema: Mapping[str, Json]) -> bool:
    """Return whether a JSON Schema, or an alternative in it, is marked as personal data, as a whole."""
    branches = (one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ()))
    return schema.get(KEYWORD) is True or any(is_marked(one) for one in branches)


def covered(value: Json, schema: Mapping[str, Json], *, show_personal: bool = False) -> Json:
    """Return a value with ``***`` for what its JSON Schema marks as personal, or as never to be shown (``writeOnly``).

    Where the schema says nothing of a field (a mapping of anything, a field that it does not have), the field's name
    decides. Empty values stay: that there is nothing is no personal data.

    Args:
        value: the JSON form of parameters or of a result.
        schema: what describes it, with its ``$defs``; an empty one describes nothing.
        show_personal: leave personal data as they are, and cover only what is never shown.
    """
    return _Walk(schema, lambda _: MASK, marks=not show_personal, names=not show_personal).over(value, schema)


def marked_values(value: Json, schema: Mapping[str, Json], *, show_personal: bool = False) -> Iterator[str]:
    """Give the texts that `covered` covers by their marks, not by their names."""
    found: list[str] = []

    def collect(marked: Json) -> Json:
        found.extend(_texts(marked))
        return marked

    _Walk(schema, collect, marks=not show_personal, names=False).over(value, schema)
    yield from found


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way through values along their schema, which covers what it finds marked.

    Attributes:
        root: the whole schema, with its definitions.
        cover: gives what stands in the place of a marked value.
        marks: marks count, besides ``writeOnly``.
        names: names count where the schema says nothing.
    """

    root: Mapping[str, Json]
    cover: Callable[[Json], Json]
    marks: bool
    names: bool

    def over(self, value: Json, schema: Mapping[str, Json]) -> Json:
        """Return the value with its marked parts covered."""
        if value is None or isinstance(value, bool) or (not value and value != 0):
            return value
        schema, marked = _resolved(schema, self.root)
        if (marked and self.marks) or schema.get("writeOnly") is True:
            return self.cover(value)
        branches = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ())]
        if branches:
            for branch in _fitting(branches, self.root, value):
                value = self.over(value, branch)
            return value
        if isinstance(value, Mapping):
            return {key: self._field(str(key), item, schema) for key, item in value.items()}
        if isinstance(value, list):
            return self._items(value, schema)
        return value

    def _field(self, name: str, value: Json, schema: Mapping[str, Json]) -> Json:
        known = schema.get("properties", {})
        if name in known:
            return self.over(value, known[name])
        # Small numbers are counts and ids.
        is_small = isinstance(value, int | float) and abs(value) < _SMALLEST_IDENTIFIER
        if self.names and value and not is_small and is_personal_name(name):
            return self.cover(value)
        others = schema.get("additionalProperties")
        return self.over(value, others if isinstance(others, Mapping) else {})

    def _items(self, value: list[Json], schema: Mapping[str, Json]) -> list[Json]:
        first, rest = schema.get("prefixItems", ()), schema.get("items")
        kinds = chain(first, repeat(rest if isinstance(rest, Mapping) else {}))
        return [self.over(item, kind) for item, kind in zip(value, kinds, strict=False)]


def _resolved(schema: Mapping[str, Json], root: Mapping[str, Json]) -> tuple[Mapping[str, Json], bool]:
    """Return the schema that a reference leads to, and whether it is marked there or on the way."""
    marked = schema.get(KEYWORD) is True
    while isinstance(reference := schema.get("$ref"), str):
        schema = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
        marked = marked or schema.get(KEYWORD) is True
    return schema, marked


def _fitting(branches: list[Mapping[str, Json]], root: Mapping[str, Json], value: Json) -> list[Mapping[str, Json]]:
    """Return the branches that the value can be of: those of its type, of which those with all its fields go before."""
    typed = []
    for one in branches:
        kind = _resolved(one, root)[0].get("type")
        if not isinstance(kind, str) or isinstance(value, _KINDS.get(kind, object)):
            typed.append(one)
    if not isinstance(value, Mapping):
        return typed
    whole = [one for one in typed if value.keys() <= _resolved(one, root)[0].get("properties", {}).keys()]
    return whole or typed


def _texts(value: Json) -> Iterator[str]:
    """Give the texts in a marked value; of the fields of a mapping, those whose names tell that they are personal."""
    match value:
        case str():
            yield value
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case list():
            for item in value:
                yield from _texts(item)
        case Mapping():
            for key, item in value.items():
                if is_personal_name(str(key)):
                    yield from _texts(item)
