"""The ISP's own support desks: extensions that the two phone systems know besides the subscribers' lines."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DESKS", "Desk"]


class Desk(NamedTuple):
    """One desk: its Axialys account, its number in E.164 digits, and who sits there. All invented."""

    account_id: str
    number: str
    name: str


DESKS = (
    Desk("desk-1", "551140000001", "Suporte Um"),
    Desk("desk-2", "551140000002", "Suporte Dois"),
    Desk("desk-3", "551140000003", "Cobrança"),
    Desk("desk-4", "551140000004", "Vendas"),
)
