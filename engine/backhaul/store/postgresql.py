"""PostgreSQL as the journal's database: its connections, what its errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from backhaul.errors import StoreBusyError, StoreError
from backhaul.secrets import MASK
from backhaul.store.batches import Batch, batched, values_by_operation
from backhaul.store.journal import Fault
from backhaul.store.migrations import ensure_schema
from backhaul.store.postgresql_claims import AdvisoryClaims
from backhaul.store.service_statements import ServiceStatements
from backhaul.store.statements import Operation, Sql

__all__ = ["PostgresqlDatabase", "PostgresqlJournal", "PostgresqlServer", "open_postgresql"]

_READERS = 4
# Keeps a dead server or network from hanging a connection for the operating system's two hours.
_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "application_name": "backhaul",
}
# SQLSTATE codes and classes (PostgreSQL documentation, appendix A).
_AWAY = (
    "08",  # connection lost
    "25006",  # read only: a standby, while another server takes over
    "40",  # serialization failure, deadlock
    "53300",  # too many connections
    "55",  # a lock is not available, the database accepts no connections
    "57",  # shutdown, terminated by an administrator, cannot connect now
)
_STORAGE = ("42501", "53", "58")  # no permission, no disk or memory left, an error of the system


class PostgresqlServer:
    """How to reach one database, and how to speak about it without its password."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        self.name = self.url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        _, self._arguments = self.url.get_dialect()().create_connect_args(self.url)

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        """Open a connection whose commits are durable.

        Raises:
            psycopg.OperationalError: the server cannot be reached or refuses.
        """
        connection = psycopg.connect(**{**_NETWORK, **self._arguments, "autocommit": autocommit})
        try:
            row = connection.execute("SHOW synchronous_commit").fetchone()
            if row is not None and row[0] == "off":
                connection.execute("SET synchronous_commit TO on")
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def fault(self, error: BaseException) -> tuple[Fault, str]:
        """Return what to do about an error, and what to say."""
        text = self.clean(error)
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        lost = state is None and isinstance(error, psycopg.OperationalError)
        if lost or (state or "").startswith(_AWAY):
            return Fault.BUSY, f"the database {self.name} is away or busy: {text}"
        if (state or "").startswith(_STORAGE):
            return Fault.STORAGE, f"the database {self.name} cannot store: {text}"
        return Fault.ROW, f"{type(error).__name__}: {text}"

    def store_error(self, error: BaseException) -> StoreError:
        """Return the error that tells a person what PostgreSQL meant."""
        kind, text = self.fault(error)
        return StoreBusyError(text) if kind is Fault.BUSY else StoreError(text)

    def unreachable(self, error: BaseException) -> StoreError:
        """Return the error for a first connection that failed."""
        return StoreError(
            f"cannot open the database {self.name}: {self.clean(error)}. "
            "Check that the server runs, and the host, user, password and database of store.url"
        )

    def clean(self, error: BaseException) -> str:
        """Return the essence of an error's text, on one line and without the password."""
        text = str(error).strip()
        _, fatal, reason = text.rpartition("FATAL:")
        line = " ".join((reason if fatal else text).split())
        password = self.url.password
        return line.replace(str(password), MASK) if password else line


class PostgresqlDatabase:
    """A PostgreSQL database with the schema of this program."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self.statements = ServiceStatements(create_engine(server.url, paramstyle="format").dialect)

    def journal(self) -> PostgresqlJournal:
        """Open the connection of the writer."""
        try:
            return PostgresqlJournal(self._server)
        except psycopg.Error as error:
            raise self._server.unreachable(error) from None

    def read_engine(self) -> Engine:
        """Return an engine for reading."""
        return create_engine(self._server.url, pool_size=_READERS, pool_pre_ping=True, connect_args=_NETWORK)

    def look_up_engine(self) -> None:
        """Return nothing: the server is asked through a network, for which the event loop does not wait."""

    def read_error(self, error: DBAPIError) -> StoreError:
        """Return the error that tells a person why reading failed."""
        return self._server.store_error(error.orig or error)


def open_postgresql(url: URL, *, migrate: bool) -> tuple[PostgresqlDatabase, AdvisoryClaims]:
    """Open a database, brought up to date when `migrate`. Blocks.

    Raises:
        StoreVersionError: its schema is older (and `migrate` is off) or newer than this program.
        StoreError: it cannot be reached, or refuses.
    """
    server = PostgresqlServer(url)
    engine = create_engine(server.url, pool_size=1, connect_args=_NETWORK)
    try:
        ensure_schema(engine, migrate=migrate, name=f"the database {server.name}")
        claims = AdvisoryClaims(lambda: server.connect(autocommit=True), server.store_error)
    except DBAPIError as error:
        raise server.unreachable(error.orig or error) from None
    except psycopg.Error as error:
        raise server.unreachable(error) from None
    finally:
        engine.dispose()
    return PostgresqlDatabase(server), claims


class PostgresqlJournal:
    """The writer's connection to PostgreSQL, opened anew when it was lost.

    A commit whose answer was lost is done again: every write but `Statements.reserve_usage` is idempotent by its key.
    """

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self._connection = server.connect()
        self._texts: dict[Sql, bytes] = {}

    def transact(self, operations: Sequence[Operation], before_commit: Callable[[], None] | None) -> list[Any]:
        """Do the operations in one transaction and make it durable, without waiting for the answer to each."""
        if self._connection.closed:
            self._connection = self._server.connect()
        batches = batched(operations)
        try:
            with self._connection.pipeline():
                # The answers arrive when the pipeline ends; until then a value is the cursor that will have it.
                sent = [self._send(batch) for batch in batches]
            # Not inside: psycopg's commit in a pipeline waits for an answer with much of the data still unsent.
            if before_commit is not None:
                before_commit()
            self._connection.commit()
        except BaseException:
            if not self._connection.closed:
                with contextlib.suppress(psycopg.Error):
                    self._connection.rollback()
            raise
        answers = [[_value(cursor) for cursor in cursors] for cursors in sent]
        return values_by_operation(len(operations), batches, answers)

    def fault(self, error: Exception) -> tuple[Fault, str]:
        """Return what an error means, and say it to a person."""
        return self._server.fault(error)

    def rest(self) -> None:
        """Do nothing: the server keeps house itself."""

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _send(self, batch: Batch) -> list[psycopg.Cursor]:
        """Send the writes of a batch, and return the cursors that will have what each gives, if it gives something."""
        text, rows = self._text(batch.sql), batch.rows
        if batch.sql.returns or len(rows) == 1:
            return [self._connection.execute(text, row, prepare=True) for row in rows]
        self._connection.cursor().executemany(text, rows)
        return []

    def _text(self, sql: Sql) -> bytes:
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = sql.text.encode()
        return text


def _value(cursor: psycopg.Cursor) -> Any:
    row = cursor.fetchone() if cursor.description else None
    return cursor.rowcount if row is None else row[0]
