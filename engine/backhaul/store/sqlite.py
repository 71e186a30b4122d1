"""SQLite as the journal's database: its file, its connections, what its errors mean."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from backhaul.errors import SettingError, StoreBusyError, StoreError
from backhaul.store.batches import Batch, batched, values_by_operation
from backhaul.store.checkpoints import Checkpointer
from backhaul.store.claims import FileClaims
from backhaul.store.journal import Fault
from backhaul.store.migrations import ensure_schema
from backhaul.store.service_statements import ServiceStatements
from backhaul.store.statements import Operation, Sql

__all__ = ["SqliteDatabase", "SqliteFile", "SqliteJournal", "open_sqlite"]

_BUSY_TIMEOUT_S = 2.0
_WRITER_TIMEOUT_S = 0.25
_MIGRATION_TIMEOUT_S = 30.0
_SWITCH_PAUSE_S = 0.02
_READERS = 4
_ROWS_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_STORAGE = {
    sqlite3.SQLITE_FULL: "the disk of the store is full ({path}): free some space",
    sqlite3.SQLITE_IOERR: "the disk of the store does not work ({path}): {error}",
    sqlite3.SQLITE_READONLY: "the store may not be written ({path}): give its file and folder write permission",
    sqlite3.SQLITE_CANTOPEN: "the store cannot be opened ({path}): {error}",
    sqlite3.SQLITE_CORRUPT: "the store is damaged ({path}): restore it from a backup",
    sqlite3.SQLITE_NOTADB: "{path} is not a database: move it away or name another file",
}


class SqliteFile:
    """A database file: made with narrow permissions, opened with the settings that the guarantees need.

    Raises:
        SettingError: the URL names no file.
        StoreError: the folder or the file cannot be made.
    """

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise SettingError(
                "store.url",
                f"{url.render_as_string()!r} names no file",
                "Write sqlite:///.backhaul/backhaul.db; a store in memory would guarantee nothing",
            )
        self.path = Path(url.database).absolute()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only a file that is new: closing any other descriptor of an open database would drop SQLite's locks.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(
                f"cannot make the store {self.path}: {error.strerror}. Check the folder's permissions"
            ) from None

    def beside(self, suffix: str) -> Path:
        """Return the path of a companion file, such as ``-wal``."""
        return self.path.with_name(self.path.name + suffix)

    def connect(self, *, busy_timeout_s: float = _BUSY_TIMEOUT_S) -> sqlite3.Connection:
        """Open a connection for writing that may go from thread to thread.

        Raises:
            StoreError: it cannot be opened, or is not a database.
        """
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                self.path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            mode = _switch_to_wal(connection, busy_timeout_s)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("PRAGMA journal_size_limit = -1")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self.store_error(error) from None
        if mode != "wal":
            connection.close()
            raise StoreError(
                f"the file system of {self.path} does not support SQLite's write-ahead log: use a local disk"
            )
        return connection

    def store_error(self, error: BaseException) -> StoreError:
        """Return the error that tells a person what SQLite meant."""
        kind, text = self.fault(error)
        return StoreBusyError(text) if kind is Fault.BUSY else StoreError(text)

    def fault(self, error: BaseException) -> tuple[Fault, str]:
        """Return what to do about an error, and what to say."""
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _BUSY:
            return Fault.BUSY, f"another process holds the store {self.path}: try again when it is done"
        if code in _STORAGE:
            return Fault.STORAGE, _STORAGE[code].format(path=self.path, error=error)
        return Fault.ROW, f"{type(error).__name__}: {error}"

    def migration_engine(self) -> Engine:
        """Return an engine whose transactions hold the file for themselves from their beginning."""
        engine = create_engine(
            "sqlite://", creator=lambda: self.connect(busy_timeout_s=_MIGRATION_TIMEOUT_S), poolclass=NullPool
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine

    def read_engine(self) -> Engine:
        """Return an engine whose connections can only read."""
        return create_engine("sqlite://", creator=self._connect_to_read, poolclass=QueuePool, pool_size=_READERS)

    def look_up_engine(self) -> Engine:
        """Return an engine with one connection, which can only read, and does not wait for a lock."""
        connect = partial(self._connect_to_read, timeout_s=0.0)
        return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1)

    def _connect_to_read(self, *, timeout_s: float = _BUSY_TIMEOUT_S) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection


class SqliteDatabase:
    """A SQLite file with the schema of this program."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self.statements = ServiceStatements(sqlite.dialect(paramstyle="qmark"))

    def journal(self) -> SqliteJournal:
        """Open the connection of the writer."""
        return SqliteJournal(self._file)

    def read_engine(self) -> Engine:
        """Return an engine for reading."""
        return self._file.read_engine()

    def look_up_engine(self) -> Engine:
        """Return an engine for single rows."""
        return self._file.look_up_engine()

    def read_error(self, error: DBAPIError) -> StoreError:
        """Return the error that tells a person why reading failed."""
        return self._file.store_error(error.orig or error)


def open_sqlite(url: URL, *, migrate: bool) -> tuple[SqliteDatabase, FileClaims]:
    """Open a database file, made and brought up to date as needed. Blocks.

    Raises:
        SettingError: the URL names no file.
        StoreVersionError: its schema is older (and `migrate` is off) or newer than this program.
        StoreError: it cannot be made or opened, or is not a database.
    """
    file = SqliteFile(url)
    engine = file.migration_engine()
    try:
        ensure_schema(engine, migrate=migrate, name=f"the store {file.path}")
    except DBAPIError as error:
        raise file.store_error(error.orig or error) from None
    return SqliteDatabase(file), FileClaims(file.beside("-lock"))


class SqliteJournal:
    """The writer's connection to a SQLite file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        # The writer itself tries again and again, so that giving up depends on its own bound.
        self._connection = file.connect(busy_timeout_s=_WRITER_TIMEOUT_S)
        self._checkpointer = Checkpointer(file.connect, file.beside("-wal"))
        self._texts: dict[tuple[Sql, int], str] = {}
        self._rows = 0

    def transact(self, operations: Sequence[Operation], before_commit: Callable[[], None] | None) -> list[Any]:
        """Do the operations in one transaction and make it durable."""
        self._rows = len(operations)
        if self._rows == 1 and before_commit is None and len(operations[0]) == 1:
            # A statement by itself is a transaction, and spares two more.
            ((sql, parameters),) = operations[0]
            return self._write(Batch(sql, [parameters])) or [None]
        batches = batched(operations)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            answers = [self._write(batch) for batch in batches]
            if before_commit is not None:
                before_commit()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            raise
        return values_by_operation(len(operations), batches, answers)

    def fault(self, error: Exception) -> tuple[Fault, str]:
        """Return what an error means, and say it to a person."""
        return self._file.fault(error)

    def rest(self) -> None:
        """Have the write-ahead log moved when it is long."""
        self._checkpointer.committed(self._rows)
        if self._checkpointer.take_remainder():
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """Close the connection."""
        self._checkpointer.stop()
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _write(self, batch: Batch) -> list[Any]:
        """Do the writes of a batch, and return what each gave when they give something."""
        sql, rows = batch.sql, batch.rows
        if sql.returns and not sql.row:
            return [self._one(sql, row) for row in rows]
        if len(rows) == 1 and not sql.returns:
            self._connection.execute(sql.text, rows[0])
            return []
        if sql.row:
            return self._insert(sql, rows)
        self._connection.executemany(sql.text, rows)
        return []

    def _one(self, sql: Sql, parameters: tuple[Any, ...]) -> Any:
        cursor = self._connection.execute(sql.text, parameters)
        # All of its rows: the statement ends with the last, and a failure to commit is raised there or nowhere.
        rows = cursor.fetchall()
        return rows[0][0] if rows else cursor.rowcount

    def _insert(self, sql: Sql, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        # Many rows per statement are written a fifth faster than by executemany, which runs it once for each, and with
        # each run gives other threads the interpreter, for which it then waits.
        answers: list[Any] = []
        done = 0
        while done < len(rows):
            count = next(size for size in _ROWS_AT_ONCE if size <= len(rows) - done)
            text = self._texts.get((sql, count))
            if text is None:
                text = self._texts[sql, count] = sql.for_rows(count)
            some = rows[done : done + count]
            cursor = self._connection.execute(text, list(chain.from_iterable(some)))
            if sql.returns:
                answers += self._which_are_new(sql, some, cursor)
            done += count
        return answers

    def _which_are_new(self, sql: Sql, rows: Sequence[tuple[Any, ...]], cursor: sqlite3.Cursor) -> list[int]:
        """Return 1 for each row that was inserted, and 0 for the others, without the row by row of RETURNING."""
        count, last = cursor.rowcount, cursor.lastrowid
        if count == 0 or last is None:
            return [0] * len(rows)
        if count == len(rows):
            return [1] * count
        # A new row's number is the greatest so far and one (sqlite.org/autoinc.html), and nobody else is writing.
        text = f"SELECT {', '.join(sql.key)} FROM {sql.table} WHERE rowid > ?"  # noqa: S608 - names of our own tables
        new = set(self._connection.execute(text, (last - count,)).fetchall())
        return [int(row[: len(sql.key)] in new) for row in rows]


def _switch_to_wal(connection: sqlite3.Connection, timeout_s: float) -> str:
    """Return the journal mode. SQLite does not wait for the lock that the switch needs, so this does."""
    give_up_at = time.monotonic() + timeout_s
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) not in _BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(_SWITCH_PAUSE_S)
