"""Filters and functions on lists, mappings and datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backhaul.json_values import Json
from backhaul.workflows.datasets import Dataset, find_in, json_text, tally
from backhaul.workflows.missing import Missing, kind_of
from backhaul.workflows.operands import (
    checked_number,
    items_of,
    joined,
    length,
    mapping_of,
    number_of,
    present,
    read,
    text_from,
    whole_number,
)
from backhaul.workflows.scalar_filters import SCALAR_FILTERS
from backhaul.workflows.unknown import known
from backhaul.workflows.value_tests import TESTS

__all__ = ["FUNCTIONS", "LIST_FILTERS"]

_NOTHING: Any = Missing(name="default")
_MAPPED = frozenset({"abs", "bool", "digits", "float", "int", "lower", "round", "string", "trim", "upper"})
MAX_RANGE = 10_000


def join(value: Json, separator: str = "", attribute: str | None = None) -> str:
    """Return the items' texts in one, with `separator` between them."""
    return joined(_fields(items_of(value), attribute), text_from(separator))


def first(value: Json) -> Json:
    """Return the first item (or character)."""
    return _at(value, 0)


def last(value: Json) -> Json:
    """Return the last item (or character)."""
    return _at(value, -1)


def minimum(value: Json, attribute: str | None = None) -> Json:
    """Return the smallest item, by `attribute` if given."""
    return min(_filled(value), key=_key(attribute))


def maximum(value: Json, attribute: str | None = None) -> Json:
    """Return the largest item, by `attribute` if given."""
    return max(_filled(value), key=_key(attribute))


def total(value: Json, attribute: str | None = None, start: float = 0) -> int | float:
    """Return the sum of the numbers, of `attribute` if given."""
    return checked_number(sum((number_of(item) for item in _fields(items_of(value), attribute)), number_of(start)))


def sort(value: Json, attribute: str | None = None, reverse: bool = False) -> list[Json]:
    """Return the items in ascending order, nulls first, by `attribute` if given."""
    key = _key(attribute)

    def ordered(item: Json) -> tuple[bool, Json]:
        found = key(item)
        return (found is not None, found)

    return sorted(items_of(value), key=ordered, reverse=bool(reverse))


def unique(value: Json, attribute: str | None = None) -> list[Json]:
    """Return the items without repetitions, by `attribute` if given; the first one of equal items stays."""
    items = items_of(value)
    kept: dict[str, Json] = {}
    for item, field in zip(items, _fields(items, attribute), strict=True):
        kept.setdefault(json_text(field), item)
    return list(kept.values())


def as_list(value: Json) -> list[Json]:
    """Return the items of a list or dataset, the keys of a mapping, or the characters of a text."""
    if isinstance(value, str | Mapping):
        return list(value)
    return items_of(value)


def reverse(value: Json) -> Json:
    """Return a list or a text from its end to its beginning."""
    return value[::-1] if isinstance(value, str) else items_of(value)[::-1]


def mapped(
    value: Json, name: str | None = None, *, attribute: str | None = None, default: Json = _NOTHING
) -> list[Json]:
    """Return `attribute` of every item (`default` where it is missing), or every item through the filter `name`."""
    items = items_of(value)
    if attribute is not None:
        return _fields(items, attribute, default)
    if name not in _MAPPED:
        raise ValueError(f"map takes attribute=... or one of {', '.join(sorted(_MAPPED))}, not {name!r}")
    apply = SCALAR_FILTERS[name]
    return [apply(item) for item in items]


def selectattr(value: Json, attribute: str, test: str | None = None, *arguments: Json) -> list[Json]:
    """Return the items whose `attribute` passes `test` (is true when there is no test)."""
    return [item for item in items_of(value) if _passes(read(item, attribute), test, arguments)]


def rejectattr(value: Json, attribute: str, test: str | None = None, *arguments: Json) -> list[Json]:
    """Return the items whose `attribute` does not pass `test`."""
    return [item for item in items_of(value) if not _passes(read(item, attribute), test, arguments)]


def select(value: Json, test: str | None = None, *arguments: Json) -> list[Json]:
    """Return the items that pass `test` (are true when there is no test)."""
    return [item for item in items_of(value) if _passes(item, test, arguments)]


def reject(value: Json, test: str | None = None, *arguments: Json) -> list[Json]:
    """Return the items that do not pass `test`."""
    return [item for item in items_of(value) if not _passes(item, test, arguments)]


def keys(value: Json) -> list[str]:
    """Return the keys of a mapping."""
    return list(mapping_of(value))


def values(value: Json) -> list[Json]:
    """Return the values of a mapping."""
    return list(mapping_of(value).values())


def items(value: Json) -> list[Json]:
    """Return the entries of a mapping as mappings with ``key`` and ``value``."""
    return [{"key": key, "value": entry} for key, entry in mapping_of(value).items()]


def merge(value: Json, other: Json) -> dict[str, Json]:
    """Return one mapping of two; `other` wins where both have a key."""
    return {**mapping_of(value), **mapping_of(other)}


def lookup(source: Json, field: str, value: Json) -> Json:
    """Return the first record of a dataset or list whose `field` is exactly `value`, else null."""
    field = text_from(field)
    if known(value) is None or isinstance(value, Missing):
        return None
    if isinstance(value, list | Mapping | Dataset):
        raise ValueError(f"lookup compares with a text, a number or a boolean, not with {kind_of(value)}")
    if isinstance(source, Dataset):
        return source.find(field, value)
    return find_in(items_of(source), field, value)


def count_by(source: Json, field: str) -> dict[str, int]:
    """Return how many records of a dataset or list have each text in `field`."""
    if isinstance(source, Dataset):
        return source.count_by(text_from(field))
    return tally(items_of(source), text_from(field))


def number_range(start: int, stop: int | None = None, step: int = 1) -> list[int]:
    """Return the whole numbers from `start` to before `stop`."""
    bound = 10**15
    first_number = 0 if stop is None else whole_number(start, least=-bound, most=bound)
    end = whole_number(start if stop is None else stop, least=-bound, most=bound)
    numbers = range(first_number, end, whole_number(step, least=-bound, most=bound))
    if len(numbers) > MAX_RANGE:
        raise ValueError(f"a range has at most {MAX_RANGE} numbers, not {len(numbers)}")
    return list(numbers)


def _at(value: Json, index: int) -> Json:
    if not isinstance(value, str):
        value = items_of(value)
    return value[index] if value else Missing(obj=value, name=0)  # type: ignore[arg-type]  # an index, as in Jinja


def _filled(value: Json) -> list[Json]:
    found = items_of(value)
    if not found:
        raise ValueError("the list is empty")
    return found


def _fields(values: Iterable[Json], attribute: str | None, default: Json = _NOTHING) -> list[Json]:
    if attribute is None:
        return list(values)
    found = [read(value, attribute) for value in values]
    if default is _NOTHING:
        return [present(value) for value in found]
    return [present(default) if isinstance(value, Missing) else value for value in found]


def _key(attribute: str | None) -> Callable[[Json], Json]:
    return lambda item: present(item if attribute is None else read(item, attribute))


def _passes(value: Json, test: str | None, arguments: tuple[Json, ...]) -> bool:
    if test is None:
        return bool(value)
    if test not in TESTS:
        raise ValueError(f"there is no test {test!r}")
    return bool(TESTS[test](value, *arguments))


LIST_FILTERS: dict[str, Callable[..., Json]] = {
    "count": length,
    "first": first,
    "items": items,
    "join": join,
    "keys": keys,
    "last": last,
    "length": length,
    "list": as_list,
    "map": mapped,
    "max": maximum,
    "merge": merge,
    "min": minimum,
    "reject": reject,
    "rejectattr": rejectattr,
    "reverse": reverse,
    "select": select,
    "selectattr": selectattr,
    "sort": sort,
    "sum": total,
    "unique": unique,
    "values": values,
}

FUNCTIONS: dict[str, Callable[..., Json]] = {
    "count_by": count_by,
    "len": length,
    "lookup": lookup,
    "range": number_range,
}
