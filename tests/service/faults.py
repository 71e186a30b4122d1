"""Faults of the store that tests switch on and off."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from backhaul.store.statements import Operation


class DiskFullError(sqlite3.OperationalError):
    """What SQLite raises when the disk is full."""

    sqlite_errorcode = sqlite3.SQLITE_FULL


class LockedError(sqlite3.OperationalError):
    """What SQLite raises while another process holds the file."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


class Faults:
    """A write observer that fails commits."""

    def __init__(self) -> None:
        self.failed = 0
        self.commits = 0
        self._left = 0
        self._broken: type[sqlite3.OperationalError] | None = None

    def break_disk(self) -> None:
        """Fail every commit from now on: the disk is full."""
        self._broken = DiskFullError

    def lock(self) -> None:
        """Fail every commit from now on: another process holds the store."""
        self._broken = LockedError

    def fail_commit(self, number: int) -> None:
        """Fail the n-th commit from now on and all after it."""
        self._left = number

    def clear(self) -> None:
        """Let commits succeed again."""
        self._left, self._broken, self.failed = 0, None, 0

    def before_commit(self, operations: Sequence[Operation]) -> None:
        """Fail the commit when it is its turn."""
        if self._left:
            self._left -= 1
            if not self._left:
                self._broken = DiskFullError
        if self._broken is not None:
            self.failed += 1
            raise self._broken("the disk is full" if self._broken is DiskFullError else "locked")
        self.commits += 1

    def after_commit(self, operations: Sequence[Operation]) -> None:
        """Do nothing."""
