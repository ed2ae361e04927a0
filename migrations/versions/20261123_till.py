"""The till: feeds, shifts with their cash, terminals, sales of paper, approvals, staff's WeChat.

Undo drops what these have recorded, and nothing of the ledger's. Sessions at terminals go on as
ordinary ones. Going back by this one step needs the code of that time, which lays its functions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_till"
down_revision = "print"
branch_labels = None
depends_on = None


ORIGINS = ("payment", "late_payment", "top_up", "card_return")
ONE_OF_TWO = "(payment_id IS NULL) <> (top_up_id IS NULL)"
ONE_OF_THREE = "num_nonnulls(payment_id, top_up_id, voucher_sale_id) = 1"


def _origins(names: tuple[str, ...]) -> str:
    return f"origin IN ({', '.join(repr(name) for name in names)})"


def _check_refund(of_one: str, origins: tuple[str, ...]) -> None:
    for name, condition in (("refund_of_one", of_one), ("refund_origin", _origins(origins))):
        op.drop_constraint(name, "refund", type_="check")
        op.create_check_constraint(name, "refund", condition)


def upgrade() -> None:
    # What a token stands for has a new column, which a function cannot be given in place.
    op.execute("DROP FUNCTION IF EXISTS kaquan.authenticate(bytea)")
    op.execute("DROP FUNCTION IF EXISTS kaquan.find_caller(bytea)")
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "action",
            sa.Enum(
                "reverse_redemption",
                "reverse_top_up",
                name="approval_action",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "asked",
                "approved",
                "withdrawn",
                name="approval_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            server_default="asked",
            nullable=False,
        ),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=False),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'approved') = (approved_by_id IS NOT NULL)", name="approval_approved"
        ),
        sa.CheckConstraint("approved_by_id <> asked_by_id", name="approval_two_people"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_approval_store", "approval", ["store_id", "id"], unique=False)
    op.create_table(
        "feed_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_feed_event_age", "feed_event", ["published_at"], unique=False, postgresql_using="brin"
    )
    op.create_index("ix_feed_event_store", "feed_event", ["store_id", "id"], unique=False)
    op.create_table(
        "one_time_secret",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "stream",
                "enrolment",
                "wechat_binding",
                "wechat_sign_in",
                name="one_time_secret_purpose",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_one_time_secret_age", "one_time_secret", ["expires_at"], unique=False)
    op.create_table(
        "pin_failure",
        sa.Column("staff_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column(
            "last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("staff_id", "terminal_id"),
    )
    op.create_table(
        "voucher_sale",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sale_no", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=True),
        sa.Column("shift_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "tender",
            sa.Enum(
                "cash",
                "wechat",
                name="voucher_sale_tender",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "closing",
                "closed",
                "sold",
                "refunded",
                name="voucher_sale_status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("code_url", sa.Text(), nullable=True),
        sa.Column("wechat_transaction_id", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status NOT IN ('sold', 'refunded') OR sold_at IS NOT NULL", name="voucher_sale_sold_at"
        ),
        sa.CheckConstraint("amount_fen > 0 AND quantity > 0", name="voucher_sale_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sale_no"),
        sa.UniqueConstraint("wechat_transaction_id"),
    )
    op.create_index(
        "ix_voucher_sale_open",
        "voucher_sale",
        ["created_at"],
        unique=False,
        postgresql_where="status IN ('pending', 'closing')",
    )
    op.create_index("ix_voucher_sale_store", "voucher_sale", ["store_id", "id"], unique=False)
    op.create_table(
        "voucher_sale_item",
        sa.Column("sale_id", sa.BigInteger(), nullable=False),
        sa.Column("voucher_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("serial_no", sa.Text(), nullable=False),
        sa.Column("held", sa.Boolean(), server_default="true", nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"],
            ["voucher_sale.id"],
        ),
        sa.PrimaryKeyConstraint("sale_id", "voucher_id"),
    )
    op.create_index(
        "uq_voucher_sale_item_held",
        "voucher_sale_item",
        ["voucher_id"],
        unique=True,
        postgresql_where="held",
    )
    op.create_table(
        "shift_entry",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shift_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shift_id"],
            ["shift.id"],
        ),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("ix_shift_entry_shift", "shift_entry", ["shift_id"], unique=False)
    op.create_table(
        "staff_wechat",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("appid", sa.Text(), nullable=False),
        sa.Column("openid", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "bound_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
        ),
        sa.PrimaryKeyConstraint("staff_id"),
        sa.UniqueConstraint("appid", "openid"),
    )
    op.add_column("access_token", sa.Column("terminal_id", sa.BigInteger(), nullable=True))
    op.add_column("payment", sa.Column("terminal_id", sa.BigInteger(), nullable=True))
    op.add_column("redemption", sa.Column("terminal_id", sa.BigInteger(), nullable=True))
    op.add_column("refund", sa.Column("voucher_sale_id", sa.BigInteger(), nullable=True))
    op.add_column("refund", sa.Column("terminal_id", sa.BigInteger(), nullable=True))
    op.add_column("shift", sa.Column("drawer", sa.Text(), nullable=True))
    op.execute("UPDATE shift SET drawer = 'store:' || store_id || ':person:' || staff_id")
    op.alter_column("shift", "drawer", nullable=False)
    op.add_column("shift", sa.Column("follows_id", sa.BigInteger(), nullable=True))
    op.add_column("shift", sa.Column("closed_by_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_shift_open_drawer", "shift", ["drawer"], unique=True, postgresql_where="status = 'open'"
    )
    op.add_column("staff", sa.Column("pin_hash", sa.Text(), nullable=True))
    op.add_column(
        "store", sa.Column("shift_required", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(
        "store",
        sa.Column("terminal_required", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("terminal", sa.Column("token_digest", sa.LargeBinary(), nullable=True))
    op.add_column("terminal", sa.Column("enrolled_by_id", sa.BigInteger(), nullable=True))
    op.create_unique_constraint("terminal_token_digest_key", "terminal", ["token_digest"])
    op.add_column("top_up", sa.Column("terminal_id", sa.BigInteger(), nullable=True))
    _check_refund(ONE_OF_THREE, (*ORIGINS, "voucher_sale"))


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS kaquan.authenticate(bytea)")
    op.execute("DROP FUNCTION IF EXISTS kaquan.find_caller(bytea)")
    op.execute("DELETE FROM refund WHERE voucher_sale_id IS NOT NULL")
    _check_refund(ONE_OF_TWO, ORIGINS)
    op.drop_column("top_up", "terminal_id")
    op.drop_constraint("terminal_token_digest_key", "terminal", type_="unique")
    op.drop_column("terminal", "enrolled_by_id")
    op.drop_column("terminal", "token_digest")
    op.drop_column("store", "terminal_required")
    op.drop_column("store", "shift_required")
    op.drop_column("staff", "pin_hash")
    op.drop_index("uq_shift_open_drawer", table_name="shift", postgresql_where="status = 'open'")
    op.drop_column("shift", "closed_by_id")
    op.drop_column("shift", "follows_id")
    op.drop_column("shift", "drawer")
    op.drop_column("refund", "terminal_id")
    op.drop_column("refund", "voucher_sale_id")
    op.drop_column("redemption", "terminal_id")
    op.drop_column("payment", "terminal_id")
    op.drop_column("access_token", "terminal_id")
    op.drop_table("staff_wechat")
    op.drop_index("ix_shift_entry_shift", table_name="shift_entry")
    op.drop_table("shift_entry")
    op.drop_index(
        "uq_voucher_sale_item_held", table_name="voucher_sale_item", postgresql_where="held"
    )
    op.drop_table("voucher_sale_item")
    op.drop_index("ix_voucher_sale_store", table_name="voucher_sale")
    op.drop_index(
        "ix_voucher_sale_open",
        table_name="voucher_sale",
        postgresql_where="status IN ('pending', 'closing')",
    )
    op.drop_table("voucher_sale")
    op.drop_table("pin_failure")
    op.drop_index("ix_one_time_secret_age", table_name="one_time_secret")
    op.drop_table("one_time_secret")
    op.drop_index("ix_feed_event_store", table_name="feed_event")
    op.drop_index("ix_feed_event_age", table_name="feed_event", postgresql_using="brin")
    op.drop_table("feed_event")
    op.drop_index("ix_approval_store", table_name="approval")
    op.drop_table("approval")
