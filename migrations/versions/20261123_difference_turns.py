"""A difference that two people have dealt with can come back: a later bill says something else.

Then a row of its own stands beside the old one, with the next turn; what was decided stays as it
was. Undoing this is refused by the constraint where something has come back already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_difference_turns"
down_revision = "20261123_store_hours"
branch_labels = None
depends_on = None

_NAME, _TABLE = "uq_reconciliation_difference", "reconciliation_difference"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(_TABLE, sa.Column("turn", sa.Integer(), nullable=False, server_default="1"))
    op.drop_constraint(_NAME, _TABLE)
    op.create_unique_constraint(_NAME, _TABLE, ["bill_on", "kind", "number", "turn"])


def downgrade() -> None:
    op.drop_constraint(_NAME, _TABLE)
    op.create_unique_constraint(_NAME, _TABLE, ["bill_on", "kind", "number"])
    op.drop_column(_TABLE, "turn")
