"""Find the payments, top-ups, refunds and redemptions of some days without reading all there are.

BRIN: an index of some pages however many rows, which a payment hardly notices; rows come in the order of
time, which is what it wants. No value is touched, and undoing it loses nothing.
"""

from alembic import op

revision = "20261123_figures"
down_revision = "20261123_onboarding"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_payment_paid_at", "payment", "paid_at"),
    ("ix_top_up_credited_at", "top_up", "credited_at"),
    ("ix_refund_created_at", "refund", "created_at"),
    ("ix_redemption_redeemed_at", "redemption", "redeemed_at"),
)


def upgrade() -> None:
    for name, table, column in INDEXES:
        op.create_index(name, table, [column], postgresql_using="brin")


def downgrade() -> None:
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
