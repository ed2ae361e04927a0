"""Settlement: statements (结算单) with lines, sums and disputes; an accountant's account codes."""

from __future__ import annotations

import enum
from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, case
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.models.base import (
    Base,
    CreatedAt,
    Fen,
    Id,
    IndexedId,
    MerchantOwned,
    PrimaryKey,
    Timestamp,
    state_column,
)
from app.models.tenants import SettlementCycle


class StatementStatus(enum.Enum):
    collecting = "collecting"
    draft = "draft"
    disputed = "disputed"
    confirmed = "confirmed"
    approved = "approved"
    paid = "paid"
    carried = "carried"


class Statement(MerchantOwned, Base):
    """A statement (结算单): a merchant's period, every posting of it on one line.

    Amounts are the merchant's: positive is owed to it. ``earned_fen`` is what its payable account
    moved by, ``cash_fen`` (mostly negative) what its stores keep of the platform's cash, and
    ``due_fen`` all of it with the opening balance. Once it is a draft, the trigger
    ``statement_guarded`` keeps everything but the states and their people as it is.
    """

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("merchant_id", "period_last_on", name="uq_statement_period"),
        Index(
            "uq_statement_collecting",
            "merchant_id",
            unique=True,
            postgresql_where="status = 'collecting'",
        ),
        CheckConstraint("period_first_on <= period_last_on", name="statement_period"),
        CheckConstraint("due_fen = opening_fen + earned_fen + cash_fen", name="statement_due"),
        CheckConstraint(
            "approved_by_id <> confirmed_by_id AND approved_by_id <> created_by_id",
            name="statement_second_person",
        ),
        CheckConstraint("paid_by_id <> approved_by_id", name="statement_paid_by_another"),
        CheckConstraint(
            "(status = 'paid') = (paid_entry_id IS NOT NULL)"
            " AND (status <> 'paid' OR (due_fen > 0 AND bank_reference <> ''))",
            name="statement_paid",
        ),
        CheckConstraint("status <> 'carried' OR due_fen <= 0", name="statement_carried"),
        CheckConstraint(
            "(status NOT IN ('approved', 'paid') OR approved_by_id IS NOT NULL)"
            " AND (status NOT IN ('confirmed', 'approved', 'paid')"
            "      OR confirmed_by_id IS NOT NULL OR is_deemed)",
            name="statement_approved",
        ),
    )
    id: Mapped[PrimaryKey]
    statement_no: Mapped[str] = mapped_column(Text, unique=True)
    merchant_id: Mapped[int] = mapped_column(ForeignKey("merchant.id"), index=True)
    status: Mapped[StatementStatus] = state_column(
        StatementStatus, "statement_status", default=StatementStatus.collecting
    )
    cycle: Mapped[SettlementCycle] = state_column(SettlementCycle, "statement_cycle")
    period_first_on: Mapped[date]  # Local days, both included.
    period_last_on: Mapped[date]
    due_on: Mapped[date]  # The day on which it is to be paid: T+n.
    opening_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    earned_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    cash_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    due_fen: Mapped[Fen] = mapped_column(default=0, server_default="0")
    # What is due on a carried one is due on the next one, too: only this is added up over several.
    to_pay_fen: Mapped[int] = column_property(case((due_fen > 0, due_fen), else_=0))
    line_count: Mapped[int] = mapped_column(default=0, server_default="0")
    late_count: Mapped[int] = mapped_column(default=0, server_default="0")
    # How far the closing is: postings up to ``position`` are on lines, up to ``watermark`` they
    # will be. Nothing below ``from_posting_id`` was open before, and nothing below
    # ``next_posting_id`` is after it.
    from_posting_id: Mapped[Id]
    position: Mapped[Id]
    watermark: Mapped[Id]
    next_posting_id: Mapped[Id | None]
    carried_into_id: Mapped[int | None] = mapped_column(ForeignKey("statement.id"))
    created_by_id: Mapped[Id | None]  # Whoever closed it; nobody when the clock did.
    created_at: Mapped[CreatedAt]
    confirmed_by_id: Mapped[Id | None]
    confirmed_at: Mapped[Timestamp | None]
    # The merchant said nothing until it counted as confirmed: ``confirmed_by_id`` is nobody.
    is_deemed: Mapped[bool] = mapped_column(default=False, server_default="false")
    approved_by_id: Mapped[Id | None]
    approved_at: Mapped[Timestamp | None]
    paid_by_id: Mapped[Id | None]
    paid_at: Mapped[Timestamp | None]
    bank_reference: Mapped[str] = mapped_column(Text, default="", server_default="")
    paid_entry_id: Mapped[Id | None]


class LineKind(enum.Enum):
    payment = "payment"
    redemption = "redemption"
    refund = "refund"
    reversal = "reversal"
    borne = "borne"
    cash = "cash"
    interest = "interest"
    sales_netted = "sales_netted"
    other = "other"


class StatementLine(MerchantOwned, Base):
    """One posting on a statement. ``id`` is the posting's, so that none is on two statements.

    Amounts are signed for the merchant; the parts add up to ``amount_fen``. There is no foreign key
    to ``posting``: it is append only, and ``make verify`` (S1) compares the two.
    """

    __tablename__ = "statement_line"
    __table_args__ = (
        CheckConstraint(
            "amount_fen = own_card_fen + group_card_fen + wechat_fen + paper_fen + commission_fen"
            " + borne_fen + cash_fen + other_fen",
            name="statement_line_parts",
        ),
        Index("ix_statement_line_statement", "statement_id", "store_id", "id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    statement_id: Mapped[Id]
    merchant_id: Mapped[Id] = mapped_column()  # No index of its own.
    store_id: Mapped[Id | None]
    kind: Mapped[LineKind] = state_column(LineKind, "statement_line_kind")
    occurred_at: Mapped[Timestamp]
    document_no: Mapped[str] = mapped_column(Text)
    batch_id: Mapped[Id | None]
    own_card_fen: Mapped[Fen]
    group_card_fen: Mapped[Fen]
    wechat_fen: Mapped[Fen]
    paper_fen: Mapped[Fen]
    commission_fen: Mapped[Fen]
    borne_fen: Mapped[Fen]
    cash_fen: Mapped[Fen]
    other_fen: Mapped[Fen]
    amount_fen: Mapped[Fen]
    is_late: Mapped[bool]  # It happened in an earlier period.


class StatementPart(enum.Enum):
    """What a sum is made of."""

    card_own = "card_own"
    card_group = "card_group"
    wechat = "wechat"
    paper = "paper"
    commission = "commission"
    bonus = "bonus"
    promotion = "promotion"
    cash = "cash"
    other = "other"


class StatementSum(MerchantOwned, Base):
    """The parts of a statement's lines by store and kind, kept while they are collected.

    ``issuer_id`` is whose cards or paper it was: what issuers and acceptors clear.
    """

    __tablename__ = "statement_sum"
    __table_args__ = (
        Index(
            "uq_statement_sum",
            *("statement_id", "store_id", "kind", "part", "issuer_id", "batch_id"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[PrimaryKey]
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"))
    store_id: Mapped[Id | None]
    kind: Mapped[LineKind] = state_column(LineKind, "statement_sum_kind")
    part: Mapped[StatementPart] = state_column(StatementPart, "statement_sum_part")
    issuer_id: Mapped[Id | None]
    batch_id: Mapped[Id | None]
    line_count: Mapped[int]
    amount_fen: Mapped[Fen]


class StatementDispute(MerchantOwned, Base):
    """What a merchant says against a statement, or a line of it, and the platform's answer."""

    __tablename__ = "statement_dispute"
    __table_args__ = (
        CheckConstraint("note <> ''", name="statement_dispute_note"),
        CheckConstraint(
            "(answered_by_id IS NULL) = (answered_at IS NULL) AND (answered_by_id IS NULL) ="
            " (answer = '')",
            name="statement_dispute_answered",
        ),
    )
    id: Mapped[PrimaryKey]
    statement_id: Mapped[IndexedId]
    line_id: Mapped[Id | None]
    document_no: Mapped[str] = mapped_column(Text, default="", server_default="")
    note: Mapped[str] = mapped_column(Text)
    created_by_id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    answer: Mapped[str] = mapped_column(Text, default="", server_default="")
    answered_by_id: Mapped[Id | None]
    answered_at: Mapped[Timestamp | None]


class AccountCode(Base):
    """An accountant's own code and name for an account of the ledger (科目编码)."""

    __tablename__ = "account_code"
    account: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
