"""Walking through a listing without losing a record or taking a short answer for the end."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from backhaul.sdk import InvalidAnswerError, Page, RefusedError
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.values import link

if TYPE_CHECKING:
    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_provider.client import ErpClient, ListQuery

__all__ = ["ListingWalker"]

Pages: TypeAlias = AsyncGenerator[Page[Record], None]


class ListingWalker:
    """Reads whole listings, with a pause between two requests."""

    def __init__(self, client: ErpClient, context: ConnectorContext, *, pause_s: float) -> None:
        self._client = client
        self._clock = context.clock
        self._pause_s = pause_s

    async def by_id(self, query: ListQuery, cursor: str | None) -> Pages:
        """Yield the records by ascending id, each request asking for those after the last one read.

        So records that come or go meanwhile neither hide nor repeat others. The end is where the ERP says that nothing
        follows, asked once more after the last record (of an empty listing: twice): a page that was cut short is
        continued, not taken for the end. A page is given out when the next one is known. The cursor is the last id
        read.

        Raises:
            InvalidAnswerError: the listing repeats itself, has records without id, or ends before its total.
        """
        last = _last_id(cursor)
        seen = missing = empty_answers = 0
        ready: Page[Record] | None = None
        while True:
            answer = await self._client.read(_after(query, last))
            if answer.records:
                last = _checked_ids(query.table, answer.records, last)
                seen += len(answer.records)
                missing = answer.total - len(answer.records)
                if ready is not None:
                    yield ready
                total = seen + missing if cursor is None else None
                ready = Page(items=answer.records, next=str(last), total=total)
            elif answer.total or missing:
                raise InvalidAnswerError(
                    f"list of {query.table}: the ERP gave nothing more, although {answer.total or missing} records "
                    "should follow: the list is not complete"
                )
            else:
                empty_answers += 1
                if ready is not None or empty_answers == 2:
                    break
            await self._clock.sleep(self._pause_s)
        final: Page[Record] = Page(items=()) if ready is None else ready
        yield replace(final, next=None, total=seen if cursor is None else None)

    async def by_page(self, query: ListQuery, cursor: str | None) -> Pages:
        """Yield the records by page number, for tables without a plain id and for other orders.

        The cursor is ``page/size``. The total may grow while one reads; when it shrinks, records may have moved to a
        page that was read already, and the listing is given up.

        Raises:
            InvalidAnswerError: the listing repeats itself, shrinks, or ends before its total.
        """
        place = _Place.of(cursor, query.size)
        before: Sequence[Record] = ()
        total_before = 0
        while True:
            answer = await self._client.read(replace(query, page=place.number, size=place.size))
            where = f"list of {query.table}, page {place.number}"
            if answer.total < total_before:
                raise InvalidAnswerError(
                    f"{where}: the number of matches fell from {total_before} to {answer.total} while reading, so "
                    "records may be missing; read it again"
                )
            if len(answer.records) < place.records_of(answer.total):
                raise InvalidAnswerError(
                    f"{where}: {len(answer.records)} records came of {place.size} asked for, although {answer.total} "
                    "match in all: the list is not complete. If the ERP never gives more per page, lower page_size"
                )
            if answer.records and answer.records == before:
                raise InvalidAnswerError(f"{where} is the page before it again: the ERP does not page")
            is_last = place.number * place.size >= answer.total
            following = replace(place, number=place.number + 1)
            yield Page(items=answer.records, next=None if is_last else following.cursor, total=answer.total)
            if is_last:
                return
            before, total_before, place = answer.records, answer.total, following
            await self._clock.sleep(self._pause_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A page number and the page size that gives it its meaning."""

    number: int
    size: int

    @classmethod
    def of(cls, cursor: str | None, size: int) -> _Place:
        if cursor is None:
            return cls(number=1, size=size)
        found = re.fullmatch(r"([1-9][0-9]{0,9})/([1-9][0-9]{0,9})", cursor)
        if found is None:
            raise RefusedError(f"{cursor!r} is not a cursor of this listing, such as 3/200")
        return cls(number=int(found[1]), size=int(found[2]))

    @property
    def cursor(self) -> str:
        return f"{self.number}/{self.size}"

    def records_of(self, total: int) -> int:
        """Return how many records this page must have."""
        return min(self.size, max(0, total - (self.number - 1) * self.size))


def _after(query: ListQuery, last: int) -> ListQuery:
    condition = Filter(column="id", operator=Operator.GREATER, value=str(last))
    return replace(query, filters=(condition, *query.filters), sort="id", descending=False)


def _last_id(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise RefusedError(f"{cursor!r} is not a cursor of this listing, such as 1200")
    return int(cursor)


def _checked_ids(table: str, records: Sequence[Record], last: int) -> int:
    """Return the last id of a page whose ids all rise from `last` on."""
    for record in records:
        record_id = link(record.get("id"))
        if record_id is None:
            raise InvalidAnswerError(f"list of {table}: a record has no id")
        if record_id <= last:
            raise InvalidAnswerError(
                f"list of {table}: record {record_id} came after {last}: the ERP repeats a page or ignores the order"
            )
        last = record_id
    return last
