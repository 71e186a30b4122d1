"""Buttons that receive, cancel and alter a customer's bill, and the one that pays the ISP's own.

Bodies and answers are those of the vendor's Postman collection; what becomes of the record is assumed
(ixc_provider.md sections 3.3 and 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from backhaul_connectors.sandbox.erp_table import Row
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.dates import iso_date
from backhaul_connectors.sandbox.ixc_provider.press import Press

__all__ = ["alter", "cancel", "cancel_by_form", "pay", "receive"]

_UNKNOWN = "Título não encontrado!"
_SETTLED = "Parcela já está recebida ou cancelada!<br />"
_RECEIVED = ("filial_id", "conta_", "id_conta", "tipo_recebimento", "data", "valor_parcela", "valor_total_recebido")
_PAID = ("filial_id", "conta_", "id_conta", "tipo_pagamento", "data", "valor_parcela", "valor_total_pago")
_CANCELLED = (
    "valor_cancelado", "id_cliente", "id_mot_cancelamento", "data_cancelamento", "status", "data_emissao",
    "data_vencimento", "valor",
)  # fmt: skip
_ALTERED = (
    "documento", "data_emissao", "data_vencimento", "obs", "tipo_recebimento", "pix_txid", "liberado",
)  # fmt: skip


def receive(press: Press) -> Answer:
    """Receive a bill by hand, whole or in part: R or P. No further answer than that of an insert is known."""
    record = press.record("id_receber")
    bills = press.world.tables["fn_areceber"]
    bill, problem = _open(press, "fn_areceber", "id_receber", _RECEIVED)
    if bill is None or problem:
        return press.refused(record, problem)
    given = _money(press.fields["valor_total_recebido"])
    left = max(_money(bills.cell(bill, "valor_aberto")) - given, Decimal(0))
    bills.set(
        bill,
        {
            "status": "P" if left else "R",
            "valor_recebido": _text(_money(bills.cell(bill, "valor_recebido")) + given),
            "valor_aberto": _text(left),
            "pagamento_data": iso_date(press.fields["data"]),
            "tipo_recebimento": press.fields["tipo_recebimento"],
        },
    )
    return press.done(record, "Registro inserido com sucesso!", id=str(next(press.world.protocols)))


def cancel(press: Press) -> Answer:
    """Cancel an open bill. The inner ``success`` is false although it was done."""
    record = press.record("id")
    bill, problem = _open(press, "fn_areceber", "id", ("id_mot_cancelamento", "data_cancelamento"))
    if bill is None or problem:
        return press.refused(record, problem)
    _cancel(press, bill, press.world.tables["fn_areceber"].cell(bill, "valor_aberto"))
    told = {"dadosCancelamento": {"success": False, "idVenda": None}}
    return press.marked(
        {**told, "message": f"Contas à receber {record} cancelados com sucesso!<br />", "type": "success"}, record
    )


def cancel_by_form(press: Press) -> Answer:
    """Cancel an open bill by a PUT of the form, whose ``valor_cancelado`` says how much of it."""
    record = press.record("id")
    bill, problem = _open(press, "fn_areceber", "id", _CANCELLED)
    if bill is None or problem:
        return press.refused(record, problem)
    _cancel(press, bill, press.fields["valor_cancelado"])
    told = {"dadosCancelamento": {"success": False, "idVenda": None}}
    return press.marked(
        {**told, "type": "success", "message": "Registro atualizado com sucesso!", "id": record}, record
    )


def alter(press: Press) -> Answer:
    """Alter an open bill by a PUT of the form; only its own columns are kept."""
    record = press.record("id")
    bill, problem = _open(press, "fn_areceber", "id", ("liberado",))
    if bill is None or problem:
        return press.refused(record, problem)
    given = {name: press.fields[name] for name in _ALTERED if press.fields.get(name)}
    values = {name: iso_date(value) if name.startswith("data") else value for name, value in given.items()}
    press.world.tables["fn_areceber"].set(bill, values)
    return press.done(record, "Registro atualizado com sucesso!", id=record)


def pay(press: Press) -> Answer:
    """Pay one of the ISP's own bills (``fn_apagar``) by hand. The answer echoes the form as texts."""
    record = press.record("id_pagar")
    payables = press.world.tables["fn_apagar"]
    payable, problem = _open(press, "fn_apagar", "id_pagar", _PAID)
    if payable is None or problem:
        return press.refused(record, problem)
    given = _money(press.fields["valor_total_pago"])
    left = max(_money(payables.cell(payable, "valor_aberto")) - given, Decimal(0))
    paid = _text(_money(payables.cell(payable, "valor_pago")) + given)
    payables.set(
        payable,
        {
            "status": "A" if left else "P",
            "valor_aberto": _text(left),
            "valor_pago": paid,
            "valor_total_pago": paid,
            "data_pagamento": iso_date(press.fields["data"]),
        },
    )
    told = {"type": "success", "success": "Ação executada com sucesso", "message": "Registro inserido com sucesso!"}
    echo = {**press.fields, "valor_total_pago": _text(given), "action": "botaoAjax_26409"}
    return press.marked({**echo, **told, "id": str(next(press.world.protocols))}, record)


def _open(press: Press, table: str, key: str, required: tuple[str, ...]) -> tuple[int | None, str]:
    """Return the record that a form is about and what the server objects to: what is settled stays so."""
    records = press.world.tables[table]
    found = press.find(records, key)
    if found is None:
        return None, _UNKNOWN
    empty = next((name for name in required if not press.fields.get(name)), None)
    if empty is not None:
        return found, f"Preencha o campo {empty}!<br />"
    amounts = [name for name in required if name.startswith("valor")]
    wrong = next((name for name in amounts if _money(press.fields[name]) <= 0), None)
    if wrong is not None:
        return found, f"Valor inválido no campo {wrong}!<br />"
    is_open = records.cell(found, "status") in ("A", "P") and _money(records.cell(found, "valor_aberto")) > 0
    return found, "" if is_open else _SETTLED


def _cancel(press: Press, bill: int, amount: str) -> None:
    fields: Mapping[str, str] = press.fields
    bills = press.world.tables["fn_areceber"]
    left = max(_money(bills.cell(bill, "valor_aberto")) - _money(amount), Decimal(0))
    values: Row = {
        "valor_cancelado": _text(_money(amount)),
        "valor_aberto": _text(left),
        "data_cancelamento": iso_date(fields["data_cancelamento"]),
        "id_mot_cancelamento": fields["id_mot_cancelamento"],
        "obs": fields.get("obs", ""),
    }
    bills.set(bill, values if left else {**values, "status": "C"})


def _money(text: str) -> Decimal:
    """Return an amount written with point or comma; 0 for what is none."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and abs(amount) < 10**12 else Decimal(0)


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}"
