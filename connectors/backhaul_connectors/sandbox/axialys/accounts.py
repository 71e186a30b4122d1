"""The Centrex accounts: the ISP's desks, and one for the fixed line of every subscriber."""

from __future__ import annotations

from typing import NamedTuple

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.desks import DESKS
from backhaul_connectors.sandbox.people import name_of
from backhaul_connectors.sandbox.phones import fixed_line, international, mobile, subscriber_of
from backhaul_connectors.sandbox.population import Population

__all__ = ["API_KEYS", "Account", "AccountBook"]

API_KEYS = ("sandbox-axialys-key", "sandbox-axialys-key-2")
"""Two keys of one customer, each with its own callback URL. Documented, worthless outside the sandbox."""

_FIRST = 1001
_SALT = 0x51B


class Account(NamedTuple):
    """One account; its number in E.164 digits without ``+``."""

    account_id: str
    number: str
    name: str
    sip_password: str


class AccountBook:
    """Accounts by id, computed: ``acc-1001`` is the account of subscriber 0."""

    def __init__(self, population: Population) -> None:
        self._population = population
        seed = population.seed
        self._desks = {
            desk.account_id: Account(desk.account_id, desk.number, desk.name, f"sip-{mix(seed ^ _SALT, place):016x}")
            for place, desk in enumerate(DESKS)
        }

    def __len__(self) -> int:
        return len(self._desks) + self._population.logins

    def find(self, account_id: str) -> Account | None:
        """Return an account."""
        number = account_id.removeprefix("acc-")
        if account_id == number or not (number.isascii() and number.isdigit() and len(number) < 10):
            return self._desks.get(account_id)
        index = int(number) - _FIRST
        account = self.of(index) if 0 <= index < self._population.logins else None
        return account if account is not None and account.account_id == account_id else None

    def of(self, index: int) -> Account:
        """Return the account of a subscriber."""
        seed = self._population.seed
        number = international(fixed_line(seed, index))
        password = f"sip-{mix(seed ^ _SALT, index + len(self._desks)):016x}"
        return Account(f"acc-{index + _FIRST}", number, name_of(seed, index), password)

    def with_number(self, number: str) -> Account | None:
        """Return the account whose own number this is, in E.164 digits."""
        index = subscriber_of(self._population.seed, number)
        if index is not None and index < self._population.logins and self.of(index).number == number:
            return self.of(index)
        return next((account for account in self._desks.values() if account.number == number), None)

    def mobile_of(self, index: int) -> str:
        """Return a subscriber's mobile number in E.164 digits: what calls from outside show."""
        return international(mobile(self._population.seed, index))
