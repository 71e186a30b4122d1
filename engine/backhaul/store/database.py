"""What every group of queries stands on: reading in worker threads, appending to the writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from backhaul.errors import StoreError
from backhaul.store.journal import JournalConnection
from backhaul.store.statements import Statements, Write
from backhaul.store.tickets import Ticket
from backhaul.store.writer import Writer

__all__ = ["Database", "Queries"]

_READERS = 4

Result = TypeVar("Result")


class Database(Protocol):
    """A kind of database, opened."""

    @property
    def statements(self) -> Statements:
        """The writing statements in this database's SQL."""
        ...

    def journal(self) -> JournalConnection:
        """Open the connection of the writer."""
        ...

    def read_engine(self) -> Engine:
        """Return an engine for reading."""
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
        self._writer = writer
        self._readers = anyio.CapacityLimiter(_READERS)

    def _append(self, *writes: Write, weight: int = 0) -> Ticket:
        return self._writer.append(writes, weight)

    async def _read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a query in a worker thread. It sees everything that was committed before.

        Raises:
            StoreError: the database cannot be read.
        """
        return await anyio.to_thread.run_sync(self._read_now, query, limiter=self._readers)

    def _read_now(self, query: Callable[[Connection], Result]) -> Result:
        try:
            with self._engine.connect() as connection:
                return query(connection)
        except DBAPIError as error:
            raise self._database.read_error(error) from None
