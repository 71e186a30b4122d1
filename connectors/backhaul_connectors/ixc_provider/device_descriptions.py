"""What changes of the ERP's device records would do, in words: the logins that they link and unlink."""

from __future__ import annotations

from backhaul.sdk import Change
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.logins import LoginBook
from backhaul_connectors.ixc_provider.models import Login
from backhaul_connectors.ixc_provider.values import link, text

__all__ = ["added", "linked", "removed"]


async def linked(record: Record, id_login: int | None, logins: LoginBook) -> Change:
    """Return what linking a record to a login (0 unlinks, None changes nothing) would change."""
    serial = text(record.get("serial_number")) or f"record {link(record.get('id'))}"
    before = link(record.get("id_login"))
    after = before if id_login is None else id_login or None
    names = await logins.by_ids({found for found in (before, after) if found is not None})
    old, new = _named(before, names), _named(after, names)
    if before == after:
        return Change(text=f"leave device {serial} as it is: login {old}", before={"login": old}, after={"login": new})
    return Change(text=f"link device {serial}: login {old} -> {new}", before={"login": old}, after={"login": new})


async def added(serial: str, id_login: int | None, logins: LoginBook) -> Change:
    """Return what inserting a record would add."""
    names = await logins.by_ids({id_login} if id_login else set())
    login = _named(id_login or None, names)
    return Change(text=f"add device {serial}: login {login}", after={"serial_number": serial, "login": login})


async def removed(record: Record | None, record_id: int, logins: LoginBook) -> Change:
    """Return what removing a record would take away."""
    if record is None:
        return Change(text=f"remove device record {record_id}, which is gone already")
    serial, id_login = text(record.get("serial_number")), link(record.get("id_login"))
    names = await logins.by_ids({id_login} if id_login else set())
    login = _named(id_login, names)
    return Change(text=f"remove device {serial}: login {login}", before={"serial_number": serial, "login": login})


def _named(id_login: int | None, names: dict[int, Login]) -> str | None:
    if id_login is None:
        return None
    return names[id_login].login if id_login in names else f"id {id_login}"
