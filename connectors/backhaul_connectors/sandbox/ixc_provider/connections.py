"""Logins going offline and coming back, with their accounting sessions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from backhaul_connectors.sandbox.world import World

__all__ = ["drop", "reconnect_later", "working"]

_OPEN = "0000-00-00 00:00:00"


def drop(world: World, logins: Iterable[int]) -> None:
    """Take logins offline and end their sessions."""
    now = world.clock.local_now()
    for login_id in logins:
        if world.logins.cell(login_id, "online") != "N":
            world.logins.set(login_id, {"online": "N", "ultima_conexao_final": now})
        name = world.logins.cell(login_id, "login")
        for session in world.sessions.find("username", name) or []:
            if not world.sessions.cell(session, "acctstoptime"):
                world.sessions.set(session, {"acctstoptime": now, "acctterminatecause": "Admin-Reset"})


def reconnect_later(world: World, logins: Iterable[int], after_s: float) -> None:
    """Let logins come back after a while, those that may connect by then."""
    for login_id in logins:
        world.agenda.after(after_s, partial(_connect, world, login_id))


def working(world: World, login_id: int) -> bool:
    """Tell whether a login may connect: it is active, and so are both states of its contract."""
    if login_id not in world.logins or world.logins.cell(login_id, "ativo") != "S":
        return False
    contracts = world.contracts.find("id", world.logins.cell(login_id, "id_contrato"))
    if not contracts:
        return True
    cell = world.contracts.cell
    return (cell(contracts[0], "status"), cell(contracts[0], "status_internet")) == ("A", "A")


def _connect(world: World, login_id: int, _: float) -> None:
    if not working(world, login_id) or world.logins.cell(login_id, "online") == "S":
        return
    now, row = world.clock.local_now(), world.logins.row(login_id)
    world.logins.set(login_id, {"online": "S", "ultima_conexao_inicial": now, "ultima_conexao_final": _OPEN})
    session = world.sessions.insert({})
    world.sessions.set(
        session,
        {
            "radacctid": str(session),
            "username": row["login"],
            "callingstationid": row["mac"],
            "framedipaddress": row["ip"],
            "acctstarttime": now,
            "acctsessionid": f"{session:08x}",
        },
    )
