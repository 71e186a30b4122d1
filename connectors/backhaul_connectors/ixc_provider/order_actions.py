"""Actions on service orders: create, list, move from state to state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Literal, TypeAlias

from backhaul.sdk import AttemptInfo, Effect, Page, Personal, Verdict, action
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.filters import Filter
from backhaul_connectors.ixc_provider.record_actions import Inserted
from backhaul_connectors.ixc_provider.support import OrderPriority, ServiceOrder, order_of
from backhaul_connectors.ixc_provider.ticket_actions import ORDERS, TicketActions, present
from backhaul_connectors.ixc_provider.values import moment, text

__all__ = ["OrderActions", "OrderMove"]

OrderMove: TypeAlias = Literal["analyse", "reschedule", "execute", "finish", "reopen"]
"""How to move a service order: to ``AN``, ``AG``, ``EX``, ``F``, or open again."""
_MOVES: Mapping[OrderMove, tuple[ButtonName, str]] = {
    "analyse": ("order_analyse", "AN"),
    "reschedule": ("order_reschedule", "AG"),
    "execute": ("order_execute", "EX"),
    "finish": ("order_finish", "F"),
    "reopen": ("order_reopen", "A"),
}


class OrderActions(TicketActions):
    """Service orders (``su_oss_chamado``)."""

    @action(effect=Effect.READ)
    async def list_service_orders(
        self,
        *,
        id_cliente: RecordId | None = None,
        id_ticket: RecordId | None = None,
        id_tecnico: RecordId | None = None,
        status: str | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[ServiceOrder]]:
        """List service orders by id.

        Args:
            id_cliente: only those of this customer.
            id_ticket: only those of this ticket.
            id_tecnico: only those of this technician.
            status: only those in this state: ``A``, ``AN``, ``EN``, ``AS``, ``AG``, ``DS``, ``EX``, ``F`` or ``RAG``.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        given = {"id_cliente": id_cliente, "id_ticket": id_ticket, "id_tecnico": id_tecnico, "status": status}
        filters = tuple(Filter(column=name, value=str(value)) for name, value in given.items() if value is not None)
        query = ListQuery(table=ORDERS, filters=filters, size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [order_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.ONCE, verify="verify_create_service_order")
    async def create_service_order(
        self,
        *,
        id_cliente: RecordId,
        id_assunto: RecordId,
        id_filial: RecordId,
        setor: RecordId,
        mensagem: Personal[Text],
        prioridade: OrderPriority = "N",
        tipo: Literal["C", "E"] = "C",
        origem_endereco: Literal["C", "L", "CC", "M"] = "C",
        id_ticket: RecordId | None = None,
        id_login: RecordId | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Inserted:
        """Open a service order, never twice.

        Args:
            id_cliente: id of the customer.
            id_assunto: id of the subject (table ``su_oss_assunto``).
            id_filial: id of the branch (table ``filial``).
            setor: id of the sector.
            mensagem: what is to be done.
            prioridade: ``B`` low, ``N`` normal, ``A`` high, ``C`` critical.
            tipo: ``C`` for a customer, ``E`` internal.
            origem_endereco: where: ``C`` customer, ``L`` login, ``CC`` contract, ``M`` stated in `fields`.
            id_ticket: id of the ticket it belongs to.
            id_login: id of the login it is about.
            fields: further columns, as texts.

        Raises:
            RefusedError: the ERP said no; its text says why.
            UnknownOutcomeError: it may have been opened.
        """
        return await self._insert(
            ORDERS,
            {
                "status": "A",
                **present(id_ticket=id_ticket, id_login=id_login),
                **(fields or {}),
                "tipo": tipo,
                "id_cliente": str(id_cliente),
                "id_assunto": str(id_assunto),
                "id_filial": str(id_filial),
                "setor": str(setor),
                "mensagem": mensagem,
                "prioridade": prioridade,
                "origem_endereco": origem_endereco,
            },
        )

    async def verify_create_service_order(
        self, *, id_cliente: int, mensagem: str, attempt: AttemptInfo, **others: object
    ) -> Verdict:
        """Look for a service order with the same customer and text that was opened since the attempt."""
        return await self._inserted_since(ORDERS, "data_abertura", id_cliente, ("mensagem", mensagem), attempt)

    @action(effect=Effect.ONCE, verify="verify_move_service_order")
    async def move_service_order(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        move: OrderMove,
        mensagem: Personal[str] = "",
        id_tecnico: RecordId | None = None,
        data_inicio: datetime | None = None,
        data_final: datetime | None = None,
        data_agendamento: datetime | None = None,
        data_agendamento_final: datetime | None = None,
        id_su_diagnostico: RecordId | None = None,
        id_resposta: RecordId | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Pressed:
        """Move a service order to its next state, through the ERP's own action for it.

        Args:
            id: id of the service order.
            move: ``analyse`` (AN), ``reschedule`` (AG), ``execute`` (EX), ``finish`` (F) or ``reopen``.
            mensagem: note.
            id_tecnico: id of the technician.
            data_inicio: when the work began; a time without zone is the server's own.
            data_final: when it ended.
            data_agendamento: for ``reschedule``: from when.
            data_agendamento_final: for ``reschedule``: until when.
            id_su_diagnostico: for ``execute`` and ``finish``: the diagnosis (table ``su_diagnostico``).
            id_resposta: for ``execute`` and ``finish``: the standard answer.
            fields: more, such as ``id_evento``, ``latitude``, ``longitude``, ``gps_time``, ``finaliza_processo_aux``.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        button, status = _MOVES[move]
        times = {
            "data_inicio": data_inicio,
            "data_final": data_final,
            "data_agendamento": data_agendamento,
            "data_agendamento_final": data_agendamento_final,
        }
        fields = {
            "status": status,
            "mensagem": mensagem,
            "data": self._local(self.clock.now()),
            **present(id_tecnico=id_tecnico, id_su_diagnostico=id_su_diagnostico, id_resposta=id_resposta),
            **{name: self._local(value) for name, value in times.items() if value is not None},
            **(fields or {}),
        }
        return await self._press(button, str(id), fields)

    async def verify_move_service_order(
        self,
        *,
        id: int,  # noqa: A002  (the vendor's name)
        move: OrderMove,
        data_agendamento: datetime | None,
        attempt: AttemptInfo,
        **others: object,
    ) -> Verdict:
        """Tell by state, and for a new date by that date, whether a service order was moved."""
        button, status = _MOVES[move]
        record = await self._existing(ORDERS, id)
        moved = text(record.get("status")) == status
        if move == "reschedule" and data_agendamento is not None:
            wanted = moment(self._local(data_agendamento), self.settings.zone)
            moved = moved and moment(record.get("data_agenda"), self.settings.zone) == wanted
        if moved:
            return Verdict.done(Pressed(button=button, id=str(id)))
        return Verdict.unknown(
            f"service order {id} is in state {text(record.get('status'))}; the move may be under way"
        )

    def _local(self, moment_given: datetime) -> str:
        """Return a time as the server writes it: local, without offset."""
        if moment_given.tzinfo is not None:
            moment_given = moment_given.astimezone(self.settings.zone)
        return moment_given.strftime("%Y-%m-%d %H:%M:%S")
