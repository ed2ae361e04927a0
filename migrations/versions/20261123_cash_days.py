"""What a cashier with a limit has taken today is kept, not added up by every top-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_cash_days"
down_revision = "20261123_gallery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "cash_day",
        sa.Column("staff_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("taken_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken_fen >= 0", name="cash_day_taken"),
    )


def downgrade() -> None:
    op.drop_table("cash_day")
