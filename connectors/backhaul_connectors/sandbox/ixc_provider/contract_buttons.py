"""Buttons on contracts: access, activation, and releases that expire (ixc_provider.md sections 5 and 8)."""

from __future__ import annotations

from functools import partial

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.connections import drop, reconnect_later
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.world import World

__all__ = ["activate", "lift_reduction", "release_72h", "set_access", "trust_unblock"]

_RELEASE_H = 72.0
_UNKNOWN = "Contrato não encontrado!"


def set_access(access: str, press: Press) -> Answer:
    """Set ``status_internet``: every state but A (released) takes the contract's logins offline."""
    world, record = press.world, press.record("id_contrato")
    contract_id = press.find(world.contracts, "id_contrato")
    if contract_id is None:
        return press.refused(record, _UNKNOWN)
    world.releases.pop(contract_id, None)
    world.contracts.set(contract_id, {"desbloqueio_confianca_ativo": "N"})
    _apply(press, contract_id, access)
    return press.done(record)


def activate(press: Press) -> Answer:
    """Activate a contract that is not active yet."""
    world, record = press.world, press.record("id_contrato")
    contract_id = press.find(world.contracts, "id_contrato")
    if contract_id is None:
        return press.refused(record, _UNKNOWN)
    if world.contracts.cell(contract_id, "status") == "A":
        return press.refused(record, "Contrato já está ativo!")
    world.contracts.set(contract_id, {"status": "A", "data_ativacao": world.clock.local_now()[:10]})
    _apply(press, contract_id, "A")
    return press.done(record)


def trust_unblock(press: Press) -> Answer:
    """Release a blocked contract on trust, once until it expires. The answer's keys are Portuguese."""
    world, record = press.world, press.record("id")
    contract_id = press.find(world.contracts, "id")
    problem = _objection(world, contract_id)
    if contract_id is None or problem:
        return press.marked({"tipo": "erro", "mensagem": problem}, record, completed=False)
    _release(press, contract_id, press.switches.trust_unblock_h)
    world.contracts.set(contract_id, {"desbloqueio_confianca_ativo": "S"})
    return press.marked({"tipo": "sucesso", "mensagem": "Contrato desbloqueado com sucesso"}, record)


def release_72h(press: Press) -> Answer:
    """Release a blocked contract for 72 hours."""
    world, record = press.world, press.record("get_id", "id")
    contract_id = press.find(world.contracts, "get_id", "id")
    problem = _objection(world, contract_id)
    if contract_id is None or problem:
        return press.refused(record, problem)
    _release(press, contract_id, _RELEASE_H)
    return press.done(record)


def lift_reduction(press: Press) -> Answer:
    """Give a contract its full speed back."""
    world, record = press.world, press.record("get_id")
    contract_id = press.find(world.contracts, "get_id")
    if contract_id is None or world.contracts.cell(contract_id, "status_velocidade") != "R":
        return press.refused(record, _UNKNOWN if contract_id is None else "Contrato sem redução de velocidade!")
    world.contracts.set(contract_id, {"status_velocidade": "N"})
    return press.done(record)


def _objection(world: World, contract_id: int | None) -> str:
    """Return why a contract cannot be released for a while, or ""."""
    if contract_id is None:
        return _UNKNOWN
    if world.contracts.cell(contract_id, "status") != "A":
        return "Contrato não está ativo!"
    if world.contracts.cell(contract_id, "desbloqueio_confianca_ativo") == "S":
        return "Desbloqueio de confiança já utilizado!"
    released = world.contracts.cell(contract_id, "status_internet") == "A"
    return "Contrato não está bloqueado!" if released else ""


def _release(press: Press, contract_id: int, hours: float) -> None:
    """Release a contract and plan its return to the state before, unless somebody sets another one meanwhile."""
    world = press.world
    before, number = world.contracts.cell(contract_id, "status_internet"), next(world.protocols)
    world.releases[contract_id] = number
    _apply(press, contract_id, "A")
    world.agenda.after(hours * 3600, partial(_expire, press, contract_id, before, number))


def _expire(press: Press, contract_id: int, before: str, number: int, _: float) -> None:
    world = press.world
    if world.releases.get(contract_id) != number or contract_id not in world.contracts:
        return
    del world.releases[contract_id]
    world.contracts.set(contract_id, {"desbloqueio_confianca_ativo": "N"})
    _apply(press, contract_id, before)


def _apply(press: Press, contract_id: int, access: str) -> None:
    world = press.world
    world.contracts.set(contract_id, {"status_internet": access})
    logins = world.logins.find("id_contrato", str(contract_id)) or []
    if access == "A":
        reconnect_later(world, logins, press.switches.reconnect_s)
    else:
        drop(world, logins)
