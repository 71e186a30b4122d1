"""Brings a database's schema up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from backhaul.errors import StoreError, StoreVersionError

__all__ = ["HEAD", "REVISIONS", "current", "ensure_schema", "upgrade"]

# In order, kept beside the files so that an up-to-date database needs no Alembic (and its import) at start.
REVISIONS = ("0001", "0002", "0003", "0004")
HEAD = REVISIONS[-1]

_TABLE = "alembic_version"
# Any number will do as long as every process uses the same.
_ADVISORY_LOCK = 0x6261636B6861756C


def current(connection: Connection) -> str | None:
    """Return the revision of a database's schema, None when it has none yet."""
    if not inspect(connection).has_table(_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - a constant


def ensure_schema(engine: Engine, *, migrate: bool, name: str) -> None:
    """Return when the schema is this program's.

    Args:
        migrate: bring an older or missing schema up to date.
        name: what to call the database in errors.

    Raises:
        StoreVersionError: it is newer than this program, or older and `migrate` is off.
        StoreError: the database holds somebody else's tables.
    """
    with engine.connect() as connection:
        found = current(connection)
    if found == HEAD:
        return
    if found is not None and found not in REVISIONS:
        raise StoreVersionError(
            f"{name} has schema {found}, which is newer than this program (its newest is {HEAD}): update Backhaul"
        )
    if not migrate:
        has = "no schema yet" if found is None else f"schema {found}"
        raise StoreVersionError(f"{name} has {has}, this program needs {HEAD}: run `backhaul db upgrade`")
    upgrade(engine, name=name)


def upgrade(engine: Engine, *, name: str = "the database") -> None:
    """Apply what is missing, in one transaction. Several processes may do this at the same time.

    Raises:
        StoreError: the database holds somebody else's tables.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})
        found = current(connection)
        if found == HEAD:
            return
        if found is None and _holds_our_names(connection):
            raise StoreError(f"{name} holds other tables of the same names: name another database or file")
        _run_alembic(connection)


def _holds_our_names(connection: Connection) -> bool:
    from backhaul.store.tables import TABLES

    return not TABLES.keys().isdisjoint(inspect(connection).get_table_names())


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
