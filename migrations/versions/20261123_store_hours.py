"""Stores by their hours, so that the few that are open at night are found without reading all."""

from __future__ import annotations

from alembic import op

revision = "20261123_store_hours"
down_revision = "20261123_entry_kinds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_index("ix_store_hours", "store", ["hours", "id"])


def downgrade() -> None:
    op.drop_index("ix_store_hours", table_name="store")
