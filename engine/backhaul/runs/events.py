"""Where the events of runs go: what a step emits, and that a run has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from backhaul.store.service_records import Acceptance

if TYPE_CHECKING:
    from backhaul.store.records import EventRecord, RunRecord
    from backhaul.store.store import Store
    from backhaul.store.tickets import Ticket

__all__ = ["EventSink", "StoredOnly"]


class EventSink(Protocol):
    """Takes the events of runs."""

    def emit(self, event: EventRecord, run: RunRecord) -> Ticket:
        """Write an event that a step of `run` emits, with everything that follows from it, unless it is not new."""
        ...

    def ended(self, run: RunRecord) -> Sequence[Acceptance]:
        """Return the events that tell of a run's end, to be written together with it by `told`."""
        ...

    def told(self, told: Sequence[Acceptance], ticket: Ticket) -> None:
        """Follow up the events that `ended` has returned once the ticket of the write that holds them is done."""
        ...


class StoredOnly:
    """Keeps the events; nothing follows from them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def emit(self, event: EventRecord, run: RunRecord) -> Ticket:
        """Write the event."""
        return self._store.accept(Acceptance(event=event))

    def ended(self, run: RunRecord) -> Sequence[Acceptance]:
        """Return nothing."""
        return ()

    def told(self, told: Sequence[Acceptance], ticket: Ticket) -> None:
        """Do nothing."""
