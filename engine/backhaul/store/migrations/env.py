"""Alembic's entry: runs the migrations on the connection that `migrations.upgrade` gives."""

from __future__ import annotations

from alembic import context

from backhaul.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most things in place; Alembic then copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
