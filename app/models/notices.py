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


class NoticeChannel(enum.Enum):
    """By which of our apps a notice comes: the subscribe message that was agreed to, or the
    official account's template message to whoever follows it."""

    mini_program = "mini_program"
    official_account = "official_account"


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
    """One message to a member's WeChat, written once per event and sent by a job.

    A second one, by the official account, is written when the mini-program's cannot arrive.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id", "member_id", "channel"),
        Index("ix_notice_member", "member_id", "id"),
        Index(
            "ix_notice_message",
            "message_id",
            unique=True,
            postgresql_where="message_id IS NOT NULL",
        ),
    )
    id: Mapped[PrimaryKey]
    member_id: Mapped[Id]
    kind: Mapped[NoticeKind] = state_column(NoticeKind, "notice_kind")
    subject_id: Mapped[Id]
    channel: Mapped[NoticeChannel] = state_column(
        NoticeChannel, "notice_channel", default=NoticeChannel.mini_program
    )
    status: Mapped[NoticeStatus] = state_column(
        NoticeStatus, "notice_status", default=NoticeStatus.waiting
    )
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")  # WeChat's errcode.
    message_id: Mapped[str | None] = mapped_column(Text)  # WeChat's, to hear whether it arrived.
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[Timestamp | None]
