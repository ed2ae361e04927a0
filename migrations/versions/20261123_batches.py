"""The life of paper: sealed codes, custody, events, tasks and imports; two people for a batch.

New tables and columns only, and checks that what is there already fulfils. Undo drops the tables, and
with them custody, events and codes that were not printed yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "batches"
down_revision = "20261123_exports"
branch_labels = None
depends_on = None

PRINTED = ("title", "terms", "support_phone", "colour")
STATES = ("draft", "approved", "generating", "generated", "printed", "closed")
SECOND_PERSON = (
    "status IN ('draft', 'cancelled') OR"
    " (approved_by_id IS NOT NULL AND approved_by_id IS DISTINCT FROM created_by_id)"
)
TABLES = ("voucher_import", "voucher_task", "voucher_event", "voucher_holding", "voucher_chunk")


def upgrade() -> None:
    _extend_batches()
    _create_chunks()
    _create_holdings()
    _create_events()
    _create_tasks()
    _create_imports()


def downgrade() -> None:
    # Policies of older tables look into a newer one; they are laid again with the code.
    for table in ("voucher", "voucher_batch"):
        for scope in ("store", "merchant"):
            op.execute(f"DROP POLICY IF EXISTS {scope}_rows ON {table}")
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("voucher", "replaced_by_id")
    for name in ("batch_second_person", "batch_generated_count"):
        op.drop_constraint(name, "voucher_batch")
    for name in ("is_imported", "generated_count", *PRINTED):
        op.drop_column("voucher_batch", name)
    op.drop_constraint("batch_status", "voucher_batch")
    op.execute("UPDATE voucher_batch SET status = 'draft' WHERE status = 'cancelled'")
    op.create_check_constraint("batch_status", "voucher_batch", _one_of("status", STATES))


def _extend_batches() -> None:
    for name in PRINTED:
        op.add_column(
            "voucher_batch", sa.Column(name, sa.Text(), server_default="", nullable=False)
        )
    op.add_column(
        "voucher_batch",
        sa.Column("is_imported", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column(
        "voucher_batch",
        sa.Column("generated_count", sa.Integer(), server_default="0", nullable=False),
    )
    op.execute(
        "UPDATE voucher_batch SET generated_count = quantity"
        " WHERE status IN ('generated', 'printed', 'closed')"
    )
    op.create_check_constraint("batch_second_person", "voucher_batch", SECOND_PERSON)
    op.create_check_constraint(
        "batch_generated_count", "voucher_batch", "generated_count BETWEEN 0 AND quantity"
    )
    op.drop_constraint("batch_status", "voucher_batch")
    op.create_check_constraint(
        "batch_status", "voucher_batch", _one_of("status", (*STATES, "cancelled"))
    )
    op.add_column("voucher", sa.Column("replaced_by_id", sa.BigInteger(), nullable=True))


def _create_chunks() -> None:
    op.create_table(
        "voucher_chunk",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_serial_no", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _created("created_at"),
        sa.CheckConstraint("quantity > 0", name="chunk_quantity"),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("batch_id", "chunk_no"),
    )


def _create_holdings() -> None:
    op.create_table(
        "voucher_holding",
        _id(),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("first_serial_no", sa.Text(), nullable=False),
        sa.Column("last_serial_no", sa.Text(), nullable=False),
        _created("since"),
        sa.Column(
            "quantity", sa.Integer(), sa.Computed("last_number - first_number + 1"), nullable=False
        ),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "1 <= first_number AND first_number <= last_number", name="holding_range"
        ),
        sa.CheckConstraint("last_number < 10000000", name="holding_running_digits"),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "ALTER TABLE voucher_holding ADD CONSTRAINT holding_once EXCLUDE USING gist (int8range("
        "batch_id * 10000000 + first_number, batch_id * 10000000 + last_number, '[]') WITH &&)"
    )
    op.create_index("ix_voucher_holding_batch", "voucher_holding", ["batch_id", "first_number"])
    op.create_index("ix_voucher_holding_store", "voucher_holding", ["store_id"])
    op.create_index(op.f("ix_voucher_holding_merchant_id"), "voucher_holding", ["merchant_id"])


def _create_events() -> None:
    kinds = (
        *("created", "approved", "cancelled", "generated", "printed", "closed", "imported"),
        *("handed_over", "returned", "activated", "sold", "frozen", "unfrozen", "voided"),
        "replaced",
    )
    ids = ("from_merchant_id", "from_store_id", "to_merchant_id", "to_store_id", "staff_id")
    op.create_table(
        "voucher_event",
        _id(),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", _states("voucher_event_kind", kinds), nullable=False),
        sa.Column("first_serial_no", sa.Text(), nullable=True),
        sa.Column("last_serial_no", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ids),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _created("occurred_at"),
        sa.CheckConstraint(
            "(first_serial_no IS NULL) = (last_serial_no IS NULL)", name="event_serials"
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_voucher_event_batch", "voucher_event", ["batch_id", "id"])
    op.create_index("ix_voucher_event_store", "voucher_event", ["to_store_id", "id"])
    op.create_index(op.f("ix_voucher_event_merchant_id"), "voucher_event", ["merchant_id"])


def _create_tasks() -> None:
    kinds = ("generate", "activate", "freeze", "unfreeze", "void")
    states = ("asked", "waiting", "running", "done", "refused", "failed")
    op.create_table(
        "voucher_task",
        _id(),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", _states("voucher_task_kind", kinds), nullable=False),
        sa.Column(
            "status",
            _states("voucher_task_status", states),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("first_serial_no", sa.Text(), nullable=True),
        sa.Column("last_serial_no", sa.Text(), nullable=True),
        sa.Column("holder_merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_store_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        _created("created_at"),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind NOT IN ('unfreeze') OR status IN ('asked', 'refused')"
            " OR (approved_by_id IS NOT NULL AND approved_by_id IS DISTINCT FROM asked_by_id)",
            name="task_second_person",
        ),
        sa.CheckConstraint(
            "batch_id IS NOT NULL OR holder_merchant_id IS NOT NULL", name="task_what"
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_voucher_task_batch", "voucher_task", ["batch_id", "id"])
    op.create_index(
        "uq_voucher_task_generate",
        "voucher_task",
        ["batch_id"],
        unique=True,
        postgresql_where="kind = 'generate' AND status IN ('waiting', 'running', 'done')",
    )
    op.create_index(
        "ix_voucher_task_open",
        "voucher_task",
        ["id"],
        postgresql_where="status IN ('waiting', 'running')",
    )
    op.create_index(op.f("ix_voucher_task_merchant_id"), "voucher_task", ["merchant_id"])


def _create_imports() -> None:
    op.create_table(
        "voucher_import",
        _id(),
        sa.Column("program_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            _states("voucher_import_status", ("checked", "imported", "discarded")),
            server_default="checked",
            nullable=False,
        ),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        _created("created_at"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status <> 'imported' OR"
            " (decided_by_id IS NOT NULL AND decided_by_id IS DISTINCT FROM made_by_id)",
            name="import_second_person",
        ),
        sa.CheckConstraint("(status = 'imported') = (batch_id IS NOT NULL)", name="import_batch"),
        sa.CheckConstraint("(status = 'checked') = (sealed IS NOT NULL)", name="import_sealed"),
        sa.ForeignKeyConstraint(["program_id"], ["card_program.id"]),
        sa.ForeignKeyConstraint(["batch_id"], ["voucher_batch.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_voucher_import_file",
        "voucher_import",
        ["file_digest"],
        unique=True,
        postgresql_where="status = 'imported'",
    )
    op.create_index(op.f("ix_voucher_import_merchant_id"), "voucher_import", ["merchant_id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _created(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _states(name: str, states: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*states, name=name, native_enum=False, create_constraint=True, length=24)


def _one_of(column: str, states: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(state) for state in states)})"
