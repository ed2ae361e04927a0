"""Refund requests: what a member asks the store for. They move nothing, so undo loses wishes only.

At most one request of a payment waits (``uq_refund_request_waiting``).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_members_app"
down_revision = "20261123_till"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refund_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_no", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "refunded",
                name="refund_request_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name="refund_request_amount"),
        sa.CheckConstraint(
            "(status = 'refunded') = (answered_at IS NOT NULL)", name="refund_request_answered"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_refund_request_waiting",
        "refund_request",
        ["payment_id"],
        unique=True,
        postgresql_where="status = 'waiting'",
    )
    for column in ("store_id", "member_id", "merchant_id"):
        name = column.removesuffix("_id")
        op.create_index(f"ix_refund_request_{name}", "refund_request", [column, "id"])


def downgrade() -> None:
    op.drop_table("refund_request")
