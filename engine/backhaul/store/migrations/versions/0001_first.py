"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _runs()
    _history()
    _others()


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text()),
        sa.Column("event", sa.Text()),
        sa.Column("output", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("parent_run_id", sa.Text()),
        sa.Column("parent_step", sa.Text()),
        sa.Column("forked_from", sa.Text()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("step_counts", sa.Text()),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_index("ix_runs_created_at_run_id", "runs", ["created_at", "run_id"])
    op.create_index("ix_runs_workflow_created_at_run_id", "runs", ["workflow", "created_at", "run_id"])
    op.create_index("ix_runs_status_created_at_run_id", "runs", ["status", "created_at", "run_id"])
    with_parent = sa.text("parent_run_id IS NOT NULL")
    op.create_index(
        "ix_runs_parent_run_id", "runs", ["parent_run_id"], sqlite_where=with_parent, postgresql_where=with_parent
    )


def _history() -> None:
    op.create_table(
        "steps",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.Column("key", _ORDERED, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("action", sa.Text()),
        sa.Column("effect", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("handled", sa.Boolean(), nullable=False),
        sa.Column("params", sa.Text()),
        sa.Column("output", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("progress", sa.Text()),
        sa.Column("next_attempt_at", sa.BigInteger()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_steps"),
    )
    op.create_index("ix_steps_run_id_seq", "steps", ["run_id", "seq"])
    outside_each = sa.text("length(replace(key, '[', '')) = length(key)")
    op.create_index(
        "ix_steps_outside_each", "steps", ["run_id", "seq"], sqlite_where=outside_each, postgresql_where=outside_each
    )
    op.create_table(
        "attempts",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.Column("key", _ORDERED, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("next_attempt_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("run_id", "key", "number", name="pk_attempts"),
    )
    op.create_table(
        "pages",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.Column("key", _ORDERED, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("next", sa.Text()),
        sa.PrimaryKeyConstraint("run_id", "key", "number", name="pk_pages"),
    )


def _others() -> None:
    op.create_table(
        "workflow_versions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_workflow_versions"),
    )
    op.create_table(
        "events",
        sa.Column("event_id", _ORDERED, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("data", sa.Text()),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("dedupe_key", sa.Text()),
        sa.Column("run_id", sa.Text()),
        sa.Column("step_key", sa.Text()),
        sa.PrimaryKeyConstraint("event_id", name="pk_events"),
        sa.UniqueConstraint("source", "dedupe_key", name="uq_events_source_dedupe_key"),
    )
    op.create_index("ix_events_time_event_id", "events", ["time", "event_id"])
    op.create_index("ix_events_type_time_event_id", "events", ["type", "time", "event_id"])
    op.create_table(
        "usage",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "day", name="pk_usage"),
    )
