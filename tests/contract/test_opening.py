"""Opening a store: what is made, what is refused and how that is said, on every store."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backhaul.clock import SystemClock
from backhaul.errors import SettingError, StoreBusyError, StoreError, StoreVersionError
from backhaul.store.migrations import HEAD
from backhaul.store.store import Store
from conftest import PostgresqlFixture
from contract.factories import a_run
from contract.processes import line, running

pytestmark = pytest.mark.anyio


async def open_and_close(url: str, *, migrate: bool | None = None) -> None:
    await (await Store.open(url, clock=SystemClock(), migrate=migrate)).close()


def set_version(url: str, version: str, postgresql: PostgresqlFixture | None = None) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{version}'"
    if postgresql is not None:
        postgresql.execute(statement, database=url.partition("?")[0].rpartition("/")[2])
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def server(store_url: str, request: pytest.FixtureRequest) -> PostgresqlFixture | None:
    found: PostgresqlFixture | None = None
    if store_url.startswith("postgresql"):
        found = request.getfixturevalue("postgresql")
    return found


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://root:hunter2@db/x", "hunter2 is not a url", "", "postgres"]
)
async def test_an_url_that_names_no_store_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingError, match=r"store\.url: .*Write sqlite:///") as caught:
        await open_and_close(url)
    assert "hunter2" not in str(caught.value)


async def test_folder_and_file_are_made_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "project" / ".backhaul" / "backhaul.db"
    async with await Store.open(f"sqlite:///{path}", clock=SystemClock()) as store:
        await store.put_run(a_run()).wait()
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "backhaul.db-wal" in modes
    assert set(modes.values()) == {0o600}


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreError, match="is not a database"):
        await open_and_close(f"sqlite:///{path}")
    assert path.read_text().startswith("dear diary")


async def test_a_path_that_cannot_be_made_is_refused_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "backhaul.db", tmp_path):
        with pytest.raises(StoreError, match=str(path)):
            await open_and_close(f"sqlite:///{path}")


async def test_a_locked_file_cannot_be_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backhaul.store.sqlite._MIGRATION_TIMEOUT_S", 0.05)
    path = tmp_path / "backhaul.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusyError, match="another process"):
            await open_and_close(f"sqlite:///{path}")
    await open_and_close(f"sqlite:///{path}")


async def test_somebody_elses_tables_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "backhaul.db"
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE runs (distance)")
    with pytest.raises(StoreError, match="other tables"):
        await open_and_close(f"sqlite:///{path}")


async def test_a_newer_schema_is_refused(store_url: str, server: PostgresqlFixture | None) -> None:
    set_version(store_url, "9999", server)
    for migrate in (None, True, False):
        with pytest.raises(StoreVersionError, match="9999, which is newer than this program"):
            await open_and_close(store_url, migrate=migrate)
    set_version(store_url, HEAD, server)
    await open_and_close(store_url)


async def test_without_migration_a_missing_schema_is_refused_with_the_command(empty_database_url: str) -> None:
    with pytest.raises(StoreVersionError, match=r"no schema yet.*backhaul db upgrade"):
        await open_and_close(empty_database_url, migrate=False)
    await open_and_close(empty_database_url, migrate=True)
    await open_and_close(empty_database_url, migrate=False)


@pytest.mark.postgresql
async def test_postgresql_is_not_migrated_unasked(postgresql: PostgresqlFixture) -> None:
    url = postgresql.url(postgresql.create_database())
    with pytest.raises(StoreVersionError, match="backhaul db upgrade"):
        await open_and_close(url)


async def test_an_unreachable_server_is_told_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(StoreError, match=r"cannot open the database .*refused.* Check that") as caught:
            await open_and_close(f"postgresql+psycopg://isp:hunter2@127.0.0.1:{port}/backhaul")
    assert "hunter2" not in str(caught.value)


@pytest.mark.postgresql
async def test_a_wrong_password_is_told_but_never_shown(postgresql: PostgresqlFixture, postgresql_url: str) -> None:
    postgresql.require_password("careful", "right-pass")
    database, _, query = postgresql_url.partition("?")
    address = database.rpartition("/")[2] + "?" + query
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        await open_and_close(f"postgresql+psycopg://careful:hunter2@/{address}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.postgresql
async def test_a_database_that_is_not_there_is_told(postgresql: PostgresqlFixture) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        await open_and_close(postgresql.url("nowhere"))


async def test_opening_an_up_to_date_store_imports_neither_alembic_nor_psycopg(sqlite_url: str) -> None:
    with running("imports.py", sqlite_url) as process:
        assert line(process) == "imported"


async def test_a_failed_opening_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "backhaul.db"
    path.write_text("not a database " * 100)
    for _ in range(3):
        with pytest.raises(StoreError):
            await open_and_close(f"sqlite:///{path}")
    path.unlink()
    await open_and_close(f"sqlite:///{path}")
