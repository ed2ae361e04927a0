"""Days with other hours, answers of the official account, and how far traffic has been summed.

New tables, and one column of page views: the transaction that wrote them. Views that are there
already get this migration's own, which is over when anybody sums them. Undo loses the special days
and the answers; sums are made anew from the views.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_content_two"
down_revision = "20261123_paying_app"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_special_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), sa.ForeignKey("store.id"), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("opens", sa.Time()),
        sa.Column("closes", sa.Time()),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("first_on <= last_on", name="special_day_order"),
        sa.CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="special_day_times"),
    )
    op.create_index("ix_store_special_day_store", "store_special_day", ["store_id", "last_on"])
    op.create_index("ix_store_special_day_merchant_id", "store_special_day", ["merchant_id"])
    op.create_table(
        "oa_reply",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True),
        sa.Column(
            "kind",
            sa.Enum(
                *("keyword", "welcome", "nothing"),
                name="oa_reply_kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("words", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("anywhere", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("(kind = 'keyword') = (cardinality(words) > 0)", name="oa_reply_words"),
    )
    op.create_index(
        "uq_oa_reply_kind",
        "oa_reply",
        ["kind"],
        unique=True,
        postgresql_where="kind <> 'keyword'",
    )
    op.create_table(
        "traffic_fold",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("snapshot", sa.Text(), nullable=False),
    )
    op.add_column(
        "page_view",
        sa.Column(
            "written_in",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS kaquan.is_store_open(bigint, jsonb, timestamptz)")
    op.execute("DROP FUNCTION IF EXISTS kaquan.traffic_days()")
    op.execute("DROP INDEX IF EXISTS code_page_view_visitor")
    op.execute("DROP INDEX IF EXISTS code_page_view_written")
    op.drop_column("page_view", "written_in")
    op.drop_table("traffic_fold")
    op.drop_table("oa_reply")
    op.drop_table("store_special_day")
