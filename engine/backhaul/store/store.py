"""The store: everything that is durable, behind one object."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from backhaul.clock import Clock
from backhaul.errors import SettingError
from backhaul.store.claims import Claims
from backhaul.store.database import Database
from backhaul.store.datasets import DatasetQueries
from backhaul.store.decisions import DecisionQueries
from backhaul.store.journal import WriteObserver
from backhaul.store.ledger_retention import LedgerRetentionQueries
from backhaul.store.queue import QueueQueries
from backhaul.store.retention import RetentionQueries
from backhaul.store.runs import RunQueries
from backhaul.store.schedules import ScheduleQueries
from backhaul.store.steps import StepQueries
from backhaul.store.tokens import TokenQueries
from backhaul.store.usage import UsageQueries
from backhaul.store.waits import WaitQueries
from backhaul.store.writer import Writer

__all__ = ["Store"]

Result = TypeVar("Result")
_ADVICE = "Write sqlite:///.backhaul/backhaul.db or postgresql+psycopg://user@host/database"


class Store(
    RunQueries,
    StepQueries,
    DatasetQueries,
    UsageQueries,
    DecisionQueries,
    ScheduleQueries,
    WaitQueries,
    TokenQueries,
    QueueQueries,
    RetentionQueries,
    LedgerRetentionQueries,
):
    """Everything durable in one database: history, what the service decided and waits for, day counts, claims, tokens.

    Made by `Store.open`, and used from the event loop that opened it. ``put_`` methods return a `Ticket` at once;
    await `Ticket.wait` where something depends on the write. Reads see what was committed, not what is still queued.
    """

    def __init__(self, url: URL, database: Database, claims: Claims, writer: Writer, clock: Clock) -> None:
        super().__init__(database, database.read_engine(), writer)
        self.url = url
        self.clock = clock
        self._claims = claims
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock,
        migrate: bool | None = None,
        observer: WriteObserver | None = None,
        busy_s: float = 15.0,
    ) -> Self:
        """Open a store.

        Args:
            url: ``sqlite:///path`` (the folder and the file are made when missing) or ``postgresql+psycopg://...``.
            migrate: bring the schema up to date. By default for SQLite only.
            observer: a seam for fault tests.
            busy_s: how long writes are tried again while the database is locked or away.

        Raises:
            SettingError: the URL is not one of these.
            StoreVersionError: the schema is older (and `migrate` is off) or newer than this program.
            StoreBusyError: another process holds the database.
            StoreError: the database cannot be reached, or is not a database.
        """
        parsed = _parse(url)
        database, claims = await anyio.to_thread.run_sync(_open_database, parsed, migrate)
        try:
            journal = await anyio.to_thread.run_sync(database.journal)
        except BaseException:
            claims.close()
            raise
        return cls(parsed, database, claims, Writer(journal, observer=observer, busy_s=busy_s), clock)

    @property
    def writer(self) -> Writer:
        """The writer, for `Writer.append`, `Writer.barrier` and `Writer.room`."""
        return self._writer

    async def barrier(self) -> None:
        """Return when everything written so far is durable or has failed; failures are on their own tickets."""
        await self._writer.barrier()

    async def room(self) -> None:
        """Return when the writer's queue is short enough for more bulk data."""
        await self._writer.room()

    async def claim(self, run_id: str) -> bool:
        """Take a run for this process; False when any process, this one included, has it already.

        The claim ends with `release`, with `close` or with the process.
        """
        return await self._ask(self._claims.claim, run_id)

    async def release(self, run_id: str) -> None:
        """Give a claimed run back; nothing happens when this store does not have it."""
        with anyio.CancelScope(shield=True):
            await self._ask(self._claims.release, run_id)

    async def is_claimed(self, run_id: str) -> bool:
        """Return whether any process, this one included, has claimed a run."""
        return await self._ask(self._claims.is_claimed, run_id)

    async def lost_claims(self) -> list[str]:
        """Return the runs whose claim was lost with a database connection and could not be renewed, once each."""
        return await anyio.to_thread.run_sync(self._claims.lost)

    async def close(self) -> None:
        """Write what is queued, give claims back and close every connection. Repeating it is harmless."""
        with anyio.CancelScope(shield=True):
            await self._writer.close()
            await anyio.to_thread.run_sync(self._close_rest)

    async def _ask(self, question: Callable[[str], Result], run_id: str) -> Result:
        if self._claims.blocks:
            return await anyio.to_thread.run_sync(question, run_id)
        return question(run_id)

    def _close_rest(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._engine.dispose()
        if self._quick is not None:
            self._quick.dispose()
        self._claims.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text itself may hold a password, so it is not repeated.
        raise SettingError("store.url", "it is not a database URL", _ADVICE) from None
    if parsed.drivername not in ("sqlite", "postgresql", "postgresql+psycopg"):
        raise SettingError("store.url", f"there is no store for {parsed.drivername!r}", _ADVICE)
    return parsed


def _open_database(url: URL, migrate: bool | None) -> tuple[Database, Claims]:
    """Open the file or the server, with the schema checked or brought up to date. Blocks."""
    if url.drivername == "sqlite":
        from backhaul.store.sqlite import open_sqlite

        return open_sqlite(url, migrate=migrate is not False)
    try:
        from backhaul.store.postgresql import open_postgresql
    except ModuleNotFoundError as error:
        raise SettingError(
            "store.url", f"PostgreSQL needs {error.name}", "Run pip install 'backhaul[postgresql]'"
        ) from None
    return open_postgresql(url, migrate=bool(migrate))
