"""The waits that this process holds in memory, and what tells the waker that there are new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from backhaul.store.service_records import WaitRecord

__all__ = ["WaitBoard"]


class WaitBoard:
    """Where the waits of this process's runs and whoever ends waits meet. What counts is in the store.

    Attributes:
        on_wait: called with each wait that begins in this process, once it is on disk.
    """

    def __init__(self) -> None:
        self.on_wait: Callable[[WaitRecord], None] = _ignore
        self._held: dict[tuple[str, str], anyio.Event] = {}

    def wake(self, run_id: str, key: str) -> None:
        """Have the holder of a wait look at the store again; nothing happens when no line here holds it."""
        event = self._held.get((run_id, key))
        if event is not None:
            event.set()

    @contextmanager
    def held(self, wait: WaitRecord) -> Iterator[anyio.Event]:
        """Give the event that `wake` sets while the block waits for it."""
        event = self._held[wait.run_id, wait.key] = anyio.Event()
        try:
            yield event
        finally:
            del self._held[wait.run_id, wait.key]


def _ignore(_: WaitRecord) -> None:
    pass
