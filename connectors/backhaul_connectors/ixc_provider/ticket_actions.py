"""Actions on tickets: create and list; a ticket's service order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from backhaul.sdk import AttemptInfo, Effect, NotFoundError, Page, Personal, Verdict, action
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.buttons import Pressed
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.filters import Filter
from backhaul_connectors.ixc_provider.record_actions import Inserted, RecordActions
from backhaul_connectors.ixc_provider.support import ServiceOrder, Ticket, TicketPriority, order_of, ticket_of
from backhaul_connectors.ixc_provider.values import link, moment, text

__all__ = ["ORDERS", "TICKETS", "TicketActions", "present"]

TICKETS = "su_ticket"
ORDERS = "su_oss_chamado"


def present(**ids: int | None) -> dict[str, str]:
    """Return the ids that are given, as texts."""
    return {name: str(value) for name, value in ids.items() if value is not None}


class TicketActions(RecordActions):
    """Tickets (``su_ticket``)."""

    @action(effect=Effect.READ)
    async def list_tickets(
        self,
        *,
        id_cliente: RecordId | None = None,
        id_login: RecordId | None = None,
        su_status: str | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Ticket]]:
        """List tickets by id.

        Args:
            id_cliente: only those of this customer.
            id_login: only those of this login.
            su_status: only those in this state: ``N``, ``P``, ``EP``, ``S`` or ``C``.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        given = {"id_cliente": id_cliente, "id_login": id_login, "su_status": su_status}
        filters = tuple(Filter(column=name, value=str(value)) for name, value in given.items() if value is not None)
        query = ListQuery(table=TICKETS, filters=filters, size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [ticket_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.ONCE, verify="verify_create_ticket")
    async def create_ticket(
        self,
        *,
        id_cliente: RecordId,
        id_assunto: RecordId,
        titulo: Personal[Text],
        menssagem: Personal[Text],
        id_ticket_setor: RecordId,
        prioridade: TicketPriority = "M",
        id_login: RecordId | None = None,
        id_contrato: RecordId | None = None,
        id_wfl_processo: RecordId | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Inserted:
        """Open a ticket, never twice; `filled` of the result holds its ``protocolo`` when the ERP tells.

        With a process (`id_wfl_processo`) the service order follows later: see `get_ticket_order`.

        Args:
            id_cliente: id of the customer.
            id_assunto: id of the subject (table ``su_oss_assunto``).
            titulo: title.
            menssagem: text, in the vendor's own spelling of the column.
            id_ticket_setor: id of the sector (table ``su_ticket_setor``).
            prioridade: ``B`` low, ``M`` normal, ``A`` high, ``C`` critical.
            id_login: id of the login it is about.
            id_contrato: id of the contract it is about.
            id_wfl_processo: id of the process that it starts.
            fields: further columns, as texts.

        Raises:
            RefusedError: the ERP said no; its text says why.
            UnknownOutcomeError: it may have been opened.
        """
        return await self._insert(
            TICKETS,
            {
                "tipo": "C",
                "su_status": "N",
                "origem_endereco": "C",
                **present(id_login=id_login, id_contrato=id_contrato, id_wfl_processo=id_wfl_processo),
                **(fields or {}),
                "id_cliente": str(id_cliente),
                "id_assunto": str(id_assunto),
                "titulo": titulo,
                "menssagem": menssagem,
                "id_ticket_setor": str(id_ticket_setor),
                "prioridade": prioridade,
            },
        )

    async def verify_create_ticket(
        self, *, id_cliente: int, titulo: str, attempt: AttemptInfo, **others: object
    ) -> Verdict:
        """Look for a ticket with the same customer and title that was opened since the attempt."""
        return await self._inserted_since(TICKETS, "data_criacao", id_cliente, ("titulo", titulo), attempt)

    @action(effect=Effect.READ)
    async def get_ticket_order(
        self, *, id_ticket: RecordId, wait_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    ) -> ServiceOrder:
        """Return the service order of a ticket; it comes a while after a ticket with a process.

        Args:
            id_ticket: id of the ticket.
            wait_s: seconds to wait for it; it is looked for every 2 seconds.

        Raises:
            NotFoundError: there is none (yet).
        """
        until = self.clock.monotonic() + wait_s
        while True:
            records = await self._matching(ORDERS, Filter(column="id_ticket", value=str(id_ticket)))
            orders = [order_of(record, self.settings.zone) for record in records]
            if orders:
                return max(orders, key=lambda order: order.id)
            if self.clock.monotonic() >= until:
                raise NotFoundError(f"ticket {id_ticket} has no service order yet; it follows later, or never")
            await self.clock.sleep(min(2.0, max(0.1, until - self.clock.monotonic())))

    @action(effect=Effect.ONCE)
    async def new_protocol(self, *, of: Literal["ticket", "order"] = "ticket") -> Pressed:
        """Have the ERP give out a new protocol number; it is in the answer.

        Args:
            of: ``ticket`` or ``order`` (service order).

        Raises:
            RefusedError: the ERP said no.
        """
        return await self._press("ticket_protocol" if of == "ticket" else "order_protocol", "")

    async def _inserted_since(
        self, table: str, stamp: str, id_cliente: int, same: tuple[str, str], attempt: AttemptInfo
    ) -> Verdict:
        """Look for a customer's record with the same text that was made since an attempt."""
        await self.clock.sleep(self.settings.verify_after_s)
        since = attempt.started_at - timedelta(seconds=self.settings.clock_tolerance_s)
        records = await self._matching(table, Filter(column="id_cliente", value=str(id_cliente)), most=1000)
        column, wanted = same
        found = [
            record
            for record in records
            if text(record.get(column)) == wanted.strip()
            and self._at(record.get(stamp)) >= since.replace(microsecond=0)
        ]
        if not found:
            return Verdict.not_done()
        record_id = link(found[0].get("id"))
        if len(found) > 1 or record_id is None:
            return Verdict.unknown(f"{len(found)} such records of {table} were made since then")
        return Verdict.done(Inserted(table=table, id=record_id))

    def _at(self, value: object) -> datetime:
        """Return a local time of the server as UTC; what has none counts as made now, rather than as missing."""
        return moment(value, self.settings.zone) or self.clock.now()
