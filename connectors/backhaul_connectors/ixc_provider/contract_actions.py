"""Actions that change what a contract lets its customer do, through the ERP's buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from backhaul.sdk import AttemptInfo, Effect, Verdict, action
from backhaul_connectors.ixc_provider.base import RecordId
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.client import nothing_done_yet
from backhaul_connectors.ixc_provider.values import text

__all__ = ["Access", "ContractActions"]

Access: TypeAlias = Literal["release", "late", "block", "await_signature"]
"""What to set the access of a contract to: ``A``, ``FA``, ``CM`` or ``AA``."""

CONTRACTS = "cliente_contrato"
_BUTTONS: Mapping[Access, tuple[ButtonName, str]] = {
    "release": ("access_release", "A"),
    "late": ("access_late", "FA"),
    "block": ("access_block", "CM"),
    "await_signature": ("access_await_signature", "AA"),
}


class ContractActions(ButtonPresser):
    """Contract buttons. Each looks first: a contract that is in the wanted state already is left alone."""

    @action(effect=Effect.ONCE, verify="verify_set_contract_access")
    async def set_contract_access(self, *, id_contrato: RecordId, access: Access) -> Pressed:
        """Release or block the internet access of a contract. Blocking takes its logins offline.

        Args:
            id_contrato: id of the contract.
            access: ``release`` (A), ``late`` (FA), ``block`` (CM, by hand) or ``await_signature`` (AA).

        Raises:
            NotFoundError: there is no such contract.
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        button, state = _BUTTONS[access]
        return await self._press_unless(button, id_contrato, "status_internet", state)

    async def verify_set_contract_access(self, *, id_contrato: int, access: Access, attempt: AttemptInfo) -> Verdict:
        """Tell by the contract's state whether its access was set."""
        button, state = _BUTTONS[access]
        return await self._is_now(button, id_contrato, "status_internet", state)

    @action(effect=Effect.ONCE, verify="verify_activate_contract")
    async def activate_contract(self, *, id_contrato: RecordId) -> Pressed:
        """Activate a pre-contract.

        Args:
            id_contrato: id of the contract.

        Raises:
            NotFoundError: there is no such contract.
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press_unless("activate_contract", id_contrato, "status", "A")

    async def verify_activate_contract(self, *, id_contrato: int, attempt: AttemptInfo) -> Verdict:
        """Tell by the contract's state whether it was activated."""
        return await self._is_now("activate_contract", id_contrato, "status", "A")

    @action(effect=Effect.ONCE, verify="verify_trust_unblock")
    async def trust_unblock(self, *, id_contrato: RecordId) -> Pressed:
        """Give a blocked contract service on trust for a while; the ERP allows it only so often.

        Args:
            id_contrato: id of the contract.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press_unless("trust_unblock", id_contrato, "desbloqueio_confianca_ativo", "S")

    async def verify_trust_unblock(self, *, id_contrato: int, attempt: AttemptInfo) -> Verdict:
        """Tell by the contract whether a trust unblock is running."""
        return await self._is_now("trust_unblock", id_contrato, "desbloqueio_confianca_ativo", "S")

    @action(effect=Effect.ONCE, verify="verify_release_for_72h")
    async def release_for_72h(self, *, id_contrato: RecordId) -> Pressed:
        """Release a blocked contract for 72 hours.

        Args:
            id_contrato: id of the contract.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press_unless("release_72h", id_contrato, "status_internet", "A")

    async def verify_release_for_72h(self, *, id_contrato: int, attempt: AttemptInfo) -> Verdict:
        """Tell by the contract's state whether it was released."""
        return await self._is_now("release_72h", id_contrato, "status_internet", "A")

    @action(effect=Effect.ONCE, verify="verify_lift_speed_reduction")
    async def lift_speed_reduction(self, *, id_contrato: RecordId) -> Pressed:
        """Lift the speed reduction of a contract.

        Args:
            id_contrato: id of the contract.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press_unless("lift_reduction", id_contrato, "status_velocidade", "N")

    async def verify_lift_speed_reduction(self, *, id_contrato: int, attempt: AttemptInfo) -> Verdict:
        """Tell by the contract whether its speed is not reduced any more."""
        return await self._is_now("lift_reduction", id_contrato, "status_velocidade", "N")

    async def _press_unless(self, button: ButtonName, contract: int, column: str, state: str) -> Pressed:
        """Press a button unless a column of the contract holds what it would make of it."""
        with nothing_done_yet():
            record = await self._existing(CONTRACTS, contract)
        if text(record.get(column)) == state:
            return Pressed(button=button, id=str(contract), already=True)
        return await self._press(button, str(contract))

    async def _is_now(self, button: ButtonName, contract: int, column: str, state: str) -> Verdict:
        found = text((await self._existing(CONTRACTS, contract)).get(column))
        if found == state:
            return Verdict.done(Pressed(button=button, id=str(contract)))
        return Verdict.unknown(f"contract {contract} has {column} {found or 'empty'}, not {state}; it may be under way")
