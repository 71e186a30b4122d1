"""Finding out what has changed in the ERP, which tells nobody: reading ``ultima_atualizacao`` again and again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.sdk import InvalidAnswerError, RefusedError
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.client import ErpClient, ListQuery
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.paging import ListingWalker
from backhaul_connectors.ixc_provider.values import link, moment, text

if TYPE_CHECKING:
    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_provider.settings import IxcProviderSettings

__all__ = ["ChangeReader", "Mark", "digest_of", "marks_of", "marks_text"]

STAMP = "ultima_atualizacao"
_FORM = "%Y-%m-%d %H:%M:%S"
_LEAST = "1900-01-01 00:00:00"
# Columns that change by themselves, without anybody having changed the record.
_RESTLESS = frozenset({"download_atual", "upload_atual", "tempo_conectado", "tempo_conexao"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a table was read.

    Attributes:
        since: local time of the last change seen.
        seen: digests of the records seen whose change lies at or after the point where the next look begins.
    """

    since: str = _LEAST
    seen: Mapping[str, str] = field(default_factory=dict)


class ChangeReader:
    """Reads the changes of tables. Source: ixc_provider reference, section 3.1 (incremental reads)."""

    def __init__(
        self,
        client: ErpClient,
        walker: ListingWalker,
        settings: IxcProviderSettings,
        context: ConnectorContext,
    ) -> None:
        self._client = client
        self._walker = walker
        self._settings = settings
        self._clock = context.clock

    async def first(self, table: str) -> Mark:
        """Return the mark from which to begin, behind everything that has changed before."""
        answer = await self._client.read(ListQuery(table=table, sort=STAMP, descending=True, size=1))
        latest = _stamp(answer.records[0]) if answer.records else None
        if latest is None:
            return Mark()
        mark = Mark(since=latest)
        async for records, reached in self.after(table, mark):
            mark = reached
            del records
        return mark

    async def after(self, table: str, mark: Mark) -> AsyncGenerator[tuple[list[Record], Mark], None]:
        """Yield the records that have changed since a mark, by time, each group with the mark behind it.

        It reads from a little before the last change, since a change may become visible later than it is stamped,
        and leaves out what was seen before with the same content. Each request asks for what follows the last time
        read; when one second has more changes than a page holds, that second is read by id. So records that change
        while one reads are neither lost nor in the way.

        Raises:
            InvalidAnswerError: the ERP does not sort, or gives nothing although records match.
        """
        # When the clock goes back an hour, new times lie before the last ones: then begin with the present.
        present = self._clock.now().astimezone(self._settings.zone).strftime(_FORM)
        begin = _earlier(min(mark.since, present), self._settings.poll_overlap_s)
        seen = dict(mark.seen)
        reached, operator = begin, Operator.AT_LEAST
        while True:
            condition = Filter(column=STAMP, operator=operator, value=reached)
            query = ListQuery(table=table, filters=(condition,), sort=STAMP, size=self._settings.page_size)
            answer = await self._client.read(query)
            if answer.total and not answer.records:
                raise InvalidAnswerError(f"changes of {table}: {answer.total} records match, but none came")
            last = _checked_order(table, answer.records, reached)
            fresh = _unseen(answer.records, seen)
            is_last = len(answer.records) >= answer.total
            if not is_last and last == reached:
                fresh += await self._of_second(table, reached, seen)
                operator = Operator.GREATER
            elif not is_last:
                operator = Operator.AT_LEAST
            since = max(mark.since, last)
            kept = _earlier(since, self._settings.poll_overlap_s)
            mark = Mark(since=since, seen={key: one for key, one in seen.items() if _time_of(one) >= kept})
            yield fresh, mark
            if is_last:
                return
            reached = last

    async def _of_second(self, table: str, second: str, seen: dict[str, str]) -> list[Record]:
        """Return the unseen records of one second that has more of them than a page holds."""
        query = ListQuery(table=table, filters=(Filter(column=STAMP, value=second),), size=self._settings.page_size)
        found: list[Record] = []
        async for page in self._walker.by_id(query, None):
            found += _unseen(page.items, seen)
        return found


def digest_of(record: Record) -> str:
    """Return what tells two contents of a record apart: the time of its change and a digest of it."""
    steady = {name: value for name, value in record.items() if name not in _RESTLESS}
    plain = json.dumps(steady, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    return f"{_stamp(record) or _LEAST} {hashlib.sha256(plain).hexdigest()[:12]}"


def marks_of(cursor: str | None) -> dict[str, Mark]:
    """Return the marks of a cursor by table.

    Raises:
        RefusedError: it is not one that `marks_text` made.
    """
    if cursor is None:
        return {}
    try:
        return {
            table: Mark(since=str(entry[0]), seen={str(key): str(value) for key, value in entry[1].items()})
            for table, entry in json.loads(cursor).items()
        }
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        raise RefusedError("this is not a cursor of the ERP's changes") from None


def marks_text(marks: Mapping[str, Mark]) -> str:
    """Return marks as the text of a cursor; it holds ids, times and digests, no personal data."""
    plain = {table: [mark.since, dict(mark.seen)] for table, mark in marks.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def event_time(record: Record, settings: IxcProviderSettings, now: datetime) -> datetime:
    """Return when a record was changed, UTC."""
    return moment(record.get(STAMP), settings.zone) or now


def _unseen(records: Sequence[Record], seen: dict[str, str]) -> list[Record]:
    """Return the records that were not seen with this content, and note them in `seen`."""
    fresh = []
    for record in records:
        key, digest = str(link(record.get("id")) or 0), digest_of(record)
        if seen.get(key) != digest:
            seen[key] = digest
            fresh.append(record)
    return fresh


def _checked_order(table: str, records: Sequence[Record], begin: str) -> str:
    """Return the time of the last record of a page whose times all rise."""
    last = begin
    for record in records:
        stamp = _stamp(record)
        if stamp is None:
            raise InvalidAnswerError(f"changes of {table}: a record has no {STAMP}; take {table} out of poll_tables")
        if stamp < last:
            raise InvalidAnswerError(f"changes of {table}: the ERP does not sort or filter by {STAMP}")
        last = stamp
    return last


def _stamp(record: Record) -> str | None:
    written = text(record.get(STAMP))
    return written if written is not None and _LEAST <= written < "9999" and len(written) == len(_LEAST) else None


def _time_of(digest: str) -> str:
    return digest.rpartition(" ")[0]


def _earlier(local: str, seconds: float) -> str:
    try:
        return (datetime.strptime(local, _FORM) - timedelta(seconds=seconds)).strftime(_FORM)
    except (ValueError, OverflowError):
        return _LEAST
