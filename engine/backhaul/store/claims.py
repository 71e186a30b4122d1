"""Claims on runs beside a SQLite file: one process at most executes a run.

A claim is a POSIX record lock on one byte of one lock file. The kernel drops it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import threading
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from backhaul.errors import StoreError

__all__ = ["Claims", "FileClaims", "claim_number"]

# struct flock as the C compiler lays it out (fcntl(2)); macOS has its members in another order.
_FLOCK, _TYPE_AT = ("qqihh", 3) if sys.platform == "darwin" else ("hhqqi", 0)


class Claims(Protocol):
    """Which runs this process executes. Safe from any thread."""

    @property
    def blocks(self) -> bool:
        """Whether the methods may take long enough to need a thread of their own."""
        ...

    def claim(self, run_id: str) -> bool:
        """Take a run; False when any process, this one included, has it."""
        ...

    def release(self, run_id: str) -> None:
        """Give a run back; nothing happens when this process does not have it."""
        ...

    def is_claimed(self, run_id: str) -> bool:
        """Return whether any process, this one included, has a run."""
        ...

    def lost(self) -> list[str]:
        """Return the runs that this process had claimed and has lost since, once each."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def claim_number(run_id: str, bits: int) -> int:
    """Return the number that stands for a run, equal in every process."""
    return int.from_bytes(blake2b(run_id.encode(), digest_size=8).digest(), "big") >> (64 - bits)


class _LockFile:
    """The process's only descriptor of a lock file.

    POSIX locks belong to the process, and closing any descriptor of the file drops all of them: several stores on one
    file share this.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot open the lock file {path}: {error.strerror}") from None
        self.held: set[int] = set()
        self.users = 0


_files: dict[Path, _LockFile] = {}
_files_lock = threading.Lock()


class FileClaims:
    """Claims in a lock file.

    Raises:
        StoreError: the file cannot be opened.
    """

    blocks = False

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._mine: set[int] = set()
        with _files_lock:
            self._file = _files.get(self._path) or _LockFile(self._path)
            _files[self._path] = self._file
            self._file.users += 1

    def claim(self, run_id: str) -> bool:
        """Take a run; False when any process, this one included, has it."""
        number = claim_number(run_id, 62)
        with _files_lock:
            if number in self._file.held:
                return False
            try:
                fcntl.lockf(self._file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except (BlockingIOError, PermissionError):
                return False
            except OSError as error:
                raise StoreError(f"cannot lock {self._path}: {error.strerror}") from None
            self._file.held.add(number)
            self._mine.add(number)
            return True

    def release(self, run_id: str) -> None:
        """Give a run back."""
        with _files_lock:
            self._release(claim_number(run_id, 62))

    def is_claimed(self, run_id: str) -> bool:
        """Return whether any process, this one included, has a run."""
        number = claim_number(run_id, 62)
        with _files_lock:
            if number in self._file.held:
                return True
            # Asking, not trying: a lock taken only to see would make another process's claim fail for that moment.
            wanted = {"type": fcntl.F_WRLCK, "whence": os.SEEK_SET, "start": number, "len": 1, "pid": 0}
            names = ("start", "len", "pid", "type", "whence") if _TYPE_AT else ("type", "whence", "start", "len", "pid")
            question = struct.pack(_FLOCK, *[wanted[name] for name in names])
            answer = fcntl.fcntl(self._file.descriptor, fcntl.F_GETLK, question)
            return bool(struct.unpack(_FLOCK, answer)[_TYPE_AT] != fcntl.F_UNLCK)

    def lost(self) -> list[str]:
        """Return nothing: the kernel takes no lock away from a living process."""
        return []

    def close(self) -> None:
        """Give everything back."""
        with _files_lock:
            for number in tuple(self._mine):
                self._release(number)
            self._file.users -= 1
            if not self._file.users:
                os.close(self._file.descriptor)
                del _files[self._path]

    def _release(self, number: int) -> None:
        if number in self._mine:
            fcntl.lockf(self._file.descriptor, fcntl.LOCK_UN, 1, number)
            self._mine.discard(number)
            self._file.held.discard(number)
