"""Actions on what customers use: traffic of a login, lent equipment of a contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import date
from typing import Literal, TypeAlias

from backhaul.sdk import AttemptInfo, Effect, Page, Verdict, action
from backhaul_connectors.ixc_provider.base import RecordId
from backhaul_connectors.ixc_provider.bills import Consumption, LentItem, consumption_of, lent_item_of
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import Pressed
from backhaul_connectors.ixc_provider.client import ListQuery, nothing_done_yet
from backhaul_connectors.ixc_provider.filters import Filter, Operator

__all__ = ["Span", "StockActions"]

Span: TypeAlias = Literal["sample", "day", "month"]
"""What a counter of traffic covers."""

_TRAFFIC: Mapping[Span, str] = {
    "sample": "radusuarios_consumo",
    "day": "radusuarios_consumo_d",
    "month": "radusuarios_consumo_m",
}
_LENT = "cliente_contrato_comodato"


class StockActions(ButtonPresser):
    """Traffic counters and lent equipment."""

    @action(effect=Effect.READ)
    async def list_consumption(
        self,
        *,
        id_login: RecordId,
        per: Span = "day",
        since: date | None = None,
        until: date | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Consumption]]:
        """List what a login has used, by id. The vendor documents no unit; public clients take it for bytes.

        Args:
            id_login: id of the login.
            per: ``day``, ``month``, or ``sample`` for the single readings.
            since: only counters of this date or later, in the server's calendar.
            until: only counters of this date or before.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        filters = [Filter(column="id_login", value=str(id_login))]
        if since is not None:
            filters.append(Filter(column="data", operator=Operator.AT_LEAST, value=since.isoformat()))
        if until is not None:
            last = f"{until.isoformat()} 23:59:59"
            filters.append(Filter(column="data", operator=Operator.AT_MOST, value=last))
        query = ListQuery(table=_TRAFFIC[per], filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [consumption_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def list_lent_equipment(
        self,
        *,
        id_contrato: RecordId | None = None,
        id_login: RecordId | None = None,
        with_customer: bool | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[LentItem]]:
        """List equipment lent to customers, by id.

        Args:
            id_contrato: only that of this contract.
            id_login: only that of this login.
            with_customer: only what is with the customer (true), or only what came back (false).

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        given = {"id_contrato": id_contrato, "id_login": id_login}
        filters = [Filter(column=name, value=str(value)) for name, value in given.items() if value is not None]
        if with_customer is not None:
            operator = Operator.EQUAL if with_customer else Operator.NOT_EQUAL
            filters.append(Filter(column="status_comodato", operator=operator, value="E"))
        query = ListQuery(table=_LENT, filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                yield Page(items=[lent_item_of(record) for record in page.items], next=page.next, total=page.total)

    @action(effect=Effect.ONCE, verify="verify_return_lent_equipment")
    async def return_lent_equipment(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        id_almox: RecordId,
        id_filial: RecordId = 1,
    ) -> Pressed:
        """Note that lent equipment came back into a store. What came back already is left alone.

        Args:
            id: id of the loan (`list_lent_equipment`).
            id_almox: the store.
            id_filial: the branch that takes it.

        Raises:
            NotFoundError: there is no such loan.
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been noted.
        """
        with nothing_done_yet():
            item = lent_item_of(await self._existing(_LENT, id))
        if not item.with_customer:
            return Pressed(button="return_lent", id=str(id), already=True)
        return await self._press("return_lent", str(id), {"id_almox": str(id_almox), "id_filial_baixa": str(id_filial)})

    async def verify_return_lent_equipment(
        self,
        *,
        id: int,  # noqa: A002
        attempt: AttemptInfo,
        **others: object,
    ) -> Verdict:
        """Tell by its state whether lent equipment came back."""
        item = lent_item_of(await self._existing(_LENT, id))
        if not item.with_customer:
            return Verdict.done(Pressed(button="return_lent", id=str(id)))
        return Verdict.unknown(f"lent equipment {id} is with the customer; its return may be under way")
