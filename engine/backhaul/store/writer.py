"""The one thread that writes: it commits whatever is queued as a group and wakes all who wait at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from functools import partial
from queue import SimpleQueue

import anyio
import anyio.to_thread

from backhaul.errors import StoreBusyError, StoreError
from backhaul.store.journal import Fault, JournalConnection, WriteObserver
from backhaul.store.statements import Operation
from backhaul.store.tickets import Ticket

__all__ = ["Writer"]

_GROUP_LIMIT = 2000
_ROOM_OPERATIONS = 20_000
_ROOM_WEIGHT = 64 * 1024 * 1024
_FIRST_DELAY_S = 0.01
_LONGEST_DELAY_S = 0.5


class Writer:
    """Group commit over one `JournalConnection`.

    Operations are committed in the order in which they were appended: once a ticket is done, all earlier ones are.

    Args:
        busy_s: how long a group is tried again while the database is locked or away.
    """

    def __init__(
        self, connection: JournalConnection, *, observer: WriteObserver | None = None, busy_s: float = 15.0
    ) -> None:
        self._connection = connection
        self._observer = observer
        self._busy_s = busy_s
        self._loop = asyncio.get_running_loop()
        self._fresh: list[Ticket] = []
        self._queue: SimpleQueue[list[Ticket] | None] = SimpleQueue()
        self._pending = 0
        self._pending_weight = 0
        self._last: Ticket | None = None
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        self._ended: StoreError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="backhaul-writer", daemon=True)
        self._thread.start()

    def append(self, operation: Operation, weight: int = 0) -> Ticket:
        """Queue an operation. Call it from the event loop's thread.

        Args:
            weight: about how many bytes it holds, for `room`.
        """
        ticket = Ticket(operation, weight)
        self._pending += 1
        self._pending_weight += weight
        if self._pending > _ROOM_OPERATIONS or self._pending_weight > _ROOM_WEIGHT:
            self._room.clear()
        self._last = ticket
        self._fresh.append(ticket)
        if len(self._fresh) == 1:
            # Handed over when this turn of the loop ends: once for all that the turn appends, and the thread wakes
            # when the interpreter is free, not to wait for it.
            self._loop.call_soon(self._hand_over)
        return ticket

    async def committed(self, ticket: Ticket) -> None:
        """Return when the ticket's operation, and so every earlier one, is durable; see `Ticket.wait`."""
        await ticket.wait()

    async def barrier(self) -> None:
        """Return when everything appended so far is durable or has failed; the failures are on their own tickets."""
        last = self._last
        if last is not None and not last.done:
            try:
                await last.wait()
            except StoreError:
                return

    async def room(self) -> None:
        """Return when the queue is short enough for more. Producers of bulk data await this before they append."""
        await self._room.wait()

    @property
    def pending(self) -> int:
        """Number of operations that are queued or being written."""
        return self._pending

    async def close(self) -> None:
        """Write what is queued, end the thread and close the connection. Later appends fail."""
        if not self._closing:
            self._closing = True
            self._hand_over()
            self._queue.put(None)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._thread.join)
        if self._ended is not None:
            self._drop_queue(self._ended)

    def _hand_over(self) -> None:
        fresh, self._fresh = self._fresh, []
        if fresh:
            self._queue.put(fresh)
        if self._ended is not None:
            self._drop_queue(self._ended)

    def _run(self) -> None:
        group: list[Ticket] = []
        reason = "the store is closed"
        try:
            while self._take(group):
                self._commit(group)
                self._connection.rest()
            if group:
                self._commit(group)
        except BaseException as error:  # noqa: BLE001 - whatever ends the thread, nobody may be left waiting
            reason = f"the store's writer has stopped: {type(error).__name__}: {error}"
            self._tell(group, StoreError(reason))
        finally:
            self._ended = StoreError(reason)
            self._connection.close()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._drop_queue, self._ended)

    def _take(self, group: list[Ticket]) -> bool:
        """Wait for work and put all there is into `group`; False when the store closes."""
        group.clear()
        tickets = self._queue.get()
        while tickets is not None:
            group += tickets
            if len(group) >= _GROUP_LIMIT or self._queue.empty():
                return True
            tickets = self._queue.get()
        return False

    def _commit(self, group: Sequence[Ticket]) -> None:
        """Make a group durable; when rows are at fault, halve it until the bad operation stands alone."""
        error = self._try_commit(group)
        if error is None or isinstance(error, StoreError):
            self._tell(group, error)
        elif len(group) == 1:
            self._tell(group, StoreError(f"the store refused a row: {error}"))
        else:
            middle = len(group) // 2
            self._commit(group[:middle])
            self._commit(group[middle:])

    def _try_commit(self, group: Sequence[Ticket]) -> StoreError | str | None:
        """Return None when it is durable, a `StoreError` for the whole group, or what is wrong with some row."""
        operations = [ticket.operation for ticket in group]
        observer = self._observer
        before_commit = None if observer is None else partial(observer.before_commit, operations)
        give_up_at = time.monotonic() + self._busy_s
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                values = self._connection.transact(operations, before_commit)
            except Exception as error:  # noqa: BLE001 - the boundary where any database's errors become tickets'
                kind, text = self._connection.fault(error)
            else:
                break
            if kind is Fault.ROW:
                return text
            if kind is Fault.STORAGE:
                return StoreError(text)
            if time.monotonic() + delay_s > give_up_at:
                return StoreBusyError(text)
            time.sleep(delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)
        for ticket, value in zip(group, values, strict=True):
            ticket.value = value
        if observer is not None:
            observer.after_commit(operations)
        return None

    def _tell(self, group: Sequence[Ticket], error: StoreError | None) -> None:
        # A closed event loop raises: then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, tuple(group), error)

    def _settle(self, group: Sequence[Ticket], error: StoreError | None) -> None:
        for ticket in group:
            if not ticket.done:
                self._pending -= 1
                self._pending_weight -= ticket.weight
                ticket.settle(error)
        if self._pending <= _ROOM_OPERATIONS // 2 and self._pending_weight <= _ROOM_WEIGHT // 2:
            self._room.set()

    def _drop_queue(self, error: StoreError) -> None:
        """Fail what was appended after the thread had ended."""
        while not self._queue.empty():
            self._settle(self._queue.get() or (), error)
