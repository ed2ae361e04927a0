"""Print files: one way out for a batch's codes, by two people, once.

A new table only; undo drops it. The sealed files under KAQUAN_HOME then have no key any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "print"
down_revision = "batches"
branch_labels = None
depends_on = None

FORMATS = ("pdf", "csv", "xlsx", "png")
LAYOUTS = ("a4", "card", "label_70x50", "label_60x40", "label_50x30")
STATES = (
    *("requested", "making", "sealed", "released", "taken", "shredded"),
    *("failed", "withdrawn"),
)


def upgrade() -> None:
    op.create_table(
        "print_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("format", _states("print_format", FORMATS), nullable=False),
        sa.Column("layout", _states("print_layout", LAYOUTS), nullable=False),
        sa.Column("panel", _states("print_panel", ("open", "scratch")), nullable=False),
        sa.Column(
            "status",
            _states("print_file_status", STATES),
            server_default="requested",
            nullable=False,
        ),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=False),
        sa.Column("released_by_id", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("rows_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("downloads", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("released_at", "delivered_at", "ended_at")
        ),
        sa.CheckConstraint(
            "status NOT IN ('released', 'taken', 'shredded') OR"
            " (released_by_id IS NOT NULL AND released_by_id IS DISTINCT FROM requested_by_id)",
            name="print_second_person",
        ),
        sa.CheckConstraint(
            "status NOT IN ('sealed', 'released', 'taken', 'shredded') OR"
            " (sha256 IS NOT NULL AND byte_count > 0 AND row_count > 0 AND row_count = rows_done)",
            name="print_counted",
        ),
        sa.CheckConstraint(
            "status NOT IN ('shredded', 'failed', 'withdrawn') OR sealed_key IS NULL",
            name="print_shredded",
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_print_file_once",
        "print_file",
        ["batch_id"],
        unique=True,
        postgresql_where="status NOT IN ('failed', 'withdrawn')",
    )
    op.create_index("ix_print_file_batch", "print_file", ["batch_id", "id"])
    op.create_index(op.f("ix_print_file_merchant_id"), "print_file", ["merchant_id"])


def downgrade() -> None:
    op.drop_table("print_file")


def _states(name: str, states: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=24)
