"""Reconciliation with WeChat: days, what differs, and the lines of its bills.

Nothing that is there changes, but for one more partial index on postings: WeChat's bank by payment,
a few rows for each WeChat payment and none for a card's. Undo drops the tables; what was booked
stays in the ledger.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "reports"
down_revision = "settlement"
branch_labels = None
depends_on = None


def _state(name: str, *states: str) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=24)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True)


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _zero(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_index(
        "ix_posting_wechat_payment",
        "posting",
        ["payment_id"],
        postgresql_where=sa.text("account = 'bank:wechat' AND payment_id IS NOT NULL"),
    )
    op.create_table(
        "reconciliation",
        _id(),
        sa.Column("bill_on", sa.Date(), nullable=False, unique=True),
        sa.Column(
            "status",
            _state("reconciliation_status", "waiting", "rejected", "matched", "differing"),
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("trade_sha1", sa.Text()),
        sa.Column("flow_sha1", sa.Text()),
        _zero("payments", sa.Integer),
        _zero("payments_fen", sa.BigInteger),
        _zero("refunds", sa.Integer),
        _zero("refunds_fen", sa.BigInteger),
        _zero("fee_fen", sa.BigInteger),
        _zero("transferred_fen", sa.BigInteger),
        _zero("open_differences", sa.Integer),
        _instant("reconciled_at", nullable=False),
    )
    op.create_table(
        "wechat_bill_line",
        _id(),
        sa.Column("bill_on", sa.Date(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("is_refund", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("wechat_no", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        _instant("occurred_at", nullable=False),
        sa.UniqueConstraint("bill_on", "line_no", name="uq_wechat_bill_line"),
    )
    op.create_index("ix_wechat_bill_line_number", "wechat_bill_line", ["number"])
    _create_differences()


def _create_differences() -> None:
    corrections = ("confirm", "unapplied", "expense", "explain")
    op.create_table(
        "reconciliation_difference",
        _id(),
        sa.Column("reconciliation_id", sa.BigInteger(), sa.ForeignKey("reconciliation.id"),
                  nullable=False, index=True),
        sa.Column("bill_on", sa.Date(), nullable=False),
        sa.Column("kind", _state("difference_kind", "missing_here", "missing_there",
                                 "amount_differs", "ledger_differs", "duplicate", "fee_differs"),
                  nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("wechat_no", sa.Text()),
        sa.Column("ours_fen", sa.BigInteger()),
        sa.Column("ledger_fen", sa.BigInteger()),
        sa.Column("wechat_fen", sa.BigInteger()),
        sa.Column("suggestion", _state("difference_suggestion", *corrections), nullable=False),
        sa.Column("status", _state("difference_status", "unresolved", "proposed", "corrected", "gone"),
                  server_default="unresolved", nullable=False),
        sa.Column("correction", _state("difference_correction", *corrections)),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger()),
        _instant("proposed_at"),
        sa.Column("decided_by_id", sa.BigInteger()),
        _instant("decided_at"),
        sa.Column("decision_note", sa.Text(), server_default="", nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
                  nullable=False),
        sa.UniqueConstraint("bill_on", "kind", "number", name="uq_reconciliation_difference"),
        sa.CheckConstraint("decided_by_id <> proposed_by_id", name="difference_two_people"),
        sa.CheckConstraint("(status IN ('proposed', 'corrected')) <= (proposed_by_id IS NOT NULL)",
                           name="difference_proposed"),
        sa.CheckConstraint("(status = 'corrected') = (decided_by_id IS NOT NULL)",
                           name="difference_decided"),
    )  # fmt: skip
    op.create_index(
        "ix_reconciliation_difference_open",
        "reconciliation_difference",
        ["number"],
        postgresql_where=sa.text("status IN ('unresolved', 'proposed')"),
    )


def downgrade() -> None:
    op.drop_table("reconciliation_difference")
    op.drop_table("wechat_bill_line")
    op.drop_table("reconciliation")
    op.drop_index("ix_posting_wechat_payment", table_name="posting")
