"""Merchants that may request voucher batches, and expiry as an event of vouchers' stories.

Nobody may request batches before the operator allows it. Undo forgets who was allowed, and the
events of expiry (the vouchers stay expired, and the books as they are).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_batch_requests"
down_revision = "20261123_reports_two"
branch_labels = None
depends_on = None

KINDS = (
    *("created", "approved", "cancelled", "generated", "printed", "closed", "imported"),
    *("handed_over", "returned", "activated", "sold", "frozen", "unfrozen", "voided", "replaced"),
)


def _one_of(kinds: tuple[str, ...]) -> str:
    return f"kind IN ({', '.join(repr(kind) for kind in kinds)})"


def _allow(kinds: tuple[str, ...]) -> None:
    op.drop_constraint("voucher_event_kind", "voucher_event")
    op.create_check_constraint("voucher_event_kind", "voucher_event", _one_of(kinds))


def upgrade() -> None:
    op.add_column(
        "merchant",
        sa.Column("own_batches", sa.Boolean(), server_default="false", nullable=False),
    )
    _allow((*KINDS, "expired"))


def downgrade() -> None:
    # The migrations' owner is held to the wall like anybody else, and so are events append only.
    for ease in ("NO FORCE ROW LEVEL SECURITY", "DISABLE TRIGGER USER"):
        op.execute(f"ALTER TABLE voucher_event {ease}")
    op.execute("DELETE FROM voucher_event WHERE kind = 'expired'")
    for ease in ("ENABLE TRIGGER USER", "FORCE ROW LEVEL SECURITY"):
        op.execute(f"ALTER TABLE voucher_event {ease}")
    _allow(KINDS)
    op.drop_column("merchant", "own_batches")
