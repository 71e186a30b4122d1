"""What all groups of the connector's actions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from backhaul.sdk import Connector, ConnectorContext, InvalidAnswerError, NotFoundError
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.client import ErpClient, ListQuery
from backhaul_connectors.ixc_provider.filters import Filter
from backhaul_connectors.ixc_provider.logins import LoginBook
from backhaul_connectors.ixc_provider.paging import ListingWalker
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from backhaul_connectors.ixc_provider.values import link

__all__ = ["ErpConnector", "RecordId", "Text"]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
RecordId = Annotated[int, Field(gt=0)]
_NAMESAKES = 200


class ErpConnector(Connector[IxcProviderSettings]):
    """A connection's requests, and the reading of single records."""

    def __init__(self, settings: IxcProviderSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._client = ErpClient(settings, context)
        self._walker = ListingWalker(self._client, context, pause_s=settings.page_pause_s)
        self._logins = LoginBook(self._client, settings)

    async def _record(self, table: str, record_id: int) -> Record | None:
        """Return the record with an id, or None."""
        condition = Filter(column="id", value=str(record_id))
        answer = await self._client.read(ListQuery(table=table, filters=(condition,), size=1))
        return next((record for record in answer.records if link(record.get("id")) == record_id), None)

    async def _existing(self, table: str, record_id: int) -> Record:
        record = await self._record(table, record_id)
        if record is None:
            raise NotFoundError(f"the ERP has no record {record_id} in {table}")
        return record

    async def _matching(self, table: str, *filters: Filter, most: int = _NAMESAKES) -> Sequence[Record]:
        """Return all records that match, by id; more than `most` are an error."""
        answer = await self._client.read(ListQuery(table=table, filters=filters, size=most))
        if len(answer.records) < answer.total:
            raise InvalidAnswerError(
                f"list of {table}: {answer.total} records match, but only {len(answer.records)} came: ask for less"
            )
        return answer.records
