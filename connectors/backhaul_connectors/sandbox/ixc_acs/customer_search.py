"""Searching devices by what the ERP knows of their customers (rule S8 of ixc_acs.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from backhaul_connectors.sandbox.world import World

__all__ = ["CustomerColumn", "devices_of_customers"]

CustomerColumn = Literal["cpf", "companyName", "phone"]


def devices_of_customers(world: World, column: CustomerColumn, text: str) -> list[int]:
    """Return the slots of the devices that the ERP links to the customers found, by serial number.

    A device is found only if the ERP has a row for its serial number with a login. CPF and phone are compared by their
    digits, the name is searched for as a part.
    """
    slots: set[int] = set()
    for customer in _customers(world, column, text):
        for login in world.logins.find("id_cliente", str(customer)) or []:
            for row in world.registered.find("id_login", str(login)) or []:
                slot = world.devices.find(world.registered.cell(row, "serial_number"))
                if slot is not None:
                    slots.add(slot)
    return sorted(slots, key=world.devices.serial)


def _customers(world: World, column: CustomerColumn, text: str) -> Iterable[int]:
    table = world.customers
    match column:
        case "cpf":
            return _by_digits(world, ("cnpj_cpf",), text)
        case "phone":
            return _by_digits(world, ("fone", "telefone_celular", "whatsapp"), text)
        case "companyName":
            lowered = text.lower()
            return (row_id for row_id in table.ids if lowered in table.cell(row_id, "razao").lower())


def _by_digits(world: World, columns: tuple[str, ...], text: str) -> list[int]:
    """Find customers whose document or number has these digits, by way of the seeded and the changed rows."""
    table, wanted = world.customers, _digits(text)
    if not wanted:
        return []
    found = set()
    for column in columns:
        for row_id in (*table.seeded.candidates(column, text), *table.touched):
            if row_id in table and _digits(table.cell(row_id, column)) == wanted:
                found.add(row_id)
    return sorted(found)


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())
