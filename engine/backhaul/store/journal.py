"""What the writer asks of a database, and what fault tests may ask of the writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Protocol

from backhaul.store.statements import Operation

__all__ = ["Fault", "JournalConnection", "WriteObserver"]


class Fault(Enum):
    """What kind of failure a database reported, that is: what to do about it."""

    ROW = auto()
    """Something about the rows themselves: find the bad one."""
    BUSY = auto()
    """Somebody else holds a lock, or the connection was lost: try again for a while."""
    STORAGE = auto()
    """The disk is full or broken: the group fails, later ones may work."""


class JournalConnection(Protocol):
    """A database as the writer's thread sees it. Used by that thread only, but for `close` after it has ended."""

    def transact(self, operations: Sequence[Operation], before_commit: Callable[[], None] | None) -> list[Any]:
        """Do the operations in order in one transaction and make it durable, connecting anew if need be.

        When anything fails, also `before_commit`, nothing of it is left. (Only when the connection is lost while
        committing is the outcome open; the writer then does it again.)

        Args:
            before_commit: called when all is written but not durable.

        Returns:
            For each operation its value, as `values_by_operation` gives it.
        """
        ...

    def fault(self, error: Exception) -> tuple[Fault, str]:
        """Return what an error raised by `transact` means, and say it to a person."""
        ...

    def rest(self) -> None:
        """Do the upkeep that is due after a commit. Never raises."""
        ...

    def close(self) -> None:
        """Close the connection. Never raises."""
        ...


class WriteObserver(Protocol):
    """A seam for fault tests: called in the writer's thread around every commit."""

    def before_commit(self, operations: Sequence[Operation]) -> None:
        """The operations are written but not committed. What it raises counts as the database's fault."""
        ...

    def after_commit(self, operations: Sequence[Operation]) -> None:
        """The operations are durable, but nobody has been told."""
        ...
