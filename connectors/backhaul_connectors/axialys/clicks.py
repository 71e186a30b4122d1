"""The calls ordered a moment ago: one order per account at a time, and how many orders a start event may belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import anyio

from backhaul.sdk import RefusedError
from backhaul_connectors.axialys.numbers import masked

__all__ = ["Clicks"]


class Clicks:
    """Orders of this process, per account and number. Safe for any number of concurrent callers.

    Args:
        window_s: seconds for which an order is remembered.
        guard_s: seconds for which a second order of the same account to the same number is refused.
    """

    def __init__(self, *, window_s: float, guard_s: float) -> None:
        self._window = timedelta(seconds=max(window_s, guard_s))
        self._guard_s = guard_s
        self._orders: dict[tuple[str, str], list[datetime]] = {}
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def ordering(self, account_id: str) -> AsyncIterator[None]:
        """Wait until no other order of this account is being sent."""
        lock = self._locks.setdefault(account_id, anyio.Lock())
        async with lock:
            yield

    def note(self, account_id: str, number: str, now: datetime) -> None:
        """Remember an order that is about to be sent.

        Raises:
            RefusedError: the guard is on and the same order was sent a moment ago.
        """
        self._forget(now)
        orders = self._orders.setdefault((account_id, number), [])
        if orders and (now - orders[-1]).total_seconds() < self._guard_s:
            raise RefusedError(
                f"account {account_id} was asked to call {masked(number)} less than {self._guard_s:g} s ago "
                "(repeat_guard_s); nothing was sent"
            )
        orders.append(now)

    def since(self, account_id: str, number: str, begin: datetime) -> list[datetime]:
        """Return when the same was ordered at or after `begin`."""
        return [moment for moment in self._orders.get((account_id, number), ()) if moment >= begin]

    def _forget(self, now: datetime) -> None:
        oldest = now - 2 * self._window
        for pair in [pair for pair, orders in self._orders.items() if orders[-1] < oldest]:
            del self._orders[pair]
