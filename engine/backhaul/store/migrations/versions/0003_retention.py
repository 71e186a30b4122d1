"""What pruning the history needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_FORKS = sa.text("forked_from IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "pruned_runs",
        sa.Column("run_id", _ORDERED, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_pruned_runs"),
    )
    op.create_index("ix_runs_forked_from", "runs", ["forked_from"], sqlite_where=_FORKS, postgresql_where=_FORKS)
