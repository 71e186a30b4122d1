"""The device list: bracket parameters to one page of slots (ixc_acs.md section 6.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from backhaul_connectors.sandbox.ixc_acs.customer_search import devices_of_customers
from backhaul_connectors.sandbox.ixc_acs.registers import created_at, is_online, last_inform_at
from backhaul_connectors.sandbox.world import World

__all__ = ["Condition", "DeviceQuery", "ListingError", "SlotCache", "page_of"]

SearchMode = Literal["exact_then_contains", "exact", "contains"]
_FILTER = re.compile(r"filters\[(\d+)\]\[(\d+)\]\[(type|accessor|operator|value)\]")
_CACHED = 4


class ListingError(ValueError):
    """A list query that the sandbox does not understand; answered 400."""


class Condition(NamedTuple):
    """One condition of a filter group."""

    type: str
    accessor: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceQuery:
    """A parsed list query. ``groups``: conditions of a group are ANDed, groups are ORed (assumed)."""

    page: int = 1
    size: int = 50
    sort_by: str = "serialNumber"
    descending: bool = False
    search_column: str = ""
    search: str = ""
    groups: tuple[tuple[Condition, ...], ...] = ()

    @classmethod
    def parse(cls, items: Sequence[tuple[str, str]], *, size_max: int) -> DeviceQuery:
        """Read decoded query parameters. Raises ListingError for a number that is none."""
        plain = dict(items)
        return cls(
            page=_number(plain, "pagination[currentPage]", 1),
            size=min(_number(plain, "pagination[pageSize]", 50), size_max),
            sort_by=plain.get("sorting[sortBy]", "serialNumber"),
            descending=plain.get("sorting[sortOrder]", "asc").lower() == "desc",
            search_column=plain.get("search[column]", ""),
            search=plain.get("search[search]", ""),
            groups=_groups(items),
        )


@dataclass(slots=True)
class SlotCache:
    """The last filtered or sorted slot lists, valid as long as the devices do not change."""

    _version: tuple[int, int] = (0, 0)
    _lists: dict[object, Sequence[int]] = field(default_factory=dict)

    def get(self, world: World, key: object, build: Callable[[], Sequence[int]]) -> Sequence[int]:
        """Return the list for a key, built again if anything changed since."""
        version = (id(world), world.devices.version)
        if version != self._version:
            self._version, self._lists = version, {}
        if key not in self._lists:
            if len(self._lists) >= _CACHED:
                self._lists.pop(next(iter(self._lists)))
            self._lists[key] = build()
        return self._lists[key]


def page_of(world: World, query: DeviceQuery, mode: SearchMode, cache: SlotCache) -> tuple[list[int], bool]:
    """Return the slots of one page and whether another page follows.

    A page by serial number without conditions costs its own size only. ``lastInform`` moves with the clock, so
    paging by it loses and repeats devices, as with the vendor (trap 6).
    """
    slots: Sequence[int] = world.devices.order
    if query.search_column and query.search:
        slots = _searched(world, query, mode, cache)
    if query.groups:
        base = slots
        build = lambda: [slot for slot in base if _passes(world, slot, query.groups)]  # noqa: E731
        key = ("filter", query.search_column, query.search, mode, query.groups)
        slots = cache.get(world, key, build)
    slots = _sorted(world, slots, query, cache)
    start = (query.page - 1) * query.size
    end = start + query.size
    if query.descending:
        stop = len(slots) - start
        return list(reversed(slots[max(0, stop - query.size) : max(0, stop)])), end < len(slots)
    return list(slots[start:end]), end < len(slots)


def _searched(world: World, query: DeviceQuery, mode: SearchMode, cache: SlotCache) -> Sequence[int]:
    needle = query.search
    match query.search_column:
        case "serialNumber":
            slot = world.devices.find(needle)
            exact = [] if slot is None else [slot]
        case "connection.pppoeLogin":
            exact = world.devices.find_by_login(needle)
        case "cpf" | "companyName" | "phone" as column:
            return devices_of_customers(world, column, needle)
        case column:
            raise ListingError(f"cannot search by {column}")
    if mode == "exact" or (exact and mode == "exact_then_contains"):
        return exact
    accessor, lowered = query.search_column, needle.lower()
    build = lambda: [s for s in world.devices.order if lowered in _text(world, s, accessor).lower()]  # noqa: E731
    return cache.get(world, ("search", accessor, lowered), build)


def _sorted(world: World, slots: Sequence[int], query: DeviceQuery, cache: SlotCache) -> Sequence[int]:
    match query.sort_by:
        case "serialNumber":
            return slots
        case "created":
            key = ("created", query.search_column, query.search, query.groups)
            return cache.get(world, key, lambda: sorted(slots, key=lambda slot: created_at(world, slot)))
        case "lastInform":
            return sorted(slots, key=lambda slot: last_inform_at(world, slot))
        case column:
            raise ListingError(f"cannot sort by {column}")


def _passes(world: World, slot: int, groups: tuple[tuple[Condition, ...], ...]) -> bool:
    return any(all(_holds(world, slot, condition) for condition in group) for group in groups)


def _holds(world: World, slot: int, condition: Condition) -> bool:
    match condition:
        case ("boolean", "status", "equal", value):
            return is_online(world, slot) == (value.lower() == "true")
        case ("string", accessor, "like", value):
            return value.lower() in _text(world, slot, accessor).lower()
        case ("string", accessor, "equal", value):
            return _text(world, slot, accessor) == value
        case _:
            raise ListingError(f"unknown filter {condition.type}/{condition.operator} on {condition.accessor}")


def _text(world: World, slot: int, accessor: str) -> str:
    match accessor:
        case "serialNumber":
            return world.devices.serial(slot)
        case "connection.pppoeLogin":
            return world.devices.login(slot) or ""
        case _:
            raise ListingError(f"unknown column {accessor}")


def _groups(items: Sequence[tuple[str, str]]) -> tuple[tuple[Condition, ...], ...]:
    found: dict[int, dict[int, dict[str, str]]] = {}
    for name, value in items:
        match = _FILTER.fullmatch(name)
        if match is not None:
            group, place, part = int(match[1]), int(match[2]), match[3]
            found.setdefault(group, {}).setdefault(place, {})[part] = value
    return tuple(
        tuple(
            Condition(*(parts.get(part, "") for part in ("type", "accessor", "operator", "value")))
            for _, parts in sorted(group.items())
        )
        for _, group in sorted(found.items())
    )


def _number(plain: dict[str, str], name: str, default: int) -> int:
    text = plain.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ListingError(f"{name} must be a positive number")
    return int(text)
