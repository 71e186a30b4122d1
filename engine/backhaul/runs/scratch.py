"""Where private temporary databases are, and what is said when they cannot be written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backhaul.errors import BackhaulError

__all__ = ["open_scratch", "scratch_errors"]

# https://www.sqlite.org/tempfiles.html, section 5: the first of these that can be written.
_VARIABLES = ("SQLITE_TMPDIR", "TMPDIR")
_FOLDERS = ("/var/tmp", "/usr/tmp", "/tmp", ".")  # noqa: S108 (SQLite's, and its files there have no name)

_OF_THE_DISK = {sqlite3.OperationalError, sqlite3.DatabaseError}
"""The second is what comes after the first one: without a journal a file is spoilt by a write that failed."""


def open_scratch(*, cache_kib: int) -> sqlite3.Connection:
    """Return a database of its own: in memory while it fits into the cache, else in a file without a name.

    The file is gone with the connection, and with the process, however that ends.
    """
    # No name: SQLite makes a file and takes it out of its folder at once.
    database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    database.execute(f"pragma cache_size = -{cache_kib}")
    database.execute("pragma journal_mode = off")
    return database


@contextmanager
def scratch_errors() -> Iterator[None]:
    """Say clearly what is wrong when a scratch database cannot be written in the body.

    Raises:
        BackhaulError: there is no room, or no folder that can be written.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) not in _OF_THE_DISK:
            raise
        folder = _folder()
        place = f"in {folder}: make room there" if folder else "in no folder: none for temporary files can be written"
        raise BackhaulError(
            f"a temporary file could not be written ({error}). It is {place}, or name another folder in the "
            "environment variable SQLITE_TMPDIR"
        ) from None


def _folder() -> str | None:
    named = [os.environ.get(name, "") for name in _VARIABLES]
    for folder in (*named, *_FOLDERS):
        if folder and Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None
