"""The ERP's log of what its users changed (``ixc_logs``); columns from a public schema, words assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.world import World

__all__ = ["Deed", "note"]

Deed = Literal["inseriu", "editou", "excluiu"]
_KEPT: Final = 10_000
"""Rows; older ones go, so that a long run does not grow without end."""


def note(world: World, table: Table, row_id: int, deed: Deed, fields: Mapping[str, str]) -> None:
    """Note a change with the columns that were sent; what holds a secret is named without its value."""
    log = world.tables["ixc_logs"]
    told = (f"{name}: {'***' if 'senha' in name else value[:80]}" for name, value in fields.items() if value)
    noted = log.insert({})
    log.set(
        noted,
        {
            "tabela": table.name,
            "id_tabela": str(row_id),
            "tipo": deed,
            "campos": "; ".join(told)[:2000],
            "data": world.clock.local_now(),
        },
    )
    if len(log) > _KEPT:
        log.delete(log.ids[0])
