"""The double-entry ledger. Only functions in ``migrations/code`` write these tables."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    unique_where_given,
)

ASSETS = (
    "bank:wechat",
    "bank:payout",
    "cash:store",
    "receivable:voucher-sales",
    "bonus-borne:merchant",
)
LIABILITIES = (
    "card",
    "held",
    "gift",
    "voucher",
    "payable:merchant",
    "pending:top-up",
    "refunds:wechat",
    "unapplied:wechat",
    "suspense:member",
)
RESULTS = (
    "income:commission",
    "income:breakage",
    "expense:bonus",
    "expense:promotion",
    "expense:adjustment",
    "expense:wechat-fee",
)
ACCOUNTS = ASSETS + LIABILITIES + RESULTS
ENTRY_KINDS = (
    "card_adjusted",
    "card_replaced",
    "card_returned",
    "gift_claimed",
    "gift_returned",
    "gift_revoked",
    "gift_sent",
    "lot_expired",
    "member_erased",
    "payment",
    "payment_captured",
    "payment_held",
    "payment_late",
    "payment_released",
    "reconciliation_correction",
    "redemption",
    "redemption_reversed",
    "refund_card",
    "refund_requested",
    "refund_succeeded",
    "statement_paid",
    "top_up_cash",
    "top_up_cash_reversed",
    "top_up_code",
    "top_up_code_reversed",
    "top_up_kept",
    "top_up_late",
    "top_up_wechat",
    "voucher_sale_late",
    "voucher_sales_netted",
    "voucher_sales_paid",
    "vouchers_activated",
    "vouchers_expired",
    "vouchers_imported",
    "vouchers_sold_at_till",
    "vouchers_voided",
    "wechat_fee",
    "wechat_transfer",
)


class JournalEntry(Base):
    """A journal entry (记账凭证). ``reference`` names the event, so that it is booked once."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        CheckConstraint(f"kind IN {ENTRY_KINDS}", name="entry_kind"),
        unique_where_given("journal_entry", "reverses_id"),
    )
    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("journal_entry.id"))
    occurred_at: Mapped[Timestamp]
    reason: Mapped[str | None] = mapped_column(Text)


class Posting(MerchantOwned, Base):
    """A posting (分录): debits are positive, an entry's postings sum to zero.

    The columns after ``merchant_id`` are the account's dimensions; which of them an account has is
    told in ``docs/architecture.md``. The trigger ``posting_checked`` refuses an ``account`` that is
    not one of ``ACCOUNTS``.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="posting_amount"),
        CheckConstraint(
            "account <> 'card' OR (card_id IS NOT NULL AND lot_id IS NOT NULL)",
            name="posting_card_has_lot",
        ),
        Index("ix_posting_account", "merchant_id", "account", "id"),
        Index("ix_posting_card", "card_id", "id", postgresql_where="card_id IS NOT NULL"),
        Index("ix_posting_payment", "payment_id", postgresql_where="account IN ('card', 'held')"),
        # WeChat's bank by payment, for reconciliation: what cards pay for is not in it.
        Index(
            "ix_posting_wechat_payment",
            "payment_id",
            postgresql_where="account = 'bank:wechat' AND payment_id IS NOT NULL",
        ),
        Index("ix_posting_top_up", "top_up_id", postgresql_where="top_up_id IS NOT NULL"),
        Index("ix_posting_gift", "gift_id", postgresql_where="gift_id IS NOT NULL"),
        Index("ix_posting_batch", "batch_id", "account", postgresql_where="batch_id IS NOT NULL"),
    )
    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = mapped_column(ForeignKey("journal_entry.id"), index=True)
    account: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[Fen]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    card_id: Mapped[Id | None]
    lot_id: Mapped[Id | None]
    payment_id: Mapped[Id | None]
    refund_id: Mapped[Id | None]
    top_up_id: Mapped[Id | None]
    gift_id: Mapped[Id | None]
    batch_id: Mapped[Id | None]
    occurred_at: Mapped[Timestamp]


class BalanceSnapshot(MerchantOwned, Base):
    """The sum of an account's postings up to one posting id, so that nobody sums from the start."""

    __tablename__ = "balance_snapshot"
    __table_args__ = (
        Index(
            "uq_balance_snapshot",
            "account",
            "merchant_id",
            "store_id",
            "up_to_posting_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[PrimaryKey]
    account: Mapped[str] = mapped_column(Text)
    merchant_id: Mapped[Id]
    store_id: Mapped[Id | None]
    up_to_posting_id: Mapped[Id]
    balance_fen: Mapped[Fen]
    taken_at: Mapped[CreatedAt]
