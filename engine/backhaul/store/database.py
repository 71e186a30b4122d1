"""What every group of queries stands on: reading in worker threads, appending to the writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from backhaul.errors import StoreBusyError, StoreError
from backhaul.store.journal import JournalConnection
from backhaul.store.service_statements import ServiceStatements
from backhaul.store.statements import Write
from backhaul.store.tickets import Ticket
from backhaul.store.writer import Writer

__all__ = ["Database", "Queries"]

_READERS = 4

Result = TypeVar("Result")


class Database(Protocol):
    """A kind of database, opened."""

    @property
    def statements(self) -> ServiceStatements:
        """The writing statements in this database's SQL."""
        ...

    def journal(self) -> JournalConnection:
        """Open the connection of the writer."""
        ...

    def read_engine(self) -> Engine:
        """Return an engine for reading."""
        ...

    def look_up_engine(self) -> Engine | None:
        """Return an engine that finds a row sooner than a thread is woken and waits for nobody, if there is one."""
        ...

    def read_error(self, error: DBAPIError) -> StoreError:
        """Return the error that tells a person why reading failed."""
        ...


class Queries:
    """Base of the query modules that `Store` is composed of."""

    def __init__(self, database: Database, engine: Engine, writer: Writer) -> None:
        self._database = database
        self._statements = database.statements
        self._engine = engine
        self._quick = database.look_up_engine()
        self._writer = writer
        self._readers = anyio.CapacityLimiter(_READERS)

    def _append(self, *writes: Write, weight: int = 0) -> Ticket:
        return self._writer.append(writes, weight)

    async def _read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a query in a worker thread. It sees everything that was committed before.

        Raises:
            StoreError: the database cannot be read.
        """
        return await anyio.to_thread.run_sync(self._read_now, query, self._engine, limiter=self._readers)

    async def _look_up(self, query: Callable[[Connection], Result]) -> Result:
        """Run a query for one row, found by an index; where it can be, at once: a busy process wakes threads late.

        Raises:
            StoreError: the database cannot be read.
        """
        if self._quick is not None:
            await checkpoint_if_cancelled()
            try:
                return self._read_now(query, self._quick)
            except StoreBusyError:
                pass  # Somebody has the file for himself: a thread waits for him.
        return await self._read(query)

    def _read_now(self, query: Callable[[Connection], Result], engine: Engine) -> Result:
        try:
            with engine.connect() as connection:
                return query(connection)
        except DBAPIError as error:
            raise self._database.read_error(error) from None
