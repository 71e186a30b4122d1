"""Buttons on negotiations and coverage (the vendor's Postman collection; answers assumed)."""

from __future__ import annotations

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.dates import iso_date
from backhaul_connectors.sandbox.ixc_provider.press import Press

__all__ = ["check_coverage", "lose", "win"]


def win(press: Press) -> Answer:
    """Close a negotiation as won."""
    return _close(press, "V", "data_vencemos")


def lose(press: Press) -> Answer:
    """Close a negotiation as lost."""
    return _close(press, "P", "data_perdemos")


def check_coverage(press: Press) -> Answer:
    """Tell whether there is a splitter box for an address or a point; this ISP has one for each of its own."""
    point = press.record("latitude") and press.record("longitude")
    if not point and not press.record("estado"):
        return press.refused("", "Preencha o campo estado!<br />")
    boxes = press.world.tables["rad_caixa_ftth"]
    found = boxes.cell(boxes.ids[0], "descricao") if len(boxes) else ""
    return press.done("", "Consulta realizada!", viabilidade="S" if found else "N", caixa=found)


def _close(press: Press, status: str, date: str) -> Answer:
    record, table = press.record("id"), press.world.tables["crm_negociacoes"]
    row_id = press.find(table, "id")
    if row_id is None or press.record("id_cliente") != table.cell(row_id, "id_cliente"):
        return press.refused(record, "Negociação não encontrada!")
    empty = next((name for name in (date, "id_responsavel") if not press.record(name)), None)
    if empty is not None:
        return press.refused(record, f"Preencha o campo {empty}!<br />")
    if table.cell(row_id, "status") in ("V", "P"):
        return press.refused(record, "Negociação já finalizada!")
    table.set(
        row_id, {"status": status, date: iso_date(press.record(date)), "id_responsavel": press.record("id_responsavel")}
    )
    return press.done(record, "Registro atualizado com sucesso!", id=record)
