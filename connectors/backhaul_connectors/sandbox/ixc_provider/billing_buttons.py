"""Buttons on bills: the document, sending it, and the PIX of a receivable (ixc_provider.md sections 3.3 and 5)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from backhaul_connectors.sandbox.face import Answer, Headers
from backhaul_connectors.sandbox.ixc_provider.pdf import one_line_pdf
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.request_log import Effect

__all__ = ["boleto", "boleto_effect", "pix"]

_DECLARED: Headers = ((b"content-type", b"text/html; charset=ISO-8859-1"),)
_UNKNOWN = "Boleto não encontrado!"


def boleto_effect(fields: Mapping[str, str]) -> Effect:
    """Return what the button is meant to do: reading a file changes nothing, a letter is sent anew every time."""
    return "read" if fields.get("tipo_boleto", "arquivo") == "arquivo" else "once"


def boleto(press: Press) -> Answer:
    """Answer the PDF of the first bill, its base64, or that all were sent; declared as Latin-1 whatever it is."""
    record = press.record("boletos")
    bills = press.world.tables["fn_areceber"]
    ids = [number.strip() for number in record.split(",")]
    if not all(bills.find("id", number) for number in ids):
        return press.refused(record, _UNKNOWN)
    if boleto_effect(press.fields) == "once":
        return press.marked({"registros": [{"sucesso": True}]}, record)
    document = one_line_pdf(f"Boleto {ids[0]}: R$ {bills.cell(int(ids[0]), 'valor')}")
    if press.record("base64") == "S":
        document = base64.b64encode(document)
    answer = Answer(200, document, _DECLARED)
    answer.key = answer.record = record
    return answer


def pix(press: Press) -> Answer:
    """Answer the PIX of an open receivable: nested, with real numbers and UTC times, as banks write (assumed)."""
    world, record = press.world, press.record("id_areceber")
    bills = world.tables["fn_areceber"]
    bill = press.find(bills, "id_areceber")
    if bill is None or bills.cell(bill, "status") != "A":
        return press.refused(record, _UNKNOWN if bill is None else "Título não está em aberto!")
    txid, value = f"sandbox{bill:026d}", float(bills.cell(bill, "valor"))
    bills.set(bill, {"pix_txid": txid})
    body = {
        "type": "success",
        "message": "PIX gerado",
        "pix": {
            "dadosPix": {
                "txid": txid,
                "status": "ATIVA",
                "valor": {"original": value},
                "calendario": {"criacao": world.clock.iso(world.clock.now()), "expiracao": 86_400},
            },
            "qrCode": {"qrcode": f"00020126sandbox{bill}5303986540{value:.2f}", "imagemSrc": ""},
        },
    }
    return press.marked(body, record)
