"""Actions on money: list customers' bills, receive and cancel them, pay the ISP's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from typing import Annotated

from pydantic import Field

from backhaul.sdk import AttemptInfo, Effect, InvalidAnswerError, Page, RefusedError, Verdict, action
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.bills import Bill, bill_of
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.client import ListQuery, nothing_done_yet
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.values import decimal, link, text

__all__ = ["PaymentActions"]

Amount = Annotated[float, Field(gt=0, lt=1e9)]
BILLS = "fn_areceber"
_PAYABLES = "fn_apagar"


class PaymentActions(ButtonPresser):
    """Bills (``fn_areceber``, ``fn_apagar``). Money moves once: what is settled is left alone."""

    @action(effect=Effect.READ)
    async def list_bills(
        self,
        *,
        id_cliente: RecordId | None = None,
        id_contrato: RecordId | None = None,
        status: Sequence[str] = (),
        due_from: date | None = None,
        due_until: date | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Bill]]:
        """List customers' bills by id.

        Args:
            id_cliente: only those of this customer.
            id_contrato: only those that name this contract; many bills name none.
            status: only those with one of these states: ``A`` open, ``P`` in part, ``R`` received, ``C`` cancelled.
            due_from: only those due on this date or later.
            due_until: only those due on this date or before; one without a due date is not among them.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        given = {"id_cliente": id_cliente, "id_contrato": id_contrato}
        filters = [Filter(column=name, value=str(value)) for name, value in given.items() if value is not None]
        if status:
            filters.append(Filter(column="status", operator=Operator.IN, value=list(status)))
        if due_from is not None or due_until is not None:
            first = due_from or date(1900, 1, 1)
            filters.append(Filter(column="data_vencimento", operator=Operator.AT_LEAST, value=first.isoformat()))
        if due_until is not None:
            filters.append(Filter(column="data_vencimento", operator=Operator.AT_MOST, value=due_until.isoformat()))
        query = ListQuery(table=BILLS, filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [bill_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.ONCE, verify="verify_receive_bill")
    async def receive_bill(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        conta: RecordId,
        id_conta: RecordId,
        tipo_recebimento: Text,
        valor: Amount | None = None,
        data: date | None = None,
        historico: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Pressed:
        """Note in the ERP that a customer has paid a bill (receipt by hand). One that is received is left alone.

        Args:
            id: id of the receivable.
            conta: the account that the money came to (table ``contas``).
            id_conta: that account in the chart of accounts.
            tipo_recebimento: how it was paid, as the ERP names it, such as ``Pix`` or ``Dinheiro``.
            valor: reais that were paid; what is open when left out.
            data: date of the payment, in the server's calendar; today when left out.
            historico: text of the entry.
            fields: more of the form, such as ``documento``, ``vdesconto``, ``vacrescimo``.

        Raises:
            NotFoundError: there is no such bill.
            RefusedError: the ERP said no, or the bill is cancelled.
            UnknownOutcomeError: it may have been noted.
        """
        bill = await self._settleable(BILLS, id)
        if text(bill.get("status")) == "R":
            return Pressed(button="receive_bill", id=str(id), already=True)
        amount, part = self._amount(bill, valor)
        form = {
            "filial_id": str(link(bill.get("filial_id")) or 1),
            "conta_": str(conta),
            "id_conta": str(id_conta),
            "tipo_recebimento": tipo_recebimento,
            "data": self._day(data),
            "valor_parcela": amount,
            "credito": amount,
            "debito": amount,
            "valor_total_recebido": amount,
            "historico": historico,
            "tipo_r": "P" if part else "T",
            "previsao": "N",
            "tipo_lanc": "R",
        }
        return await self._press("receive_bill", str(id), {**form, **(fields or {})})

    async def verify_receive_bill(self, *, id: int, attempt: AttemptInfo, **others: object) -> Verdict:  # noqa: A002
        """Tell by its state whether a bill was received as a whole; a part of it cannot be told."""
        return await self._settled("receive_bill", BILLS, id, "R")

    @action(effect=Effect.ONCE, verify="verify_cancel_bill")
    async def cancel_bill(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        id_mot_cancelamento: RecordId,
        data: date | None = None,
    ) -> Pressed:
        """Cancel an open bill of a customer. One that is cancelled is left alone.

        Args:
            id: id of the receivable.
            id_mot_cancelamento: the reason (table ``fn_areceber_mot_cancelamento``).
            data: date of the cancellation, in the server's calendar; today when left out.

        Raises:
            NotFoundError: there is no such bill.
            RefusedError: the ERP said no, such as when it is received already.
            UnknownOutcomeError: it may have been cancelled.
        """
        with nothing_done_yet():
            bill = await self._existing(BILLS, id)
        if text(bill.get("status")) == "C":
            return Pressed(button="cancel_bill", id=str(id), already=True)
        form = {"id_mot_cancelamento": str(id_mot_cancelamento), "data_cancelamento": self._day(data)}
        return await self._press("cancel_bill", str(id), form)

    async def verify_cancel_bill(self, *, id: int, attempt: AttemptInfo, **others: object) -> Verdict:  # noqa: A002
        """Tell by its state whether a bill was cancelled."""
        return await self._settled("cancel_bill", BILLS, id, "C")

    @action(effect=Effect.ONCE, verify="verify_pay_payable")
    async def pay_payable(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        conta: RecordId,
        id_conta: RecordId,
        tipo_pagamento: Text = "D",
        valor: Amount | None = None,
        data: date | None = None,
        historico: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> Pressed:
        """Note in the ERP that the ISP has paid one of its own bills (``fn_apagar``). A paid one is left alone.

        Args:
            id: id of the payable.
            conta: the account that the money left (table ``contas``).
            id_conta: that account in the chart of accounts.
            tipo_pagamento: how it was paid, by the ERP's letter: ``D`` cash.
            valor: reais that were paid; what is open when left out.
            data: date of the payment, in the server's calendar; today when left out.
            historico: text of the entry.
            fields: more of the form, such as ``documento``, ``chave_pix``, ``vdesconto``.

        Raises:
            NotFoundError: there is no such payable.
            RefusedError: the ERP said no, or it is cancelled.
            UnknownOutcomeError: it may have been noted.
        """
        payable = await self._settleable(_PAYABLES, id)
        if decimal(payable.get("valor_aberto")) == 0:
            return Pressed(button="pay_payable", id=str(id), already=True)
        amount, part = self._amount(payable, valor)
        branch = str(link(payable.get("filial_id")) or 1)
        form = {
            "filial": branch,
            "filial_id": branch,
            "conta_": str(conta),
            "id_conta": str(id_conta),
            "tipo_pagamento": tipo_pagamento,
            "data": self._day(data),
            "valor_parcela": amount,
            "debito": amount,
            "valor_total_pago": amount,
            "historico": historico,
            "tipo_p": "P" if part else "T",
            "tipo_lanc": "P",
        }
        return await self._press("pay_payable", str(id), {**form, **(fields or {})})

    async def verify_pay_payable(self, *, id: int, attempt: AttemptInfo, **others: object) -> Verdict:  # noqa: A002
        """Tell whether a payable was paid as a whole: nothing of it is open."""
        record = await self._existing(_PAYABLES, id)
        if decimal(record.get("valor_aberto")) == 0 and text(record.get("status")) != "C":
            return Verdict.done(Pressed(button="pay_payable", id=str(id)))
        return Verdict.unknown(f"payable {id} is not paid as a whole; a part may have been, or it is under way")

    async def _settleable(self, table: str, record_id: int) -> Record:
        with nothing_done_yet():
            record = await self._existing(table, record_id)
        if text(record.get("status")) == "C":
            raise RefusedError(f"{table} {record_id} is cancelled; nothing was noted")
        return record

    async def _settled(self, button: ButtonName, table: str, record_id: int, state: str) -> Verdict:
        found = text((await self._existing(table, record_id)).get("status"))
        if found == state:
            return Verdict.done(Pressed(button=button, id=str(record_id)))
        return Verdict.unknown(f"{table} {record_id} has status {found or 'empty'}, not {state}; it may be under way")

    def _amount(self, record: Record, valor: float | None) -> tuple[str, bool]:
        """Return the amount as the ERP takes it, and whether it is only a part of what is open."""
        left = decimal(record.get("valor_aberto"))
        if valor is None and not left:
            raise InvalidAnswerError("the ERP does not tell what is open (valor_aberto): give valor")
        amount = valor if valor is not None else left or 0.0
        return f"{amount:.2f}", left is not None and amount < left

    def _day(self, given: date | None) -> str:
        """Return a date as forms take it: ``dd/mm/yyyy``, in the server's calendar."""
        return (given or self.clock.now().astimezone(self.settings.zone).date()).strftime("%d/%m/%Y")
