"""The three listings that answer in Flexigrid form (ixc_provider.md section 3.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from backhaul_connectors.sandbox.erp_table import Row, Table
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider import answers

__all__ = ["FLEXIGRID", "flexigrid_page", "waiting_onu_id"]

FLEXIGRID: dict[str, tuple[str, ...]] = {
    "radacct": (
        "radacctid",
        "username",
        "callingstationid",
        "framedipaddress",
        "nasipaddress",
        "nasportid",
        "acctstarttime",
        "acctstoptime",
        "acctsessiontime",
        "",
        "framedipv6prefix",
        "",
    ),
    "view_vd_contratos_produtos_gen": ("id", "id_vd_contrato", "descricao", "qtde", "valor_unit", "tipo", "id_plano"),
    "fh_onu_nao_autorizadas": ("olt", "chassi", "slot", "pon", "modelo", "mac"),
}
"""The cells of each table by column; "" is a cell without known meaning, always empty. These tables are read only."""

_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})( \d{2}:\d{2}:\d{2})?")
_DECIMAL = re.compile(r"-?\d+\.\d+")


def flexigrid_page(table: Table, ids: Sequence[int], total: int, page: int, now: float) -> Answer:
    """Return one page. "No ONU waiting" comes as ``type: error`` although it is an empty result."""
    if table.name == "fh_onu_nao_autorizadas" and not ids:
        body: dict[str, object] = {"type": "error", "message": "Nenhuma ONU disponível", "page": 1, "total": 0}
        return answers.plain_json(body, now)
    rows = [_entry(table.name, table.row(row_id)) for row_id in ids]
    return answers.plain_json({"page": str(page), "rows": rows, "total": total, "tot": []}, now)


def waiting_onu_id(row: Row) -> str:
    """Return the opaque id of a waiting ONU: base64 of a serialised array of what the OLT told."""
    values = {
        "ID": row["id"],
        "CHASSI": row["chassi"],
        "SLOT": row["slot"],
        "PON": row["pon"],
        "MAC": row["mac"],
        "MODELO": row["modelo"],
        "PONID": f"{row['chassi']}/{row['slot']}/{row['pon']}",
    }
    parts = "".join(f's:{len(name)}:"{name}";s:{len(value)}:"{value}";' for name, value in values.items())
    return base64.b64encode(f"a:{len(values)}:{{{parts}}}".encode()).decode()


def _entry(name: str, row: Row) -> dict[str, object]:
    if name == "fh_onu_nao_autorizadas":
        cells = [row["id_olt"], *(row[column] for column in FLEXIGRID[name][1:])]
        return {"id": waiting_onu_id(row), "cell": cells}
    key = "radacctid" if name == "radacct" else "id"
    cells = [_shown(row[column]) if column else "" for column in FLEXIGRID[name]]
    return {"id": row["id"], "autoincrement": {"campo": key, "valor": row["id"]}, "cell": cells}


def _shown(value: str) -> str:
    """Return a value as the grid writes it: ``dd/mm/yyyy``, decimal comma."""
    match = _TIME.fullmatch(value)
    if match is not None:
        return f"{match[3]}/{match[2]}/{match[1]}{match[4] or ''}"
    return value.replace(".", ",") if _DECIMAL.fullmatch(value) else value
