"""Adjustments and returns of cards by two people, business settings, failures of jobs.

Nothing that is there changes: three tables and a flag are new. Undo drops them and what was asked
for in them; what was booked stays in the ledger.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_members"
down_revision = "20261123_onboarding"
branch_labels = None
depends_on = None


def _state(name: str, *states: str) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=24)


def _now() -> sa.TextClause:
    return sa.text("now()")


def upgrade() -> None:
    op.add_column(
        "merchant",
        sa.Column("own_programs", sa.Boolean(), server_default="false", nullable=False),
    )
    # Whoever has issued cards already may go on.
    op.execute(
        "UPDATE merchant SET own_programs = true"
        " WHERE id <> 1 AND id IN (SELECT merchant_id FROM card_program)"
    )
    _create_adjustments()
    _create_returns()
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger()),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "job_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("job_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("task_name", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=_now(), nullable=False),
    )


def _create_adjustments() -> None:
    op.create_table(
        "card_adjustment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("adjustment_no", sa.Text(), nullable=False, unique=True),
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=False,
                  index=True),
        sa.Column("card_id", sa.BigInteger(), nullable=False, index=True),
        sa.Column("member_id", sa.BigInteger()),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", _state("card_adjustment_status", "requested", "booked", "refused"),
                  server_default="requested", nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_now(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision_note", sa.Text(), server_default="", nullable=False),
        sa.Column("entry_id", sa.BigInteger()),
        sa.CheckConstraint("amount_fen <> 0", name="card_adjustment_amount"),
        sa.CheckConstraint("reason <> ''", name="card_adjustment_reason"),
        sa.CheckConstraint("decided_by_id <> created_by_id", name="card_adjustment_two_people"),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_by_id IS NULL)"
            " AND (status = 'requested') = (decided_at IS NULL)",
            name="card_adjustment_decided",
        ),
        sa.CheckConstraint(
            "(status = 'booked') = (entry_id IS NOT NULL)", name="card_adjustment_booked"
        ),
    )  # fmt: skip


def _create_returns() -> None:
    ways = ("cash", "wechat", "bank")
    op.create_table(
        "card_return",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("return_no", sa.Text(), nullable=False, unique=True),
        sa.Column("merchant_id", sa.BigInteger(), sa.ForeignKey("merchant.id"), nullable=False,
                  index=True),
        sa.Column("card_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger()),
        sa.Column("store_id", sa.BigInteger(), sa.ForeignKey("store.id")),
        sa.Column("status", _state("card_return_status", "requested", "carried_out", "refused"),
                  server_default="requested", nullable=False),
        sa.Column("return_reason", _state("card_return_reason", "holder", "merchant"),
                  nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("way", _state("card_return_way", *ways), nullable=False),
        sa.Column("rest_way", _state("card_return_rest_way", *ways)),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("interest_fen", sa.BigInteger(), nullable=False),
        sa.Column("forfeited_fen", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("two_people", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_now(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision_note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("refund_fen >= 0 AND interest_fen >= 0 AND forfeited_fen >= 0",
                           name="card_return_amounts"),
        sa.CheckConstraint("note <> ''", name="card_return_note"),
        sa.CheckConstraint("NOT two_people OR decided_by_id <> created_by_id",
                           name="card_return_two_people"),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_by_id IS NULL)"
            " AND (status = 'requested') = (decided_at IS NULL)",
            name="card_return_decided",
        ),
    )  # fmt: skip
    op.create_index(
        "uq_card_return_card",
        "card_return",
        ["card_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'refused'"),
    )


def downgrade() -> None:
    for table in ("job_failure", "setting", "card_return", "card_adjustment"):
        op.execute(f"DROP TABLE {table}")
    op.drop_column("merchant", "own_programs")
