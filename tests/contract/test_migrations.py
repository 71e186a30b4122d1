"""Migrations give exactly the tables, once, however many processes start at the same time, on every store."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, make_url

from backhaul.clock import SystemClock
from backhaul.store import migrations
from backhaul.store.postgresql import PostgresqlServer
from backhaul.store.sqlite import SqliteFile
from backhaul.store.store import Store
from backhaul.store.tables import TABLES, metadata
from contract.processes import line, running

pytestmark = pytest.mark.anyio


def engine_of(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        return SqliteFile(parsed).migration_engine()
    return create_engine(PostgresqlServer(parsed).url)


def test_the_revisions_named_in_the_package_are_those_in_its_files() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    configuration.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(configuration)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == migrations.REVISIONS
    assert scripts.get_heads() == [migrations.HEAD]


def test_migrating_an_empty_database_gives_exactly_the_tables(empty_database_url: str) -> None:
    engine = engine_of(empty_database_url)
    migrations.upgrade(engine)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert migrations.current(connection) == migrations.HEAD
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for name, table in TABLES.items():
            assert {index["name"] for index in found.get_indexes(name) if not index.get("duplicates_constraint")} == {
                index.name for index in table.indexes
            }
            assert found.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
            assert [column["name"] for column in found.get_columns(name)] == [column.name for column in table.columns]
    engine.dispose()


async def test_processes_that_start_first_at_the_same_time_all_succeed(empty_database_url: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(running("first_start.py", empty_database_url)) for _ in range(4)]
        assert [line(process) for process in processes] == ["ready"] * 4
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [line(process) for process in processes] == ["done"] * 4
    async with await Store.open(empty_database_url, clock=SystemClock()) as store:
        runs, _ = await store.runs()
        assert {run.run_id for run in runs} == {str(process.pid) for process in processes}
