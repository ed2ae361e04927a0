"""The ledger by days for reports, saved reports with their deliveries, deemed confirmation.

Nothing that is there changes its meaning: a statement gains a mark that says that its merchant was
silent until it counted as confirmed. The ledger's days are filled by the job, or at once by
``bin/kaquan rollups rebuild``. Undo forgets saved reports and takes deemed statements back to draft
only where nobody has approved them; where somebody has, it is refused.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_reports_two"
down_revision = "20261123_content_two"
branch_labels = None
depends_on = None

_ROLES = (
    "cashier",
    "store_manager",
    "merchant_finance",
    "merchant_admin",
    "auditor",
    "content_editor",
    "platform_finance",
    "platform_admin",
)
_CONFIRMED = (
    "(status NOT IN ('approved', 'paid') OR approved_by_id IS NOT NULL)"
    " AND (status NOT IN ('confirmed', 'approved', 'paid') OR confirmed_by_id IS NOT NULL{deemed})"
)


def _state(name: str, *states: str) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=24)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), primary_key=True)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _instant(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    _create_days()
    _create_sums()
    _create_saved_reports()
    _create_deliveries()
    op.create_index(
        "ix_redemption_reversed",
        "redemption",
        ["reversed_at"],
        postgresql_where=sa.text("reversed_at IS NOT NULL"),
    )
    op.add_column(
        "statement",
        sa.Column("is_deemed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.drop_constraint("statement_approved", "statement", type_="check")
    op.create_check_constraint(
        "statement_approved", "statement", _CONFIRMED.format(deemed=" OR is_deemed")
    )


def _create_days() -> None:
    op.create_table(
        "ledger_day",
        _id(),
        sa.Column("day", sa.Date(), nullable=False),
        _number("merchant_id"),
        _text("account"),
        _number("program_id", nullable=True),
        _number("batch_id", nullable=True),
        sa.Column("lot_kind", sa.Text()),
        _text("event"),
        _number("postings"),
        _number("amount_fen"),
    )
    op.create_index(
        "uq_ledger_day",
        "ledger_day",
        ["account", "day", "merchant_id", "program_id", "batch_id", "lot_kind", "event"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_ledger_day_merchant", "ledger_day", ["merchant_id", "account", "day"])


def _sums() -> list[sa.Column[int]]:
    amounts = ("amount_fen", "card_fen", "wechat_fen", "bonus_fen", "commission_fen")
    return [_number(name) for name in ("events", *amounts)]


def _create_sums() -> None:
    op.create_table(
        "daily_rollup",
        _id(),
        _text("source"),
        sa.Column("day", sa.Date(), nullable=False),
        _number("merchant_id"),
        _number("store_id", nullable=True),
        _text("kind"),
        *_sums(),
    )
    op.create_index(
        "uq_daily_rollup",
        "daily_rollup",
        ["source", "day", "merchant_id", "store_id", "kind"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    for whose in ("merchant", "store"):
        op.create_index(
            f"ix_daily_rollup_{whose}", "daily_rollup", [f"{whose}_id", "source", "day"]
        )
    op.create_table(
        "hourly_total",
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        *_sums(),
    )
    # The job sums everything again, days and totals with it.
    op.execute("DELETE FROM rollup_mark")
    for table in ("hourly_rollup", "hour_range", "rollup_dirty"):
        op.execute(f"DELETE FROM {table}")


def _create_saved_reports() -> None:
    op.create_table(
        "saved_report",
        _id(),
        _number("merchant_id"),
        _number("store_id", nullable=True),
        _number("staff_id"),
        sa.Column("role", _state("saved_report_role", *_ROLES), nullable=False),
        _text("name"),
        _text("report"),
        sa.Column(
            "span",
            _state(
                "saved_report_span",
                *("fixed", "yesterday", "last_week", "this_month", "last_month", "last_quarter"),
            ),
            nullable=False,
        ),
        sa.Column("first_on", sa.Date()),
        sa.Column("last_on", sa.Date()),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column(
            "schedule",
            _state("saved_report_schedule", "none", "daily", "weekly", "monthly"),
            server_default="none",
            nullable=False,
        ),
        _text("format", "xlsx"),
        _text("email", ""),
        _instant("next_at", nullable=True),
        _instant("created_at", now=True),
        sa.UniqueConstraint("staff_id", "name", name="uq_saved_report_name"),
        sa.CheckConstraint("name <> ''", name="saved_report_name"),
        sa.CheckConstraint("format IN ('xlsx', 'csv')", name="saved_report_format"),
        sa.CheckConstraint(
            "(span = 'fixed') = (first_on IS NOT NULL AND last_on IS NOT NULL)",
            name="saved_report_days",
        ),
        sa.CheckConstraint("(schedule = 'none') = (next_at IS NULL)", name="saved_report_next"),
    )
    op.create_index(
        "ix_saved_report_next",
        "saved_report",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "report_delivery",
        _id(),
        _number("merchant_id"),
        _number("store_id", nullable=True),
        _number("staff_id"),
        _number("saved_report_id"),
        _number("export_file_id"),
        _text("name"),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        _text("email"),
        sa.Column(
            "status",
            _state("report_delivery_status", "waiting", "kept", "sent", "failed"),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _instant("next_try_at"),
        _text("problem", ""),
        _instant("created_at", now=True),
        _instant("ended_at", nullable=True),
        sa.UniqueConstraint("saved_report_id", "last_on", name="uq_report_delivery"),
    )
    op.create_index("ix_report_delivery_staff", "report_delivery", ["staff_id", "id"])
    op.create_index(
        "ix_report_delivery_open",
        "report_delivery",
        ["next_try_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )


def downgrade() -> None:
    op.execute(
        "UPDATE statement SET status = 'draft', is_deemed = false"
        " WHERE is_deemed AND status = 'confirmed'"
    )
    op.drop_constraint("statement_approved", "statement", type_="check")
    op.create_check_constraint("statement_approved", "statement", _CONFIRMED.format(deemed=""))
    op.drop_column("statement", "is_deemed")
    op.drop_index("ix_redemption_reversed", "redemption")
    for table in ("report_delivery", "saved_report", "ledger_day", "daily_rollup", "hourly_total"):
        op.drop_table(table)
    op.execute("DELETE FROM rollup_mark WHERE source = 'ledger' OR source LIKE '%\\_staff'")
    for table in ("hourly_rollup", "hour_range", "rollup_dirty"):
        op.execute(f"DELETE FROM {table} WHERE source LIKE '%\\_staff'")
