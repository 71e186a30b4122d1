"""Claims on runs in PostgreSQL: advisory locks of a connection of their own.

The server drops them when the connection ends, so when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

import psycopg

from backhaul.errors import StoreError
from backhaul.store.claims import claim_number

__all__ = ["AdvisoryClaims"]

Result = TypeVar("Result")

_BITS = 63
_HELD_BY_ANYBODY = """
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND classid = %s::bigint::oid AND objid = %s::bigint::oid
    )
"""


class AdvisoryClaims:
    """Claims of one store.

    When the connection is lost the locks are lost with it; the next question opens another connection and takes them
    again. Those that another process was faster to take are told by `lost`.

    Args:
        connect: opens a connection that commits by itself.
        store_error: makes the error for a person.
    """

    blocks = True

    def __init__(
        self, connect: Callable[[], psycopg.Connection], store_error: Callable[[BaseException], StoreError]
    ) -> None:
        self._connect = connect
        self._store_error = store_error
        self._lock = threading.Lock()
        self._mine: dict[int, str] = {}
        self._lost: list[str] = []
        self._connection = connect()

    def claim(self, run_id: str) -> bool:
        """Take a run; False when any process, this one included, has it."""
        number = claim_number(run_id, _BITS)

        def take() -> bool:
            if number in self._mine or not self._try_lock(number):
                return False
            self._mine[number] = run_id
            return True

        return self._ask(take)

    def release(self, run_id: str) -> None:
        """Give a run back; nothing happens when this store does not have it."""
        number = claim_number(run_id, _BITS)

        def give() -> None:
            if number in self._mine:
                self._connection.execute("SELECT pg_advisory_unlock(%s)", (number,))
                del self._mine[number]

        self._ask(give)

    def is_claimed(self, run_id: str) -> bool:
        """Return whether any process, this one included, has a run."""
        number = claim_number(run_id, _BITS)

        def look() -> bool:
            if number in self._mine:
                return True
            row = self._connection.execute(_HELD_BY_ANYBODY, (number >> 32, number & 0xFFFFFFFF)).fetchone()
            return bool(row and row[0])

        return self._ask(look)

    def lost(self) -> list[str]:
        """Return the runs that this store had claimed and has lost since, once each."""

        def look() -> list[str]:
            self._connection.execute("SELECT 1")
            lost, self._lost = self._lost, []
            return lost

        return self._ask(look)

    def close(self) -> None:
        """Give everything back."""
        with self._lock, contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _ask(self, question: Callable[[], Result]) -> Result:
        """Put a question to the server, once more when the connection turns out to be lost.

        Raises:
            StoreError: the server cannot be asked.
        """
        with self._lock:
            try:
                if not self._connection.closed:
                    try:
                        return question()
                    except psycopg.OperationalError:
                        if not self._connection.closed:
                            raise
                self._connect_again()
                return question()
            except psycopg.Error as error:
                raise self._store_error(error) from None

    def _connect_again(self) -> None:
        self._connection = self._connect()
        held, self._mine = self._mine, {}
        for number, run_id in held.items():
            if self._try_lock(number):
                self._mine[number] = run_id
            else:
                self._lost.append(run_id)

    def _try_lock(self, number: int) -> bool:
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
        return bool(row and row[0])
