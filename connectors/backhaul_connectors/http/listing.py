"""Reading a list page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backhaul.sdk import InvalidAnswerError, Json, Page, RefusedError
from backhaul_connectors.http.answers import extracted
from backhaul_connectors.http.extraction import found
from backhaul_connectors.http.paging import Paging, Place, following, is_repeated, require_whole, total_of

if TYPE_CHECKING:
    from backhaul_connectors.http.client import HttpApi
    from backhaul_connectors.http.models import Request

__all__ = ["Listing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    items: Sequence[Json]
    body: Json
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One walk through a list.

    Attributes:
        api: sends the requests.
        request: of the first page, without what carries the place.
        items_at: path of the records in an answer.
        paging: how the list goes on.
        limit: number of records after which to stop, or None.
        page_cap: number of pages after which the list is taken for endless.
        pause: waits between two pages.
    """

    api: HttpApi
    request: Request
    items_at: str
    paging: Paging
    limit: int | None
    page_cap: int
    pause: Callable[[], Awaitable[None]]

    async def pages(self, cursor: str | None) -> AsyncGenerator[Page[Json], None]:
        """Yield the pages from a cursor on.

        Raises:
            InvalidAnswerError: the list is not complete, or does not end.
            ActionError: as of `HttpApi.send`.
        """
        place = Place.of(cursor, self.paging)
        while True:
            if place.page >= self.page_cap:
                raise InvalidAnswerError(f"the list does not end within {self.page_cap} pages (page_cap)")
            read = await self._read(place)
            if is_repeated(place, read.items, self.paging):
                require_whole(place.seen, read.body, self.paging)
                yield Page(items=[], next=None)
                return
            left = None if self.limit is None else self.limit - place.seen
            after = None
            if left is None or len(read.items) < left:
                after = following(place, read.items, read.body, read.link, self.paging)
            total = total_of(read.body, self.paging)
            yield Page(items=read.items[:left], next=after.cursor if after else None, total=total)
            if after is None:
                return
            place = after
            await self.pause()

    async def _read(self, place: Place) -> _Read:
        follows_link = self.paging.style == "link" and place.at is not None
        response = await self.api.send(self._request(place), link=str(place.at) if follows_link else None)
        body = self.api.body(response, self.request)
        items = extracted(body, self.items_at, self.request) if self.items_at else body
        if not isinstance(items, list):
            where = f"at {self.items_at!r}" if self.items_at else "in the answer"
            raise InvalidAnswerError(
                f"{self.request.method} {self.request.path} has no list {where} (items is the path of the list)",
                status=response.status_code,
            )
        url = None
        if self.paging.style == "link":
            url = found(body, self.paging.next) if self.paging.next else response.links.get("next", {}).get("url")
            if url is not None and not isinstance(url, str):
                raise InvalidAnswerError(f"the link to the next page at {self.paging.next!r} is no text")
        return _Read(items=items, body=body, link=self.api.link(response, url) if url else None)

    def _request(self, place: Place) -> Request:
        parameters = place.parameters(self.paging)
        if not parameters:
            return self.request
        if self.paging.place_in == "query":
            return replace(self.request, query={**self.request.query, **parameters})
        if not isinstance(self.request.body, dict | None):
            raise RefusedError("the body of a listing with place_in = body must be an object; nothing was sent")
        return replace(self.request, body={**(self.request.body or {}), **parameters})
