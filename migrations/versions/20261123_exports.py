"""Files to take away, and hourly figures with what keeps them.

Undo is safe: files are lost, figures are summed again from the rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_exports"
down_revision = "20261123_members"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "platform_admin",
                "platform_finance",
                "content_editor",
                "auditor",
                "merchant_admin",
                "merchant_finance",
                "store_manager",
                "cashier",
                name="export_file_role",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                "expired",
                name="export_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("stored_name", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'done') <= (stored_name IS NOT NULL)", name="export_file_done"
        ),
        sa.CheckConstraint("format IN ('xlsx', 'csv', 'tsv', 'json', 'ods')", name="export_format"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_export_file_staff", "export_file", ["staff_id", "id"], unique=False)
    op.create_table(
        "hour_range",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("min_id", sa.BigInteger(), nullable=False),
        sa.Column("max_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hour"),
    )
    op.create_table(
        "hourly_rollup",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("card_fen", sa.BigInteger(), nullable=False),
        sa.Column("wechat_fen", sa.BigInteger(), nullable=False),
        sa.Column("bonus_fen", sa.BigInteger(), nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_hourly_rollup_merchant",
        "hourly_rollup",
        ["merchant_id", "source", "hour"],
        unique=False,
    )
    op.create_index(
        "ix_hourly_rollup_store", "hourly_rollup", ["store_id", "source", "hour"], unique=False
    )
    op.create_index(
        "uq_hourly_rollup",
        "hourly_rollup",
        ["source", "hour", "merchant_id", "store_id", "kind", "status"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "rollup_dirty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rollup_mark",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("folded_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tail_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_index(
        "ix_payment_instants",
        "payment",
        ["created_at", "paid_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_index(
        "ix_payment_staff",
        "payment",
        ["staff_id", "id"],
        unique=False,
        postgresql_where="staff_id IS NOT NULL",
    )
    op.create_index(
        "ix_redemption_instants",
        "redemption",
        ["redeemed_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_index(
        "ix_refund_instants", "refund", ["created_at"], unique=False, postgresql_using="brin"
    )
    op.create_index(
        "ix_top_up_instants",
        "top_up",
        ["created_at", "credited_at"],
        unique=False,
        postgresql_using="brin",
    )


def downgrade() -> None:
    # With its triggers: they would write into a table that is no more.
    op.execute("DROP FUNCTION IF EXISTS kaquan.note_old_hours() CASCADE")
    op.drop_index("ix_top_up_instants", table_name="top_up", postgresql_using="brin")
    op.drop_index("ix_refund_instants", table_name="refund", postgresql_using="brin")
    op.drop_index("ix_redemption_instants", table_name="redemption", postgresql_using="brin")
    op.drop_index("ix_payment_staff", table_name="payment", postgresql_where="staff_id IS NOT NULL")
    op.drop_index("ix_payment_instants", table_name="payment", postgresql_using="brin")
    op.drop_table("rollup_mark")
    op.drop_table("rollup_dirty")
    op.drop_index(
        "uq_hourly_rollup", table_name="hourly_rollup", postgresql_nulls_not_distinct=True
    )
    op.drop_index("ix_hourly_rollup_store", table_name="hourly_rollup")
    op.drop_index("ix_hourly_rollup_merchant", table_name="hourly_rollup")
    op.drop_table("hourly_rollup")
    op.drop_table("hour_range")
    op.drop_index("ix_export_file_staff", table_name="export_file")
    op.drop_table("export_file")
