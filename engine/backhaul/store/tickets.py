"""The receipt for a write that is on its way to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from backhaul.errors import StoreError
from backhaul.store.statements import Operation

__all__ = ["Ticket"]


class Ticket:
    """The receipt for an appended operation. Belongs to the event loop's thread.

    Attributes:
        done: the operation is durable, or has failed for good.
        error: why it failed, or None.
        value: what its statement that gives a value gave, a tuple when several do; defined once `done`.
    """

    __slots__ = ("_callbacks", "_waiters", "done", "error", "operation", "value", "weight")

    def __init__(self, operation: Operation, weight: int = 0) -> None:
        self.operation = operation
        self.weight = weight
        self.done = False
        self.error: StoreError | None = None
        self.value: Any = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._callbacks: list[Callable[[Ticket], None]] | None = None

    async def wait(self) -> None:
        """Return when the operation is durable. Cancelling the wait does not cancel the write.

        Raises:
            StoreBusyError: another process held the database for too long.
            StoreError: the operation failed; nothing of it was written.
        """
        if not self.done:
            waiter = asyncio.get_running_loop().create_future()
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters.append(waiter)
            await waiter
        if self.error is not None:
            # A fresh one for each waiter: a shared exception would collect everybody's traceback.
            raise type(self.error)(*self.error.args)

    def on_done(self, callback: Callable[[Ticket], None]) -> None:
        """Call `callback` with the ticket once it is done, or now when it is. It may neither raise nor block."""
        if self.done:
            callback(self)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def settle(self, error: StoreError | None) -> None:
        """Tell all who wait."""
        self.done = True
        self.error = error
        self.operation = ()
        if self._waiters is not None:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters = None
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback(self)
