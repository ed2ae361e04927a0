"""A journal entry is of a kind that has a name, as its postings are of named accounts.

The constraint is not checked against the rows that are there already: nobody waits for that.
"""

from __future__ import annotations

from alembic import op

revision = "20261123_entry_kinds"
down_revision = "20261123_member_months"
branch_labels = None
depends_on = None

_KIND = """kind IN (
    'card_adjusted', 'card_replaced', 'card_returned', 'gift_claimed', 'gift_returned',
    'gift_revoked', 'gift_sent', 'lot_expired', 'member_erased', 'payment',
    'payment_captured', 'payment_held', 'payment_late', 'payment_released',
    'reconciliation_correction', 'redemption', 'redemption_reversed', 'refund_card',
    'refund_requested', 'refund_succeeded', 'statement_paid', 'top_up_cash',
    'top_up_cash_reversed', 'top_up_code', 'top_up_code_reversed', 'top_up_kept',
    'top_up_late', 'top_up_wechat', 'voucher_sale_late', 'voucher_sales_netted',
    'voucher_sales_paid', 'vouchers_activated', 'vouchers_expired', 'vouchers_imported',
    'vouchers_sold_at_till', 'vouchers_voided', 'wechat_fee', 'wechat_transfer'
)"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.execute(
        "ALTER TABLE journal_entry ADD CONSTRAINT ck_journal_entry_entry_kind"
        f" CHECK ({_KIND}) NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE journal_entry DROP CONSTRAINT ck_journal_entry_entry_kind")
