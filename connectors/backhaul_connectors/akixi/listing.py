"""Reading lists of entries page by page, with the checks that keep a broken answer from looking like a short list."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from backhaul.sdk import InvalidAnswerError, Page, RefusedError
from backhaul_connectors.akixi.fields import IntegratorClientField, fields_value
from backhaul_connectors.akixi.models import IntegratorClient, integrator_client_of

if TYPE_CHECKING:
    from backhaul_connectors.akixi.api import AkixiApi
    from backhaul_connectors.akixi.scope import Scope
    from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["EntryListing", "EntryQuery", "Place"]

_WHAT = "list of Integrator Clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """What to list; `fields` are the additional ones to ask for."""

    scope: Scope
    fields: Sequence[IntegratorClientField]
    sort: Literal["ASC", "DESC"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a listing stands: how many entries are before it, and how many to ask for."""

    offset: int
    limit: int

    @classmethod
    def of(cls, cursor: str | None, *, offset: int, limit: int) -> Place:
        """Return the place of a cursor such as ``50/25``; without one, the place given.

        Raises:
            RefusedError: it is not a cursor of this listing.
        """
        if cursor is None:
            return cls(offset=offset, limit=limit)
        found = re.fullmatch(r"([0-9]{1,9})/([1-9][0-9]{0,8})", cursor)
        if found is None:
            raise RefusedError(f"{cursor!r} is not a cursor of the list of Integrator Clients, such as 50/25")
        return cls(offset=int(found[1]), limit=int(found[2]))

    @property
    def cursor(self) -> str:
        """The text from which `of` makes this place again."""
        return f"{self.offset}/{self.limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    entries: Sequence[IntegratorClient]
    total: int | None


class EntryListing:
    """Lists of one connection. Safe for any number of concurrent readers."""

    def __init__(self, api: AkixiApi, settings: AkixiSettings) -> None:
        self._api = api
        self._settings = settings

    async def pages(self, query: EntryQuery, place: Place) -> AsyncGenerator[Page[IntegratorClient], None]:
        """Yield the pages from `place` on, each entry once.

        The next page begins after the entries received, however many were asked for. The end is where ``Total`` is
        reached; an empty page ends the listing, too.

        Raises:
            InvalidAnswerError: the answer is malformed, repeats itself, shrinks or ends before its total.
        """
        seen: set[str] = set()
        total_before = 0
        for _ in range(self._settings.page_cap):
            answer = await self.read(query, place)
            fresh = [entry for entry in answer.entries if entry.id not in seen]
            if answer.entries and not fresh:
                raise InvalidAnswerError(f"{_WHAT}: at offset {place.offset} nothing new came: Akixi does not page")
            total = answer.total
            if total is not None and total < total_before:
                raise InvalidAnswerError(
                    f"{_WHAT}: its total fell from {total_before} to {total} while reading, so entries may be missing; "
                    "read it again"
                )
            seen.update(entry.id for entry in fresh)
            place = replace(place, offset=place.offset + len(answer.entries))
            is_last = not answer.entries or (total is not None and place.offset >= total)
            if not answer.entries and self._settings.trust_total and place.offset < (total or 0):
                raise InvalidAnswerError(
                    f"{_WHAT}: nothing came at offset {place.offset}, although there are to be {total} entries: it is "
                    "not complete. If this user may see fewer than Akixi counts, set trust_total = false"
                )
            yield Page(items=fresh, next=None if is_last else place.cursor, total=total)
            if is_last:
                return
            total_before = total or 0
        raise InvalidAnswerError(f"{_WHAT}: it does not end within {self._settings.page_cap} pages (page_cap)")

    async def all(self, query: EntryQuery) -> list[IntegratorClient]:
        """Return all entries; errors as of `pages`."""
        place = Place(offset=0, limit=self._settings.page_size)
        return [entry async for page in self.pages(query, place) for entry in page.items]

    async def read(self, query: EntryQuery, place: Place) -> _Answer:
        """Return the entries at one place; errors as of `pages`."""
        params: dict[str, str | int] = {"limit": place.limit, "offset": place.offset}
        if query.sort is not None:
            params["sort"] = query.sort
        if query.fields:
            params["IntegratorClientFields"] = fields_value(query.fields, self._settings.fields_form)
        answer = await self._api.call("GET", f"/admin{query.scope.path}", _WHAT, params=params)
        data = answer.get("Data") if isinstance(answer, dict) else None
        items = data.get("Items") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(items, list):
            raise InvalidAnswerError(f"{_WHAT}: Akixi's answer holds no Data.Items. Check base_url and api_path")
        total = data.get("Total")
        if isinstance(total, str) and re.fullmatch(r"[0-9]{1,9}", total):
            total = int(total)
        zone = self._settings.zone
        return _Answer(
            entries=[integrator_client_of(item, zone) for item in items],
            total=total if isinstance(total, int) and total >= 0 else None,
        )
