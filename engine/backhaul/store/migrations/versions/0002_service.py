"""What the service decides, waits for and lets in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_GOING = sa.text("status IN ('queued', 'running', 'waiting')")
_OPEN = sa.text("outcome IS NULL")


def upgrade() -> None:
    _history()
    _decisions()
    _waits()
    _others()


def _history() -> None:
    op.add_column("runs", sa.Column("trigger_id", sa.Text()))
    op.add_column("runs", sa.Column("event_id", sa.Text()))
    op.add_column("runs", sa.Column("slots", sa.Text()))
    op.add_column("runs", sa.Column("depth", sa.Integer()))
    op.create_index("ix_runs_going", "runs", ["trigger_id"], sqlite_where=_GOING, postgresql_where=_GOING)
    op.create_index("ix_runs_node_status", "runs", ["node", "status"], sqlite_where=_GOING, postgresql_where=_GOING)
    op.add_column("events", sa.Column("received_at", sa.BigInteger()))
    op.execute("UPDATE events SET received_at = time")
    op.create_index("ix_events_type_received_at_event_id", "events", ["type", "received_at", "event_id"])
    op.create_index("ix_events_source_received_at_event_id", "events", ["source", "received_at", "event_id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("trigger_id", _ORDERED, nullable=False),
        sa.Column("occurrence", _ORDERED, nullable=False),
        sa.Column("workflow", sa.Text()),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.Text()),
        sa.Column("run_id", sa.Text()),
        sa.Column("event_id", sa.Text()),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("trigger_id", "occurrence", name="pk_decisions"),
    )
    op.create_index(
        "ix_decisions_decided_at_trigger_id_occurrence", "decisions", ["decided_at", "trigger_id", "occurrence"]
    )
    op.create_index(
        "ix_decisions_trigger_id_decided_at_occurrence", "decisions", ["trigger_id", "decided_at", "occurrence"]
    )
    for column in ("event_id", "run_id"):
        known = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_decisions_{column}", "decisions", [column], sqlite_where=known, postgresql_where=known)


def _waits() -> None:
    op.create_table(
        "waits",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.Column("key", _ORDERED, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text()),
        sa.Column("wake_at", sa.BigInteger()),
        sa.Column("details", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_waits"),
    )
    for name, columns in (
        ("ix_waits_open_wake_at", ["wake_at"]),
        ("ix_waits_open_event_type", ["event_type"]),
        ("ix_waits_open_kind", ["kind", "created_at"]),
    ):
        op.create_index(name, "waits", columns, sqlite_where=_OPEN, postgresql_where=_OPEN)


def _others() -> None:
    op.create_table(
        "schedules",
        sa.Column("trigger_id", _ORDERED, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("decided_until", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("paused_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("trigger_id", name="pk_schedules"),
    )
    op.create_table(
        "tokens",
        sa.Column("token_id", _ORDERED, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_table(
        "polls",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("polled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "name", name="pk_polls"),
    )
