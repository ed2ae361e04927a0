"""What members agreed to hear of in WeChat, and what they were told."""

from __future__ import annotations

import enum

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Id, PrimaryKey, Timestamp, state_column


class NoticeKind(enum.Enum):
    """What a notice (通知) is about: the payment, top-up, gift, refund or lot of its subject."""

    paid = "paid"
    topped_up = "topped_up"
    gift_claimed = "gift_claimed"
    gift_returned = "gift_returned"
    refunded = "refunded"
    expiring = "expiring"


class NoticeStatus(enum.Enum):
    waiting = "waiting"
    sent = "sent"
    refused = "refused"


class NoticeConsent(Base):
    """How many notices of a kind a member has agreed to get: each agreement is good for one."""

    __tablename__ = "notice_consent"
    __table_args__ = (CheckConstraint("remaining >= 0", name="notice_consent_remaining"),)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    kind: Mapped[NoticeKind] = mapped_column(
        Enum(NoticeKind, native_enum=False, length=24, create_constraint=True, name="notice_kind"),
        primary_key=True,
    )
    remaining: Mapped[int]
    agreed_at: Mapped[CreatedAt]


class Notice(Base):
    """One message to a member's WeChat, written once per event and sent by a job."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "member_id"),
        Index("ix_notice_member", "member_id", "id"),
    )
    id: Mapped[PrimaryKey]
    member_id: Mapped[Id]
    kind: Mapped[NoticeKind] = state_column(NoticeKind, "notice_kind")
    subject_id: Mapped[Id]
    status: Mapped[NoticeStatus] = state_column(
        NoticeStatus, "notice_status", default=NoticeStatus.waiting
    )
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")  # WeChat's errcode.
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[Timestamp | None]
