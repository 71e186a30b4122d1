"""Moves SQLite's write-ahead log into the database file, in a thread of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["Checkpointer"]

_PAGE_BYTES = 4096
_LOOK_EVERY = 16
_EVERY_PAGES = 2000


class Checkpointer:
    """Keeps the log short without making a commit wait for it.

    The log file is never truncated: once it has grown, commits overwrite it, which spares the file system the work of
    growing it again at each one. SQLite starts it over only when every frame has been moved, and under steady writing
    some always came in meanwhile; so after each round the writer itself is told (`remainder`) to move the few left.

    Args:
        connect: opens a connection for this thread.
        log: path of the log file.
        every_pages: length of the log, in pages of 4 KiB, at which it is moved.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], log: Path, *, every_pages: int = _EVERY_PAGES
    ) -> None:
        self._connect = connect
        self._log = log
        self._every_pages = every_pages
        self._pages = 0
        self._commits = 0
        self._size = 0
        self._wake = threading.Event()
        self._stopped = False
        self._remainder = False
        self._thread = threading.Thread(target=self._run, name="backhaul-checkpoint", daemon=True)
        self._thread.start()

    def committed(self, rows: int) -> None:
        """Count a commit of so many rows; called by the writer's thread."""
        # A commit rewrites the last pages of the table and its indexes, plus one page for some eight rows.
        self._pages += 3 + rows // 8
        self._commits += 1
        if self._pages >= self._every_pages or (self._commits % _LOOK_EVERY == 0 and self._grown()):
            self._pages = 0
            self._wake.set()

    def take_remainder(self) -> bool:
        """Return whether the writer should move what is left now, once per round."""
        due = self._remainder
        self._remainder = False
        return due

    def stop(self) -> None:
        """End the thread."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _grown(self) -> bool:
        """Return whether the log file has become longer by a round's worth: rows were larger than guessed."""
        try:
            size = self._log.stat().st_size
        except OSError:
            return False
        if size < self._size + self._every_pages * _PAGE_BYTES:
            return False
        self._size = size
        return True

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while self._wake.wait() and not self._stopped:
                self._wake.clear()
                try:
                    connection = connection or self._connect()
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                except sqlite3.Error:
                    # A full or locked disk: the log only grows meanwhile, and the next round tries again.
                    continue
                self._remainder = True
        finally:
            if connection is not None:
                connection.close()
