"""The SQLModel tables as SQLAlchemy sees them; nothing outside the store sees their rows."""

from __future__ import annotations

from sqlalchemy import Table

from backhaul.store.history_tables import GOING, OUTSIDE_EACH
from backhaul.store.service_tables import OPEN
from backhaul.store.table_base import metadata

__all__ = [
    "ATTEMPTS",
    "DECISIONS",
    "EVENTS",
    "GOING",
    "OPEN",
    "OUTSIDE_EACH",
    "PAGES",
    "POLLS",
    "PRUNED_RUNS",
    "RUNS",
    "SCHEDULES",
    "STEPS",
    "TABLES",
    "TOKENS",
    "USAGE",
    "WAITS",
    "WORKFLOW_VERSIONS",
    "metadata",
]

TABLES: dict[str, Table] = dict(metadata.tables)
RUNS = TABLES["runs"]
PRUNED_RUNS = TABLES["pruned_runs"]
STEPS = TABLES["steps"]
ATTEMPTS = TABLES["attempts"]
PAGES = TABLES["pages"]
WORKFLOW_VERSIONS = TABLES["workflow_versions"]
EVENTS = TABLES["events"]
USAGE = TABLES["usage"]
DECISIONS = TABLES["decisions"]
SCHEDULES = TABLES["schedules"]
WAITS = TABLES["waits"]
TOKENS = TABLES["tokens"]
POLLS = TABLES["polls"]
