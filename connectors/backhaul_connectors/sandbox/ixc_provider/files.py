"""Files attached to customers, tickets and service orders (the vendor's Postman collection; answers assumed)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final, NamedTuple

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.face import Answer, Headers
from backhaul_connectors.sandbox.ixc_provider.pdf import one_line_pdf
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.world import World

__all__ = ["FILE_TABLES", "SentFile", "keep_file", "view_customer_file", "view_order_file"]

FILE_TABLES: Final = frozenset({"cliente_arquivos", "su_ticket_arquivos", "su_oss_chamado_arquivos"})
_DECLARED: Headers = ((b"content-type", b"text/html; charset=ISO-8859-1"),)


class SentFile(NamedTuple):
    """A file of a multipart body."""

    name: str
    content: bytes


def keep_file(world: World, table: Table, row_id: int, file: SentFile) -> None:
    """Keep the content of a new row and fill what the server fills."""
    world.files[table.name, row_id] = file.content
    name = file.name.replace("\\", "/").rpartition("/")[2]
    stored = {"nome_arquivo": name, "local_arquivo": f"arquivos/{table.name}/{row_id}_{name}"}
    table.set(row_id, {**stored, "data_envio": world.clock.local_now()})


def view_customer_file(press: Press) -> Answer:
    """Answer a customer's file in base64; one of the seed is made now."""
    return _view(press, "cliente_arquivos")


def view_order_file(press: Press) -> Answer:
    """Answer a service order's file in base64."""
    return _view(press, "su_oss_chamado_arquivos")


def _view(press: Press, name: str) -> Answer:
    record, table = press.record("id"), press.world.tables[name]
    row_id = press.find(table, "id")
    if row_id is None:
        return press.refused(record, "Arquivo não encontrado!")
    content = press.world.files.get((name, row_id))
    if content is None:
        content = one_line_pdf(_ascii(table.row(row_id)))
    answer = Answer(200, base64.b64encode(content), _DECLARED)
    answer.key = answer.record = record
    return answer


def _ascii(row: Mapping[str, str]) -> str:
    return "".join(c for c in row["descricao"] if (c.isascii() and c.isalnum()) or c == " ")
