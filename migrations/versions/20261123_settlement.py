"""Statements with their lines, sums and disputes (S1), and an accountant's own account codes.

Undo loses every statement; the ledger, payouts included, stays as it is.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "settlement"
down_revision = "20261123_members_app"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_code",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "statement_dispute",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("document_no", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(answered_by_id IS NULL) = (answered_at IS NULL) AND (answered_by_id IS NULL) = (answer = '')",
            name="statement_dispute_answered",
        ),
        sa.CheckConstraint("note <> ''", name="statement_dispute_note"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_statement_dispute_merchant_id"), "statement_dispute", ["merchant_id"], unique=False
    )
    op.create_index(
        op.f("ix_statement_dispute_statement_id"),
        "statement_dispute",
        ["statement_id"],
        unique=False,
    )
    op.create_table(
        "statement_line",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "payment",
                "redemption",
                "refund",
                "reversal",
                "borne",
                "cash",
                "interest",
                "sales_netted",
                "other",
                name="statement_line_kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("own_card_fen", sa.BigInteger(), nullable=False),
        sa.Column("group_card_fen", sa.BigInteger(), nullable=False),
        sa.Column("wechat_fen", sa.BigInteger(), nullable=False),
        sa.Column("paper_fen", sa.BigInteger(), nullable=False),
        sa.Column("commission_fen", sa.BigInteger(), nullable=False),
        sa.Column("borne_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("other_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "amount_fen = own_card_fen + group_card_fen + wechat_fen + paper_fen + commission_fen + borne_fen + cash_fen + other_fen",
            name="statement_line_parts",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_statement_line_statement",
        "statement_line",
        ["statement_id", "store_id", "id"],
        unique=False,
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("statement_no", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "collecting",
                "draft",
                "disputed",
                "confirmed",
                "approved",
                "paid",
                "carried",
                name="statement_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="collecting",
            nullable=False,
        ),
        sa.Column(
            "cycle",
            sa.Enum(
                "daily",
                "weekly",
                "monthly",
                name="statement_cycle",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("period_first_on", sa.Date(), nullable=False),
        sa.Column("period_last_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opening_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("earned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("line_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("from_posting_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("next_posting_id", sa.BigInteger(), nullable=True),
        sa.Column("carried_into_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bank_reference", sa.Text(), server_default="", nullable=False),
        sa.Column("paid_entry_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_entry_id IS NOT NULL) AND (status <> 'paid' OR (due_fen > 0 AND bank_reference <> ''))",
            name="statement_paid",
        ),
        sa.CheckConstraint("status <> 'carried' OR due_fen <= 0", name="statement_carried"),
        sa.CheckConstraint(
            "(status NOT IN ('approved', 'paid') OR approved_by_id IS NOT NULL)"
            " AND (status NOT IN ('confirmed', 'approved', 'paid') OR confirmed_by_id IS NOT NULL)",
            name="statement_approved",
        ),
        sa.CheckConstraint(
            "approved_by_id <> confirmed_by_id AND approved_by_id <> created_by_id",
            name="statement_second_person",
        ),
        sa.CheckConstraint("due_fen = opening_fen + earned_fen + cash_fen", name="statement_due"),
        sa.CheckConstraint("paid_by_id <> approved_by_id", name="statement_paid_by_another"),
        sa.CheckConstraint("period_first_on <= period_last_on", name="statement_period"),
        sa.ForeignKeyConstraint(
            ["carried_into_id"],
            ["statement.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("merchant_id", "period_last_on", name="uq_statement_period"),
        sa.UniqueConstraint("statement_no"),
    )
    op.create_index(op.f("ix_statement_merchant_id"), "statement", ["merchant_id"], unique=False)
    op.create_index(
        "uq_statement_collecting",
        "statement",
        ["merchant_id"],
        unique=True,
        postgresql_where="status = 'collecting'",
    )
    op.create_table(
        "statement_sum",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("statement_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "payment",
                "redemption",
                "refund",
                "reversal",
                "borne",
                "cash",
                "interest",
                "sales_netted",
                "other",
                name="statement_sum_kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "part",
            sa.Enum(
                "card_own",
                "card_group",
                "wechat",
                "paper",
                "commission",
                "bonus",
                "promotion",
                "cash",
                "other",
                name="statement_sum_part",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("issuer_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statement.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_statement_sum_merchant_id"), "statement_sum", ["merchant_id"], unique=False
    )
    op.create_index(
        "uq_statement_sum",
        "statement_sum",
        ["statement_id", "store_id", "kind", "part", "issuer_id", "batch_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    for table in ("statement_sum", "statement", "statement_line", "statement_dispute"):
        op.drop_table(table)
    op.drop_table("account_code")
