"""On which days of a month members paid: what member activity is told from.

The hourly figures of payments by the instant they were paid are forgotten, so that the job sums
them again and counts the days with them; until then reports read the rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_member_months"
down_revision = "20261123_account_notices"
branch_labels = None
depends_on = None

_FIGURES = ("hourly_rollup", "hour_range", "rollup_dirty", "rollup_mark")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "member_month",
        sa.Column("month", sa.Date(), primary_key=True),
        sa.Column("member_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("repeat_days", sa.Integer(), nullable=False),
    )
    for table in _FIGURES:
        # The migrations' owner is held to the wall like anybody else.
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"DELETE FROM {table} WHERE source = 'payment_paid'")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_table("member_month")
